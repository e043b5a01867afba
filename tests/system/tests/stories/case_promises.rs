//! What is promised is what the clocks watch; silence ends; who may decide.

use local::StackOptions;
use proto::claim::{Category, Channel, ClaimState, Resolution, Severity, WaitingFor};
use proto::escalation::{
    ClockKind, ClockState, DecideWorkItemRequest, ListClocksRequest, ListWorkItemsRequest, Ruling, RunningClock,
    WorkItem, WorkKind,
};
use proto::intake::{Claim, ConfirmReadBackRequest, ContactDirection, LogContactRequest};
use system::{World, line};
use testkit::{actor, eventually, reason, request_id};
use tonic::Status;

async fn clocks(world: &World, claim: &str) -> Vec<RunningClock> {
    let ask = ListClocksRequest { claim_id: claim.to_owned(), ..ListClocksRequest::default() };
    world.escalation().await.list_clocks(ask).await.unwrap().into_inner().clocks
}

async fn clock(world: &World, claim: &str, kind: ClockKind, severity: Severity) -> RunningClock {
    let is_it = |clock: &RunningClock| clock.kind() == kind && clock.severity() == severity;
    eventually(async || clocks(world, claim).await.into_iter().find(is_it)).await
}

/// What is promised of a kind, in whole seconds.
fn promised(claim: &Claim, kind: &str) -> Option<i64> {
    let promise = claim.promises.iter().find(|promise| promise.kind == kind)?;
    promise.due_at.map(|at| at.seconds)
}

/// Every promise that a clock watches is due when the clock is.
async fn told_as_watched(world: &World, claim: &str, kinds: &[(&str, ClockKind)]) {
    eventually(async || {
        let seen = world.seen_by_customer(claim, |_| true).await;
        let clocks = clocks(world, claim).await;
        let same = kinds.iter().all(|(promise, kind)| {
            let clock = clocks.iter().find(|clock| clock.kind() == *kind && clock.state() == ClockState::Running);
            let due = clock.and_then(|clock| clock.deadline).map(|at| at.seconds);
            due.is_some() && promised(&seen, promise) == due
        });
        same.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_urgent_claim_has_ordinary_clocks() {
    let world = World::new().await;
    let mut risky = line("", "ART-1", 1, Category::QualityPerformance, Resolution::TechnicalSupport);
    risky.safety_risk = true;
    let claim = world.submit(world.report("C-1", vec![risky])).await;
    // Judged by rules it waits for a person, or for the customer: either way the clocks know how bad it is.
    world.until(&claim, "judged", |process| process.state() != ClaimState::Assessing).await;
    let minutes = async |kind| clock(&world, &claim, kind, Severity::Urgent).await.target_s / 60;
    assert_eq!((minutes(ClockKind::FirstFeedback).await, minutes(ClockKind::FinalSolution).await), (120, 1_350));
    assert!(world.parked().await.is_empty());
    world.end().await;
}

/// Also after the judgement has moved the deadline: the claim waits for a person, who has not talked with the customer.
#[tokio::test(flavor = "multi_thread")]
async fn case_promise_on_a_holiday() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 1, 300, 3).await;
    let complaint = line("O-1", "ART-1", 1, Category::ServiceComplaint, Resolution::RefundOnly);
    let report = world.report("C-1", vec![complaint]);
    let claim = world.submit(proto::intake::SubmitClaimRequest { channel: Channel::Phone.into(), ..report }).await;
    clock(&world, &claim, ClockKind::FirstFeedback, Severity::Minor).await;
    let kinds = [("ACKNOWLEDGEMENT", ClockKind::Acknowledgement), ("FIRST_FEEDBACK", ClockKind::FirstFeedback)];
    told_as_watched(&world, &claim, &kinds).await;
    world.end().await;
}

/// B-D4: the receipt, a confirmed read-back and a plan that waits for us leave the first feedback open; that somebody has
/// talked with the customer stops it, as of when they talked. Who, when and how is read with the claim.
#[tokio::test(flavor = "multi_thread")]
async fn b_d4_a_logged_contact_is_the_first_feedback_and_the_receipt_is_not() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 1, 300, 3).await;
    let complaint = line("O-1", "ART-1", 1, Category::ServiceComplaint, Resolution::RefundOnly);
    let report = world.report("C-1", vec![complaint]);
    let claim = world.submit(proto::intake::SubmitClaimRequest { channel: Channel::Phone.into(), ..report }).await;
    world.judgement(&claim).await;
    let etag = String::new();
    let confirm = ConfirmReadBackRequest { request_id: request_id(), claim_id: claim.clone(), etag };
    world.intake().await.confirm_read_back(confirm).await.unwrap();
    let state = async |kind: ClockKind| {
        let clocks = clocks(&world, &claim).await;
        clocks.into_iter().find(|clock| clock.kind() == kind).map(|clock| (clock.state(), clock.stopped_at))
    };
    let acknowledged = async || state(ClockKind::Acknowledgement).await.filter(|(_, at)| at.is_some());
    eventually(acknowledged).await;
    let (running, stopped_at) = state(ClockKind::FirstFeedback).await.unwrap();
    assert_eq!((running, stopped_at), (ClockState::Running, None), "the receipt is no feedback");
    let seen = world.seen_by_customer(&claim, |_| true).await;
    assert!(promised(&seen, "FIRST_FEEDBACK").is_some());

    world.wait(1);
    let at = seen.received_at.map(|at| proto::WireTime { seconds: at.seconds + 600, nanos: 0 });
    let ask = LogContactRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        at,
        channel: Channel::Phone.into(),
        direction: ContactDirection::Outbound.into(),
        note: "told that the goods are looked for".to_owned(),
    };
    let logged = world.intake().await.log_contact(actor(ask.clone(), "sue", &["specialist"])).await.unwrap();
    let logged = logged.into_inner().claim.unwrap();
    assert_eq!(promised(&logged, "FIRST_FEEDBACK"), None);
    let kept = eventually(async || state(ClockKind::FirstFeedback).await.filter(|(_, at)| at.is_some())).await;
    assert_eq!(kept, (ClockState::Stopped, at), "as of when they talked");
    let (solution, _) = state(ClockKind::FinalSolution).await.unwrap();
    assert_eq!(solution, ClockState::Running, "it is not solved by that");
    let seen = world.seen_by_customer(&claim, |_| true).await;
    let contact = &seen.contacts[0];
    assert_eq!((contact.number, contact.at, contact.logged_by.as_str()), (1, at, "sue"));
    assert_eq!((contact.channel(), contact.direction()), (Channel::Phone, ContactDirection::Outbound));
    let again = LogContactRequest { request_id: request_id(), ..ask };
    let again = world.intake().await.log_contact(actor(again, "sam", &["supervisor"])).await.unwrap_err();
    assert_eq!(reason(&again), "CONTACT_KNOWN");
    assert!(world.parked().await.is_empty());
    world.end().await;
}

