//! Money back: what was counted is refunded, and no unit twice.

use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::escalation::Ruling;
use proto::logistics::Direction;
use proto::orchestrator::{GetEntitlementRequest, SettlementState};
use system::{World, line};

#[tokio::test(flavor = "multi_thread")]
async fn partial_damaged_and_excess_receipts_refund_what_was_accepted() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 10, 250, 3).await;
    world.stock("MUG", 0).await;
    let claim = world.claim("O-1", "MUG", 5, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    let count = world.count(&claim, 2, 0, 0, false).await;
    assert_eq!((count.accepted, count.damaged), (2, 0));
    world.until_waiting(&claim, WaitingFor::Warehouse).await;
    assert!(world.settlements(&claim).await.is_empty(), "nothing is refunded while goods are expected");
    let count = world.count(&claim, 1, 1, 2, true).await;
    let counted = (count.accepted, count.damaged, count.wrong_item, count.missing, count.excess, count.resalable);
    assert_eq!(counted, (3, 1, 2, 0, 1, 3), "announced 5 and 1 in excess: 3 + 1 + 2 + 0");
    // A person says what counts: neither the two of another article nor the damaged one.
    world.mismatch(&claim, "WRONG_ITEM_RETURNED", Ruling::Deny).await;
    world.mismatch(&claim, "RETURN_NOT_AS_CLAIMED", Ruling::Deny).await;
    assert_eq!(world.finance(&claim, true).await, 3 * 250);
    world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(world.available("MUG").await.0, 3, "only accepted goods are back in stock");
    let ask = GetEntitlementRequest { order_no: "O-1".to_owned(), sku: "MUG".to_owned(), line_id: String::new() };
    let ledger = world.orchestrator().await.get_entitlement(ask).await.unwrap().into_inner();
    assert_eq!((ledger.sold, ledger.held, ledger.given), (10, 0, 3));
    assert_eq!(ledger.compensated.unwrap().minor_units, 750);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_of_nothing_good_refunds_nothing() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 10, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 3, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    let count = world.count(&claim, 0, 2, 0, true).await;
    assert_eq!((count.damaged, count.missing), (2, 1));
    world.mismatch(&claim, "RETURN_NOT_AS_CLAIMED", Ruling::Deny).await;
    let process = world.until_state(&claim, ClaimState::Rejected).await;
    assert_eq!(process.end_reason, "RETURN_NOT_ACCEPTED", "it is not told as solved");
    assert!(world.settlements(&claim).await.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unit_is_compensated_twice_over_all_claims() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 4, 250, 3).await;
    let mut refunded = 0;
    for _ in 0..3 {
        let claim = world.claim("O-1", "MUG", 3, Category::ReturnRequest, Resolution::ReturnRefund).await;
        let process = world
            .until(&claim, "decided", |process| {
                process.waiting_for() == WaitingFor::Carrier || process.state() == ClaimState::Rejected
            })
            .await;
        if process.state() == ClaimState::Rejected {
            assert_eq!(process.end_reason, "ALREADY_COMPENSATED");
            continue;
        }
        let announced = world.expected_return(&claim).await.announced;
        world.deliver(&claim, Direction::Return).await;
        world.count(&claim, announced, 0, 0, true).await;
        refunded += world.finance(&claim, true).await;
        world.until_state(&claim, ClaimState::Closed).await;
    }
    assert_eq!(refunded, 4 * 250, "three units, then the last one, then none");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_fails_is_decided_by_a_person_and_paid_once() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 4, 250, 3).await;
    let claim = world.claim("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    world.finance(&claim, false).await;
    let item = world.task(&claim, proto::escalation::WorkKind::LegFailed).await;
    world.rule(&item, "sam", proto::escalation::Ruling::Retry).await.unwrap();
    assert_eq!(world.finance(&claim, true).await, 250);
    world.until_state(&claim, ClaimState::Closed).await;
    let states: Vec<_> = world.settlements(&claim).await.iter().map(|row| row.state()).collect();
    assert_eq!(states, [SettlementState::Failed, SettlementState::Paid]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_lines_go_their_own_ways_side_by_side() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 4, 250, 3).await;
    world.sold("O-2", "LAMP", 2, 900, 3).await;
    world.stock("LAMP", 5).await;
    let lines = vec![
        line("O-1", "MUG", 2, Category::ReturnRequest, Resolution::ReturnRefund),
        line("O-2", "LAMP", 1, Category::Shortage, Resolution::Resend),
    ];
    let claim = world.submit(world.report("C-1", lines)).await;
    world.deliver(&claim, Direction::Outbound).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 2, 0, 0, true).await;
    assert_eq!(world.finance(&claim, true).await, 500);
    world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(world.available("LAMP").await, (4, 0));
    world.end().await;
}
