//! What the customer and finance must be told. No personal data: the sender looks the contact up by `customer_ref`.

use chassis::{Meta, Outgoing};
use jiff::Timestamp;
use proto::inventory::inventory_event;
use proto::logistics::{TrackingReason, logistics_event};
use proto::{claim, to_wire};
use uuid::Uuid;

use super::SourceMessage;
use crate::case::Waybill;
use crate::claim_process::{Asked, Job, Notice};
use crate::settlement::Settlement;
use crate::stored::Stored;

/// What the customer must know while a plan is carried out (S0-51, S1-57, N9), and the day that it tells to expect the goods
/// of the line on, if it tells one. `None`: there is nothing to tell.
pub(crate) fn notice_for_customer(
    meta: &Meta,
    claim: Uuid,
    stored: &Stored,
    told: Option<&SourceMessage>,
    settlement: Option<&Settlement>,
    (notice, job): (Notice, Job),
) -> Option<(Outgoing, Option<String>)> {
    let waybill = stored.case.waybill(job);
    let of_parcel = |pick: fn(&Waybill) -> &String| waybill.map(pick).cloned().unwrap_or_default();
    let line = ("line", job.line.to_string());
    let tracking_no = ("tracking_no", of_parcel(|waybill| &waybill.tracking_no));
    let carrier = ("carrier", of_parcel(|waybill| &waybill.carrier));
    let day = of_parcel(|waybill| &waybill.expected_on);
    let was = stored.told_day(job.line);
    let reason = ("reason", reason(told));
    // The day is the new one; was is the one that was told before.
    let moved = |why: &str, now: &str, more| {
        let parameters = vec![("reason", why.to_owned()), ("promised_on", now.to_owned()), ("was", was.clone())];
        ("promise_moved", [vec![line.clone()], parameters, vec![more]].concat())
    };
    let mut tells = None;
    let (template, parameters) = match notice {
        Notice::GoodsBackOrdered => {
            let expected_on = expected_on(told);
            let now = expected_on.clone().max(was.clone());
            tells = Some(now.clone());
            moved("BACK_ORDERED", &now, ("expected_on", expected_on))
        }
        Notice::DeliveryDelayed => {
            tells = Some(day.clone());
            let overdue = reason.1 == "OVERDUE";
            moved(if overdue { "OVERDUE" } else { "DELAYED" }, &day, tracking_no)
        }
        Notice::SentAgain => {
            tells = Some(day.clone());
            moved("SENT_AGAIN", &day, tracking_no)
        }
        Notice::DayMoved if day > was && !was.is_empty() => {
            tells = Some(day.clone());
            moved("CARRIER", &day, tracking_no)
        }
        Notice::DayMoved => return None,
        Notice::GoodsShipped => {
            tells = Some(day.clone());
            ("shipment_under_way", vec![line, tracking_no, carrier, ("promised_on", day)])
        }
        Notice::GoodsDelivered => ("goods_delivered", vec![line, tracking_no, ("condition", reason.1)]),
        Notice::DeliveryAttempted => ("delivery_attempted", vec![line, tracking_no, carrier]),
        Notice::GoodsToCollect => {
            ("goods_to_collect", vec![line, tracking_no, carrier, ("held_until", held_until(told))])
        }
        Notice::GoodsGoBack if reason.1.is_empty() => return None,
        Notice::GoodsGoBack => ("goods_go_back", vec![line, tracking_no, reason]),
        Notice::CollectionBooked => ("collection_booked", vec![line, tracking_no, carrier, ("promised_on", day)]),
        Notice::VisitProposed => ("visit_proposed", [vec![line], offers(told)].concat()),
        Notice::VisitAppointed => ("visit_appointed", [vec![line], appointment(told)].concat()),
        Notice::CollectionMissed => ("collection_missed", vec![line, tracking_no, carrier, reason]),
        Notice::RefundPaid => ("refund_paid", [vec![line], settlement.map(money).unwrap_or_default()].concat()),
    };
    let tells = tells.filter(|day| !day.is_empty());
    Some((customer(meta, claim, stored, template, parameters), tells))
}

/// The customer was asked something and has not answered.
pub(crate) fn answer_reminder(
    meta: &Meta,
    claim: Uuid,
    stored: &Stored,
    asked: Asked,
    answer_by: Timestamp,
) -> Outgoing {
    let about = match asked {
        Asked::Question(question) => ("question_id", format!("q{question}")),
        Asked::Plan(plan) => ("plan_number", plan.to_string()),
    };
    customer(meta, claim, stored, "answer_reminder", vec![about, ("answer_by", answer_by.to_string())])
}

