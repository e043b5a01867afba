//! Which purchase a line is about, and who has reported it before.

use proto::claim::{Category, Channel, ClaimState, Notice, Resolution, claim_event};
use proto::intake::{Claim, MarkDuplicateRequest};
use system::{World, line};
use testkit::{actor, reason, request_id};
use tonic::Status;

/// The same problem on another channel, typed by somebody else.
fn again(world: &World, order: &str, sku: &str) -> system::Report {
    let line = line(order, sku, 1, Category::ReturnRequest, Resolution::ReturnRefund);
    system::Report { channel: Channel::Phone.into(), ..world.report("C-1", vec![line]) }
}

async fn submitted(world: &World, report: system::Report) -> Claim {
    world.intake().await.submit_claim(report).await.unwrap().into_inner().claim.unwrap()
}

async fn merge(world: &World, claim: &Claim, of: &Claim) -> Result<Claim, Status> {
    let ask = MarkDuplicateRequest {
        request_id: request_id(),
        claim_id: claim.claim_id.clone(),
        of_claim_id: of.claim_id.clone(),
        etag: String::new(),
    };
    let asked = actor(ask, "sue", &["specialist"]);
    world.intake().await.mark_duplicate(asked).await.map(|answer| answer.into_inner().claim.unwrap())
}

/// Two reports of one thing over two channels are found, and merged by a person.
#[tokio::test(flavor = "multi_thread")]
async fn case_reported_twice_over_two_channels() {
    let world = World::new().await;
    world.sold("AB-1001", "MUG", 5, 250, 3).await;
    let first = world.claim("AB-1001", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    let first = world.seen_by_customer(&first, |_| true).await;
    assert!(first.possible_duplicates.is_empty());
    let other = submitted(&world, again(&world, "AB-1001", "LAMP")).await;
    assert!(other.possible_duplicates.is_empty(), "another article is another problem");
    let second = submitted(&world, again(&world, "ab1001", "mug")).await;
    assert_eq!(second.possible_duplicates, std::slice::from_ref(&first.claim_number));
    let hint = notices(&world, "specialist").await;
    let hint = hint.iter().find(|notice| notice.template == "possible_duplicate").unwrap();
    assert_eq!((&hint.claim_number, &hint.parameters["of"]), (&second.claim_number, &first.claim_number));

    let merged = merge(&world, &second, &first).await.unwrap();
    assert_eq!(merged.duplicate_of, first.claim_number);
    let ended = world.until_state(&second.claim_id, ClaimState::Duplicate).await;
    assert_eq!(ended.end_reason, "DUPLICATE");
    let seen = world.seen_by_customer(&second.claim_id, |seen| seen.state() == ClaimState::Duplicate).await;
    assert_eq!(seen.end_reason, "DUPLICATE");
    let Some(claim_event::Kind::Ended(ended)) = world.timeline(&second.claim_id).await.pop().unwrap().kind else {
        panic!("it has ended")
    };
    assert_eq!((ended.outcome(), ended.duplicate_of), (ClaimState::Duplicate, first.claim_id.clone()));
    let told = notices(&world, "customer").await;
    let told = told.iter().find(|notice| notice.template == "claim_ended").unwrap();
    assert_eq!(told.parameters["duplicate_of"], first.claim_number);
    assert_eq!(reason(&merge(&world, &second, &other).await.unwrap_err()), "CLAIM_ENDED");

    // What a merged claim had begun is taken back, and nobody is asked about it any more.
    let third = submitted(&world, again(&world, "", "MUG")).await;
    assert_eq!(third.possible_duplicates, std::slice::from_ref(&first.claim_number), "merged ones are not named again");
    world.withdraw(&first.claim_id).await;
    world.until_state(&first.claim_id, ClaimState::Withdrawn).await;
    assert_eq!(reason(&merge(&world, &third, &first).await.unwrap_err()), "NOT_MERGEABLE");
    world.end().await;
}

/// Whatever is under way for a duplicate is compensated before it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_under_way_is_undone_first() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 1).await;
    let first =
        submitted(&world, world.report("C-1", vec![line("O-9", "LAMP", 1, Category::Other, Resolution::Unspecified)]))
            .await;
    let second = world.claim("O-1", "LAMP", 3, Category::Shortage, Resolution::Resend).await;
    world.until_waiting(&second, proto::claim::WaitingFor::Stock).await;
    let second = world.seen_by_customer(&second, |_| true).await;
    merge(&world, &second, &first).await.unwrap();
    world.until_state(&second.claim_id, ClaimState::Duplicate).await;
    assert_eq!(world.available("LAMP").await, (1, 0), "what was held is free again");
    world.end().await;
}

