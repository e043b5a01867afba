//! Approvals: every chain in its order, nobody on their own proposal, one person one step.

use proptest::prelude::*;
use proto::claim::{LinePlan, Money, Resolution};
use proto::policy::escalation::{Authority, Band};
use proto::policy::triage::Word;

use super::*;

fn plan(number: u32, cost: i64, proposed_by: &str) -> Arc<Plan> {
    let line = LinePlan { line: 1, resolution: Resolution::Replace as i32, ..LinePlan::default() };
    Arc::new(Plan {
        number,
        lines: vec![line],
        cost: Some(Money { minor_units: cost, currency: "GBP".to_owned() }),
        proposed_by: proposed_by.to_owned(),
        ..Plan::default()
    })
}

fn request(plan: &Arc<Plan>) -> Command {
    Command::RequestApproval {
        plan: Arc::clone(plan),
        severity: Some(Severity::General),
        involved: Involved::default(),
    }
}

/// A case in which everything needs this chain.
fn chain_of(chain: &[Role]) -> Case {
    let mut pack = Pack::load(None).unwrap();
    let resolutions = (1..).map_while(|number| Resolution::try_from(number).ok()).map(Word).collect();
    let severities = Severity::ALL.iter().map(|severity| Word((*severity).into())).collect();
    let roles = chain.iter().map(|role| Word((*role).into())).collect();
    pack.escalation.authority = vec![Authority { resolutions, severities, bands: vec![Band { up_to: None, roles }] }];
    Case::with(&pack)
}

fn granted(events: &[Event]) -> Option<&str> {
    events.iter().find_map(|event| if let Event::ApprovalGranted(_, by) = event { Some(by.as_str()) } else { None })
}

#[test]
fn what_needs_nobody_is_granted_by_the_policy_at_once_and_again() {
    let mut case = Case::new();
    let plan = plan(1, 5_000, "rules");
    assert_eq!(granted(&case.tell(&request(&plan))), Some("policy"));
    assert_eq!(granted(&case.tell(&request(&plan))), Some("policy"));
    assert!(case.claim.clocks.is_empty() && case.claim.items.is_empty());
}

#[test]
fn every_chain_is_walked_in_its_order() {
    for first in Role::ALL {
        for second in Role::ALL {
            for third in Role::ALL {
                let chain = [*first, *second, *third];
                let distinct: BTreeSet<_> = chain.iter().collect();
                if distinct.len() == chain.len() {
                    walk_chain(&chain);
                }
            }
        }
    }
}

fn walk_chain(chain: &[Role]) {
    let mut case = chain_of(chain);
    let plan = plan(1, 1, "rules");
    assert!(granted(&case.tell(&request(&plan))).is_none());
    assert_eq!(case.clock(ClockKind::Approval, 1).state, ClockState::Running);
    for (at, role) in chain.iter().enumerate() {
        let item = case.open_items()[0].clone();
        assert_eq!((item.work.role, case.open_items().len()), (*role, 1));
        let others = Role::ALL.iter().copied().filter(|other| ![*role, Role::Management].contains(other));
        // The pack lets a supervisor stand in for a specialist.
        let stands_in = |other: &Role| (*role, *other) == (Role::Specialist, Role::Supervisor);
        let others: Vec<Role> = others.filter(|other| !stands_in(other)).collect();
        let person = format!("person {at}");
        assert_eq!(
            case.decide(&person, &others, item.work.id, Ruling::Approve),
            Err(work::Refusal::WrongRole(*role).into())
        );
        let events = case.decide(&person, &[*role], item.work.id, Ruling::Approve).unwrap();
        let last = at + 1 == chain.len();
        assert_eq!(granted(&events), last.then_some(person.as_str()));
    }
    assert_eq!(case.clock(ClockKind::Approval, 1).state, ClockState::Stopped);
    assert_eq!(granted(&case.tell(&request(&plan))), Some("person 2"), "the same answer again");
}

#[test]
fn nobody_decides_on_their_own_proposal_and_one_person_takes_one_step() {
    let mut case = chain_of(&[Role::Supervisor, Role::Finance]);
    let plan = plan(1, 1, "anna");
    case.tell(&request(&plan));
    let first = case.open_items()[0].work.id;
    assert_eq!(case.decide("anna", Role::ALL, first, Ruling::Approve), Err(Refusal::OwnProposal));
    case.decide("boris", Role::ALL, first, Ruling::Approve).unwrap();
    let second = case.open_items()[0].work.id;
    assert_eq!(case.decide("boris", Role::ALL, second, Ruling::Approve), Err(Refusal::AlreadyApproved));
    let events = case.decide("carla", Role::ALL, second, Ruling::Deny).unwrap();
    assert!(events.contains(&Event::ApprovalDenied(1, "carla".to_owned())));
    assert_eq!(case.tell(&request(&plan)), [Event::ApprovalDenied(1, "carla".to_owned())]);
}

