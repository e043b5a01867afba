//! Answers of services: questions and refusals, repeated and crossed messages, messages that cannot be read.

use chassis::Outgoing;
use proto::claim::{Assessment, Channel, ClaimState, Job, Resolution, Severity, WaitingFor, claim_event};
use proto::escalation::{ApprovalDenied, ClockBreached, ClockKind, ClockWarned, escalation_event};
use proto::intake::{ClaimWithdrawn, CustomerAnswered, PlanAnswered, intake_command, intake_event};
use proto::inventory::{Expired, InventoryEvent, Released, Reserved, inventory_event};
use proto::logistics::{Booked, Direction, HandedOver, logistics_event};
use proto::triage::{AnswerNeeded, AssessReason, ClaimRefused, PersonNeeded, triage_command, triage_event};
use proto::{Subject, WireTime};
use uuid::Uuid;

use crate::journeys::send;
use crate::story::{Story, World, outgoing, plan};

async fn last_assessment(story: &Story<'_>) -> proto::triage::AssessClaim {
    match story.asked_triage("assess_claim").await.pop().unwrap().kind {
        Some(triage_command::Kind::AssessClaim(assess)) => assess,
        other => panic!("not an assessment: {other:?}"),
    }
}

fn needed(assessment: u32, line: u32) -> triage_event::Kind {
    let reason = "ORDER_NUMBER_NEEDED".to_owned();
    triage_event::Kind::AnswerNeeded(AnswerNeeded { assessment, reason, line })
}