/// All notices for an audience so far.
async fn notices(world: &World, audience: &str) -> Vec<Notice> {
    use sqlx::{Connection, PgConnection};
    let mut database = PgConnection::connect(&world.stack.superuser_url("intake")).await.unwrap();
    let query = sqlx::query_scalar("SELECT payload FROM journal WHERE subject LIKE $1 ORDER BY seq");
    let payloads: Vec<Vec<u8>> = query.bind(format!("notice.{audience}.%")).fetch_all(&mut database).await.unwrap();
    payloads.iter().map(|payload| serde_json::from_slice(payload).unwrap()).collect()
}

/// Orders and claims have one rule for references of customers: who buys as "C 42" can claim as "C 42".
#[tokio::test(flavor = "multi_thread")]
async fn case_customer_number_with_a_space() {
    use proto::claim::Money;
    use proto::triage::{OrderLine, RecordOrdersRequest};
    let world = World::new().await;
    let day = (world.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() - jiff::Span::new().days(3)).to_string();
    for customer in ["C 42", "shop:42", "DE/0042"] {
        let line_of = OrderLine {
            order_no: format!("CASE-33 {customer}"),
            sku: "ART-1".to_owned(),
            customer_ref: customer.to_owned(),
            quantity: 1,
            unit_price: Some(Money { minor_units: 1_000, currency: "GBP".to_owned() }),
            purchased_on: day.clone(),
            ..OrderLine::default()
        };
        let orders = RecordOrdersRequest { request_id: request_id(), lines: vec![line_of] };
        world.triage().await.record_orders(orders).await.unwrap();
        let lines = vec![line("", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)];
        let claim = world.submit(world.report(&format!(" {customer}"), lines)).await;
        world.until_state(&claim, ClaimState::Executing).await;
    }
    // What cannot be a reference is refused at both doors, with the same words.
    let bad = "Anna Berg";
    let lines = vec![line("", "ART-1", 1, Category::ReturnRequest, Resolution::ReturnRefund)];
    let claim = world.intake().await.submit_claim(world.report(bad, lines)).await.unwrap_err();
    let order = OrderLine {
        order_no: "1".to_owned(),
        sku: "A".to_owned(),
        quantity: 1,
        purchased_on: day,
        ..OrderLine::default()
    };
    let price = Some(Money { minor_units: 1, currency: "GBP".to_owned() });
    let lines = vec![OrderLine { customer_ref: bad.to_owned(), unit_price: price, ..order }];
    let orders = RecordOrdersRequest { request_id: request_id(), lines };
    let order = world.triage().await.record_orders(orders).await.unwrap_err();
    let told = |status: &Status| {
        let bad = testkit::details(status).bad_request().unwrap().field_violations.clone();
        bad.into_iter().map(|violation| violation.description).collect::<Vec<_>>()
    };
    assert_eq!(told(&claim), told(&order));
    world.end().await;
}

/// What the contract cannot say yet is for a person, under a reason that says so, and nothing moves before.
#[tokio::test(flavor = "multi_thread")]
async fn cases_of_an_exchange_a_part_of_the_price_and_a_part_of_a_set() {
    let world = World::new().await;
    world.sold("AB-1", "SHIRT-M", 1, 4_000, 10).await;
    for (sku, category, wish, reason) in [
        ("SHIRT-M", Category::ExchangeRequest, Resolution::Replace, "EXCHANGE_FOR_ANOTHER_ARTICLE"),
        ("SHIRT-M", Category::ServiceComplaint, Resolution::RefundOnly, "PART_OF_THE_PRICE"),
        ("SHIRT-BUTTON", Category::MissingAccessory, Resolution::Resend, "PART_OF_A_SET"),
    ] {
        let claim = world.claim("AB-1", sku, 1, category, wish).await;
        assert_eq!(world.judgement(&claim).await.reason, reason);
        let process = world.until_state(&claim, ClaimState::Investigating).await;
        assert!(process.plan.is_none() && process.legs.is_empty(), "{reason}");
        world.judge(&claim, "sue", Resolution::Reject, "NOT_OFFERED").await;
        assert_eq!(world.until_state(&claim, ClaimState::Rejected).await.end_reason, "NOT_OFFERED");
    }
    world.end().await;
}
