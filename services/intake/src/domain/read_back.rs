//! The read-back: the main points of a claim, one line each, to be repeated to the customer (S0-13).
//!
//! Contact data is not among them: who reads back has just written it down, and saved answers must not hold it.

use super::{Claim, Line, Rules, evidence_count};

/// The main points of a claim, in the company's time.
pub fn read_back(rules: &Rules, claim: &Claim) -> Vec<String> {
    let day = rules.zone().to_datetime(claim.received_at).date();
    let channel = words(claim.channel.word());
    let mut points = vec![format!("Claim {}, received on {day} by {channel}", claim.number)];
    points.extend(claim.lines.iter().enumerate().map(|(at, line)| point(claim, at, line)));
    if let Some(due) = claim.promises.first_feedback {
        let due = due.to_zoned(rules.zone().clone());
        points.push(format!("First feedback by {}", due.strftime("%Y-%m-%d %H:%M %Z")));
    }
    points
}

fn point(claim: &Claim, at: usize, line: &Line) -> String {
    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
    let mut parts = vec![format!("Line {number}: {} x {}", line.quantity, line.sku)];
    if line.order_no.is_empty() {
        parts.push("order number not known".to_owned());
    } else {
        parts.push(format!("order {}", line.order_no));
    }
    if !line.batch.is_empty() {
        parts.push(format!("batch {}", line.batch));
    }
    if !line.serials.is_empty() {
        parts.push(format!("serials {}", line.serials.join(" ")));
    }
    if line.category as i32 != 0 {
        parts.push(format!("problem: {}", words(line.category.word())));
    }
    if line.wish as i32 != 0 {
        parts.push(format!("hopes for: {}", words(line.wish.word())));
    }
    parts.extend(line.delivered_on.map(|day| format!("delivered on {day}")));
    parts.extend(line.occurred_on.map(|day| format!("occurred on {day}")));
    if line.safety_risk {
        parts.push("a safety hazard is suspected".to_owned());
    }
    if line.operation_stopped {
        parts.push("the operation stands still".to_owned());
    }
    parts.push(format!("evidence: {}", evidence_count(&claim.evidence, number)));
    parts.join(", ")
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}
