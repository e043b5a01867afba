//! What a plan rests on: facts that are corrected, units that other claims have, several order lines, goods that fail
//! again, and freight that is kept.

use proto::claim::{ClaimState, LinePlan, Money, Plan, Resolution, ReturnCount, Take};
use proto::inventory::{ReturnCounted, inventory_event};
use proto::orchestrator::{ListSettlementsRequest, Settlement, SettlementState};
use proto::triage::{AssessClaim, AssessReason, triage_command};

use crate::journeys::{pay, send};
use crate::story::{SKU, Story, World, line, plan};

fn money(minor_units: i64, currency: &str) -> Option<Money> {
    Some(Money { minor_units, currency: currency.to_owned() })
}

/// Units of an order line with 3 units, by a version of its facts.
fn take(order_no: &str, version: u32, paid_total: i64, quantity: u32) -> Take {
    Take {
        tax_total: None,
        order_no: order_no.to_owned(),
        sku: SKU.to_owned(),
        line_id: String::new(),
        version,
        sold_quantity: 3,
        paid_total: money(paid_total, "GBP"),
        quantity,
        amount: money(proto::share::first(paid_total, 3, quantity), "GBP"),
    }
}

/// A plan of one line that takes this.
fn taking(number: u32, resolution: Resolution, takes: Vec<Take>) -> Plan {
    let quantity = takes.iter().map(|take| take.quantity).sum();
    let sum = takes.iter().filter_map(|take| take.amount.as_ref()).map(|amount| amount.minor_units).sum();
    let currency = takes[0].amount.as_ref().unwrap().currency.clone();
    let line = LinePlan { takes, amount: money(sum, &currency), ..line(1, resolution, quantity) };
    Plan { lines: vec![line], ..plan(number, resolution, quantity) }
}

async fn judged<'w>(world: &'w World, plan: Plan) -> Story<'w> {
    let story = world.submitted().await;
    story.tell(story.judge(1, plan)).await;
    story
}

async fn asked(story: &Story<'_>) -> Vec<AssessClaim> {
    let asked = story.asked_triage("assess_claim").await.into_iter().filter_map(|asked| asked.kind);
    let assess = asked.filter_map(|kind| match kind {
        triage_command::Kind::AssessClaim(assess) => Some(assess),
        triage_command::Kind::CancelAssessment(_) => None,
    });
    assess.collect()
}

async fn settlements(story: &Story<'_>) -> Vec<Settlement> {
    let ask = ListSettlementsRequest { claim_id: story.claim.to_string(), ..ListSettlementsRequest::default() };
    story.world.api().list_settlements(ask).await.unwrap().into_inner().settlements
}

