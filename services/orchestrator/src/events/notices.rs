//! What the customer and finance must be told. No personal data: the sender looks the contact up by `customer_ref`.

use chassis::{Meta, Outgoing};
use proto::inventory::inventory_event;
use proto::{claim, to_wire};
use uuid::Uuid;

use super::Told;
use crate::claim_process::{Job, Notice};
use crate::settlement::Settlement;
use crate::store::processes::Stored;

/// What the customer must know while a plan is carried out (S0-51, S1-57, N9).
pub(crate) fn notice_for_customer(
    meta: &Meta,
    claim: Uuid,
    stored: &Stored,
    told: Option<&Told>,
    settlement: Option<&Settlement>,
    (notice, job): (Notice, Job),
) -> Outgoing {
    let line = ("line", job.line.to_string());
    let tracking_no = ("tracking_no", stored.case.tracking_no(job));
    let promised_on = ("promised_on", stored.line(job.line).map(|line| line.promised_on.clone()).unwrap_or_default());
    let (template, parameters) = match notice {
        Notice::GoodsBackOrdered => {
            let reason = ("reason", "BACK_ORDERED".to_owned());
            ("promise_moved", vec![line, reason, promised_on, ("expected_on", expected_on(told))])
        }
        Notice::DeliveryDelayed => {
            ("promise_moved", vec![line, ("reason", "DELAYED".to_owned()), promised_on, tracking_no])
        }
        Notice::GoodsShipped => ("shipment_under_way", vec![line, tracking_no]),
        Notice::CollectionBooked => ("collection_booked", vec![line, tracking_no]),
        Notice::RefundPaid => ("refund_paid", [vec![line], settlement.map(money).unwrap_or_default()].concat()),
    };
    customer(meta, claim, stored, template, parameters)
}

/// The plan is agreed: what is going to be done is certain now (S0-51).
pub(crate) fn plan_agreed(meta: &Meta, claim: Uuid, stored: &Stored, plan: u32) -> Outgoing {
    customer(meta, claim, stored, "plan_agreed", vec![("plan_number", plan.to_string())])
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
    money
}

fn expected_on(told: Option<&Told>) -> String {
    match told {
        Some(Told::Inventory(inventory_event::Kind::ReservedPartly(partly))) => partly.expected_on.clone(),
        _ => String::new(),
    }
}
