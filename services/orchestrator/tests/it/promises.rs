//! What the customer was promised: what keeps it, what moves it, and what follows when the customer says nothing.

use jiff::SignedDuration;
use proto::WireTime;
use proto::claim::{Assessment, Channel, ClaimState, Plan, Resolution, Severity};
use proto::escalation::{ApprovalGranted, ClockKind, DeadlineMoved, StopClocks, escalation_command, escalation_event};
use proto::intake::{ContactLogged, MovedPromise, PlanAnswered, intake_command, intake_event};
use proto::inventory::{ReservedPartly, inventory_event};
use proto::triage::{AnswerNeeded, AssessReason, PersonNeeded, triage_command, triage_event};
use testkit::eventually;

use crate::story::{Story, World, plan};

fn at(seconds: i64) -> Option<WireTime> {
    Some(WireTime { seconds, nanos: 0 })
}

/// What escalation was told to stop, with kinds; the end of a claim apart.
async fn stops(story: &Story<'_>) -> Vec<StopClocks> {
    let asked = story.asked_escalation("stop_clocks").await.into_iter().filter_map(|command| match command.kind {
        Some(escalation_command::Kind::StopClocks(stop)) => Some(stop).filter(|stop| !stop.kinds.is_empty()),
        _ => None,
    });
    asked.collect()
}

/// What intake was told of promises last.
async fn promises(story: &Story<'_>) -> Vec<MovedPromise> {
    match story.asked_intake("move_promises").await.pop().and_then(|command| command.kind) {
        Some(intake_command::Kind::MovePromises(moved)) => moved.promises,
        _ => Vec::new(),
    }
}

fn promise(kind: &str, due_at: Option<WireTime>, due_on: &str) -> MovedPromise {
    MovedPromise { kind: kind.to_owned(), due_at, due_on: due_on.to_owned() }
}

fn to_be_agreed(number: u32) -> Plan {
    Plan { automatic: false, consented: false, ..plan(number, Resolution::RefundOnly, 1) }
}

async fn on_the_phone(world: &World) -> Story<'_> {
    let story = world.story();
    story.tell(story.submit(Channel::Phone)).await;
    story
}

fn granted(plan_number: u32) -> escalation_event::Kind {
    escalation_event::Kind::ApprovalGranted(ApprovalGranted { plan_number, by: "max".to_owned(), steps_by: vec![] })
}

/// A claim whose plan waits for the customer.
async fn proposed(world: &World) -> Story<'_> {
    let story = world.submitted().await;
    story.tell(story.judge(1, to_be_agreed(1))).await;
    story.tell(story.escalation(granted(1))).await;
    assert_eq!(story.state().await, ClaimState::AwaitingConsent);
    story
}

/// A claim whose customer is asked a question.
async fn asked(world: &World) -> Story<'_> {
    let story = world.submitted().await;
    let needed = AnswerNeeded { assessment: 1, reason: "ORDER_NUMBER_NEEDED".to_owned(), line: 1 };
    story.tell(story.triage(triage_event::Kind::AnswerNeeded(needed))).await;
    assert_eq!(story.state().await, ClaimState::AwaitingCustomer);
    story
}

#[tokio::test(flavor = "multi_thread")]
async fn b_d4_a_plan_that_is_made_is_no_feedback_and_one_that_is_proposed_is() {
    let world = World::start().await;
    let story = on_the_phone(&world).await;
    story.tell(story.judge_as(1, to_be_agreed(1), Severity::Serious)).await;
    assert!(stops(&story).await.is_empty(), "the customer has heard nothing");
    story.tell(story.escalation(granted(1))).await;
    let stopped = stops(&story).await;
    assert_eq!(stopped.len(), 1);
    let both = [ClockKind::FirstFeedback as i32, ClockKind::Acknowledgement as i32];
    assert_eq!((&stopped[0].kinds[..], stopped[0].severity()), (&both[..], Severity::Serious));
    let agreed = PlanAnswered { plan_number: 1, accepted: true, answered_by: String::new() };
    story.tell(story.intake(intake_event::Kind::PlanAnswered(agreed))).await;
    assert_eq!(stops(&story).await.len(), 1, "once");
}

