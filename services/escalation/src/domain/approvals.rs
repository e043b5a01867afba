//! Approvals: a snapshot of a plan goes through a chain of roles, step by step (domain rule 12, S0-49).

use std::sync::Arc;

use prost::Message;
use proto::claim::Plan;
use sha2::{Digest, Sha256};

use super::{
    About, Approval, ApprovalState, ClockKey, ClockKind, Draft, Event, Item, Refusal, Ruling, Severity, Snapshot,
    WorkKind, clocks, retarget, tasks,
};

/// SHA-256 of the bytes of a plan.
pub fn digest(plan: &Plan) -> [u8; 32] {
    Sha256::digest(plan.encode_to_vec()).into()
}

/// Asks those who may approve. The same request again has the same answer again.
pub(super) fn request(draft: &mut Draft, plan: &Arc<Plan>, judged: Option<Severity>) -> Result<(), Refusal> {
    if let Some(severity) = judged {
        let round = draft.claim.head.round;
        retarget::round(draft, round, severity);
    }
    let severity = judged.unwrap_or(Severity::General);
    let number = plan.number;
    let sha256 = digest(plan);
    if let Some(known) = draft.claim.approvals.get(&number) {
        if known.plan.as_ref().is_some_and(|snapshot| snapshot.sha256 != sha256) {
            return Err(Refusal::SnapshotChanged(number));
        }
        let by = known.decided_by.clone();
        match known.state {
            ApprovalState::Granted => draft.add(Event::ApprovalGranted(number, by)),
            ApprovalState::Denied => draft.add(Event::ApprovalDenied(number, by)),
            ApprovalState::Open | ApprovalState::Cancelled => {}
        }
        return Ok(());
    }
    let newest = draft.claim.approvals.keys().next_back().copied().unwrap_or(0);
    if newest > number {
        draft.add(Event::ApprovalCancelled(number));
        return Ok(());
    }
    let older: Vec<u32> = draft.claim.approvals.keys().copied().collect();
    for plan in older {
        cancel(draft, plan);
    }
    let chain = draft.rules.chain(plan, severity);
    let asked = !chain.is_empty();
    draft.add(Event::ApprovalRequested(Approval {
        plan_number: number,
        state: ApprovalState::Open,
        plan: Some(Snapshot { plan: Arc::clone(plan), sha256 }),
        chain,
        decided_by: String::new(),
    }));
    if asked {
        clocks::start_one(draft, clock(number), severity, draft.now);
        ask(draft, number, 1);
    } else {
        draft.add(Event::ApprovalGranted(number, "policy".to_owned()));
    }
    Ok(())
}

/// Takes a request back, perhaps before it came. What was decided stays decided.
pub(super) fn cancel(draft: &mut Draft, plan: u32) {
    match draft.claim.approvals.get(&plan).map(|approval| approval.state) {
        None => draft.add(Event::ApprovalCancelled(plan)),
        Some(ApprovalState::Open) => {
            let is_step = |item: &&Item| matches!(item.about, About::Step { plan: of, .. } if of == plan);
            let open = draft.claim.items.values().filter(is_step).find(|item| item.work.is_open());
            if let Some(id) = open.map(|item| item.work.id) {
                draft.add(Event::ItemClosed(id, draft.now));
            }
            draft.add(Event::ApprovalCancelled(plan));
            clocks::stop_one(draft, clock(plan), draft.now);
        }
        Some(ApprovalState::Granted | ApprovalState::Denied | ApprovalState::Cancelled) => {}
    }
}

/// Whether it is a step of an approval of what this person has proposed.
pub(super) fn is_own(draft: &Draft, item: &Item) -> bool {
    draft.claim.plan_of(item).is_some_and(|plan| plan.proposed_by == draft.meta.actor.subject)
}

/// Whether this person may decide on a step: not on their own proposal, and on one step only.
pub(super) fn may_decide(draft: &Draft, item: &Item, plan: u32) -> Result<(), Refusal> {
    let person = &draft.meta.actor.subject;
    if is_own(draft, item) {
        return Err(Refusal::OwnProposal);
    }
    if draft.claim.deciders(plan).any(|by| by == person) { Err(Refusal::AlreadyApproved) } else { Ok(()) }
}

/// Goes on after a step was decided.
pub(super) fn decided(draft: &mut Draft, plan: u32, step: u32, steps: u32, ruling: Ruling) {
    let by = draft.meta.actor.subject.clone();
    match ruling {
        Ruling::Approve if step < steps => return ask(draft, plan, step + 1),
        Ruling::Approve => draft.add(Event::ApprovalGranted(plan, by)),
        Ruling::Deny | Ruling::Retry => draft.add(Event::ApprovalDenied(plan, by)),
    }
    clocks::stop_one(draft, clock(plan), draft.now);
}

/// Opens the work item of a step.
fn ask(draft: &mut Draft, plan: u32, step: u32) {
    let Some(approval) = draft.claim.approvals.get(&plan) else { return };
    let steps = u32::try_from(approval.chain.len()).unwrap_or(u32::MAX);
    let at = usize::try_from(step - 1).unwrap_or(usize::MAX);
    let Some(role) = approval.chain.get(at).copied() else { return };
    tasks::open_item(draft, WorkKind::Approval, About::Step { plan, step, steps }, "APPROVAL_NEEDED", role);
}

/// The clock of an approval is named by the plan.
fn clock(plan: u32) -> ClockKey {
    ClockKey { kind: ClockKind::Approval, round: plan }
}
