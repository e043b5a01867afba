//! What an order line must look like.

use chassis::Check;
use jiff::ToSpan;
use jiff::civil::Date;
use proto::claim::Money;
use proto::currency;
use proto::triage::{LineKind, OrderLine};

use crate::domain::orders::Order;
use crate::domain::plan::{MONEY_MAX, value};

/// Days that a delivery which is still to come may lie ahead.
const AHEAD_DAYS: i64 = 366;

/// Reads an order line. Nobody has bought tomorrow: `latest` is the last day that has begun anywhere.
pub(super) fn read(check: &mut Check, at: &str, line: &OrderLine, latest: Date) -> Option<Order> {
    let field = |name: &str| format!("{at}.{name}");
    let order_no = check.spelled(&field("order_no"), &line.order_no, 1..=64);
    let sku = check.spelled(&field("sku"), &line.sku, 1..=64);
    let customer_ref = check.customer_ref(&field("customer_ref"), &line.customer_ref, true);
    let quantity = check.number(&field("quantity"), line.quantity, 1..=1_000_000);
    let purchased_on = check.date(&field("purchased_on"), &line.purchased_on);
    let paid = paid(check, at, line, purchased_on);
    let delivered_on = check.date(&field("delivered_on"), &line.delivered_on);
    if line.purchased_on.is_empty() {
        check.add(&field("purchased_on"), "must be given");
    }
    if delivered_on.zip(purchased_on).is_some_and(|(delivered, purchased)| delivered < purchased) {
        check.add(&field("delivered_on"), "must not be before purchased_on");
    }
    if delivered_on.is_some_and(|day| day > latest.saturating_add(AHEAD_DAYS.days())) {
        check.add(&field("delivered_on"), "must not be more than a year ahead");
    }
    let warranty_until = check.date(&field("warranty_until"), &line.warranty_until);
    if warranty_until.zip(purchased_on).is_some_and(|(until, purchased)| until < purchased) {
        check.add(&field("warranty_until"), "must not be before purchased_on");
    }
    let repaired_on = check.date(&field("repaired_on"), &line.repaired_on);
    if repaired_on.zip(purchased_on).is_some_and(|(repaired, purchased)| repaired < purchased) {
        check.add(&field("repaired_on"), "must not be before purchased_on");
    }
    for (name, day) in [("purchased_on", purchased_on), ("repaired_on", repaired_on)] {
        if day.is_some_and(|day| day > latest) {
            check.add(&field(name), "must not be in the future");
        }
    }
    let tax = part(check, &field("tax_total"), line.tax_total.as_ref(), &paid);
    if is_money(&paid) && tax.is_some_and(|tax| (paid.minor_units + 1..=MONEY_MAX).contains(&tax)) {
        check.add(&field("tax_total"), "must not be more than what was paid");
    }
    let discount = part(check, &field("discount_total"), line.discount_total.as_ref(), &paid);
    let line_id = check.token(&field("line_id"), &line.line_id, 0..=32);
    let kind: LineKind = check.optional_wire(&field("kind"), line.kind);
    let (purchased_on, version) = (purchased_on?, 0);
    Some(Order {
        order_no,
        sku,
        line_id,
        version,
        customer_ref,
        quantity,
        paid,
        tax,
        discount,
        kind,
        purchased_on,
        delivered_on,
        warranty_until,
        repaired_on,
    })
}

/// What was paid for all units, said by the unit, in all, or both.
fn paid(check: &mut Check, at: &str, line: &OrderLine, day: Option<Date>) -> Money {
    let (by_unit, in_all) = (format!("{at}.unit_price"), format!("{at}.paid_total"));
    let unit = line.unit_price.as_ref().map(|price| check.money_of(&by_unit, Some(price), day));
    let total = line.paid_total.as_ref().map(|paid| check.money_of(&in_all, Some(paid), day));
    match (unit, total) {
        (None, None) => {
            check.add(&by_unit, "unit_price or paid_total must be given");
            Money::default()
        }
        (None, Some(total)) => total,
        (Some(unit), None) => {
            let all = value(unit.minor_units, line.quantity);
            if all > MONEY_MAX && unit.minor_units <= MONEY_MAX && line.quantity <= 1_000_000 {
                check.add(&by_unit, "all units together must not be worth more than 10^13 minor units");
            }
            Money { minor_units: all, ..unit }
        }
        (Some(unit), Some(total)) => {
            let differ = i128::from(unit.minor_units) * i128::from(line.quantity) - i128::from(total.minor_units);
            // What is wrong by itself is not compared.
            let comparable =
                [&unit, &total].iter().all(|money| is_money(money)) && (1..=1_000_000).contains(&line.quantity);
            if comparable && unit.currency != total.currency {
                check.add(&by_unit, "must be in the currency of paid_total");
                check.add(&in_all, "must be in the currency of unit_price");
            } else if comparable && differ.abs() >= i128::from(line.quantity) {
                check.add(&by_unit, "does not agree with paid_total: rounded, it is what was paid by the units");
                check.add(&in_all, "does not agree with unit_price: rounded, the units are worth that");
            }
            total
        }
    }
}

fn is_money(money: &Money) -> bool {
    (0..=MONEY_MAX).contains(&money.minor_units) && currency::find(&money.currency).is_ok()
}

/// An amount that belongs to what was paid, if it is given.
fn part(check: &mut Check, field: &str, value: Option<&Money>, paid: &Money) -> Option<i64> {
    let money = check.money(field, Some(value?));
    if is_money(paid) && is_money(&money) && money.currency != paid.currency {
        check.add(field, "must be in the currency of what was paid");
    }
    Some(money.minor_units)
}