/// On the way that needs nobody the clocks learn how bad it is from what is sent anyway.
#[tokio::test(flavor = "multi_thread")]
async fn a_d2_the_clocks_learn_the_severity() {
    let world = World::start().await;
    let story = world.submitted().await;
    story.tell(story.judge_as(1, plan(1, Resolution::RefundOnly, 1), Severity::Minor)).await;
    assert_eq!(stops(&story).await[0].severity(), Severity::Minor);
    assert!(story.asked_escalation("retarget_clocks").await.is_empty(), "no message more");
    assert!(story.asked_intake("move_promises").await.is_empty());

    let story = world.submitted().await;
    let judgement = Some(Assessment { number: 1, severity: Severity::Urgent as i32, ..Assessment::default() });
    let needed = PersonNeeded { assessment: 1, reason: "VALUE_HIGH".to_owned(), judgement, ..PersonNeeded::default() };
    story.tell(story.triage(triage_event::Kind::PersonNeeded(needed))).await;
    let Some(escalation_command::Kind::RetargetClocks(judged)) =
        story.asked_escalation("retarget_clocks").await.pop().unwrap().kind
    else {
        panic!("the clocks are re-targeted")
    };
    assert_eq!((judged.round, judged.severity()), (1, Severity::Urgent));
    // The person judges it anew: who may approve hears of it, and so do the clocks.
    story.tell(story.judge_as(1, to_be_agreed(1), Severity::General)).await;
    let Some(escalation_command::Kind::RequestApproval(request)) =
        story.asked_escalation("request_approval").await.pop().unwrap().kind
    else {
        panic!("approval is asked for")
    };
    assert_eq!(request.severity(), Severity::General);
}

#[tokio::test(flavor = "multi_thread")]
async fn b_d4_a_talk_is_an_answer_and_a_first_feedback_when_they_talked() {
    let world = World::start().await;
    let story = on_the_phone(&world).await;
    let talked = ContactLogged { at: at(1_800_000_600), channel: Channel::Phone as i32 };
    for _ in 0..2 {
        story.tell(story.intake(intake_event::Kind::ContactLogged(talked))).await;
    }
    let stopped = stops(&story).await;
    assert_eq!(stopped.len(), 1);
    assert_eq!((stopped[0].kinds.len(), stopped[0].at), (2, at(1_800_000_600)));
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 1))).await;
    assert_eq!(stops(&story).await.len(), 1, "it is given already");
    assert_eq!(story.asked_escalation("retarget_clocks").await.len(), 1, "so the severity is told by itself");
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_moves_moves_the_promise_while_it_holds() {
    let world = World::start().await;
    let story = on_the_phone(&world).await;
    let moved = |kind: ClockKind, seconds| {
        let moved = DeadlineMoved { kind: kind as i32, round: 1, deadline: at(seconds) };
        story.escalation(escalation_event::Kind::DeadlineMoved(moved))
    };
    story.tell(moved(ClockKind::FirstFeedback, 1_800_100_000)).await;
    story.tell(moved(ClockKind::Acknowledgement, 1_800_050_000)).await;
    let first = promise("FIRST_FEEDBACK", at(1_800_100_000), "");
    assert_eq!(promises(&story).await, [promise("ACKNOWLEDGEMENT", at(1_800_050_000), ""), first]);
    let talked = ContactLogged { at: at(1_800_000_600), channel: Channel::Phone as i32 };
    story.tell(story.intake(intake_event::Kind::ContactLogged(talked))).await;
    story.tell(moved(ClockKind::FirstFeedback, 1_800_200_000)).await;
    assert_eq!(story.asked_intake("move_promises").await.len(), 2, "it was kept in the meantime");
    // With time intake hears that they were kept.
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 1))).await;
    world.service.clock.advance(SignedDuration::from_secs(601));
    let kept = [promise("ACKNOWLEDGEMENT", None, ""), promise("FIRST_FEEDBACK", None, "")];
    eventually(|| async { promises(&story).await.starts_with(&kept).then_some(()) }).await;
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d7_what_the_customer_is_told_of_a_shortage_is_what_the_claim_shows() {
    let world = World::start().await;
    let story = world.judged(Resolution::Resend, 2).await;
    let job = story.asked_inventory("reserve").await.pop().unwrap().job.unwrap();
    let partly = ReservedPartly { held: 1, short: 1, expected_on: "2099-12-14".to_owned() };
    story.tell(story.inventory(&job, inventory_event::Kind::ReservedPartly(partly))).await;
    let kept = promise("FIRST_FEEDBACK", None, "");
    assert_eq!(
        promises(&story).await,
        [promise("ACKNOWLEDGEMENT", None, ""), kept, promise("SOLUTION", None, "2099-12-14")]
    );
}