/// FF6: what is promised where nobody knows the holidays yet says so, and moves with the pack that knows them; the customer
/// is told of it as of any promise that moves.
#[tokio::test(flavor = "multi_thread")]
async fn ff6_promises_beyond_the_known_holidays_move_with_the_next_pack() {
    let policy = std::env::temp_dir().join(format!("redress-policy-{}.toml", request_id()));
    std::fs::write(&policy, proto::policy::SUPPLY_CHAIN).unwrap();
    let log = "off".to_owned();
    let options = StackOptions { durable: false, log, policy: Some(policy.clone()), ..StackOptions::default() };
    // The Friday before New Year: the substitute for it, a Monday, is in no list yet.
    let friday: jiff::Timestamp = "2027-12-31T14:00:00Z".parse().unwrap();
    options.clock.advance(friday.duration_since(options.clock.now()));
    let mut world = World::with(options).await;
    world.sold("O-1", "ART-1", 1, 300, 3).await;
    let complaint = line("O-1", "ART-1", 1, Category::ServiceComplaint, Resolution::RefundOnly);
    let report = world.report("C-1", vec![complaint]);
    let claim = world.submit(proto::intake::SubmitClaimRequest { channel: Channel::Phone.into(), ..report }).await;
    let feedback = async |world: &World| clock(world, &claim, ClockKind::FirstFeedback, Severity::Minor).await;
    let before = feedback(&world).await;
    assert!(before.provisional);
    told_as_watched(&world, &claim, &[("FIRST_FEEDBACK", ClockKind::FirstFeedback)]).await;
    let seen = world.seen_by_customer(&claim, |_| true).await;
    let is_provisional = |claim: &Claim| {
        let promise = claim.promises.iter().find(|promise| promise.kind == "FIRST_FEEDBACK");
        promise.unwrap().provisional
    };
    assert!(is_provisional(&seen));

    let next = proto::policy::SUPPLY_CHAIN.replace("known_until = \"2027-12-31\"", "known_until = \"2028-12-31\"");
    let next = next.replace("\"2027-12-28\",\n]", "\"2027-12-28\", \"2028-01-03\",\n]");
    std::fs::write(&policy, next).unwrap();
    for service in ["escalation", "intake"] {
        world.stop_service(service).await;
        world.start_service(service).await;
    }
    let after = eventually(async || Some(feedback(&world).await).filter(|clock| !clock.provisional)).await;
    let day = |clock: &RunningClock| clock.deadline.unwrap().seconds / 86_400;
    assert_eq!((day(&after), after.target_s), (day(&before) + 1, before.target_s), "one day off more");
    told_as_watched(&world, &claim, &[("FIRST_FEEDBACK", ClockKind::FirstFeedback)]).await;
    let seen = world.seen_by_customer(&claim, |_| true).await;
    assert!(!is_provisional(&seen));
    assert!(world.parked().await.is_empty());
    std::fs::remove_file(policy).unwrap();
    world.end().await;
}