#[test]
fn case_nobody_else_may_approve() {
    let mut case = chain_of(&[Role::Supervisor, Role::Finance]);
    case.tell(&request(&plan(1, 150_000, "sue")));
    let first = case.open_items()[0].work.id;
    case.decide("max", &[Role::Management], first, Ruling::Approve).unwrap();
    let second = case.open_items()[0].work.id;
    assert_eq!(case.decide("max", &[Role::Management], second, Ruling::Approve), Err(Refusal::AlreadyApproved));
    assert_eq!(
        case.decide("sue", &[Role::Supervisor], second, Ruling::Approve),
        Err(work::Refusal::WrongRole(Role::Finance).into())
    );
    let events = case.decide("sue", &[Role::Supervisor], second, Ruling::Deny).unwrap();
    assert!(events.contains(&Event::ApprovalDenied(1, "sue".to_owned())), "she takes it back");
}

#[test]
fn management_takes_the_place_of_roles_that_nobody_has() {
    let mut pack = Pack::load(None).unwrap();
    pack.escalation.absent_roles = [Role::Finance, Role::Warehouse].map(|role| Word(role.into())).into();
    let mut case = Case::with(&pack);
    case.tell(&request(&plan(1, 150_000, "sue")));
    assert_eq!(case.claim.approvals[&1].chain, [Role::Supervisor, Role::Management]);
    let task = Task { round: 1, line: 1, attempt: 1, leg: Leg::Receipt };
    let (kind, reason, role) = (WorkKind::LegFailed, "LOST".to_owned(), Role::Warehouse);
    case.tell(&Command::OpenTask { task, kind, reason, role, involved: Involved::default() });
    let asked = case.open_items().into_iter().find(|item| item.kind == kind).unwrap();
    assert_eq!(asked.work.role, Role::Management);
    // Where management is asked anyway it is asked once.
    let mut case = Case::with(&pack);
    case.tell(&request(&plan(1, 2_000_000, "sue")));
    assert_eq!(case.claim.approvals[&1].chain, [Role::Supervisor, Role::Management]);
}

#[test]
fn an_old_version_a_closed_item_and_a_wrong_ruling_are_refused() {
    let mut case = chain_of(&[Role::Supervisor]);
    case.tell(&request(&plan(1, 1, "rules")));
    let item = case.open_items()[0].work.id;
    let command = |etag: &str| Command::DecideWorkItem {
        item,
        etag: etag.to_owned(),
        ruling: Ruling::Approve,
        note: String::new(),
    };
    assert_eq!(case.try_as("sue", Role::ALL, &command("\"7\"")), Err(work::Refusal::EtagMismatch.into()));
    assert_eq!(case.decide("sue", Role::ALL, item, Ruling::Retry), Err(Refusal::RulingUnfit));
    case.try_as("sue", Role::ALL, &command("\"1\"")).unwrap();
    assert_eq!(case.decide("sue", Role::ALL, item, Ruling::Approve), Err(work::Refusal::Closed(item).into()));
    let unknown = Uuid::from_u128(99);
    assert_eq!(case.decide("sue", Role::ALL, unknown, Ruling::Approve), Err(work::Refusal::Unknown(unknown).into()));
}

#[test]
fn a_newer_plan_takes_the_place_of_the_older() {
    let mut case = chain_of(&[Role::Supervisor]);
    case.tell(&request(&plan(1, 1, "rules")));
    let old = case.open_items()[0].work.id;
    case.tell(&request(&plan(2, 1, "rules")));
    assert_eq!(case.decide("sue", Role::ALL, old, Ruling::Approve), Err(work::Refusal::Closed(old).into()));
    assert_eq!(case.clock(ClockKind::Approval, 1).state, ClockState::Stopped);
    assert!(case.tell(&request(&plan(1, 1, "rules"))).is_empty());
    assert_eq!(case.open_items().len(), 1);
    assert_eq!(case.claim.approvals[&1].state, ApprovalState::Cancelled);
}

#[test]
fn a_cancellation_that_comes_first_is_remembered() {
    let mut case = chain_of(&[Role::Supervisor]);
    case.tell(&Command::CancelApproval(1));
    assert!(case.tell(&request(&plan(1, 1, "rules"))).is_empty());
    assert!(case.tell(&Command::CancelApproval(1)).is_empty());
    assert!(case.claim.items.is_empty());
    case.tell(&request(&plan(2, 1, "rules")));
    assert_eq!(case.open_items().len(), 1);
    case.tell(&Command::CancelApproval(2));
    assert!(case.open_items().is_empty());
}

#[test]
fn the_snapshot_is_bound() {
    let mut case = Case::new();
    case.tell(&request(&plan(1, 50_000, "rules")));
    let changed = request(&plan(1, 60_000, "rules"));
    assert_eq!(case.try_as("service:orchestrator", &[], &changed), Err(Refusal::SnapshotChanged(1)));
}

