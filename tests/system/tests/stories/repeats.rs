//! The same thing said twice.

use proto::claim::{Category, ClaimState, Resolution};
use proto::intake::ListClaimsRequest;
use proto::logistics::Direction;
use system::{World, line};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_two_clients_is_one_claim() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 2, 250, 3).await;
    let report = world.report("C-1", vec![line("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    let (first, second) = tokio::join!(world.submit(report.clone()), world.submit(report.clone()));
    assert_eq!(first, second);
    let changed = system::Report { importance: 3, ..report };
    let refused = world.intake().await.submit_claim(changed).await.unwrap_err();
    assert_eq!(testkit::reason(&refused), "REQUEST_ID_REUSED");
    let listed = world.intake().await.list_claims(ListClaimsRequest::default()).await.unwrap().into_inner().claims;
    assert_eq!(listed.len(), 1);
    world.until(&first, "planned", |process| process.plan.is_some()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_claim_delivered_again_changes_nothing() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.deliver(&claim, Direction::Outbound).await;
    let before = world.until_state(&claim, ClaimState::Closed).await;
    world.deliver_everything_again().await;
    let after = world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(before.events, after.events);
    assert_eq!(world.available("LAMP").await, (8, 0));
    world.end().await;
}
