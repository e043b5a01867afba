//! What comes back: two answers, and everything that is not as announced.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::Ruling;
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

#[tokio::test(flavor = "multi_thread")]
async fn case_more_or_other_goods_come_back() {
    let world = World::new().await;
    world.sold("CASE-25", "ART-1", 3, 1_000, 10).await;
    let two = world.claim("CASE-25", "ART-1", 2, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&two, Direction::Return).await;
    assert_eq!(world.count(&two, 3, 0, 0, true).await.excess, 1);
    // The third piece is still the customer's: somebody says what becomes of it before the claim ends.
    world.mismatch(&two, "RETURN_EXCESS", Ruling::Approve).await;
    assert_eq!(world.finance(&two, true).await, 2_000, "the plan allowed two");
    world.until_state(&two, ClaimState::Closed).await;

    // Another article by mistake: a person is asked, and a claim that gave nothing is not told as solved.
    let other = world.claim("CASE-25", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&other, Direction::Return).await;
    world.count(&other, 0, 0, 1, true).await;
    world.mismatch(&other, "WRONG_ITEM_RETURNED", Ruling::Deny).await;
    let process = world.until_state(&other, ClaimState::Rejected).await;
    assert_eq!(process.end_reason, "RETURN_NOT_ACCEPTED");
    assert!(world.settlements(&other).await.is_empty());
    // And what was promised for it is free again.
    let again = world.claim("CASE-25", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&again, Direction::Return).await;
    world.count(&again, 1, 0, 0, true).await;
    assert_eq!(world.finance(&again, true).await, 1_000);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_missing_unit_arrives_later() {
    let world = World::new().await;
    world.sold("CASE-24", "ART-1", 5, 800, 10).await;
    world.stock("ART-1", 0).await;
    let claim = world.claim("CASE-24", "ART-1", 5, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 2, 0, 0, false).await;
    assert_eq!(world.count(&claim, 2, 0, 0, true).await.missing, 1);
    assert_eq!(world.finance(&claim, true).await, 4 * 800);
    world.until_state(&claim, ClaimState::Closed).await;
    // It is stock, and a person hears of it, although the claim has ended.
    world.wait(3 * 24);
    world.count(&claim, 1, 0, 0, true).await;
    assert_eq!(world.available("ART-1").await.0, 5);
    world.mismatch(&claim, "LATE_RETURN", Ruling::Approve).await;
    assert_eq!(world.until_state(&claim, ClaimState::Closed).await.end_reason, "");
    // What is owed for it was never given: it can be claimed.
    let late = world.claim("CASE-24", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&late, WaitingFor::Carrier).await;
    world.deliver(&late, Direction::Return).await;
    world.count(&late, 1, 0, 0, true).await;
    assert_eq!(world.finance(&late, true).await, 800);
    world.end().await;
}
