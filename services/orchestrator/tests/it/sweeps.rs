//! What happens when nobody answers.

use jiff::SignedDuration;
use proto::claim::{ClaimState, Plan, Resolution, Severity};
use proto::intake::{ClaimWithdrawn, ContactLogged, intake_event};
use testkit::eventually;

use crate::journeys::send;
use crate::story::{World, plan};

#[tokio::test(flavor = "multi_thread")]
async fn an_open_question_is_asked_again_and_again_but_more_rarely() {
    let world = World::start().await;
    let story = world.submitted().await;
    let asked = || async { story.asked_triage("assess_claim").await };
    assert_eq!(asked().await.len(), 1);
    world.service.clock.advance(SignedDuration::from_secs(31));
    eventually(|| async { (asked().await.len() == 2).then_some(()) }).await;
    // The wait has doubled: after 31 seconds more nothing is due, after 61 it is.
    let wait: i32 = sqlx::query_scalar("SELECT ask_wait_s FROM process").fetch_one(world.service.pool()).await.unwrap();
    assert_eq!(wait, 60);
    world.service.clock.advance(SignedDuration::from_secs(61));
    eventually(|| async { (asked().await.len() == 3).then_some(()) }).await;
    let all = asked().await;
    assert!(all.iter().all(|message| *message == all[0]), "the same question: {all:?}");
    assert_eq!(story.timeline().await.len(), 1, "the world hears nothing of it");

    // Once it is answered the next is asked, of somebody who takes their time.
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 1))).await;
    assert_eq!(wait_s(&world).await, Some(600));
    assert_eq!(asked().await.len(), 3);
}

/// Seconds until the only claim asks again; none: it does not.
async fn wait_s(world: &World) -> Option<i32> {
    let query = "SELECT CASE WHEN ask_again_at IS NULL THEN NULL ELSE ask_wait_s END FROM process";
    sqlx::query_scalar(query).fetch_one(world.service.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_their_time_is_asked_again_rarely_and_so_is_whoever_does_not_answer() {
    let world = World::start().await;
    let story = world.submitted().await;
    let wanted = Plan { automatic: false, consented: false, ..plan(1, Resolution::RefundOnly, 1) };
    story.tell(story.judge(1, wanted)).await;
    let talked = ContactLogged { at: Some(proto::WireTime { seconds: 1_800_000_600, nanos: 0 }), channel: 1 };
    story.tell(story.intake(intake_event::Kind::ContactLogged(talked))).await;
    let stops = story.asked_escalation("stop_clocks").await;
    world.service.clock.advance(SignedDuration::from_secs(601));
    eventually(|| async { (story.asked_escalation("request_approval").await.len() == 2).then_some(()) }).await;
    assert_eq!(wait_s(&world).await, Some(1200));
    for what in ["request_approval", "start_clocks", "stop_clocks"] {
        let asked = story.asked_escalation(what).await;
        assert_eq!(asked.len(), 2, "{what}");
        assert!(what == "start_clocks" || asked[0] == asked[1], "word for word, with its time: {asked:?}");
    }
    assert_eq!(stops.len(), 1);
    let told = story.timeline().await.len();

    story.tell(story.intake(intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn {}))).await;
    assert_eq!((wait_s(&world).await, story.state().await), (Some(600), ClaimState::Withdrawn));
    world.service.clock.advance(SignedDuration::from_secs(601));
    eventually(|| async { (story.asked_intake("end_claim").await.len() == 2).then_some(()) }).await;
    assert_eq!(story.asked_escalation("cancel_approval").await.len(), 2);
    assert_eq!(wait_s(&world).await, None, "an end is told twice, and that is that");
    assert_eq!(story.timeline().await.len(), told + 1, "the world hears nothing of it");
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_that_is_asked_again_ends_no_later() {
    let world = World::start().await;
    let story = world.submitted().await;
    story.tell(story.judge_as(1, plan(1, Resolution::Replace, 1), Severity::Serious)).await;
    send(&story).await;
    let due = || async {
        let due: jiff_sqlx::Timestamp =
            sqlx::query_scalar("SELECT due_at FROM process").fetch_one(world.service.pool()).await.unwrap();
        due.to_jiff()
    };
    let before = due().await;
    world.service.clock.advance(SignedDuration::from_secs(601));
    eventually(|| async { (story.asked_intake("start_follow_up").await.len() == 2).then_some(()) }).await;
    assert_eq!(due().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_without_an_answer_ends() {
    let world = World::start().await;
    let story = world.submitted().await;
    story.tell(story.judge_as(1, plan(1, Resolution::Replace, 1), Severity::Serious)).await;
    send(&story).await;
    assert_eq!(story.state().await, ClaimState::FollowingUp);
    let due: Option<jiff_sqlx::Timestamp> =
        sqlx::query_scalar("SELECT due_at FROM process").fetch_one(world.service.pool()).await.unwrap();
    assert!(due.is_some());
    world.service.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    eventually(|| async { (story.state().await == ClaimState::Closed).then_some(()) }).await;
    assert_eq!(story.asked_intake("end_claim").await.len(), 1);
}