fn answered(question: &str, line: u32, order_no: &str) -> intake_event::Kind {
    let (question_id, order_no) = (question.to_owned(), order_no.to_owned());
    intake_event::Kind::CustomerAnswered(CustomerAnswered {
        question_id,
        line,
        order_no,
        address_given: false,
        answered_by: String::new(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customer_is_asked_and_the_answer_is_judged() {
    let world = World::start().await;
    let story = world.submitted().await;
    story.tell(story.triage(needed(1, 1))).await;
    assert_eq!(story.process().await.state(), ClaimState::AwaitingCustomer);
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Customer);
    assert_eq!(story.asked_escalation("pause_clocks").await.len(), 1);
    let Some(intake_command::Kind::AskCustomer(ask)) = story.asked_intake("ask_customer").await.pop().unwrap().kind
    else {
        panic!("the customer is asked")
    };
    assert_eq!((ask.question_id.as_str(), ask.line), ("q1", 1));

    story.tell(story.intake(answered("q1", 1, "536365"))).await;
    let second = last_assessment(&story).await;
    assert_eq!((second.assessment, second.reason()), (2, AssessReason::Answered));
    assert_eq!(second.lines[0].order_no, "536365");
    assert!(second.order_unknown_lines.is_empty());
    assert_eq!(story.asked_escalation("resume_clocks").await.len(), 1);

    story.tell(story.triage(needed(2, 2))).await;
    story.tell(story.intake(answered("q2", 2, ""))).await;
    let third = last_assessment(&story).await;
    assert_eq!((third.assessment, third.order_unknown_lines), (3, vec![2]));
    assert_eq!(third.lines[0].order_no, "536365");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_claim_ends_with_its_reason() {
    let world = World::start().await;
    let story = world.submitted().await;
    let judgement = Some(Assessment { number: 1, severity: Severity::Minor as i32, ..Assessment::default() });
    let refused = ClaimRefused { assessment: 1, judgement: judgement.clone(), reason: "OUTSIDE_WINDOW".to_owned() };
    story.tell(story.triage(triage_event::Kind::ClaimRefused(refused))).await;
    let process = story.process().await;
    assert_eq!((process.state(), process.end_reason.as_str()), (ClaimState::Rejected, "OUTSIDE_WINDOW"));
    let ended = story.timeline().await.pop().unwrap();
    let Some(claim_event::Kind::Ended(ended)) = ended.kind else { panic!("it ends") };
    assert_eq!((ended.outcome(), ended.reason.as_str()), (ClaimState::Rejected, "OUTSIDE_WINDOW"));
    let assessed = story.timeline().await.into_iter().find_map(|event| match event.kind {
        Some(claim_event::Kind::Assessed(assessed)) => assessed.assessment,
        _ => None,
    });
    assert_eq!(assessed, judgement);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_what_the_rules_could_not() {
    let world = World::start().await;
    let story = world.submitted().await;
    let needed = PersonNeeded { assessment: 1, reason: "VALUE".to_owned(), ..PersonNeeded::default() };
    story.tell(story.triage(triage_event::Kind::PersonNeeded(needed))).await;
    let process = story.process().await;
    assert_eq!((process.state(), process.waiting_for()), (ClaimState::Investigating, WaitingFor::Specialist));
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 1))).await;
    assert_eq!(story.process().await.waiting_for(), WaitingFor::Finance);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_or_refused_plan_is_made_anew_by_a_person() {
    let world = World::start().await;
    let story = world.submitted().await;
    let asked =
        |number| proto::claim::Plan { automatic: false, consented: false, ..plan(number, Resolution::RefundOnly, 1) };
    story.tell(story.judge(1, asked(1))).await;
    let denied = ApprovalDenied { plan_number: 1, by: "max".to_owned() };
    story.tell(story.escalation(escalation_event::Kind::ApprovalDenied(denied))).await;
    let again = last_assessment(&story).await;
    assert_eq!((again.assessment, again.plan_number, again.reason()), (2, 2, AssessReason::Denied));

    story.tell(story.judge(2, proto::claim::Plan { automatic: true, ..asked(2) })).await;
    let refused = PlanAnswered { plan_number: 2, accepted: false, answered_by: String::new() };
    story.tell(story.intake(intake_event::Kind::PlanAnswered(refused))).await;
    let again = last_assessment(&story).await;
    assert_eq!((again.assessment, again.plan_number, again.reason()), (3, 3, AssessReason::ConsentRefused));
    assert!(world.entitlement("536365", "85123A").await.unwrap().held == 0, "nothing was promised yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_are_told_to_the_world() {
    let world = World::start().await;
    let story = world.submitted().await;
    let (kind, deadline) = (ClockKind::FirstFeedback as i32, Some(WireTime { seconds: 1_800_090_000, nanos: 0 }));
    let warned = ClockWarned { kind, percent: 75, deadline };
    story.tell(story.escalation(escalation_event::Kind::ClockWarned(warned))).await;
    let breached = ClockBreached { kind, deadline, escalation_id: Uuid::now_v7().to_string() };
    story.tell(story.escalation(escalation_event::Kind::ClockBreached(breached))).await;
    let moved: Vec<(String, u32)> = story
        .timeline()
        .await
        .into_iter()
        .filter_map(|event| match event.kind {
            Some(claim_event::Kind::ClockMoved(moved)) => Some((moved.clock, moved.percent)),
            _ => None,
        })
        .collect();
    assert_eq!(moved, [("first_feedback".to_owned(), 75), ("first_feedback".to_owned(), 100)]);
}

/// Every message of a replacement is told three times: twice as the same message, once as another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_message_has_no_second_effect() {
    let world = World::start().await;
    let once = world.judged(Resolution::Replace, 1).await;
    send(&once).await;
    let expected = once.names().await;

    let story = world.story();
    for tale in [story.submit(Channel::Web), story.judge(1, plan(1, Resolution::Replace, 1))] {
        thrice(&story, tale).await;
    }
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    thrice(&story, story.inventory(&held, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    let job = story.asked_logistics("ship").await.pop().unwrap().job.unwrap();
    let booked = Booked { tracking_no: "TN-1".to_owned(), ..Booked::default() };
    for kind in [
        logistics_event::Kind::Booked(booked),
        logistics_event::Kind::HandedOver(HandedOver {}),
        logistics_event::Kind::Delivered(proto::logistics::Delivered::default()),
    ] {
        thrice(&story, story.logistics(&job, Direction::Outbound, kind)).await;
    }
    let consumed = proto::inventory::Consumed { quantity: 1 };
    thrice(&story, story.inventory(&held, inventory_event::Kind::Consumed(consumed))).await;

    assert_eq!(story.state().await, ClaimState::Closed);
    let mut names = story.names().await;
    let mut expected = expected;
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(story.asked_inventory("reserve").await.len(), 1);
    assert_eq!(story.asked_inventory("consume").await.len(), 1);
    assert_eq!(story.asked_logistics("ship").await.len(), 1);
    assert_eq!(story.asked_intake("end_claim").await.len(), 1);
    assert_eq!(world.ledger().await.1, 2);
    world.nothing_is_parked().await;
}

async fn thrice(story: &Story<'_>, tale: crate::story::Tale) {
    let event_id = story.tell(tale.clone()).await;
    story.tell_as(event_id, tale.clone()).await;
    story.tell(tale).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_crossed_answers_change_nothing() {
    let world = World::start().await;
    let story = world.judged(Resolution::Replace, 1).await;
    let first = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    story.tell(story.inventory(&first, inventory_event::Kind::Expired(Expired {}))).await;
    let second = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    assert!(second.attempt > first.attempt);
    let before = story.timeline().await.len();
    // Of an assessment that is answered, of an attempt that is over, of an approval that nobody waits for.
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 5))).await;
    story.tell(story.inventory(&first, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    story.tell(story.inventory(&first, inventory_event::Kind::Released(Released {}))).await;
    let denied = ApprovalDenied { plan_number: 1, by: "max".to_owned() };
    story.tell(story.escalation(escalation_event::Kind::ApprovalDenied(denied))).await;
    world.nothing_is_parked().await;
    assert_eq!(story.timeline().await.len(), before);
    assert_eq!(story.process().await.plan.unwrap().lines[0].resolution(), Resolution::Replace);
    assert!(story.asked_logistics("ship").await.is_empty());
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::Closed);
    // After the end nothing moves.
    let end = story.timeline().await.len();
    story.tell(story.intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn {}))).await;
    assert_eq!(story.timeline().await.len(), end);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_asked_for_is_parked_and_changes_nothing() {
    let world = World::start().await;
    let story = world.judged(Resolution::Replace, 1).await;
    let held = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    let before = story.timeline().await.len();
    let never_asked = Job { attempt: held.attempt + 7, ..held };
    story.tell(story.inventory(&never_asked, inventory_event::Kind::Reserved(Reserved { quantity: 1 }))).await;
    assert_eq!(world.parked().await, ["BROKEN"]);
    assert_eq!(story.timeline().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_an_unknown_claim_is_parked() {
    let world = World::start().await;
    let story = world.story();
    story.tell(story.judge(1, plan(1, Resolution::Replace, 1))).await;
    assert_eq!(world.parked().await, ["BROKEN"]);
    // Later messages of the claim wait behind it; other claims do not notice.
    story.tell(story.submit(Channel::Web)).await;
    assert_eq!(world.parked().await, ["BROKEN", "BEHIND_PARKED"]);
    let other = world.submitted().await;
    assert_eq!(other.state().await, ClaimState::Assessing);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_parked() {
    let world = World::start().await;
    let subject = |service: &str| Subject::Event { service: service.to_owned(), name: "x".to_owned() };
    let bad: Vec<(Subject, Vec<u8>)> = vec![
        (subject("intake"), b"\xff\xff\xff".to_vec()),
        (subject("triage"), Vec::new()),
        (subject("inventory"), bytes(&outgoing("inventory", Uuid::nil(), &InventoryEvent::default()))),
        (subject("warehouse"), Vec::new()),
    ];
    let count = bad.len();
    for (subject, payload) in bad {
        world.service.tell_bytes(&subject, Uuid::now_v7(), &payload).await;
    }
    let parked = || async { Some(world.parked().await).filter(|parked| parked.len() == count) };
    let mut parked = testkit::eventually(parked).await;
    parked.sort();
    // Nobody may speak for a service that is not there.
    assert_eq!(parked, ["UNDECODABLE", "UNDECODABLE", "UNDECODABLE", "WRONG_ORIGIN"]);
}

fn bytes(message: &Outgoing) -> Vec<u8> {
    message.payload().to_vec()
}
