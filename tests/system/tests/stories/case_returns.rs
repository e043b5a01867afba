//! What comes back: two answers, and everything that is not as announced.

use proto::claim::{Category, ClaimState, Resolution};
use proto::inventory::{GetAvailabilityRequest, Zone};
use proto::logistics::Direction;
use system::World;

#[tokio::test(flavor = "multi_thread")]
async fn case_faulty_return_is_not_refunded() {
    let world = World::new().await;
    world.sold("CASE-3", "ART-1", 1, 1_000, 10).await;
    let claim = world.claim("CASE-3", "ART-1", 1, Category::TransitDamage, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 0, 1, 0, true).await;
    // It is what was reported: the money goes back, and the piece is not sold to the next customer.
    assert_eq!(world.finance(&claim, true).await, 1_000);
    world.until_state(&claim, ClaimState::Closed).await;
    let ask = GetAvailabilityRequest { sku: "ART-1".to_owned(), batch: String::new() };
    let found = world.inventory().await.get_availability(ask).await.unwrap().into_inner();
    let places: Vec<_> = found.stock.iter().map(|stock| (stock.zone(), stock.on_hand)).collect();
    assert_eq!((found.available, places), (0, vec![(Zone::PendingInspection, 1)]));
    world.end().await;
}
