//! After the solution: is the customer satisfied?

use proto::claim::{Category, ClaimState, Resolution, claim_event};
use proto::logistics::Direction;
use system::{World, line};

/// A serious claim, carried out: the customer is asked.
async fn asked(world: &World) -> String {
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let mut reported = line("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend);
    reported.operation_stopped = true;
    let claim = world.submit(world.report("C-1", vec![reported])).await;
    world.deliver(&claim, Direction::Outbound).await;
    world.until_state(&claim, ClaimState::FollowingUp).await;
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn a_satisfied_customer_closes_the_claim() {
    let world = World::new().await;
    let claim = asked(&world).await;
    world.score(&claim, 5).await;
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_score_opens_the_next_round() {
    let world = World::new().await;
    let claim = asked(&world).await;
    world.score(&claim, 1).await;
    let process = world.until_state(&claim, ClaimState::Investigating).await;
    assert_eq!(process.round, 2);
    let reopened = world.timeline(&claim).await.into_iter().any(
        |event| matches!(event.kind, Some(claim_event::Kind::Reopened(again)) if (again.round, again.score) == (2, 1)),
    );
    assert!(reopened);
    world.judge(&claim, "sue", Resolution::Reject, "SOLVED").await;
    world
        .until(&claim, "ended", |process| {
            matches!(process.state(), ClaimState::Rejected | ClaimState::Closed | ClaimState::FollowingUp)
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_closes_the_claim() {
    let world = World::new().await;
    let claim = asked(&world).await;
    world.wait(24 * 60);
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}
