//! A work item of triage: what the rules could not judge.

use anyhow::Result;
use futures::future::BoxFuture;
use proto::claim::{Category, LiabilityParty, Resolution, Severity};
use proto::triage::{DecideWorkItemRequest, LineDecision, WorkItem};
use proto::work::{self, item::Content};
use tonic::Request;

use super::Decide;
use crate::connect::Session;
use crate::exit::Failure;
use crate::words::plain;
use crate::{lines, output};

fn of(item: &work::Item) -> Option<&WorkItem> {
    if let Some(Content::Judgement(item)) = &item.content { Some(item) } else { None }
}

/// What was decided, line by line.
pub fn decision(item: &work::Item) -> String {
    match of(item) {
        Some(item) if !item.question.is_empty() => format!("asked for {}", item.question),
        Some(item) => {
            let lines = item.decision.iter().map(|plan| {
                let what = plain::<Resolution>(plan.resolution);
                let why = if plan.reason.is_empty() { String::new() } else { format!(" {}", plan.reason) };
                format!("{} {what} × {}{why}", plan.line, plan.quantity)
            });
            lines.collect::<Vec<_>>().join(", ")
        }
        None => String::new(),
    }
}

/// Shows the claim as it was reported, and what the rules think of it.
pub fn show(item: &work::Item) -> Result<()> {
    let Some(judge) = of(item) else { return Ok(()) };
    output::line(lines::reported(&judge.lines))?;
    if let Some(judged) = &judge.assessment {
        let (category, severity) = (plain::<Category>(judged.category), plain::<Severity>(judged.severity));
        let liable = plain::<LiabilityParty>(judged.liability);
        output::line(format!("the rules think: {category}, {severity}, liable is {liable}"))?;
    }
    if !judge.proposal.is_empty() {
        output::line("proposed:")?;
        output::line(lines::planned(&judge.proposal))?;
    }
    Ok(())
}

/// Decides each line, or asks the customer.
pub fn decide(decide: Decide, item: work::Item, session: &Session) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        if decide.ruling.is_some() {
            let text = "this is a judgement: it takes --as-proposed, --reject, --line or --ask";
            return Err(Failure::Usage(text.to_owned()).into());
        }
        let judge = of(&item).cloned().unwrap_or_default();
        let decisions = if decide.as_proposed {
            as_proposed(&judge)?
        } else if let Some(reason) = decide.reject {
            rejected(&judge, &reason)
        } else {
            decide.lines
        };
        let request = DecideWorkItemRequest {
            request_id: session.request_id(),
            work_item_id: item.work_item_id,
            etag: decide.etag.unwrap_or(item.etag),
            lines: decisions,
            liability: decide.liability.unwrap_or_default().into(),
            question: decide.ask.unwrap_or_default(),
            note: decide.note,
        };
        session.clients.triage()?.decide_work_item(Request::new(request)).await?;
        Ok(())
    })
}

/// What the rules propose, line by line.
pub fn as_proposed(item: &WorkItem) -> Result<Vec<LineDecision>> {
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
pub fn rejected(item: &WorkItem, reason: &str) -> Vec<LineDecision> {
    let decision = |line: &proto::claim::ReportedLine| LineDecision {
        line: line.line,
        resolution: Resolution::Reject.into(),
        reason: reason.to_owned(),
        ..LineDecision::default()
    };
    item.lines.iter().map(decision).collect()
}
