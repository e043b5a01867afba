//! Money follows what was paid and what was allowed.

use proto::claim::{Category, Channel, ClaimState, Resolution, WaitingFor};
use proto::escalation::{Ruling, WorkKind};
use proto::logistics::Direction;
use proto::orchestrator::{GetEntitlementRequest, SettlementState};
use system::{World, line};

fn minor(money: Option<&proto::claim::Money>) -> i64 {
    money.map_or(0, |money| money.minor_units)
}

/// A return that is carried to its end: what finance was told to pay.
pub async fn returned(world: &World, order: &str, units: u32) -> i64 {
    let claim = world.claim(order, "ART-1", units, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let parties = [WaitingFor::Carrier, WaitingFor::Approver];
    let asked = world.until(&claim, "carried out", |process| parties.contains(&process.waiting_for())).await;
    // With what the order got before, it may be more than is given without a person.
    if asked.waiting_for() == WaitingFor::Approver {
        let step = world.task(&claim, WorkKind::Approval).await;
        world.rule(&step, "eve", Ruling::Approve).await.unwrap();
        world.until_waiting(&claim, WaitingFor::Carrier).await;
    }
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, units, 0, 0, true).await;
    let paid = world.finance(&claim, true).await;
    world.until_state(&claim, ClaimState::Closed).await;
    paid
}

#[tokio::test(flavor = "multi_thread")]
async fn case_price_corrected_after_first_claim() {
    let world = World::new().await;
    world.sold("CASE-1", "ART-1", 3, 4_500, 10).await;
    assert_eq!(returned(&world, "CASE-1", 1).await, 4_500);
    // A late discount: what was allowed for the second unit is what is paid for it.
    world.sold("CASE-1", "ART-1", 3, 1_000, 10).await;
    let claim = world.claim("CASE-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    assert_eq!(world.finance(&claim, true).await, 1_000);
    let process = world.until_state(&claim, ClaimState::Closed).await;
    let (plan, paid) = (process.plan.unwrap(), &process.settlements[0]);
    let allowed = plan.lines[0].amount.as_ref().or(plan.lines[0].unit_price.as_ref());
    assert_eq!(minor(paid.allowed.as_ref()), minor(allowed));
    assert!(minor(paid.gross.as_ref()) <= minor(paid.allowed.as_ref()));
    assert_eq!(paid.credit_note, "CN-1");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_replacement_fails_again() {
    let world = World::new().await;
    world.sold("CASE-6", "ART-1", 1, 3_000, 20).await;
    world.stock("ART-1", 5).await;
    let ledger = async || {
        let ask =
            GetEntitlementRequest { order_no: "CASE-6".to_owned(), sku: "ART-1".to_owned(), line_id: String::new() };
        world.orchestrator().await.get_entitlement(ask).await.unwrap().into_inner()
    };
    for exchange in 1..=2 {
        let claim = world.claim("CASE-6", "ART-1", 1, Category::QualityPerformance, Resolution::Replace).await;
        world.until_waiting(&claim, WaitingFor::Carrier).await;
        world.deliver(&claim, Direction::Outbound).await;
        world.deliver(&claim, Direction::Return).await;
        world.count(&claim, 1, 0, 0, true).await;
        let over = |process: &proto::orchestrator::Process| {
            matches!(process.state(), ClaimState::Closed | ClaimState::FollowingUp)
        };
        world.until(&claim, "exchanged", over).await;
        let found = ledger().await;
        assert_eq!((found.held, found.given, found.replaced), (0, 0, 0), "exchange {exchange}: one out, one back");
    }
    // And the money is there once.
    assert_eq!(returned(&world, "CASE-6", 1).await, 3_000);
    let found = ledger().await;
    assert_eq!((found.given, minor(found.compensated.as_ref()), minor(found.paid.as_ref())), (1, 3_000, 3_000));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_customer_pays_the_return_freight() {
    let world = World::new().await;
    world.sold("CASE-19", "ART-1", 1, 2_000, 10).await;
    let lines = vec![line("CASE-19", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)];
    let mut report = world.report("C-1", lines);
    report.channel = Channel::Chat.into();
    let claim = world.submit(report).await;
    // Told before consent: the wish alone is none.
    let process = world.until_state(&claim, ClaimState::AwaitingConsent).await;
    assert_eq!(minor(process.plan.unwrap().lines[0].freight_kept.as_ref()), 400);
    let seen = world.seen_by_customer(&claim, |seen| seen.open_plan.is_some()).await;
    assert_eq!(minor(seen.open_plan.unwrap().lines[0].freight_kept.as_ref()), 400);
    world.answer_plan(&claim, 1, true).await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    assert_eq!(world.finance(&claim, true).await, 1_600);
    let process = world.until_state(&claim, ClaimState::Closed).await;
    let paid = &process.settlements[0];
    assert_eq!((minor(paid.gross.as_ref()), minor(paid.freight_kept.as_ref())), (2_000, 400));
    world.end().await;
}

/// A whole order of two articles and its delivery is announced, and so many articles come: what finance is told to pay.
async fn whole_order_back(world: &World, order: &str, comes: u32) -> i64 {
    world.sold(order, "ART-1", 2, 1_210, 10).await;
    world.sold(order, "POST", 1, 605, 10).await;
    let back = |sku, units| line(order, sku, units, Category::ReturnRequest, Resolution::ReturnRefund);
    let claim = world.submit(world.report("C-1", vec![back("ART-1", 2), back("POST", 1)])).await;
    let process = world.until_waiting(&claim, WaitingFor::Carrier).await;
    assert_eq!(process.plan.unwrap().lines[1].only_with, [1]);
    world.deliver(&claim, Direction::Return).await;
    assert!(world.settlements(&claim).await.is_empty(), "nothing is paid for what has not come");
    world.count(&claim, comes, 0, 0, true).await;
    let mut paid = world.finance(&claim, true).await;
    if comes == 2 {
        paid += world.finance(&claim, true).await;
    }
    world.until_state(&claim, ClaimState::Closed).await;
    assert!(world.settlements(&claim).await.iter().all(|row| row.state() == SettlementState::Paid));
    paid
}

#[tokio::test(flavor = "multi_thread")]
async fn case_delivery_fee_of_a_whole_return() {
    let world = World::new().await;
    assert_eq!(whole_order_back(&world, "CASE-18", 2).await, 2 * 1_210 + 605);
    assert_eq!(whole_order_back(&world, "CASE-18B", 1).await, 1_210, "only a part has come");
    let ask = GetEntitlementRequest { order_no: "CASE-18B".to_owned(), sku: "POST".to_owned(), line_id: String::new() };
    let fee = world.orchestrator().await.get_entitlement(ask).await.unwrap().into_inner();
    assert_eq!((fee.held, fee.given), (0, 0), "what was promised is promised no more");
    world.end().await;
}
