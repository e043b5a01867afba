//! Windows, warranties, and the days they rest on.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use proto::claim::{Category, ClaimState, Money, Resolution, WaitingFor};
use proto::intake::AnswerQuestionRequest;
use proto::logistics::{Direction, ListShipmentsRequest};
use proto::policy::SUPPLY_CHAIN;
use proto::triage::{OrderLine, RecordOrdersRequest};
use system::{World, line};
use testkit::{bad_fields, request_id};

fn today(world: &World) -> Date {
    world.clock.now().to_zoned(TimeZone::get("Europe/London").unwrap()).date()
}

fn sold(order: &str, purchased_on: Date, delivered_on: Option<Date>) -> OrderLine {
    OrderLine {
        order_no: order.to_owned(),
        sku: "ART-1".to_owned(),
        customer_ref: "C-1".to_owned(),
        quantity: 1,
        unit_price: Some(Money { minor_units: 2_000, currency: "GBP".to_owned() }),
        purchased_on: purchased_on.to_string(),
        delivered_on: delivered_on.map(|day| day.to_string()).unwrap_or_default(),
        ..OrderLine::default()
    }
}

async fn record(world: &World, lines: Vec<OrderLine>) -> Result<(), tonic::Status> {
    let request = RecordOrdersRequest { request_id: request_id(), lines };
    world.triage().await.record_orders(request).await.map(drop)
}

/// Why a person was asked about a claim.
async fn asked_because(world: &World, claim: &str) -> String {
    world.until_state(claim, ClaimState::Investigating).await;
    world.judgement(claim).await.reason
}

#[tokio::test(flavor = "multi_thread")]
async fn case_delivery_day_is_not_known() {
    let world = World::new().await;
    let today = today(&world);
    record(&world, vec![sold("CASE-13", today - 45.days(), None)]).await.unwrap();
    let mut reported = line("CASE-13", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund);
    reported.delivered_on = (today - 5.days()).to_string();
    let claim = world.submit(world.report("C-1", vec![reported])).await;
    assert_eq!(asked_because(&world, &claim).await, "DELIVERY_DAY_UNKNOWN");
    world.judge(&claim, "sue", Resolution::ReturnRefund, "").await;
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_goods_are_not_delivered_yet() {
    let world = World::new().await;
    let today = today(&world);
    record(&world, vec![sold("CASE-14A", today - 1.days(), Some(today + 4.days()))]).await.unwrap();
    let refused = record(&world, vec![sold("CASE-14B", today + 90.days(), None)]).await.unwrap_err();
    assert_eq!(bad_fields(&refused), ["lines[0].purchased_on"]);
    let claim = world.claim("CASE-14A", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    assert_eq!(asked_because(&world, &claim).await, "NOT_DELIVERED_YET");
    assert!(world.process(&claim).await.unwrap().legs.is_empty(), "nothing is collected");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_warranty_in_months() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let shipped = "[triage.warranty] # S4-12; our default\nfrom = \"delivery\"\nmonths = 12\n";
    assert!(SUPPLY_CHAIN.contains(shipped));
    let pack = SUPPLY_CHAIN.replacen(shipped, "[triage.warranty]\nfrom = \"delivery\"\nmonths = 36\n", 1);
    std::fs::write(&file, pack).unwrap();
    let options = local::StackOptions {
        durable: false,
        log: std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned()),
        policy: Some(file),
        ..local::StackOptions::default()
    };
    let world = World::with(options).await;
    world.stock("ART-1", 3).await;
    // The first day whose warranty is not over; where two days of a shorter month have the same last day, the earlier.
    let first = today(&world) - Span::new().months(36);
    let before = first - 1.days();
    record(&world, vec![sold("CASE-32A", first, Some(first)), sold("CASE-32B", before, Some(before))]).await.unwrap();
    let by_fact = OrderLine { warranty_until: today(&world).to_string(), ..sold("CASE-32C", before, Some(before)) };
    record(&world, vec![by_fact]).await.unwrap();
    for (order, expected) in [("CASE-32A", None), ("CASE-32B", Some("OUTSIDE_WINDOW")), ("CASE-32C", None)] {
        let claim = world.claim(order, "ART-1", 1, Category::QualityPerformance, Resolution::Replace).await;
        match expected {
            None => drop(world.until(&claim, "planned", |process| process.plan.is_some()).await),
            Some(reason) => assert_eq!(asked_because(&world, &claim).await, reason, "{order}"),
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b_d13_nobody_ships_to_nowhere() {
    let world = World::new().await;
    world.sold("O-1", "ART-1", 2, 2_000, 3).await;
    let mut report =
        world.report("C-1", vec![line("O-1", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    report.contact.as_mut().unwrap().address.clear();
    let claim = world.submit(report).await;
    world.until_state(&claim, ClaimState::AwaitingCustomer).await;
    let asked = world.seen_by_customer(&claim, |seen| !seen.questions.is_empty()).await;
    assert_eq!(asked.questions[0].reason, "ADDRESS_NEEDED");
    let booked = ListShipmentsRequest { claim_id: claim.clone(), ..ListShipmentsRequest::default() };
    assert!(world.logistics().await.list_shipments(booked).await.unwrap().into_inner().shipments.is_empty());
    let answer = AnswerQuestionRequest {
        request_id: request_id(),
        claim_id: claim.clone(),
        question_id: asked.questions[0].question_id.clone(),
        address: "1 Example Road".to_owned(),
        ..AnswerQuestionRequest::default()
    };
    world.intake().await.answer_question(answer).await.unwrap();
    world.until_waiting(&claim, WaitingFor::Carrier).await;
    world.shipment(&claim, Direction::Return).await;
    world.end().await;
}
