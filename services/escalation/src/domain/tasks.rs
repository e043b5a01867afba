//! Work items: opened, taken back, decided.

use chassis::work;
use uuid::Uuid;

use super::{
    About, Draft, Event, Involved, Item, ItemState, Leg, Refusal, Role, Ruling, Task, WorkKind, approvals, clocks,
};

/// A piece of work with this number is not tried again: what is tried without end is given up (P56).
const ATTEMPTS_MAX: u32 = 200;

/// Puts something on the work list of a role.
pub(super) fn open_item(draft: &mut Draft, kind: WorkKind, about: About, reason: &str, role: Role) {
    let (role, due_at) = (draft.rules.present(role), draft.rules.due(kind, draft.now));
    let work = work::Item::open(draft.meta.new_id(), role, reason, draft.now, due_at);
    draft.add(Event::ItemOpened(Item { work, kind, about, overdue: false, ruling: None }));
}

/// Who has a hand in the claim is only ever more.
pub(super) fn involved(draft: &mut Draft, told: &Involved) {
    let known = &draft.claim.head.involved;
    let customer_ref = if told.customer_ref.is_empty() { &known.customer_ref } else { &told.customer_ref };
    let all = Involved {
        subjects: known.subjects.union(&told.subjects).cloned().collect(),
        customer_ref: customer_ref.clone(),
        failed_by: known.failed_by.union(&told.failed_by).cloned().collect(),
    };
    if all != *known {
        draft.add(Event::InvolvedKnown(all));
    }
}

/// Puts a task on a list, once. What was decided or taken back is told again.
pub(super) fn open(draft: &mut Draft, task: Task, kind: WorkKind, reason: &str, role: Role) {
    let known = draft.claim.items.values().find(|item| item.about == About::Task(task) && item.kind == kind);
    match known.map(|item| (item.work.id, item.work.state)) {
        Some((id, ItemState::Decided)) => draft.add(Event::TaskDecided(id)),
        Some((_, ItemState::Open)) => {}
        Some((_, ItemState::Closed)) => draft.add(Event::TaskClosed(task)),
        None if draft.claim.withdrawn.contains(&task) => draft.add(Event::TaskClosed(task)),
        None => open_item(draft, kind, About::Task(task), reason, role),
    }
}

/// Takes a task off its list, perhaps before it came. What was decided stays decided, and is told again.
pub(super) fn close(draft: &mut Draft, task: Task) {
    let items: Vec<(Uuid, ItemState)> = draft
        .claim
        .items
        .values()
        .filter(|item| item.about == About::Task(task))
        .map(|item| (item.work.id, item.work.state))
        .collect();
    if !draft.claim.withdrawn.contains(&task) {
        draft.add(Event::TaskWithdrawn(task));
    }
    for (id, _) in items.iter().filter(|(_, state)| *state == ItemState::Open) {
        draft.add(Event::ItemClosed(*id, draft.now));
    }
    match items.iter().find(|(_, state)| *state == ItemState::Decided) {
        Some((id, _)) => draft.add(Event::TaskDecided(*id)),
        None => draft.add(Event::TaskClosed(task)),
    }
}

/// Nobody has decided in time: another role is told, and may decide, too. Who must answer a breach is told by the ladder.
pub(super) fn overdue(draft: &mut Draft, id: Uuid) {
    let waits = |item: &&Item| !item.overdue && item.kind != WorkKind::Escalation;
    let Some(item) = draft.claim.items.get(&id).filter(waits) else { return };
    let Some(role) = draft.rules.work.raise(&item.work) else { return };
    // Nobody but management has the authority of those who approve.
    let role = if item.kind == WorkKind::Approval { Role::Management } else { role };
    draft.add(Event::ItemOverdue(id, role, draft.now));
}

/// A work item changes hands. What it is about goes on as it was.
pub(super) fn hand_over(draft: &mut Draft, asked: &work::Asked) -> Result<(), Refusal> {
    let item = known(draft, asked.item)?;
    if let Some(change) = draft.rules.work.change(&item.work, draft.meta, asked)? {
        draft.add(Event::ItemMoved(change));
    }
    Ok(())
}

fn known<'a>(draft: &'a Draft, id: Uuid) -> Result<&'a Item, Refusal> {
    draft.claim.items.get(&id).ok_or(Refusal::Work(work::Refusal::Unknown(id)))
}

/// A person decides.
pub(super) fn decide(draft: &mut Draft, id: Uuid, etag: &str, ruling: Ruling, note: &str) -> Result<(), Refusal> {
    let item = known(draft, id)?.clone();
    may_decide(draft, &item, etag, ruling)?;
    let ended = work::Ended { by: draft.meta.actor.subject.clone(), note: note.to_owned(), at: draft.now };
    draft.add(Event::ItemDecided(id, ruling, ended));
    match item.about {
        About::Task(_) => draft.add(Event::TaskDecided(id)),
        About::Step { plan, step, steps } => approvals::decided(draft, plan, step, steps, ruling),
        // Acknowledged: whoever answered takes it from here (S2-23).
        About::Clock(key) => clocks::end_ladder(draft, key),
    }
    Ok(())
}

fn may_decide(draft: &Draft, item: &Item, etag: &str, ruling: Ruling) -> Result<(), Refusal> {
    draft.rules.work.is_current(&item.work, etag)?;
    if !super::fits(ruling, item.kind) {
        return Err(Refusal::RulingUnfit);
    }
    // Whoever has proposed a plan takes the proposal back, whomever it waits for.
    if ruling == Ruling::Deny && approvals::is_own(draft, item) {
        return Ok(());
    }
    draft.rules.work.may_decide(&item.work, &draft.meta.actor)?;
    has_no_hand_in_it(draft, item, ruling)?;
    match item.about {
        About::Step { plan, .. } => approvals::may_decide(draft, item, plan),
        About::Task(task) if ruling == Ruling::Retry && task.attempt >= ATTEMPTS_MAX => Err(Refusal::TriedTooOften),
        About::Task(_) | About::Clock(_) => Ok(()),
    }
}

/// Where money or goods move, another person looks at it.
fn has_no_hand_in_it(draft: &Draft, item: &Item, ruling: Ruling) -> Result<(), Refusal> {
    let (who, eyes, involved) = (&draft.meta.actor, &draft.rules.four_eyes, &draft.claim.head.involved);
    let gives = match item.kind {
        WorkKind::Approval | WorkKind::LegFailed | WorkKind::CompensationFailed | WorkKind::ReturnMismatch => {
            ruling != Ruling::Deny
        }
        WorkKind::Support | WorkKind::Escalation => false,
    };
    let is_customer = who.is_customer(&involved.customer_ref);
    if gives && eyes.reporter && (is_customer || involved.subjects.contains(&who.subject)) {
        return Err(Refusal::OwnClaim);
    }
    let is_payment = matches!(item.about, About::Task(Task { leg: Leg::Settlement, .. }));
    if gives && is_payment && eyes.retry && involved.failed_by.contains(&who.subject) {
        return Err(Refusal::OwnProposal);
    }
    Ok(())
}
