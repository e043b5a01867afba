//! A work item of escalation: an approval, a task or a broken promise.

use anyhow::Result;
use futures::future::BoxFuture;
use proto::escalation::{DecideWorkItemRequest, WorkItem};
use proto::work::{self, item::Content};
use tonic::Request;

use super::Decide;
use crate::connect::Session;
use crate::exit::Failure;
use crate::{lines, money, output};

fn of(item: &work::Item) -> Option<&WorkItem> {
    if let Some(Content::Task(item)) = &item.content { Some(item) } else { None }
}

/// What was decided: the ruling.
pub fn decision(item: &work::Item) -> String {
    item.decision.clone()
}

/// Shows what is to be approved, or which line it is about.
pub fn show(item: &work::Item) -> Result<()> {
    let Some(task) = of(item) else { return Ok(()) };
    if task.line > 0 {
        output::line(format!("about line {}", task.line))?;
    }
    if let Some(plan) = &task.plan {
        let cost = money::show(plan.cost.as_ref());
        let (step, steps) = (task.step, task.steps);
        output::line(format!("step {step} of {steps}: plan {} by {}, cost {cost}", plan.number, plan.proposed_by))?;
        output::line(lines::planned(&plan.lines))?;
    }
    Ok(())
}

/// Rules.
pub fn decide(decide: Decide, item: work::Item, session: &Session) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let ruling =
            decide.ruling.ok_or_else(|| Failure::Usage("this takes --ruling approve, deny or retry".to_owned()))?;
        let request = DecideWorkItemRequest {
            request_id: session.request_id(),
            work_item_id: item.work_item_id,
            etag: decide.etag.unwrap_or(item.etag),
            ruling: ruling.into(),
            note: decide.note,
        };
        session.clients.escalation()?.decide_work_item(Request::new(request)).await?;
        Ok(())
    })
}