/// The plan is agreed: what is going to be done is certain now (S0-51).
pub(crate) fn plan_agreed(meta: &Meta, claim: Uuid, stored: &Stored, plan: u32) -> Outgoing {
    let lines = stored.plan.iter().flat_map(|plan| &plan.lines);
    let last = lines.map(|line| line.promised_on.clone()).max().unwrap_or_default();
    customer(meta, claim, stored, "plan_agreed", vec![("plan_number", plan.to_string()), ("promised_on", last)])
}

/// The money is on its way (S1-35).
pub(crate) fn refund_instructed(meta: &Meta, claim: Uuid, stored: &Stored, settlement: &Settlement) -> Outgoing {
    let parameters = [vec![("line", settlement.job.1.to_string())], money(settlement)].concat();
    customer(meta, claim, stored, "refund_instructed", parameters)
}

/// Finance must pay. It answers with ConfirmSettlement; the same settlement may be told twice.
pub(crate) fn notice_for_finance(meta: &Meta, claim: Uuid, stored: &Stored, settlement: &Settlement) -> Outgoing {
    let named = vec![
        ("settlement_id", settlement.settlement_id.to_string()),
        ("line", settlement.job.1.to_string()),
        ("quantity", settlement.quantity.to_string()),
    ];
    let parameters = [named, money(settlement)].concat();
    notice(meta, claim, stored, ("finance", "settlement_instructed"), parameters)
}

fn customer(
    meta: &Meta,
    claim: Uuid,
    stored: &Stored,
    template: &str,
    parameters: Vec<(&'static str, String)>,
) -> Outgoing {
    notice(meta, claim, stored, ("customer", template), parameters)
}

fn notice(
    meta: &Meta,
    claim: Uuid,
    stored: &Stored,
    (audience, template): (&str, &str),
    parameters: Vec<(&'static str, String)>,
) -> Outgoing {
    let given = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    Outgoing::notice(&claim::Notice {
        notice_id: meta.new_id().to_string(),
        audience: audience.to_owned(),
        template: template.to_owned(),
        parameters: given.map(|(key, value)| (key.to_owned(), value)).collect(),
        claim_id: claim.to_string(),
        claim_number: stored.case.submitted.claim_number.clone(),
        customer_ref: if audience == "customer" { stored.case.submitted.customer_ref.clone() } else { String::new() },
        raised_at: Some(to_wire(meta.now)),
    })
}

fn money(settlement: &Settlement) -> Vec<(&'static str, String)> {
    let mut money = vec![("amount_minor", settlement.amount.to_string()), ("currency", settlement.currency.clone())];
    if settlement.freight_kept > 0 {
        money.push(("gross_minor", settlement.gross().to_string()));
        money.push(("freight_kept_minor", settlement.freight_kept.to_string()));
    }
    if let Some(tax) = settlement.tax {
        money.push(("tax_minor", tax.to_string()));
    }
    money
}

/// Why logistics says so, as a word of the contract; empty: it does not.
fn reason(told: Option<&SourceMessage>) -> String {
    use logistics_event::Kind;
    let reason = match told {
        Some(SourceMessage::Logistics(Kind::Delivered(delivered))) => delivered.reason(),
        Some(SourceMessage::Logistics(Kind::Exception(exception))) => exception.reason(),
        Some(SourceMessage::Logistics(Kind::Incident(incident))) => incident.reason(),
        _ => TrackingReason::Unspecified,
    };
    reason.word().to_uppercase()
}

fn held_until(told: Option<&SourceMessage>) -> String {
    match told {
        Some(SourceMessage::Logistics(logistics_event::Kind::Incident(incident))) => incident.held_until.clone(),
        _ => String::new(),
    }
}

fn expected_on(told: Option<&SourceMessage>) -> String {
    match told {
        Some(SourceMessage::Inventory(inventory_event::Kind::ReservedPartly(partly))) => partly.expected_on.clone(),
        _ => String::new(),
    }
}

/// Begins of the appointments that were offered.
fn offers(told: Option<&SourceMessage>) -> Vec<(&'static str, String)> {
    let Some(SourceMessage::Logistics(logistics_event::Kind::VisitProposed(proposed))) = told else {
        return Vec::new();
    };
    let begins = proposed.offers.iter().map(|offer| begin(Some(offer)));
    vec![("offers", begins.collect::<Vec<_>>().join(" "))]
}

/// The day and the begin of what was agreed.
fn appointment(told: Option<&SourceMessage>) -> Vec<(&'static str, String)> {
    let Some(SourceMessage::Logistics(logistics_event::Kind::VisitAppointed(agreed))) = told else { return Vec::new() };
    vec![("day", agreed.day.clone()), ("starts_at", begin(agreed.appointment.as_ref()))]
}

fn begin(appointment: Option<&proto::logistics::Appointment>) -> String {
    let at = appointment.and_then(|at| at.starts_at.as_ref()).and_then(proto::from_wire);
    at.map(|at| at.to_string()).unwrap_or_default()
}
