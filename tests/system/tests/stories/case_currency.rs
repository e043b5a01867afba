//! Claims in the currency of their order.

use proto::claim::{Category, ClaimState, Money, Resolution};
use proto::logistics::Direction;
use proto::triage::{OrderLine, RecordOrdersRequest};
use system::World;
use testkit::request_id;

#[tokio::test(flavor = "multi_thread")]
async fn case_order_in_another_currency() {
    let world = World::new().await;
    let day = (world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() - jiff::Span::new().days(10)).to_string();
    let sold = OrderLine {
        order_no: "CASE-20".to_owned(),
        sku: "ART-1".to_owned(),
        customer_ref: "C-1".to_owned(),
        quantity: 1,
        unit_price: Some(Money { minor_units: 5_000, currency: "EUR".to_owned() }),
        purchased_on: day.clone(),
        delivered_on: day,
        ..OrderLine::default()
    };
    let record = RecordOrdersRequest { request_id: request_id(), lines: vec![sold] };
    world.triage().await.record_orders(record).await.unwrap();
    let claim = world.claim("CASE-20", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.deliver(&claim, Direction::Return).await;
    world.count(&claim, 1, 0, 0, true).await;
    let process = world.until(&claim, "to be paid", |process| !process.settlements.is_empty()).await;
    let told = process.settlements[0].amount.clone().unwrap();
    assert_eq!((told.minor_units, told.currency.as_str()), (5_000, "EUR"));
    // What the limits look at is in the currency of the policy.
    assert_eq!(process.plan.unwrap().cost.unwrap().currency, "GBP");
    assert_eq!(world.finance(&claim, true).await, 5_000);
    world.until_state(&claim, ClaimState::Closed).await;
    world.end().await;
}
