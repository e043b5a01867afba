use proptest::prelude::*;
use prost::Message;
use proto::claim::{Plan, ReturnCount};
use proto::escalation::{Ruling, TaskDecided};
use proto::intake::{ClaimSubmitted, CustomerAnswered};
use proto::inventory::ReturnCounted;
use proto::logistics::{Direction, Exception};
use proto::triage::ClaimJudged;

use super::*;
use crate::claim_process::Job;

const CLAIM: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);

fn read_as(service: &str, message: &(impl Message + std::fmt::Debug)) -> Result<Command, Malformed> {
    let subject = Subject::Event { service: service.to_owned(), name: name_of(message) };
    command(&subject, &message.encode_to_vec())
}

/// The name that a message is told under: its kind, in lower case.
fn name_of(message: &impl std::fmt::Debug) -> String {
    let text = format!("{message:?}");
    let kind = text.split_once("kind: Some(").map_or("", |(_, kind)| kind);
    let mut name = String::new();
    for letter in kind.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn job() -> Option<claim::Job> {
    Some(claim::Job { claim_id: CLAIM.to_string(), round: 1, line: 2, attempt: 3 })
}

fn intake_event(kind: intake_event::Kind) -> IntakeEvent {
    IntakeEvent { claim_id: CLAIM.to_string(), kind: Some(kind) }
}

fn parcel(direction: Direction, state: ShipmentState) -> LogisticsEvent {
    let kind = logistics_event::Kind::Exception(Exception { state: state as i32, ..Exception::default() });
    LogisticsEvent { job: job(), direction: direction as i32, kind: Some(kind) }
}

fn event(command: Result<Command, Malformed>) -> Event {
    match command {
        Ok(Command::Learn { claim: CLAIM, heard: Heard::Plainly(event), .. }) => event,
        other => panic!("nothing is learnt: {other:?}"),
    }
}

#[test]
fn the_leg_of_a_parcel_is_the_way_it_goes() {
    for (direction, leg) in [(Direction::Outbound, Leg::Shipment), (Direction::Return, Leg::Pickup)] {
        let learnt = event(read_as("logistics", &parcel(direction, ShipmentState::Delayed)));
        let job = Job { round: 1, line: 2, leg, attempt: 3 };
        assert_eq!(learnt, Event::Work { job, news: LegEvent::Parcel(Parcel::Delayed(None)) });
    }
}

#[test]
fn whatever_came_and_was_not_accepted_is_counted() {
    let count = ReturnCount { accepted: 3, damaged: 1, wrong_item: 2, missing: 9, excess: 4, ..ReturnCount::default() };
    let counted = ReturnCounted { count: Some(count), complete: true, late: 0 };
    let kind = inventory_event::Kind::ReturnCounted(counted);
    let learnt = event(read_as("inventory", &InventoryEvent { job: job(), kind: Some(kind) }));
    let Event::Work { job, news } = learnt else { panic!("not about a piece of work") };
    assert_eq!(job.leg, Leg::Receipt);
    let count = Count { accepted: 3, other: 3, unclear: 1, wrong_item: 2 };
    assert_eq!(news, LegEvent::Return(Return::Counted { count, complete: true, late: 0 }));
}

#[test]
fn what_a_message_lacks_makes_it_malformed() {
    let answered = |question_id: &str| {
        let question_id = question_id.to_owned();
        intake_event(intake_event::Kind::CustomerAnswered(CustomerAnswered { question_id, ..Default::default() }))
    };
    assert_eq!(event(read_as("intake", &answered("q12"))), Event::CustomerAnswered { question: 12 });
    let line = claim::LinePlan { line: 1, ..claim::LinePlan::default() };
    let judged = |plan| {
        let kind = triage_event::Kind::ClaimJudged(ClaimJudged { assessment: 1, judgement: None, plan });
        TriageEvent { claim_id: CLAIM.to_string(), kind: Some(kind) }
    };
    let decided = |leg: i32, ruling: Ruling, job| {
        let kind = escalation_event::Kind::TaskDecided(TaskDecided { job, leg, kind: 0, ruling: ruling as i32 });
        EscalationEvent { claim_id: CLAIM.to_string(), kind: Some(kind) }
    };
    let far = claim::Job { attempt: 70_000, ..job().unwrap() };
    let unread = [
        read_as("intake", &answered("12")),
        read_as("intake", &answered("qx")),
        read_as("intake", &IntakeEvent { claim_id: CLAIM.to_string(), kind: None }),
        read_as("intake", &intake_event(intake_event::Kind::ClaimSubmitted(ClaimSubmitted::default()))),
        read_as("triage", &judged(None)),
        read_as("triage", &judged(Some(Plan { lines: vec![line], ..Plan::default() }))),
        read_as("triage", &TriageEvent { claim_id: "x".to_owned(), ..judged(Some(Plan::default())) }),
        read_as("logistics", &parcel(Direction::Unspecified, ShipmentState::Lost)),
        read_as("logistics", &parcel(Direction::Outbound, ShipmentState::Booked)),
        read_as("logistics", &LogisticsEvent { job: None, ..parcel(Direction::Outbound, ShipmentState::Lost) }),
        read_as("escalation", &decided(0, Ruling::Retry, job())),
        read_as("escalation", &decided(2, Ruling::Unspecified, job())),
        read_as("escalation", &decided(2, Ruling::Retry, None)),
        read_as("escalation", &decided(2, Ruling::Retry, Some(far))),
        read_as("finance", &IntakeEvent::default()),
    ];
    for (at, command) in unread.iter().enumerate() {
        assert!(command.is_err(), "number {at}: {command:?}");
    }
}

#[test]
fn a_plan_that_lists_what_its_resolution_takes_says_nothing_new_and_an_unsound_list_is_no_plan() {
    use claim::Leg::{Entitlement, Pickup, Receipt, Settlement};
    let read = |legs: &[claim::Leg]| {
        let resolution = claim::Resolution::ReturnRefund as i32;
        let legs = legs.iter().map(|leg| *leg as i32).collect();
        let line = claim::LinePlan { line: 1, resolution, collect: true, legs, ..claim::LinePlan::default() };
        let plan = Some(Plan { lines: vec![line], ..Plan::default() });
        let kind = triage_event::Kind::ClaimJudged(ClaimJudged { assessment: 1, judgement: None, plan });
        match read_as("triage", &TriageEvent { claim_id: CLAIM.to_string(), kind: Some(kind) }) {
            Ok(Command::Learn { heard: Heard::Judged { lines, .. }, .. }) => Ok(lines[0].legs.clone()),
            Ok(other) => panic!("{other:?}"),
            Err(malformed) => Err(malformed),
        }
    };
    assert_eq!(read(&[]).unwrap(), vec![], "a plan from before legs were listed");
    assert_eq!(read(&[Entitlement, Pickup, Receipt, Settlement]).unwrap(), vec![]);
    assert_eq!(read(&[Entitlement, Receipt, Settlement]).unwrap(), [Leg::Entitlement, Leg::Receipt, Leg::Settlement]);
    assert!(read(&[Entitlement, Settlement]).is_err());
    assert!(read(&[claim::Leg::Unspecified]).is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(service in 0_usize..5, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let service = ["intake", "triage", "inventory", "logistics", "escalation"][service];
        let subject = Subject::Event { service: service.to_owned(), name: "x".to_owned() };
        let _ = command(&subject, &payload);
    }
}
