//! No unit is compensated twice: the ledger over all claims of an order line, and the database behind it.

use proto::claim::{ClaimState, Resolution};
use tonic::Code;

use crate::journeys::pay;
use crate::story::{ORDER, PRICE, SKU, World};

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_one_order_line_share_what_was_sold() {
    let world = World::start().await;
    let first = world.judged(Resolution::RefundOnly, 4).await;
    let second = world.judged(Resolution::RefundOnly, 4).await;
    let third = world.judged(Resolution::RefundOnly, 4).await;
    assert_eq!(first.settlement().await.1, 4 * PRICE);
    assert_eq!(second.settlement().await.1, 2 * PRICE);
    let process = third.process().await;
    assert_eq!((process.state(), process.end_reason.as_str()), (ClaimState::Rejected, "ALREADY_COMPENSATED"));
    pay(&first).await;
    pay(&second).await;
    assert_eq!(world.ledger().await, (0, 6, 6 * PRICE));
    let line = world.entitlement(ORDER, SKU).await.unwrap();
    assert_eq!((line.sold, line.paid.unwrap().minor_units), (6, 6 * PRICE));
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_of_an_unknown_order_are_paid_as_somebody_decided_and_only_once() {
    let world = World::start().await;
    for _ in 0..2 {
        let story = world.submitted().await;
        let mut plan = crate::story::plan(1, Resolution::RefundOnly, 2);
        (plan.lines[0].order_no, plan.lines[0].sold_quantity) = (String::new(), 3);
        story.tell(story.judge(1, plan)).await;
        assert_eq!(story.settlement().await.1, 2 * PRICE, "each claim takes from goods of its own");
        pay(&story).await;
        let line = world.entitlement(&format!("claim:{}/1", story.claim), SKU).await.unwrap();
        assert_eq!((line.sold, line.held, line.given), (3, 0, 2));
    }
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_claims_at_once_never_exceed_what_was_sold() {
    let world = World::start().await;
    let stories: Vec<_> = (0..12).map(|_| world.story()).collect();
    for story in &stories {
        story.tell(story.submit(proto::claim::Channel::Web)).await;
    }
    let judged =
        stories.iter().map(|story| story.tell(story.judge(1, crate::story::plan(1, Resolution::RefundOnly, 1))));
    futures::future::join_all(judged).await;
    assert_eq!(world.ledger().await, (0, 6, 6 * PRICE));
    let mut rejected = 0;
    for story in &stories {
        rejected += usize::from(story.state().await == ClaimState::Rejected);
    }
    assert_eq!(rejected, 6);
    let entries: i64 = sqlx::query_scalar("SELECT sum(units) FROM entitlement_entry WHERE kind = 'given'")
        .fetch_one(world.service.pool())
        .await
        .unwrap();
    assert_eq!(entries, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_the_ledger_would() {
    let world = World::start().await;
    world.judged(Resolution::RefundOnly, 2).await;
    for (wrong, code) in [
        ("UPDATE entitlement SET held = 5", "23514"),
        ("UPDATE entitlement SET held = -1", "23514"),
        ("UPDATE entitlement SET compensated_minor = paid_minor + 1", "23514"),
        ("UPDATE entitlement_entry SET units = 9", "P0001"),
        ("DELETE FROM entitlement_entry", "P0001"),
        ("UPDATE journal SET number = number + 10", "P0001"),
        ("DELETE FROM journal", "P0001"),
        ("UPDATE settlement SET state = 5", "23514"),
        ("UPDATE settlement SET state = 2", "23514"),
        ("UPDATE process SET state = 13", "23514"),
        ("UPDATE process SET state = 10, waiting_for = 7", "23514"),
    ] {
        let error = sqlx::query(wrong).execute(world.service.pool()).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some(code), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_line_nobody_claimed_is_not_known() {
    let world = World::start().await;
    let status = world.entitlement("x", "y").await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    let status = world.entitlement("", "\u{1}").await.unwrap_err();
    assert_eq!(testkit::bad_fields(&status), ["order_no", "sku"]);
}