async fn reminders(story: &Story<'_>) -> usize {
    story.notices("customer", "answer_reminder").await.len()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// Three and seven working days, fifteen until it lapses: calendar days are enough for the longest holidays.
#[tokio::test(flavor = "multi_thread")]
async fn b_d15_a_question_without_an_answer_is_reminded_and_lapses() {
    let world = World::start().await;
    let story = asked(&world).await;
    for (reminded, wait) in [(1, 12), (2, 14)] {
        world.service.clock.advance(days(wait));
        eventually(|| async { (reminders(&story).await == reminded).then_some(()) }).await;
    }
    let notice = story.notices("customer", "answer_reminder").await.remove(0);
    assert_eq!(notice.parameters["question_id"], "q1");
    assert!(notice.parameters.contains_key("answer_by") && notice.customer_ref == "c-17");
    assert_eq!(story.state().await, ClaimState::AwaitingCustomer);
    world.service.clock.advance(days(24));
    eventually(|| async { (story.state().await == ClaimState::Withdrawn).then_some(()) }).await;
    assert_eq!(story.process().await.end_reason, "NO_ANSWER");
    assert_eq!(story.asked_intake("close_question").await.len(), 1);
    assert_eq!((story.asked_intake("end_claim").await.len(), reminders(&story).await), (1, 2));
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b_d15_a_plan_without_an_answer_is_reminded_and_lapses() {
    let world = World::start().await;
    let story = proposed(&world).await;
    for (reminded, wait) in [(1, 12), (2, 14)] {
        world.service.clock.advance(days(wait));
        eventually(|| async { (reminders(&story).await == reminded).then_some(()) }).await;
    }
    assert_eq!(story.notices("customer", "answer_reminder").await[0].parameters["plan_number"], "1");
    world.service.clock.advance(days(24));
    eventually(|| async { (story.state().await == ClaimState::Withdrawn).then_some(()) }).await;
    assert_eq!(story.asked_intake("withdraw_plan").await.len(), 1);
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_the_waiting_and_the_next_question_has_its_own_days() {
    let world = World::start().await;
    let story = asked(&world).await;
    world.service.clock.advance(days(12));
    eventually(|| async { (reminders(&story).await == 1).then_some(()) }).await;
    let (question_id, order_no) = ("q1".to_owned(), String::new());
    let answer = proto::intake::CustomerAnswered {
        question_id,
        line: 1,
        order_no,
        address_given: false,
        answered_by: String::new(),
    };
    story.tell(story.intake(intake_event::Kind::CustomerAnswered(answer))).await;
    let due = async || {
        let due: Option<jiff_sqlx::Timestamp> =
            sqlx::query_scalar("SELECT due_at FROM process").fetch_one(world.service.pool()).await.unwrap();
        due.map(jiff_sqlx::Timestamp::to_jiff)
    };
    assert_eq!(due().await, None, "nobody waits for the customer");
    let needed = AnswerNeeded { assessment: 2, reason: "MORE_DETAIL".to_owned(), line: 0 };
    story.tell(story.triage(triage_event::Kind::AnswerNeeded(needed))).await;
    assert!(due().await.unwrap() > world.service.clock.now() + days(2), "three days from now");
}

/// A claim of a release before, which has waited for its customer and was never to be reminded.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_claim_that_waits_for_its_customer_does_not_wait_for_ever() {
    let world = World::start().await;
    let story = asked(&world).await;
    let old = "UPDATE process SET due_at = NULL, version = version + 1, claim = (claim::jsonb - 'waiting')::json, \
         process = (process::jsonb - 'heard')::json";
    sqlx::query(old).execute(world.service.pool()).await.unwrap();
    // It is asked again whether the question is known, some time, and then it is seen.
    world.service.clock.advance(SignedDuration::from_secs(601));
    eventually(|| async { (story.asked_intake("ask_customer").await.len() == 2).then_some(()) }).await;
    world.service.clock.advance(days(12));
    eventually(|| async { (reminders(&story).await == 1).then_some(()) }).await;
}

/// The policy may want that a person decides: then the customer is asked no more, and the clocks go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_decide_about_silence() {
    let mut home = testkit::Home::new(&orchestrator::SERVICE).await;
    let text = proto::policy::SUPPLY_CHAIN.replace("then = \"withdrawn\"", "then = \"person\"");
    std::fs::create_dir_all(home.checkpoints()).unwrap();
    let file = home.checkpoints().with_extension("toml");
    std::fs::write(&file, text).unwrap();
    home.variables.push(("POLICY__FILE".to_owned(), file.display().to_string()));
    let world = World { service: testkit::TestService::at(home, chassis::Clock::default()).await };
    let story = asked(&world).await;
    for wait in [12, 14, 24] {
        let before = reminders(&story).await;
        world.service.clock.advance(days(wait));
        eventually(|| async {
            let moved = reminders(&story).await > before || story.state().await == ClaimState::Assessing;
            moved.then_some(())
        })
        .await;
    }
    let Some(triage_command::Kind::AssessClaim(assess)) = story.asked_triage("assess_claim").await.pop().unwrap().kind
    else {
        panic!("it is judged again")
    };
    assert_eq!((assess.assessment, assess.reason()), (2, AssessReason::NoAnswer));
    assert_eq!(story.asked_escalation("resume_clocks").await.len(), 1);
}
