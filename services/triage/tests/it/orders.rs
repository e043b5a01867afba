//! Order facts, and the statements that read them.

use proto::triage::triage_event::Kind as Answer;
use proto::triage::{AssessReason, RecordOrdersRequest};

use crate::world::{answers, ask, assess, claim, sold, tell, triage};

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let service = testkit::start(&triage::SERVICE).await;
    service.prepare_all(triage::store::STATEMENTS).await;
    service.needs_all(triage::store::GRANTS, triage::store::STATEMENTS).await;
}

#[tokio::test]
async fn the_same_order_line_again_replaces_the_facts() {
    let (service, mut client) = triage().await;
    let lines: Vec<_> = (0..500).map(|at| sold(&format!("P{at}"), "A", 70)).chain([sold("O1", "A", 250)]).collect();
    let (first, last) = lines.split_at(500);
    for lines in [first, last] {
        let request = RecordOrdersRequest { request_id: testkit::request_id(), lines: lines.to_vec() };
        let reply = client.record_orders(request.clone()).await.unwrap().into_inner();
        assert_eq!(reply.recorded as usize, lines.len());
        // The same request id gives the same answer.
        assert_eq!(client.record_orders(request).await.unwrap().into_inner(), reply);
    }
    let count: i64 = sqlx_count(&service).await;
    assert_eq!(count, 501);
    let mut named = ask(1, AssessReason::New);
    named.lines[0].order_no = "O1".to_owned();
    tell(&service, assess(claim(1), named)).await;
    let all = answers(&service).await;
    let [Answer::ClaimJudged(judged)] = &all[..] else { panic!("{all:?}") };
    let plan = judged.plan.as_ref().unwrap();
    assert_eq!(plan.cost.as_ref().unwrap().minor_units, 500);
    assert!(plan.automatic && plan.consented);
}

async fn sqlx_count(service: &testkit::TestService) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM order_line").fetch_one(service.pool()).await.unwrap()
}

#[tokio::test]
async fn the_database_chooses_the_purchase_that_the_domain_would() {
    let (service, mut client) = triage().await;
    let on = |order_no: &str, day: &str, quantity: u32| proto::triage::OrderLine {
        purchased_on: day.to_owned(),
        delivered_on: String::new(),
        quantity,
        ..sold(order_no, "B", 100)
    };
    let lines = vec![
        on("O1", "2026-06-05", 10),
        on("O2", "2026-06-08", 2),
        on("O3", "2026-06-09", 1),
        on("O4", "2026-06-21", 10),
        proto::triage::OrderLine { customer_ref: "C2".to_owned(), ..on("O5", "2026-06-10", 10) },
    ];
    client.record_orders(RecordOrdersRequest { request_id: testkit::request_id(), lines }).await.unwrap();
    for (number, quantity, occurred_on, expected) in
        [(1, 2, "", "O2"), (2, 9, "", "O1"), (3, 99, "", "O3"), (4, 2, "2026-06-07", "O1")]
    {
        let mut asked = ask(1, AssessReason::New);
        asked.lines[0].sku = "B".to_owned();
        asked.lines[0].quantity = quantity;
        asked.lines[0].occurred_on = occurred_on.to_owned();
        tell(&service, assess(claim(number), asked)).await;
        let all = answers(&service).await;
        let Some(Answer::ClaimJudged(judged)) = all.last() else { panic!("{all:?}") };
        assert_eq!(judged.plan.as_ref().unwrap().lines[0].order_no, expected);
    }
}
