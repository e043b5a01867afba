//! Withdrawn in every phase: what was done is compensated.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::logistics::{Direction, ShipmentState};
use proto::orchestrator::GetEntitlementRequest;
use system::World;

/// What the customer may still get is as it was.
async fn entitlement_is_whole(world: &World, order: &str, sku: &str) {
    let ask = GetEntitlementRequest { order_no: order.to_owned(), sku: sku.to_owned(), line_id: String::new() };
    let ledger = world.orchestrator().await.get_entitlement(ask).await.unwrap().into_inner();
    assert_eq!((ledger.held, ledger.given), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_customer_is_asked() {
    let world = World::new().await;
    let claim = world.claim("", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_state(&claim, ClaimState::AwaitingCustomer).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_person_investigates() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 5, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 1, Category::ServiceComplaint, Resolution::Unspecified).await;
    world.until_state(&claim, ClaimState::Investigating).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_customer_weighs_the_plan() {
    let world = World::new().await;
    let claim = crate::approvals::another_plan(&world).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stock_is_awaited() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 1).await;
    let claim = world.claim("O-1", "LAMP", 3, Category::Shortage, Resolution::Resend).await;
    world.until_waiting(&claim, WaitingFor::Stock).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(world.available("LAMP").await, (1, 0));
    entitlement_is_whole(&world, "O-1", "LAMP").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_parcel_is_booked_it_is_voided() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.shipment(&claim, Direction::Outbound).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(world.shipment(&claim, Direction::Outbound).await.state(), ShipmentState::Cancelled);
    assert_eq!(world.available("LAMP").await, (10, 0));
    entitlement_is_whole(&world, "O-1", "LAMP").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_parcel_is_under_way_it_comes_back() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::HandedOver).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::InTransit).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.withdraw(&claim).await;
    world.shipment(&claim, Direction::Return).await;
    world.carrier(&claim, Direction::Outbound, ShipmentState::Delivered).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 2, 0, 0, true).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(world.available("LAMP").await, (10, 0));
    entitlement_is_whole(&world, "O-1", "LAMP").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_pick_up_is_booked_it_is_called_off() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 5, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 2, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.shipment(&claim, Direction::Return).await;
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(world.shipment(&claim, Direction::Return).await.state(), ShipmentState::Cancelled);
    entitlement_is_whole(&world, "O-1", "MUG").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_money_is_instructed_finance_has_the_last_word() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 5, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 2, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 2, 0, 0, true).await;
    world.until_waiting(&claim, WaitingFor::Finance).await;
    world.withdraw(&claim).await;
    // Intake was told, finance tells the orchestrator: had that one not heard of it, the claim would simply be closed.
    world.until_state(&claim, ClaimState::Compensating).await;
    assert_eq!(world.finance(&claim, true).await, 500);
    // Paid and withdrawn: a person settles what cannot be taken back.
    testkit::eventually(async || {
        if world.process(&claim).await?.state() == ClaimState::Withdrawn {
            return Some(());
        }
        let open = world.tasks(&claim).await;
        let item = open.iter().find(|item| item.kind() == WorkKind::CompensationFailed)?;
        world.rule(item, "sam", Ruling::Approve).await.unwrap();
        None
    })
    .await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    world.end().await;
}
