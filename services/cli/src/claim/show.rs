//! `redress claim show`.

use anyhow::Result;
use proto::claim::{Channel, ClaimState, Leg, LegState, WaitingFor};
use proto::intake::{Claim, ContactDirection, LoggedContact};
use proto::orchestrator::{GetProcessRequest, Process, Waiting};
use serde_json::json;
use tonic::{Code, Request};

use super::{get, timeline};
use crate::connect::Session;
use crate::lines;
use crate::money;
use crate::output::{self, table, time};
use crate::reasons;
use crate::words::plain;

/// Shows a claim.
pub async fn run(name: &str, session: &Session) -> Result<()> {
    let mut claim = get(name, session).await?;
    let process = process(&claim.claim_id, session).await?;
    claim.state = process.as_ref().map_or(claim.state, |process| process.state);
    let events = match &process {
        Some(_) => timeline::read(&claim.claim_id, session).await?,
        None => Vec::new(),
    };
    if session.output.is_json() {
        return output::json(&json!({ "claim": claim, "process": process, "timeline": events }));
    }
    output::line(format!("{} {} (id {})", claim.claim_number, plain::<ClaimState>(claim.state), claim.claim_id))?;
    output::line(format!("customer {}, received {}", claim.customer_ref, time(claim.received_at.as_ref())))?;
    about(&claim)?;
    for question in claim.questions.iter().filter(|asked| asked.answered_at.is_none() && asked.closed_at.is_none()) {
        output::line(format!("open question {}: {}", question.question_id, reasons::told(&question.reason)))?;
    }
    for promise in &claim.promises {
        let sure = if promise.provisional { " (provisional: not all holidays are known yet)" } else { "" };
        output::line(format!("promised {} by {}{sure}", promise.kind.to_lowercase(), time(promise.due_at.as_ref())))?;
    }
    output::line(lines::reported(&claim.lines))?;
    if !claim.contacts.is_empty() {
        output::line(contacts(&claim.contacts))?;
    }
    if let Some(process) = process {
        show_process(&process)?;
    }
    output::line(timeline::table(&events))
}

/// What was told with the report, where it was.
fn about(claim: &Claim) -> Result<()> {
    if !claim.announced_on.is_empty() {
        output::line(format!("announced on {}", claim.announced_on))?;
    }
    if claim.address_known == Some(false) {
        output::line("no delivery address is known")?;
    }
    if !claim.duplicate_of.is_empty() {
        output::line(format!("a duplicate of {}", claim.duplicate_of))?;
    } else if !claim.possible_duplicates.is_empty() {
        output::line(format!("perhaps the same as {}", claim.possible_duplicates.join(", ")))?;
    }
    Ok(())
}

/// The process of a claim; a claim that was recorded a moment ago has none yet.
async fn process(claim_id: &str, session: &Session) -> Result<Option<Process>> {
    let request = GetProcessRequest { claim_id: claim_id.to_owned() };
    match session.clients.orchestrator()?.get_process(Request::new(request)).await {
        Ok(answer) => Ok(answer.into_inner().process),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// Who has talked with the customer, when and how. What was said shows `redress claim words`.
pub(super) fn contacts(contacts: &[LoggedContact]) -> comfy_table::Table {
    let mut table = table(["contact", "at", "channel", "direction", "logged by", "logged at"]);
    for contact in contacts {
        table.add_row([
            contact.number.to_string(),
            time(contact.at.as_ref()),
            plain::<Channel>(contact.channel),
            plain::<ContactDirection>(contact.direction),
            contact.logged_by.clone(),
            time(contact.logged_at.as_ref()),
        ]);
    }
    table
}

/// Whom it waits for, where, and why.
fn waits(waiting: &Waiting) -> String {
    let mut text = format!("waits for {}", plain::<WaitingFor>(waiting.party));
    if waiting.line > 0 {
        text.push_str(&format!(", line {}", waiting.line));
    }
    let leg = plain::<Leg>(waiting.leg);
    if !leg.is_empty() {
        text.push_str(&format!(" {leg}"));
    }
    if !waiting.reason.is_empty() {
        text.push_str(&format!(": {}", reasons::told(&waiting.reason)));
    }
    text
}

fn show_process(process: &Process) -> Result<()> {
    if !process.policy.is_empty() {
        output::line(format!("goes by the rules of {}", process.policy))?;
    }
    process.waiting.iter().try_for_each(|waiting| output::line(waits(waiting)))?;
    if !process.end_reason.is_empty() {
        output::line(format!("ended because of {}", reasons::told(&process.end_reason)))?;
    }
    if let Some(plan) = &process.plan {
        let cost = money::show(plan.cost.as_ref());
        output::line(format!("plan {} by {} under {}, cost {cost}", plan.number, plan.proposed_by, plan.policy))?;
        output::line(lines::planned(&plan.lines))?;
    }
    if process.legs.is_empty() {
        return Ok(());
    }
    let mut table = table(["line", "leg", "state", "attempt", "waits for"]);
    for leg in &process.legs {
        table.add_row([
            leg.line.to_string(),
            plain::<Leg>(leg.leg),
            plain::<LegState>(leg.state),
            leg.attempt.to_string(),
            plain::<WaitingFor>(leg.waiting_for),
        ]);
    }
    output::line(table)
}