async fn decide(world: &World, item: &WorkItem, who: &str, role: &str, ruling: Ruling) -> Result<(), Status> {
    let decide = DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        ruling: ruling.into(),
        note: format!("{who} says so"),
    };
    world.escalation().await.decide_work_item(actor(decide, who, &[role])).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_nobody_else_may_approve() {
    let world = World::new().await;
    world.sold("CASE-30", "ART-1", 1, 150_000, 10).await;
    let claim = world.claim("CASE-30", "ART-1", 1, Category::ServiceComplaint, Resolution::RefundOnly).await;
    world.judge(&claim, "sue", Resolution::RefundOnly, "").await;
    world.until_waiting(&claim, WaitingFor::Approver).await;
    let first = world.task(&claim, WorkKind::Approval).await;
    let own = decide(&world, &first, "sue", "supervisor", Ruling::Approve).await.unwrap_err();
    assert_eq!(reason(&own), "OWN_PROPOSAL");
    decide(&world, &first, "max", "management", Ruling::Approve).await.expect("management may take the step");
    let second = eventually(async || {
        world.tasks(&claim).await.into_iter().find(|item| item.kind() == WorkKind::Approval && item.step == 2)
    })
    .await;
    decide(&world, &second, "sue", "supervisor", Ruling::Deny).await.expect("she takes it back");
    world.until_state(&claim, ClaimState::Investigating).await;
    // A-D9: who, when and why is read by those who come after.
    let ask = ListWorkItemsRequest { claim_id: claim.clone(), include_closed: true, ..ListWorkItemsRequest::default() };
    let items = world.escalation().await.list_work_items(ask).await.unwrap().into_inner().work_items;
    let said: Vec<_> = items.iter().map(|item| (item.decided_by.as_str(), item.note.as_str())).collect();
    assert_eq!(said, [("max", "max says so"), ("sue", "sue says so")]);
    assert!(world.parked().await.is_empty());
    world.end().await;
}

/// B-D15: the claim ends, and intake and escalation say so, too. How often the customer is reminded is the orchestrator's
/// own matter.
#[tokio::test(flavor = "multi_thread")]
async fn b_d15_a_question_that_nobody_answers_ends_the_claim() {
    let policy = std::env::temp_dir().join(format!("redress-policy-{}.toml", request_id()));
    std::fs::write(&policy, proto::policy::SUPPLY_CHAIN.replace("remind_days = [3, 7]", "remind_days = []")).unwrap();
    let log = "off".to_owned();
    let world =
        World::with(StackOptions { durable: false, log, policy: Some(policy.clone()), ..StackOptions::default() })
            .await;
    let claim = world.claim("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_state(&claim, ClaimState::AwaitingCustomer).await;
    // A clock that does not know yet that the customer is waited for would run out meanwhile.
    let is_paused = |clock: &RunningClock| clock.state() == ClockState::Paused;
    eventually(async || clocks(&world, &claim).await.iter().any(is_paused).then_some(())).await;
    world.wait(24 * 40);
    let process = world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(process.end_reason, "NO_ANSWER");
    let seen = world.seen_by_customer(&claim, |seen| seen.state() == ClaimState::Withdrawn).await;
    assert_eq!((seen.end_reason.as_str(), seen.questions[0].closed_at.is_some()), ("NO_ANSWER", true));
    let running = async || clocks(&world, &claim).await.iter().any(|clock| clock.state() != ClockState::Stopped);
    eventually(async || (!running().await).then_some(())).await;
    assert!(world.parked().await.is_empty());
    std::fs::remove_file(policy).unwrap();
    world.end().await;
}

/// A plan that nobody answers goes to a person, and the customer is not asked for an answer to it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_nobody_answers_is_taken_back_and_a_person_decides() {
    let policy = std::env::temp_dir().join(format!("redress-policy-{}.toml", request_id()));
    let pack = proto::policy::SUPPLY_CHAIN.replace("remind_days = [3, 7]", "remind_days = []");
    let pack = pack.replace(
        "plan = { remind_days = [], lapse_days = 15, then = \"withdrawn\" }",
        "plan = { remind_days = [], lapse_days = 15, then = \"person\" }",
    );
    std::fs::write(&policy, pack).unwrap();
    let log = "off".to_owned();
    let options = StackOptions { durable: false, log, policy: Some(policy.clone()), ..StackOptions::default() };
    let world = World::with(options).await;
    world.sold("O-1", "ART-1", 1, 1_000, 1).await;
    let claim = world.claim("O-1", "ART-1", 1, Category::Other, Resolution::RefundOnly).await;
    world.judge(&claim, "sue", Resolution::ReturnRefund, "").await;
    world.seen_by_customer(&claim, |seen| seen.open_plan.is_some()).await;
    world.wait(24 * 40);
    let process = world.until_state(&claim, ClaimState::Investigating).await;
    assert!(process.waiting.iter().any(|waits| waits.reason == "NO_ANSWER"), "{:?}", process.waiting);
    world.seen_by_customer(&claim, |seen| seen.open_plan.is_none()).await;
    std::fs::remove_file(policy).unwrap();
    world.end().await;
}
