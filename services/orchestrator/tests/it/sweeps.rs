//! What happens when nobody answers.

use jiff::SignedDuration;
use proto::claim::{ClaimState, Resolution, Severity};
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

    // Once it is answered nothing is asked any more.
    story.tell(story.judge(1, plan(1, Resolution::RefundOnly, 1))).await;
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM process WHERE ask_again_at IS NOT NULL")
        .fetch_one(world.service.pool())
        .await
        .unwrap();
    assert_eq!(open, 0);
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
