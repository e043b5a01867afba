//! Order facts, and the statements that read them.

use proto::triage::triage_event::Kind as Answer;
use proto::triage::{AssessReason, ListOrderFactsRequest, RecordOrdersRequest};

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

/// What migrations made of the codes that were recorded before there were keys is what they are looked for by.
#[tokio::test]
async fn keys_of_before_are_those_of_now() {
    let service = testkit::start(&triage::SERVICE).await;
    let mut session = service.pool().acquire().await.unwrap();
    let table = "CREATE TEMP TABLE order_line (order_no text, sku text, unit_price_minor bigint, quantity integer, \
                 paid_minor bigint, order_key text, sku_key text)";
    sqlx::query(table).execute(&mut *session).await.unwrap();
    let codes = [
        "AB-1001",
        "ab 1001",
        "#A.B/1_0",
        "##7",
        "-",
        "#",
        "\u{ff21}\u{ff22}1",
        "\u{c4}B-1",
        "\u{160}\u{10c}-9",
        "\u{3a9}1",
        "\u{411}-12",
        "stra\u{df}e 4",
        "A\u{2013}B\u{2212}C",
        "a\u{a0}b",
        "\u{2160}-3",
        "no 7.5/b",
    ];
    for code in codes {
        let row = sqlx::query("INSERT INTO order_line VALUES ($1, $1, 1, 1)").bind(code);
        row.execute(&mut *session).await.unwrap();
    }
    let migrations = [
        include_str!("../../migrations/20261130110000_version_order_lines.sql"),
        include_str!("../../migrations/20261130170200_letters_of_other_alphabets.sql"),
    ];
    let lines = migrations.iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let updates: Vec<_> = text.split(';').filter(|part| part.trim_start().starts_with("UPDATE")).collect();
    assert_eq!(updates.len(), 3);
    for update in updates {
        sqlx::query(sqlx::AssertSqlSafe(update)).execute(&mut *session).await.unwrap();
    }
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT order_no, order_key, sku_key FROM order_line").fetch_all(&mut *session).await.unwrap();
    assert_eq!(rows.len(), codes.len());
    for (code, order_key, sku_key) in rows {
        let now = proto::codes::key(&code);
        assert_eq!((&order_key, &sku_key), (&now, &now), "{code}");
    }
}

#[tokio::test]
async fn versions_of_an_order_are_read_page_by_page() {
    let (_service, mut client) = triage().await;
    for price in [250, 260, 260, 270] {
        let lines = vec![sold("AB-7", "A", price), sold("AB-7", "B", 100)];
        client.record_orders(RecordOrdersRequest { request_id: testkit::request_id(), lines }).await.unwrap();
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let ask = ListOrderFactsRequest { page_size: 3, page_token, order_no: "ab 7".to_owned() };
        let page = client.list_order_facts(ask).await.unwrap().into_inner();
        assert!(page.facts.len() <= 3);
        seen.extend(page.facts.into_iter().map(|facts| {
            assert!(!facts.recorded_by.is_empty() && facts.recorded_at.is_some());
            (facts.line.unwrap().sku, facts.version)
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    // What was recorded again as it was is no version.
    let each = [("A", 1), ("A", 2), ("A", 3), ("B", 1)].map(|(sku, version)| (sku.to_owned(), version));
    assert_eq!(seen, each);
    let of_another = ListOrderFactsRequest { page_token: "x".to_owned(), order_no: "ab 7".to_owned(), page_size: -1 };
    let refused = client.list_order_facts(of_another).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&refused), ["page_size", "page_token"]);
}