#[test]
fn a_cost_in_another_currency_and_several_resolutions_ask_the_most() {
    let case = Case::new();
    let mut foreign = plan(1, 1, "rules").as_ref().clone();
    foreign.cost = Some(Money { minor_units: 1, currency: "USD".to_owned() });
    assert_eq!(case.rules.chain(&foreign, Severity::Minor), [Role::Supervisor, Role::Finance, Role::Management]);
    let mut mixed = plan(1, 50_001, "rules").as_ref().clone();
    mixed.lines.push(LinePlan { line: 2, resolution: Resolution::TechnicalSupport as i32, ..LinePlan::default() });
    assert_eq!(case.rules.chain(&mixed, Severity::Urgent), [Role::Supervisor, Role::Finance]);
}

#[test]
fn an_approval_that_waits_too_long_is_escalated() {
    let mut case = chain_of(&[Role::Finance]);
    case.tell(&request(&plan(1, 1, "rules")));
    case.at("2026-11-23T17:30:00Z");
    case.sweep();
    let kinds: Vec<_> = case.open_items().iter().map(|item| item.kind).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    let step = case.open_items().iter().find(|item| item.kind == WorkKind::Approval).unwrap().work.id;
    case.decide("fay", &[Role::Finance], step, Ruling::Approve).unwrap();
    assert!(case.open_items().is_empty());
    assert_eq!(case.clock(ClockKind::Approval, 1).state, ClockState::Breached);
}

const PEOPLE: [&str; 4] = ["anna", "boris", "carla", "dora"];

#[derive(Clone, Debug)]
enum Step {
    Request(u32, usize),
    Cancel(u32),
    Decide { who: usize, roles: Vec<Role>, old: bool, deny: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let roles = proptest::sample::subsequence(Role::ALL, 0..=7);
    let decide = (0..PEOPLE.len(), roles, any::<bool>(), proptest::bool::weighted(0.1));
    let step = prop_oneof![
        2 => (1_u32..=3, 0..PEOPLE.len()).prop_map(|(plan, by)| Step::Request(plan, by)),
        1 => (1_u32..=3).prop_map(Step::Cancel),
        6 => decide.prop_map(|(who, roles, old, deny)| Step::Decide { who, roles, old, deny }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Of every plan that was granted: who approved which step, and in which order.
fn grants_are_right(case: &Case, chain: &[Role], proposed: &BTreeMap<u32, String>) -> Result<(), TestCaseError> {
    let waiting = case.claim.approvals.values().filter(|approval| approval.state == ApprovalState::Open).count();
    prop_assert!(waiting <= 1);
    prop_assert_eq!(case.open_items().len(), waiting);
    for (number, approval) in &case.claim.approvals {
        let steps = case.claim.items.values().filter_map(|item| match item.about {
            About::Step { plan, step, .. } if plan == *number => Some((step, item)),
            About::Task(_) | About::Step { .. } | About::Clock(_) => None,
        });
        let steps: BTreeMap<u32, &Item> = steps.collect();
        let ended = |item: &&Item| item.ruling.zip(item.work.ended.clone());
        let decisions: Vec<(&Item, (Ruling, work::Ended))> =
            steps.values().filter_map(|item| Some((*item, ended(item)?))).collect();
        let people: BTreeSet<&str> = decisions.iter().map(|(_, (_, ended))| ended.by.as_str()).collect();
        prop_assert_eq!(people.len(), decisions.len(), "one person took two steps");
        let own = proposed.get(number).map_or("", String::as_str);
        let approved = decisions.iter().filter(|(_, (ruling, _))| *ruling == Ruling::Approve);
        prop_assert!(approved.clone().all(|(_, (_, ended))| ended.by != own), "own proposal");
        prop_assert!(decisions.iter().map(|(item, _)| item.work.role).eq(chain.iter().copied().take(decisions.len())));
        if approval.state == ApprovalState::Granted {
            prop_assert_eq!(decisions.len(), chain.len());
            prop_assert!(decisions.iter().all(|(_, (ruling, _))| *ruling == Ruling::Approve));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn approvals_are_walked(steps in steps(), chain in proptest::sample::subsequence(Role::ALL, 1..=3).prop_shuffle()) {
        let mut case = chain_of(&chain);
        let mut proposed: BTreeMap<u32, String> = BTreeMap::new();
        let mut answers: BTreeMap<u32, Event> = BTreeMap::new();
        for step in steps {
            let events = match step {
                Step::Request(number, by) => {
                    let by = proposed.entry(number).or_insert_with(|| PEOPLE[by].to_owned()).clone();
                    case.tell(&request(&plan(number, 1, &by)))
                }
                Step::Cancel(number) => case.tell(&Command::CancelApproval(number)),
                Step::Decide { who, roles, old, deny } => {
                    let found = if old { case.claim.items.keys().next().copied() } else { case.open_items().first().map(|item| item.work.id) };
                    let ruling = if deny { Ruling::Deny } else { Ruling::Approve };
                    found.and_then(|item| case.decide(PEOPLE[who], &roles, item, ruling).ok()).unwrap_or_default()
                }
            };
            for event in events {
                if let Event::ApprovalGranted(number, _) | Event::ApprovalDenied(number, _) = &event {
                    let first = answers.entry(*number).or_insert_with(|| event.clone());
                    prop_assert_eq!(&*first, &event, "an answer never changes");
                }
            }
            grants_are_right(&case, &chain, &proposed)?;
        }
    }
}
