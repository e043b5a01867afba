//! Tests of the pure rules: what a report leads to, line by line.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod address;
mod basis;
mod dates;
mod fee;
mod goods;
mod life;
mod matching;
mod money;
mod properties;
mod stories;

use std::sync::LazyLock;

use chassis::{Actor, Meta};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use proto::claim::{Category, Money, ReportedLine, Resolution};
use proto::policy::Pack;
use proto::triage::{AssessClaim, AssessReason, LineKind};
use proto::{ClaimId, ids, to_wire};
use uuid::Uuid;

use super::ask::Ask;
use super::orders::{Order, Orders};

const BOUGHT: Date = date(2026, 6, 1);

fn pack() -> &'static Pack {
    static PACK: LazyLock<Pack> = LazyLock::new(|| Pack::load(None).unwrap());
    &PACK
}

fn at(day: Date) -> Timestamp {
    format!("{day}T10:00:00Z").parse().unwrap()
}

fn meta(day: Date, subject: &str, roles: &[&str]) -> Meta {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    Meta::new(
        at(day),
        Actor { subject: subject.to_owned(), roles, customer: None, own: None, email: None, bound: Vec::new() },
        Uuid::from_u128(7),
    )
}

fn system(day: Date) -> Meta {
    meta(day, "service:orchestrator", &[])
}

/// A return request of two units of `A`, without order number.
fn wanted_back() -> ReportedLine {
    ReportedLine {
        line: 1,
        sku: "A".to_owned(),
        quantity: 2,
        category: Category::ReturnRequest.into(),
        wish: Resolution::ReturnRefund.into(),
        ..ReportedLine::default()
    }
}

fn faulty() -> ReportedLine {
    ReportedLine { category: Category::QualityPerformance.into(), wish: Resolution::Replace.into(), ..wanted_back() }
}

fn message(lines: Vec<ReportedLine>, received_on: Date) -> AssessClaim {
    AssessClaim {
        assessment: 1,
        plan_number: 1,
        reason: AssessReason::New.into(),
        claim_number: "RD-2026-000001".to_owned(),
        customer_ref: "C1".to_owned(),
        country: "GB".to_owned(),
        lines,
        importance: 0,
        received_at: Some(to_wire(at(received_on))),
        order_unknown_lines: Vec::new(),
        address_known: Some(true),
        by_staff: true,
        ..AssessClaim::default()
    }
}

fn ask(message: AssessClaim) -> Ask {
    Ask::read(ClaimId(ids::v7(Timestamp::UNIX_EPOCH, [1; 10])), message).unwrap()
}

/// Ten units of `A` for 1.00 each, bought by `C1` and delivered on the first of June.
fn order() -> Order {
    Order {
        order_no: "O1".to_owned(),
        sku: "A".to_owned(),
        line_id: String::new(),
        version: 1,
        customer_ref: "C1".to_owned(),
        quantity: 10,
        paid: Money { minor_units: 1_000, currency: "GBP".to_owned() },
        tax: None,
        discount: None,
        kind: LineKind::Goods,
        purchased_on: BOUGHT,
        delivered_on: Some(BOUGHT),
        warranty_until: None,
        repaired_on: None,
    }
}

fn facts(list: impl IntoIterator<Item = Order>) -> Orders {
    let mut orders = Orders::default();
    list.into_iter().for_each(|order| orders.record(order));
    orders
}
