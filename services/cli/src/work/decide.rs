//! `redress work decide`.

use anyhow::Result;
use proto::claim::{LiabilityParty, Money, Resolution, Role};
use proto::escalation::Ruling;
use proto::triage::LineDecision;
use proto::{escalation, triage};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::item::{self, Item};
use crate::output;
use crate::words;

/// Decide a work item.
///
/// Approvals, tasks and escalations take --ruling; judgements take --as-proposed, --reject, --line or --ask.
#[derive(Clone, Debug, clap::Args)]
pub struct Decide {
    /// The work item.
    pub work_item: String,
    /// approve, deny, or retry a leg that failed.
    #[arg(long, value_parser = words::parse::<Ruling>, conflicts_with_all = ["as_proposed", "reject", "lines", "ask"])]
    pub ruling: Option<Ruling>,
    /// Do what the rules propose.
    #[arg(long, conflicts_with_all = ["reject", "lines", "ask"])]
    pub as_proposed: bool,
    /// Reject every line for this reason, as OUTSIDE_WINDOW.
    #[arg(long, value_name = "REASON", conflicts_with_all = ["lines", "ask"])]
    pub reject: Option<String>,
    /// One line: LINE=RESOLUTION[:UNITS[:UNIT_PRICE_IN_MINOR_UNITS CURRENCY]], as `1=return_refund:3`; a rejected line
    /// is LINE=reject:REASON. Repeat it for every line.
    #[arg(long = "line", value_name = "DECISION", value_parser = line, conflicts_with = "ask")]
    pub lines: Vec<LineDecision>,
    /// Ask the customer instead: reason code of the question, as ORDER_NUMBER_NEEDED.
    #[arg(long, value_name = "REASON")]
    pub ask: Option<String>,
    /// Who is liable, if not who the rules think.
    #[arg(long, value_parser = words::parse::<LiabilityParty>)]
    pub liability: Option<LiabilityParty>,
    /// Why.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Decide only if the work item still has this version.
    #[arg(long)]
    pub etag: Option<String>,
}

/// Decides.
pub async fn run(decide: Decide, session: &Session) -> Result<()> {
    let items = item::list(&session.clients, Role::Unspecified, "", true).await?;
    let item = items.into_iter().find(|item| item.id() == decide.work_item);
    match item.ok_or_else(|| Failure::NotFound(format!("there is no work item {}", decide.work_item)))? {
        Item::Triage(item) => judge(decide, *item, session).await,
        Item::Escalation(item) => rule(decide, *item, session).await,
    }
}

async fn judge(decide: Decide, item: triage::WorkItem, session: &Session) -> Result<()> {
    if decide.ruling.is_some() {
        let text = "this is a judgement: it takes --as-proposed, --reject, --line or --ask";
        return Err(Failure::Usage(text.to_owned()).into());
    }
    let lines = if decide.as_proposed {
        as_proposed(&item)?
    } else if let Some(reason) = decide.reject {
        rejected(&item, &reason)
    } else {
        decide.lines
    };
    let request = triage::DecideWorkItemRequest {
        request_id: session.request_id(),
        work_item_id: item.work_item_id,
        etag: decide.etag.unwrap_or(item.etag),
        lines,
        liability: decide.liability.unwrap_or_default().into(),
        question: decide.ask.unwrap_or_default(),
        note: decide.note,
    };
    let answer = session.clients.triage()?.decide_work_item(Request::new(request)).await?.into_inner();
    tell(answer.work_item.map(|item| Item::Triage(Box::new(item))), session)
}

async fn rule(decide: Decide, item: escalation::WorkItem, session: &Session) -> Result<()> {
    let ruling =
        decide.ruling.ok_or_else(|| Failure::Usage("this takes --ruling approve, deny or retry".to_owned()))?;
    let request = escalation::DecideWorkItemRequest {
        request_id: session.request_id(),
        work_item_id: item.work_item_id,
        etag: decide.etag.unwrap_or(item.etag),
        ruling: ruling.into(),
        note: decide.note,
    };
    let answer = session.clients.escalation()?.decide_work_item(Request::new(request)).await?.into_inner();
    tell(answer.work_item.map(|item| Item::Escalation(Box::new(item))), session)
}

fn tell(item: Option<Item>, session: &Session) -> Result<()> {
    let Some(item) = item else { return Ok(()) };
    if session.output.is_json() {
        return output::json(&json!({ "workItem": item }));
    }
    let state = item.state();
    output::line(format!("{} of {} is {state}", item.id(), item.claim_number()))
}

/// What the rules propose, line by line.
pub fn as_proposed(item: &triage::WorkItem) -> Result<Vec<LineDecision>> {
    if item.proposal.is_empty() {
        return Err(Failure::NotFound("the rules propose nothing".to_owned()).into());
    }
    let decision = |plan: &proto::claim::LinePlan| LineDecision {
        line: plan.line,
        resolution: plan.resolution,
        quantity: plan.quantity,
        unit_price: None,
        reason: if plan.resolution() == Resolution::Reject { plan.reason.clone() } else { String::new() },
    };
    Ok(item.proposal.iter().map(decision).collect())
}

/// Every line rejected.
pub fn rejected(item: &triage::WorkItem, reason: &str) -> Vec<LineDecision> {
    let decision = |line: &proto::claim::ReportedLine| LineDecision {
        line: line.line,
        resolution: Resolution::Reject.into(),
        reason: reason.to_owned(),
        ..LineDecision::default()
    };
    item.lines.iter().map(decision).collect()
}

fn line(text: &str) -> Result<LineDecision, String> {
    let (line, rest) = text.split_once('=').ok_or("write it as LINE=RESOLUTION")?;
    let mut parts = rest.split(':');
    let resolution: Resolution = words::parse(parts.next().unwrap_or_default())?;
    let line = line.parse().map_err(|_| "the line is not a number")?;
    let mut decision = LineDecision { line, resolution: resolution.into(), ..LineDecision::default() };
    if resolution == Resolution::Reject {
        parts.next().ok_or("a rejected line needs a reason")?.clone_into(&mut decision.reason);
        return Ok(decision);
    }
    if let Some(units) = parts.next() {
        decision.quantity = units.parse().map_err(|_| "the units are not a number")?;
    }
    if let Some(price) = parts.next() {
        let (minor, currency) = price.split_once(' ').ok_or("write the price as `250 GBP`")?;
        let minor_units = minor.parse().map_err(|_| "the price is not a number of minor units")?;
        decision.unit_price = Some(Money { minor_units, currency: currency.to_owned() });
    }
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_decision_is_read() {
        let decision = line("2=return_refund:3:250 GBP").unwrap();
        assert_eq!((decision.line, decision.resolution(), decision.quantity), (2, Resolution::ReturnRefund, 3));
        assert_eq!(decision.unit_price.unwrap().minor_units, 250);
        assert_eq!(line("1=reject:OUTSIDE_WINDOW").unwrap().reason, "OUTSIDE_WINDOW");
        for odd in ["1", "x=replace", "1=explode", "1=reject", "1=replace:many", "1=replace:1:2"] {
            assert!(line(odd).is_err(), "{odd}");
        }
    }
}
