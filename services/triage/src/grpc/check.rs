//! What a request must look like before it becomes a command.

mod order;

use std::collections::BTreeSet;

use chassis::Check;
use jiff::civil::Date;
use proto::claim::{LiabilityParty, Resolution, words};
use proto::codes;
use proto::triage::{DecideWorkItemRequest, LineDecision, RecordOrdersRequest};
use tonic::Status;

use crate::domain::Command;
use crate::domain::person::{self, Verdict, VerdictKind};

/// Reads a request to record orders.
pub fn record_orders(body: &RecordOrdersRequest, latest: Date) -> Result<Command, Status> {
    let mut check = Check::new();
    let request = check.request_id(&body.request_id);
    check.count("lines", body.lines.len(), 1..=500);
    let mut seen = BTreeSet::new();
    let mut orders = Vec::new();
    // A list that is too long is not looked at.
    for (at, line) in body.lines.iter().take(500).enumerate() {
        if !seen.insert((codes::tidy(&line.order_no), codes::tidy(&line.sku), &line.line_id)) {
            check.add(&format!("lines[{at}]"), "the same order number, SKU and line_id are in the list already");
        }
        orders.extend(order::read(&mut check, &format!("lines[{at}]"), line, latest));
    }
    check.finish()?;
    Ok(Command::RecordOrders { request, orders })
}

/// Reads a person's decision: lines or a question.
pub fn decide_work_item(body: &DecideWorkItemRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let item = check.id("work_item_id", &body.work_item_id);
    let etag = check.text("etag", &body.etag, 1..=40);
    let note = check.note("note", &body.note, 0..=1000);
    let liability =
        check.optional_choice::<words::LiabilityParty>("liability", body.liability).map(LiabilityParty::from);
    let kind = if body.question.is_empty() {
        check.count("lines", body.lines.len(), 1..=100);
        if body.lines.is_empty() {
            check.add("question", "must be given when there are no lines");
        }
        let lines = body.lines.iter().take(100).enumerate();
        VerdictKind::Lines(lines.map(|(at, line)| decision(&mut check, &format!("lines[{at}]"), line)).collect())
    } else {
        if !body.lines.is_empty() {
            check.add("lines", "must be empty when the customer is asked");
        }
        VerdictKind::Ask(code(&mut check, "question", &body.question))
    };
    check.finish()?;
    Ok(Command::Decide { item, etag, verdict: Verdict { kind, liability, note } })
}

fn decision(check: &mut Check, at: &str, line: &LineDecision) -> person::LineDecision {
    let number = check.number(&format!("{at}.line"), line.line, 1..=100);
    let resolution = check.choice::<words::Resolution>(&format!("{at}.resolution"), line.resolution).into();
    let quantity = check.number(&format!("{at}.quantity"), line.quantity, 0..=1_000_000);
    let price = line.unit_price.as_ref();
    let unit_price = price.map(|price| check.money(&format!("{at}.unit_price"), Some(price)));
    let reason = if resolution == Resolution::Reject {
        code(check, &format!("{at}.reason"), &line.reason)
    } else {
        // What is not said cannot forbid a reason: the one mistake is named, and no other.
        let known = check.code(&format!("{at}.reason"), &line.reason, 0..=64);
        if !known.is_empty() && words::Resolution::try_from(line.resolution).is_ok() {
            check.add(&format!("{at}.reason"), "is for rejected lines only");
        }
        String::new()
    };
    person::LineDecision { line: number, resolution, quantity: Some(quantity).filter(|q| *q > 0), unit_price, reason }
}

/// A stable reason code.
fn code(check: &mut Check, field: &str, value: &str) -> String {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = value.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    if !begins || value.len() > 64 || !value.bytes().all(fits) {
        check.add(field, "must be a code of 1 to 64 characters A-Z, 0-9 and _");
    }
    value.to_owned()
}
