//! Tasks: opened once, answered again, never opened after they were taken back.

use super::*;

const TASK: Task = Task { round: 1, line: 2, attempt: 3, leg: Leg::Shipment };

fn open(kind: WorkKind) -> Command {
    Command::OpenTask {
        task: TASK,
        kind,
        reason: "LOST".to_owned(),
        role: Role::Logistics,
        involved: Involved::default(),
    }
}

#[test]
fn a_task_is_opened_once_and_its_decision_is_told_again() {
    let mut case = Case::new();
    case.tell(&open(WorkKind::LegFailed));
    assert!(case.tell(&open(WorkKind::LegFailed)).is_empty());
    let item = case.open_items()[0].clone();
    assert_eq!(item.work.due_at, "2026-11-23T14:00:00Z".parse().unwrap());
    assert_eq!(
        case.decide("leo", &[Role::Finance], item.work.id, Ruling::Retry),
        Err(work::Refusal::WrongRole(Role::Logistics).into())
    );
    assert_eq!(case.decide("leo", &[Role::Logistics], item.work.id, Ruling::Approve), Err(Refusal::RulingUnfit));
    let events = case.decide("leo", &[Role::Logistics], item.work.id, Ruling::Retry).unwrap();
    assert!(events.contains(&Event::TaskDecided(item.work.id)));
    assert_eq!(case.tell(&open(WorkKind::LegFailed)), [Event::TaskDecided(item.work.id)]);
    assert!(
        case.tell(&Command::CloseTask(TASK)).contains(&Event::TaskDecided(item.work.id)),
        "what is decided stays decided"
    );
}

#[test]
fn what_was_tried_too_often_is_not_tried_again() {
    let mut case = Case::new();
    let task = Task { attempt: 200, ..TASK };
    let (kind, reason, role) = (WorkKind::LegFailed, "LOST".to_owned(), Role::Logistics);
    case.tell(&Command::OpenTask { task, kind, reason, role, involved: Involved::default() });
    let item = case.open_items()[0].work.id;
    assert_eq!(case.decide("leo", &[Role::Logistics], item, Ruling::Retry), Err(Refusal::TriedTooOften));
    case.decide("leo", &[Role::Logistics], item, Ruling::Deny).unwrap();
}

#[test]
fn a_task_that_is_taken_back_is_never_opened_again() {
    for early in [true, false] {
        let mut case = Case::new();
        if !early {
            case.tell(&open(WorkKind::Support));
        }
        for _ in 0..2 {
            assert!(case.tell(&Command::CloseTask(TASK)).contains(&Event::TaskClosed(TASK)));
        }
        assert_eq!(case.tell(&open(WorkKind::Support)), [Event::TaskClosed(TASK)]);
        assert_eq!(case.tell(&open(WorkKind::LegFailed)), [Event::TaskClosed(TASK)]);
        assert!(case.open_items().is_empty());
    }
}

#[test]
fn two_kinds_about_one_work_are_two_tasks() {
    let mut case = Case::new();
    case.tell(&open(WorkKind::LegFailed));
    case.tell(&open(WorkKind::CompensationFailed));
    assert_eq!(case.open_items().len(), 2);
    case.tell(&Command::CloseTask(TASK));
    assert!(case.open_items().is_empty());
}

#[test]
fn b_d14_who_is_waited_for_is_told_once_more_when_it_is_overdue() {
    let mut case = Case::new();
    case.tell(&open(WorkKind::LegFailed));
    let item = case.open_items()[0].clone();
    assert_eq!(
        case.tell(&Command::Overdue(item.work.id)),
        [Event::ItemOverdue(item.work.id, Role::Supervisor, case.now)]
    );
    assert!(case.tell(&Command::Overdue(item.work.id)).is_empty());
    assert!(case.tell(&Command::Overdue(Uuid::from_u128(99))).is_empty());
    let raised = case.claim.items[&item.work.id].work.clone();
    assert_eq!((raised.raised, raised.version), (Some((Role::Supervisor, case.now)), 1));
    let before = case.claim.clone();
    case.decide("sue", &[Role::Supervisor], item.work.id, Ruling::Retry).expect("it was raised to supervisors");
    case.claim = before;
    case.decide("leo", &[Role::Logistics], item.work.id, Ruling::Retry).expect("who has read it may still decide");
    assert!(case.tell(&Command::Overdue(item.work.id)).is_empty());
    let mut case = Case::new();
    case.tell(&start(1, &[ClockKind::FirstFeedback]));
    case.at("2026-11-23T17:30:00Z");
    case.sweep();
    let answer = case.open_items()[0].work.id;
    assert!(case.tell(&Command::Overdue(answer)).is_empty(), "a breach has its ladder");
}

#[test]
fn what_somebody_has_is_decided_by_nobody_else_and_the_own_proposal_is_still_taken_back() {
    let asked = |case: &Case, item: Uuid, what| {
        let etag = chassis::etag(case.claim.items[&item].work.version);
        Command::Work(work::Asked { item, etag, what, note: "seen".to_owned() })
    };
    let mut case = Case::new();
    case.tell(&open(WorkKind::LegFailed));
    let item = case.open_items()[0].work.id;
    let take = asked(&case, item, work::What::Take);
    let events = case.try_as("leo", &[Role::Logistics], &take).unwrap();
    assert!(matches!(events.as_slice(), [Event::ItemMoved(change)] if change.to == "leo" && change.version == 2));
    // The work goes on as it was, and its command is not told twice.
    assert!(case.tell(&open(WorkKind::LegFailed)).is_empty());
    let other = case.decide("lea", &[Role::Logistics], item, Ruling::Retry);
    assert_eq!(other, Err(work::Refusal::Assigned("leo".to_owned()).into()));
    let give = asked(&case, item, work::What::Assign("lea".to_owned()));
    case.try_as("sue", &[Role::Supervisor], &give).unwrap();
    assert!(case.decide("leo", &[Role::Logistics], item, Ruling::Retry).is_err());
    case.decide("lea", &[Role::Logistics], item, Ruling::Retry).unwrap();
    assert_eq!(case.claim.items[&item].work.version, 4);
    // What the orchestrator takes back is off the list, whoever has it.
    case.tell(&Command::OpenTask {
        task: Task { attempt: 9, ..TASK },
        kind: WorkKind::LegFailed,
        reason: "LOST".to_owned(),
        role: Role::Logistics,
        involved: Involved::default(),
    });
    let item = case.open_items()[0].work.id;
    let take = asked(&case, item, work::What::Take);
    case.try_as("leo", &[Role::Logistics], &take).unwrap();
    case.tell(&Command::CloseTask(Task { attempt: 9, ..TASK }));
    assert_eq!(case.claim.items[&item].work.state, ItemState::Closed);
}
