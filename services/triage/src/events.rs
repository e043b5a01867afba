//! Messages to commands, answers to messages: the only translator.

use chassis::work::{Labels, about};
use chassis::{Malformed, Meta, Outgoing};
use proto::claim::words::Role;
use proto::claim::{Money, Notice, Resolution};
use proto::triage::triage_command::Kind;
use proto::triage::{OrderFacts, OrderLine, TriageCommand, TriageEvent, WorkItem};
use proto::work::item::Content;
use proto::{ClaimId, Subject};

use crate::domain::ask::Ask;
use crate::domain::orders::Recorded;
use crate::domain::{Command, Decision, Entry, Item, ItemState};

/// The one kind of work item of this service.
const JUDGEMENT: &str = "judgement";

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: TriageCommand = chassis::read("redress.triage.v1.TriageCommand", subject, payload)?;
    let claim: ClaimId = message.claim_id.parse().map_err(|_| Malformed("claim_id is not a UUID".to_owned()))?;
    Ok(match message.kind {
        Some(Kind::AssessClaim(ask)) => Command::Assess(Box::new(Ask::read(claim, ask).map_err(Malformed)?)),
        Some(Kind::CancelAssessment(cancel)) => Command::Cancel { claim, number: number(cancel.assessment)? },
        None => return Err(Malformed("the message has no kind that is known here".to_owned())),
    })
}

fn number(assessment: u32) -> Result<u32, Malformed> {
    if assessment == 0 || i32::try_from(assessment).is_err() {
        return Err(Malformed("assessment numbers begin at 1".to_owned()));
    }
    Ok(assessment)
}

/// The answer of an assessment; none once it is taken back.
pub fn answer(entry: &Entry) -> Option<Outgoing> {
    let kind = entry.answer.clone()?;
    let name = kind.name();
    let event = TriageEvent { claim_id: entry.claim.to_string(), kind: Some(kind) };
    Some(Outgoing::event("triage", name, entry.claim.0, &event))
}

/// A work item, as it is shown.
pub fn work_item(item: &Item) -> WorkItem {
    let work = &item.work;
    let decided = work.ended.as_ref().filter(|_| work.state == ItemState::Decided);
    WorkItem {
        work_item_id: work.id.to_string(),
        etag: chassis::etag(work.version),
        claim_id: item.claim.to_string(),
        role: work.role.into(),
        reason: work.reason.clone(),
        due_at: Some(proto::to_wire(work.due_at)),
        open: work.is_open(),
        opened_at: Some(proto::to_wire(work.opened_at)),
        decided_by: decided.map(|ended| ended.by.clone()).unwrap_or_default(),
        decided_at: decided.map(|ended| proto::to_wire(ended.at)),
        note: work.ended.as_ref().map(|ended| ended.note.clone()).unwrap_or_default(),
        ..content(item)
    }
}

/// What the list of all services says of a work item.
pub fn labels(item: &Item) -> Labels {
    let decision = match &item.decision {
        Decision { question, .. } if !question.is_empty() => "ask",
        Decision { lines, .. } if lines.is_empty() => "",
        Decision { lines, .. } if lines.iter().all(|line| line.resolution() == Resolution::Reject) => "reject",
        _ => "plan",
    };
    Labels {
        about: about("claim", item.claim.0, &item.claim_number),
        kind: JUDGEMENT.to_owned(),
        department: item.assessment.department().word().to_owned(),
        decision: decision.to_owned(),
        content: Some(Content::Judgement(work_item(item))),
    }
}

/// A version of an order line, as it is shown.
pub fn order_facts(recorded: &Recorded) -> OrderFacts {
    let order = &recorded.order;
    let money = |minor_units| Money { minor_units, currency: order.paid.currency.clone() };
    let line = OrderLine {
        order_no: order.order_no.clone(),
        sku: order.sku.clone(),
        customer_ref: order.customer_ref.clone(),
        quantity: order.quantity,
        unit_price: Some(money(order.unit_price())),
        purchased_on: order.purchased_on.to_string(),
        delivered_on: order.delivered_on.map(|day| day.to_string()).unwrap_or_default(),
        paid_total: Some(order.paid.clone()),
        tax_total: order.tax.map(money),
        discount_total: order.discount.map(money),
        line_id: order.line_id.clone(),
        kind: order.kind.into(),
        warranty_until: order.warranty_until.map(|day| day.to_string()).unwrap_or_default(),
        repaired_on: order.repaired_on.map(|day| day.to_string()).unwrap_or_default(),
    };
    OrderFacts {
        line: Some(line),
        version: order.version,
        recorded_by: recorded.by.clone(),
        recorded_at: Some(proto::to_wire(recorded.at)),
    }
}

/// What a work item shows and no column holds: it is stored in this form.
pub fn content(item: &Item) -> WorkItem {
    WorkItem {
        claim_number: item.claim_number.clone(),
        lines: item.lines.clone(),
        assessment: Some(item.assessment.clone()),
        proposal: item.proposal.clone(),
        decision: item.decision.lines.clone(),
        question: item.decision.question.clone(),
        ..WorkItem::default()
    }
}

/// Work waits: told to those it waits for, when it begins to. It names no customer and says nothing of what they wrote.
pub fn work_waits(item: &Item, meta: &Meta) -> Outgoing {
    notice(item, meta, item.work.role, "work_waiting")
}

/// Nobody has decided in time: told to those it waits for and to those whom it was raised to, each role once.
pub fn work_overdue(item: &Item, meta: &Meta) -> Vec<Outgoing> {
    let raised = item.work.raised.map(|(role, _)| role).filter(|role| *role != item.work.role);
    let to = [item.work.role].into_iter().chain(raised);
    to.map(|role| notice(item, meta, role, "work_overdue")).collect()
}

fn notice(item: &Item, meta: &Meta, to: Role, template: &str) -> Outgoing {
    let parameters = [
        ("work_item_id", item.work.id.to_string()),
        ("kind", JUDGEMENT.to_owned()),
        ("reason", item.work.reason.clone()),
        ("due_at", item.work.due_at.to_string()),
    ];
    Outgoing::notice(&Notice {
        notice_id: meta.new_id().to_string(),
        audience: to.word().to_owned(),
        template: template.to_owned(),
        parameters: parameters.map(|(key, value)| (key.to_owned(), value)).into(),
        claim_id: item.claim.to_string(),
        claim_number: item.claim_number.clone(),
        customer_ref: String::new(),
        raised_at: Some(proto::to_wire(meta.now)),
    })
}
