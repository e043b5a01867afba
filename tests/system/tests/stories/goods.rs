//! Goods to the customer: replacement, shortage, loss on the way.

use proto::claim::{Category, ClaimState, Leg, LegState, Resolution, WaitingFor};
use proto::logistics::{Direction, ShipmentState};
use system::World;

/// Plays the world around a replacement until the claim has ended.
async fn play(world: &World, claim: &str) {
    world.deliver(claim, Direction::Outbound).await;
    let process = world.until(claim, "delivered", |process| done(process, Leg::Shipment)).await;
    if process.legs.iter().any(|leg| leg.leg() == Leg::Pickup) {
        world.deliver(claim, Direction::Return).await;
        let announced = world.expected_return(claim).await.announced;
        world.count(claim, announced, 0, 0, true).await;
    }
}

fn done(process: &proto::orchestrator::Process, leg: Leg) -> bool {
    process.legs.iter().filter(|status| status.leg() == leg).any(|status| status.state() == LegState::Done)
        || process.state() == ClaimState::Closed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_article_is_replaced() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::TransitDamage, Resolution::Replace).await;
    play(&world, &claim).await;
    world.until_state(&claim, ClaimState::Closed).await;
    let (available, back_ordered) = world.available("LAMP").await;
    assert!(available <= 10 && back_ordered == 0);
    assert!(world.settlements(&claim).await.is_empty(), "a replacement costs the customer nothing and pays nothing");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_arrived_is_sent_and_leaves_stock() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.deliver(&claim, Direction::Outbound).await;
    world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(world.available("LAMP").await, (8, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_stock_waits_for_goods_and_goes_on_when_they_arrive() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 1).await;
    let claim = world.claim("O-1", "LAMP", 3, Category::Shortage, Resolution::Resend).await;
    world.until_waiting(&claim, WaitingFor::Stock).await;
    assert_eq!(world.available("LAMP").await, (0, 2));
    world.stock("LAMP", 1).await;
    world.until_waiting(&claim, WaitingFor::Stock).await;
    world.stock("LAMP", 4).await;
    world.deliver(&claim, Direction::Outbound).await;
    world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(world.available("LAMP").await, (3, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_parcel_is_sent_again_and_stock_is_counted_once_each() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    let first = world.shipment(&claim, Direction::Outbound).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::HandedOver).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::Lost).await;
    let again = testkit::eventually(async || {
        let newest = world.shipment(&claim, Direction::Outbound).await;
        (newest.shipment_id != first.shipment_id).then_some(newest)
    })
    .await;
    assert_eq!(again.quantity, 2);
    world.deliver(&claim, Direction::Outbound).await;
    world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(world.available("LAMP").await, (6, 0), "two lost, two delivered");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_is_told_and_the_claim_goes_on() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::HandedOver).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::Delayed).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::Delivered).await;
    world.until_state(&claim, ClaimState::Closed).await;
    let told = world.timeline(&claim).await.into_iter().any(|event| {
        matches!(event.kind, Some(proto::claim::claim_event::Kind::LegMoved(moved)) if moved.detail == "DELAYED")
    });
    assert!(told, "the delay is in the timeline");
    world.end().await;
}
