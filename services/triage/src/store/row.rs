//! Rows to values. What cannot be read was not written by us: a permanent fault.

use chassis::work::{self, Ended};
use chassis::{Fault, row};
use jiff_sqlx::Date;
use prost::Message;
use proto::ClaimId;
use proto::claim::words::Role;
use proto::claim::{Assessment, Money, Plan};
use proto::triage::{AssessClaim, LineKind, TriageEvent, WorkItem};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::domain::ask::Ask;
use crate::domain::orders::{Order, Recorded};
use crate::domain::{Decision, Entry, Item};

fn odd(what: &str, why: impl ToString) -> Fault {
    Fault::Permanent(format!("a stored {what} cannot be read: {}", why.to_string()))
}

fn word(row: &PgRow, column: &str) -> Result<i32, Fault> {
    Ok(i32::from(row.try_get::<Option<i16>, _>(column)?.unwrap_or(0)))
}

fn message<M: Message + Default>(row: &PgRow, column: &str) -> Result<Option<M>, Fault> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    bytes.map(|bytes| M::decode(bytes.as_slice())).transpose().map_err(|error| odd(column, error))
}

/// An order line by one version of its facts.
pub fn order(row: &PgRow) -> Result<Order, Fault> {
    Ok(Order {
        order_no: row.try_get("order_no")?,
        sku: row.try_get("sku")?,
        line_id: row.try_get("line_id")?,
        version: row::count(row, "version")?,
        customer_ref: row.try_get("customer_ref")?,
        quantity: row::count(row, "quantity")?,
        paid: Money { minor_units: row.try_get("paid_minor")?, currency: row.try_get("currency")? },
        tax: row.try_get("tax_minor")?,
        discount: row.try_get("discount_minor")?,
        kind: LineKind::try_from(word(row, "kind")?).map_err(|error| odd("kind", error))?,
        purchased_on: row.try_get::<Date, _>("purchased_on")?.to_jiff(),
        delivered_on: row::optional_day(row, "delivered_on")?,
        warranty_until: row::optional_day(row, "warranty_until")?,
        repaired_on: row::optional_day(row, "repaired_on")?,
    })
}

/// Facts as they were recorded.
pub fn recorded(row: &PgRow) -> Result<Recorded, Fault> {
    let at = row::time(row, "recorded_at")?;
    Ok(Recorded { order: order(row)?, by: row.try_get("recorded_by")?, at })
}

/// The judgement of a version; none if it was taken back.
pub fn judgement(row: &PgRow) -> Result<Option<Assessment>, Fault> {
    if row.try_get::<Option<i16>, _>("category")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Assessment {
        number: row::count(row, "number")?,
        category: word(row, "category")?,
        severity: word(row, "severity")?,
        priority: row::count(row, "priority")?,
        liability: word(row, "liability")?,
        department: word(row, "department")?,
        judged_by: row.try_get("judged_by")?,
        judged_at: Some(proto::to_wire(row::time(row, "judged_at")?)),
    }))
}

/// The plan of a version.
pub fn plan(row: &PgRow) -> Result<Option<Plan>, Fault> {
    message(row, "plan")
}

/// A version of an assessment.
pub fn entry(row: &PgRow) -> Result<Entry, Fault> {
    let claim = ClaimId(row.try_get("claim_id")?);
    let asked = message::<AssessClaim>(row, "asked")?.map(|asked| Ask::read(claim, asked)).transpose();
    Ok(Entry {
        claim,
        number: row::count(row, "number")?,
        version: row::count(row, "version")?,
        state: row::word(row, "state")?,
        reason: row.try_get("reason")?,
        by_person: row.try_get("by_person")?,
        by: row.try_get("judged_by")?,
        at: row::time(row, "judged_at")?,
        judgement: judgement(row)?,
        asked: asked.map_err(|error| odd("asked", error))?,
        plan: plan(row)?,
        answer: message::<TriageEvent>(row, "answer")?.and_then(|event| event.kind),
    })
}

/// A work item.
pub fn item(row: &PgRow) -> Result<Item, Fault> {
    let content = message::<WorkItem>(row, "content")?.unwrap_or_default();
    let ended_at = row::optional_time(row, "ended_at")?;
    let ended_by: Option<String> = row.try_get("ended_by")?;
    let note: String = row.try_get("note")?;
    let ended = ended_at.zip(ended_by).map(|(at, by)| Ended { by, note, at });
    let work = work::Item {
        id: row.try_get("work_item_id")?,
        role: Role::try_from(word(row, "role")?).map_err(|()| odd("role", "it is none"))?,
        reason: row.try_get("reason")?,
        opened_at: row::time(row, "opened_at")?,
        due_at: row::time(row, "due_at")?,
        state: row::word(row, "state")?,
        version: row.try_get("version")?,
        assigned_to: row.try_get("assigned_to")?,
        raised: row::optional_word(row, "raised_to")?.zip(row::optional_time(row, "raised_at")?),
        ended,
    };
    Ok(Item {
        work,
        claim: ClaimId(row.try_get("claim_id")?),
        number: row::count(row, "number")?,
        overdue: row.try_get("overdue")?,
        decision: Decision { lines: content.decision, question: content.question },
        claim_number: content.claim_number,
        lines: content.lines,
        assessment: content.assessment.unwrap_or_default(),
        proposal: content.proposal,
    })
}