async fn count(story: &Story<'_>, accepted: u32) {
    let receipt = story.asked_inventory("expect_return").await.pop().expect("it is expected").job.unwrap();
    let count = ReturnCount { accepted, ..ReturnCount::default() };
    let counted = ReturnCounted { count: Some(count), complete: true, late: 0 };
    story.tell(story.inventory(&receipt, inventory_event::Kind::ReturnCounted(counted))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr1_what_finance_is_told_is_never_more_than_the_plan_that_was_allowed() {
    let world = World::start().await;
    // A plan of before, at a price that somebody gave: it opens the ledger.
    let mut dear = plan(1, Resolution::RefundOnly, 1);
    dear.lines[0].unit_price = money(20_000, "GBP");
    assert_eq!(judged(&world, dear).await.settlement().await.1, 20_000);
    let mut cheap = plan(1, Resolution::RefundOnly, 4);
    cheap.lines[0].unit_price = money(100, "GBP");
    let story = judged(&world, cheap).await;
    assert_eq!(story.settlement().await.1, 400, "400 was allowed, whatever the ledger says of the price");
    let row = &settlements(&story).await[0];
    assert_eq!((row.allowed.as_ref().unwrap().minor_units, row.gross.as_ref().unwrap().minor_units), (400, 400));
    for (wrong, code) in [
        ("UPDATE settlement SET amount_minor = allowed_minor + 1", "23514"),
        ("UPDATE settlement SET freight_kept_minor = allowed_minor", "23514"),
        ("UPDATE settlement SET tax_minor = amount_minor + freight_kept_minor + 1", "23514"),
        ("UPDATE entitlement SET taxed_minor = compensated_minor + 1", "23514"),
        ("UPDATE entitlement SET replaced = given + 1", "23514"),
        ("UPDATE entitlement SET goods_minor = compensated_minor + 1", "23514"),
    ] {
        let error = sqlx::query(wrong).execute(world.service.pool()).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some(code), "{wrong}");
    }
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_follows_corrections_up_and_down() {
    let world = World::start().await;
    let first = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 1, 150_000, 1)])).await;
    assert_eq!(first.settlement().await.1, 50_000);
    // The price is corrected after one unit was paid.
    let second = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 2, 12_000, 1)])).await;
    assert_eq!(second.settlement().await.1, 4_000);
    let ledger = world.entitlement("F", SKU).await.unwrap();
    assert_eq!((ledger.sold, ledger.given, ledger.version), (3, 2, 2));
    assert_eq!(ledger.paid.unwrap().minor_units, 58_000);
    // More was sold than was said at first.
    let more = Take { sold_quantity: 5, paid_total: money(20_000, "GBP"), ..take("F", 3, 12_000, 3) };
    let third = judged(&world, taking(1, Resolution::RefundOnly, vec![more])).await;
    assert_eq!(third.settlement().await.1, 12_000);
    assert_eq!(world.entitlement("F", SKU).await.unwrap().sold, 5);
    let corrected: Vec<i32> =
        sqlx::query_scalar("SELECT version FROM entitlement_entry WHERE kind = 'corrected' ORDER BY entry_id")
            .fetch_all(world.service.pool())
            .await
            .unwrap();
    assert_eq!(corrected, [2, 3]);
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_by_older_facts_pays_the_less_of_what_was_allowed_and_what_is_so() {
    let world = World::start().await;
    // It waits for the warehouse while the price is corrected.
    let old = judged(&world, taking(1, Resolution::ReturnRefund, vec![take("F", 1, 150_000, 2)])).await;
    let new = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 2, 12_000, 1)])).await;
    assert_eq!(new.settlement().await.1, 4_000);
    count(&old, 1).await;
    assert_eq!(old.settlement().await.1, 4_000, "50,000 was allowed for it, and 4,000 was paid for it");
    let ledger = world.entitlement("F", SKU).await.unwrap();
    assert_eq!((ledger.held, ledger.given, ledger.compensated.unwrap().minor_units), (0, 2, 8_000));
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_takes_from_several_orders_in_their_order() {
    let world = World::start().await;
    let takes = || vec![take("B", 1, 2_400, 1), take("A", 1, 3_000, 2)];
    let story = judged(&world, taking(1, Resolution::ReturnRefund, takes())).await;
    let held = async |order_no| world.entitlement(order_no, SKU).await.unwrap().held;
    assert_eq!((held("B").await, held("A").await), (1, 2));
    count(&story, 2).await;
    assert_eq!(story.settlement().await.1, 800 + 1_000, "what did not come back is that of the last one");
    pay(&story).await;
    let given = async |order_no| world.entitlement(order_no, SKU).await.unwrap().given;
    assert_eq!((given("B").await, given("A").await, held("A").await), (1, 1, 0));
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_several_lines_of_an_article_has_a_ledger_for_each() {
    let world = World::start().await;
    let of = |line_id: &str| Take { line_id: line_id.to_owned(), ..take("L", 1, 3_000, 2) };
    judged(&world, taking(1, Resolution::RefundOnly, vec![of("1"), of("2")])).await;
    let all = world.entitlement("L", SKU).await.unwrap();
    assert_eq!((all.sold, all.given, all.paid.unwrap().minor_units), (6, 4, 6_000));
    let ask = proto::orchestrator::GetEntitlementRequest {
        order_no: "L".to_owned(),
        sku: SKU.to_owned(),
        line_id: "2".to_owned(),
    };
    let one = world.api().get_entitlement(ask.clone()).await.unwrap().into_inner();
    assert_eq!((one.sold, one.given), (3, 2));
    let none = proto::orchestrator::GetEntitlementRequest { line_id: "3".to_owned(), ..ask };
    assert_eq!(world.api().get_entitlement(none).await.unwrap_err().code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_does_not_fit_is_made_again_with_what_is_left() {
    let world = World::start().await;
    judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 1, 3_000, 2)])).await;
    let story = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 1, 3_000, 2)])).await;
    let again = asked(&story).await.pop().unwrap();
    assert_eq!((again.assessment, again.plan_number, again.reason()), (2, 2, AssessReason::Basis));
    let left: Vec<_> = again.left.iter().map(|left| (left.order_no.as_str(), left.free, left.replaced)).collect();
    assert_eq!(left, [("F", 1, 0)]);
    assert_eq!(story.state().await, ClaimState::Assessing);
    assert_eq!(story.process().await.plan, None, "what does not fit is not in force");
    // Spread over another order: it fits.
    let spread = vec![take("F", 1, 3_000, 1), take("G", 1, 2_400, 1)];
    story.tell(story.judge(2, taking(2, Resolution::RefundOnly, spread))).await;
    assert_eq!(story.settlement().await.1, 1_800);
    // By facts that are not the newest.
    judged(&world, taking(1, Resolution::RefundOnly, vec![take("G", 4, 2_100, 1)])).await;
    let late = judged(&world, taking(1, Resolution::RefundOnly, vec![take("G", 3, 2_400, 1)])).await;
    assert_eq!(asked(&late).await.pop().unwrap().reason(), AssessReason::Basis);
    // Who does not listen gets what is left, and not more than is so.
    // As often as a plan may be made again, and once more.
    for number in 2..=11 {
        late.tell(late.judge(number, taking(number, Resolution::RefundOnly, vec![take("G", 3, 2_400, 1)]))).await;
    }
    assert_eq!(late.settlement().await.1, 700);
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sr11_a_price_that_was_raised_after_a_claim_is_decided_by_a_person() {
    let world = World::start().await;
    judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 1, 3_000, 1)])).await;
    let story = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 2, 90_000, 1)])).await;
    let again = asked(&story).await.pop().unwrap();
    assert_eq!(again.reason(), AssessReason::Basis);
    let left = &again.left[0];
    assert_eq!((left.free, left.version, left.sold_quantity), (2, 1, 3), "the facts that a unit was given by");
    assert_eq!(left.paid_total, money(3_000, "GBP"));
    let by_sam =
        Plan { proposed_by: "sam".to_owned(), ..taking(2, Resolution::RefundOnly, vec![take("F", 2, 90_000, 1)]) };
    story.tell(story.judge(2, by_sam)).await;
    assert_eq!(story.settlement().await.1, 30_000);
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_fits_is_not_asked_again() {
    let world = World::start().await;
    let story = judged(&world, taking(1, Resolution::RefundOnly, vec![take("F", 1, 3_000, 2)])).await;
    assert_eq!(asked(&story).await.len(), 1);
    pay(&story).await;
    let corrections: i64 = sqlx::query_scalar("SELECT count(*) FROM entitlement_entry WHERE kind = 'corrected'")
        .fetch_one(world.service.pool())
        .await
        .unwrap();
    assert_eq!(corrections, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_fails_again_is_helped_again() {
    let world = World::start().await;
    let one = |version| Take { sold_quantity: 1, paid_total: money(3_000, "GBP"), ..take("R", version, 9_000, 1) };
    let exchange = |number| {
        let mut plan = taking(number, Resolution::Replace, vec![one(1)]);
        plan.lines[0].collect = true;
        plan
    };
    // The faulty unit comes back: the next claim is as good as the first one.
    for round in 1..=2 {
        let story = judged(&world, exchange(1)).await;
        send(&story).await;
        count(&story, 1).await;
        let pickup = story.asked_logistics("collect").await.pop().unwrap().job.unwrap();
        let cancelled = proto::logistics::logistics_event::Kind::Cancelled(proto::logistics::Cancelled {});
        story.tell(story.logistics(&pickup, proto::logistics::Direction::Return, cancelled)).await;
        assert_eq!(story.state().await, ClaimState::Closed, "exchange {round}");
        let ledger = world.entitlement("R", SKU).await.unwrap();
        assert_eq!((ledger.given, ledger.replaced, ledger.compensated.unwrap().minor_units), (0, 0, 0));
    }
    // It is left with the customer: then a person is asked who hears of it.
    let kept = judged(&world, taking(1, Resolution::Replace, vec![one(1)])).await;
    send(&kept).await;
    assert_eq!(world.entitlement("R", SKU).await.unwrap().replaced, 1);
    let again = judged(&world, exchange(1)).await;
    let told = asked(&again).await.pop().unwrap();
    assert_eq!((told.reason(), told.left[0].free, told.left[0].replaced), (AssessReason::Basis, 0, 1));
    let by = |number, who: &str| Plan {
        proposed_by: who.to_owned(),
        ..taking(number, Resolution::RefundOnly, vec![one(1)])
    };
    again.tell(again.judge(2, by(2, "rules"))).await;
    assert_eq!(again.state().await, ClaimState::Assessing, "the rules do not give a unit twice");
    again.tell(again.judge(3, by(3, "sam"))).await;
    assert_eq!(again.settlement().await.1, 3_000, "money once");
    pay(&again).await;
    let ledger = world.entitlement("R", SKU).await.unwrap();
    assert_eq!((ledger.sold, ledger.given, ledger.replaced), (1, 1, 0));
    assert_eq!(ledger.compensated.unwrap().minor_units, 3_000);
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn freight_that_the_customer_bears_is_kept_from_the_refund() {
    let world = World::start().await;
    let with_freight = |order_no: &str, freight| {
        let mut plan = taking(1, Resolution::ReturnRefund, vec![take(order_no, 1, 6_000, 2)]);
        plan.lines[0].freight_kept = money(freight, "GBP");
        plan
    };
    let story = judged(&world, with_freight("F", 400)).await;
    count(&story, 1).await;
    assert_eq!(story.settlement().await.1, 1_600);
    let told = story.notices("customer", "refund_instructed").await.remove(0).parameters;
    assert_eq!((told["gross_minor"].as_str(), told["freight_kept_minor"].as_str()), ("2000", "400"));
    pay(&story).await;
    let row = story.process().await.settlements.remove(0);
    let minor = |money: &Option<Money>| money.as_ref().map_or(0, |money| money.minor_units);
    assert_eq!((minor(&row.gross), minor(&row.freight_kept), minor(&row.amount)), (2_000, 400, 1_600));
    assert_eq!(row.state(), SettlementState::Paid);

    // More than the refund: nothing is paid, nobody is charged, and that is told.
    let small = judged(&world, with_freight("G", 9_000)).await;
    count(&small, 2).await;
    assert!(small.notices("finance", "settlement_instructed").await.is_empty());
    let told = small.notices("customer", "refund_paid").await.remove(0).parameters;
    assert_eq!((told["amount_minor"].as_str(), told["freight_kept_minor"].as_str()), ("0", "4000"));
    let row = settlements(&small).await.remove(0);
    assert_eq!((minor(&row.gross), minor(&row.freight_kept), minor(&row.amount)), (4_000, 4_000, 0));
    assert_eq!(row.state(), SettlementState::Paid);
    // What did not come back is not charged either.
    let nothing = judged(&world, with_freight("H", 400)).await;
    count(&nothing, 0).await;
    assert!(settlements(&nothing).await.is_empty());
    world.nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_back_in_the_currency_of_the_order() {
    let world = World::start().await;
    let euros = |version, quantity| Take {
        paid_total: money(15_000, "EUR"),
        amount: money(5_000 * i64::from(quantity), "EUR"),
        ..take("E", version, 0, quantity)
    };
    let story = judged(&world, taking(1, Resolution::RefundOnly, vec![euros(1, 1)])).await;
    let told = story.notices("finance", "settlement_instructed").await.remove(0).parameters;
    assert_eq!((told["amount_minor"].as_str(), told["currency"].as_str()), ("5000", "EUR"));
    // Facts in another currency than what was given: no plan pays by them, whoever makes it.
    let pounds = judged(&world, taking(1, Resolution::RefundOnly, vec![take("E", 2, 3_000, 1)])).await;
    // As often as a plan may be made again, and once more.
    for number in 2..=11 {
        let plan = taking(number, Resolution::RefundOnly, vec![take("E", 2, 3_000, 1)]);
        pounds.tell(pounds.judge(number, plan)).await;
    }
    assert_eq!(pounds.process().await.end_reason, "ALREADY_COMPENSATED");
    assert!(settlements(&pounds).await.is_empty());
    world.nothing_is_parked().await;
}
