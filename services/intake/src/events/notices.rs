//! Notices to the customer: a template key and codes. Who sends them looks the contact up by the customer reference.

use std::collections::HashMap;

use chassis::{Meta, Outgoing};
use proto::claim::{Notice, Plan};
use proto::to_wire;

use crate::domain::{Claim, End, Promises, Question};

/// The claim is accepted; a first feedback is promised (S0-14, S0-15).
pub(super) fn claim_received(meta: &Meta, claim: &Claim) -> Outgoing {
    let mut parameters = vec![("lines", claim.lines.len().to_string())];
    let due = claim.promises.first_feedback.map(|due| due.to_string());
    parameters.extend(due.map(|due| ("first_feedback_by", due)));
    notice(meta, claim, "claim_received", parameters)
}

/// Those who look after claims look whether the customer has reported it twice.
pub(super) fn possible_duplicate(meta: &Meta, claim: &Claim) -> Outgoing {
    let parameters = vec![("of", claim.possible_duplicates.join(" "))];
    let audience = ("specialist", String::new());
    to(meta, claim, audience, "possible_duplicate", parameters)
}

/// Something must be known from the customer.
pub(super) fn question_asked(meta: &Meta, claim: &Claim, question: &Question) -> Outgoing {
    let parameters = vec![
        ("question_id", question.id.clone()),
        ("reason", question.reason.clone()),
        ("line", question.line.to_string()),
    ];
    notice(meta, claim, "question_asked", parameters)
}

/// What is proposed, and by when (S0-51). The plan itself is read with the claim.
pub(super) fn plan_proposed(meta: &Meta, claim: &Claim, plan: &Plan) -> Outgoing {
    let mut parameters = vec![("plan_number", plan.number.to_string()), ("lines", plan.lines.len().to_string())];
    let promised = plan.lines.iter().map(|line| line.promised_on.as_str()).max().filter(|day| !day.is_empty());
    parameters.extend(promised.map(|day| ("promised_on", day.to_owned())));
    let kept = || plan.lines.iter().filter_map(|line| line.freight_kept.as_ref());
    // Freight that the customer bears is told before consent (domain rule 7).
    if let Some(currency) = kept().next().map(|kept| kept.currency.clone()) {
        let sum: i64 = kept().filter(|kept| kept.currency == currency).map(|kept| kept.minor_units).sum();
        parameters.extend([("freight_kept_minor", sum.to_string()), ("currency", currency)]);
    }
    notice(meta, claim, "plan_proposed", parameters)
}

/// What was promised comes later than it was said (N9). Of the solution the process tells, with the reason.
pub(super) fn promises_moved(meta: &Meta, claim: &Claim, now: &Promises, before: &Promises) -> Vec<Outgoing> {
    let pairs = [
        ("ACKNOWLEDGEMENT", now.acknowledgement, before.acknowledgement),
        ("FIRST_FEEDBACK", now.first_feedback, before.first_feedback),
    ];
    let later = pairs.into_iter().filter_map(|(kind, now, before)| Some((kind, now?, before?)));
    let later = later.filter(|(_, now, before)| now > before);
    let notice = |(kind, now, before): (&str, jiff::Timestamp, jiff::Timestamp)| {
        let parameters = vec![
            ("promise", kind.to_owned()),
            ("reason", "JUDGED".to_owned()),
            ("was", before.to_string()),
            ("due_at", now.to_string()),
        ];
        notice(meta, claim, "promise_moved", parameters)
    };
    later.map(notice).collect()
}

/// Is it solved (S1-27, S2-19)?
pub(super) fn follow_up(meta: &Meta, claim: &Claim, round: u32) -> Outgoing {
    notice(meta, claim, "follow_up", vec![("round", round.to_string())])
}

/// How it ended.
pub(super) fn claim_ended(meta: &Meta, claim: &Claim, end: End, reason: &str) -> Outgoing {
    let outcome = match end {
        End::Closed => "CLOSED",
        End::Rejected => "REJECTED",
        End::Withdrawn => "WITHDRAWN",
        End::Duplicate => "DUPLICATE",
    };
    let mut parameters = vec![("outcome", outcome.to_owned()), ("reason", reason.to_owned())];
    // The customer is told under which number it goes on.
    let of = claim.duplicate_of.as_ref().filter(|_| end == End::Duplicate);
    parameters.extend(of.map(|(_, number)| ("duplicate_of", number.clone())));
    notice(meta, claim, "claim_ended", parameters)
}

/// A customer was erased, or must not be: whoever looked contacts up and kept them acts on it.
pub(super) fn of_customer(meta: &Meta, customer_ref: &str, template: &str) -> Outgoing {
    Outgoing::notice(&Notice {
        notice_id: meta.new_id().to_string(),
        audience: "privacy".to_owned(),
        template: template.to_owned(),
        parameters: HashMap::new(),
        claim_id: String::new(),
        claim_number: String::new(),
        customer_ref: customer_ref.to_owned(),
        raised_at: Some(to_wire(meta.now)),
    })
}

fn notice(meta: &Meta, claim: &Claim, template: &str, parameters: Vec<(&str, String)>) -> Outgoing {
    to(meta, claim, ("customer", claim.customer_ref.clone()), template, parameters)
}

fn to(
    meta: &Meta,
    claim: &Claim,
    (audience, customer_ref): (&str, String),
    template: &str,
    parameters: Vec<(&str, String)>,
) -> Outgoing {
    let parameters: HashMap<String, String> =
        parameters.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Outgoing::notice(&Notice {
        notice_id: meta.new_id().to_string(),
        audience: audience.to_owned(),
        template: template.to_owned(),
        parameters,
        claim_id: claim.id.to_string(),
        claim_number: claim.number.clone(),
        customer_ref,
        raised_at: Some(to_wire(meta.now)),
    })
}
