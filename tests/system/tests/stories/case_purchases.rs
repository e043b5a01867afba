//! Several purchases of one article are used one after the other, and what was paid for them is what goes back.

use proto::claim::{Category, ClaimState, Money, Resolution};
use proto::triage::{OrderLine, RecordOrdersRequest};
use system::{World, line};
use testkit::request_id;

use crate::case_money;

/// Returns units without an order number; gives what finance pays.
async fn returned(world: &World, units: u32) -> i64 {
    case_money::returned(world, "", units).await
}

#[tokio::test(flavor = "multi_thread")]
async fn case_second_return_of_the_same_article() {
    let world = World::new().await;
    world.sold("CASE-5A", "ART-1", 1, 1_000, 20).await;
    world.sold("CASE-5B", "ART-1", 1, 800, 10).await;
    // The newest is used first; a purchase with nothing left is passed over.
    assert_eq!(returned(&world, 1).await, 800);
    assert_eq!(returned(&world, 1).await, 1_000);
    let third = world
        .submit(world.report("C-1", vec![line("", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)]));
    let ended = world.until_state(&third.await, ClaimState::Rejected).await;
    assert_eq!(ended.end_reason, "ALREADY_COMPENSATED");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_one_claim_over_two_purchases() {
    let world = World::new().await;
    world.sold("CASE-5A", "ART-1", 1, 1_000, 20).await;
    world.sold("CASE-5B", "ART-1", 1, 800, 10).await;
    assert_eq!(returned(&world, 2).await, 1_800);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_unit_price_is_no_whole_penny() {
    let world = World::new().await;
    let day = (world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() - jiff::Span::new().days(10)).to_string();
    let sold = OrderLine {
        order_no: "7001".to_owned(),
        sku: "ART-1".to_owned(),
        customer_ref: "C-1".to_owned(),
        quantity: 10,
        paid_total: Some(Money { minor_units: 17_925, currency: "GBP".to_owned() }),
        tax_total: Some(Money { minor_units: 2_987, currency: "GBP".to_owned() }),
        purchased_on: day.clone(),
        delivered_on: day,
        ..OrderLine::default()
    };
    // Recorded again as it was, it is the same version.
    for _ in 0..2 {
        let record = RecordOrdersRequest { request_id: request_id(), lines: vec![sold.clone()] };
        world.triage().await.record_orders(record).await.unwrap();
    }
    let mut parts = Vec::new();
    for _ in 0..5 {
        parts.push(returned(&world, 2).await);
    }
    assert_eq!(parts, [3_586, 3_586, 3_585, 3_584, 3_584], "the first five units carry a penny more");
    let settlements = world.settlements("").await;
    let tax: Vec<i64> = settlements.iter().map(|paid| paid.tax.as_ref().unwrap().minor_units).collect();
    assert_eq!((parts.iter().sum::<i64>(), tax.iter().sum::<i64>()), (17_925, 2_987), "{tax:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_units_corrected_after_first_claim() {
    let world = World::new().await;
    world.sold("CASE-2", "ART-1", 1, 1_000, 10).await;
    assert_eq!(returned(&world, 1).await, 1_000);
    world.sold("CASE-2", "ART-1", 3, 1_000, 10).await;
    assert_eq!(returned(&world, 2).await, 2_000);
    world.end().await;
}
