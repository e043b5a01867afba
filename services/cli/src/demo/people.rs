//! The staff: looks at the work lists and decides what is there, each item by somebody with the role it names.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use proto::claim::Role;
use proto::escalation::{Ruling, WorkKind};
use proto::work::ListWorkRequest;
use proto::work::item::Content;
use proto::{escalation, triage};
use tonic::Request;

use super::world::{World, persist};
use crate::item::judgement::{as_proposed, rejected};
use crate::item::{self, Item};
use crate::words::plain;

/// How often people look at their lists.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A leg that fails again and again is given up.
const RETRIES: usize = 2;

/// Works until the world ends.
pub async fn work(world: Arc<World>) {
    let mut seen = BTreeSet::new();
    while !world.closing(LOOK_EVERY).await {
        if let Err(error) = look(&world, &mut seen).await {
            world.problem(format!("staff: {error:#}"));
        }
    }
}

async fn look(world: &Arc<World>, seen: &mut BTreeSet<(String, String)>) -> Result<()> {
    let clients = world.acting("staff", "supervisor")?;
    for item in item::list(&clients, &ListWorkRequest::default()).await? {
        // The same item may still be open because its decision is under way.
        if !seen.insert((item.id().to_owned(), item.number().to_owned())) {
            continue;
        }
        let tries = seen.iter().filter(|(_, claim)| claim == item.number()).count();
        world.act("staff", decide(Arc::clone(world), item, tries));
    }
    Ok(())
}

async fn decide(world: Arc<World>, item: Item, tries: usize) -> Result<()> {
    match item.shown() {
        Some(Content::Judgement(item)) => judge(&world, item).await?,
        Some(Content::Task(item)) => rule(&world, item, tries).await?,
        None => {}
    }
    world.log().decided += 1;
    Ok(())
}

/// A specialist does what the rules propose, and rejects what they know no answer to.
async fn judge(world: &World, item: &triage::WorkItem) -> Result<()> {
    let role = plain::<Role>(item.role);
    let triage = world.acting(&format!("{role}-on-duty"), &role)?.triage()?;
    let lines = if item.proposal.is_empty() { rejected(item, &item.reason) } else { as_proposed(item)? };
    persist(&[], |request_id| {
        let request = triage::DecideWorkItemRequest {
            request_id,
            work_item_id: item.work_item_id.clone(),
            etag: item.etag.clone(),
            lines: lines.clone(),
            note: "decided in the demo".to_owned(),
            ..triage::DecideWorkItemRequest::default()
        };
        let mut triage = triage.clone();
        async move { triage.decide_work_item(Request::new(request)).await }
    })
    .await
    .with_context(|| format!("work item {} because of {}", item.work_item_id, item.reason))?;
    Ok(())
}

async fn rule(world: &World, item: &escalation::WorkItem, tries: usize) -> Result<()> {
    let role = plain::<Role>(item.role);
    let escalation = world.acting(&format!("{role}-on-duty"), &role)?.escalation()?;
    let ruling = match item.kind() {
        WorkKind::LegFailed if tries <= RETRIES => Ruling::Retry,
        // What was not accepted is not refunded.
        WorkKind::LegFailed | WorkKind::ReturnMismatch => Ruling::Deny,
        WorkKind::Approval
        | WorkKind::Support
        | WorkKind::CompensationFailed
        | WorkKind::Escalation
        | WorkKind::Unspecified => Ruling::Approve,
    };
    persist(&[], |request_id| {
        let request = escalation::DecideWorkItemRequest {
            request_id,
            work_item_id: item.work_item_id.clone(),
            etag: item.etag.clone(),
            ruling: ruling.into(),
            note: "decided in the demo".to_owned(),
        };
        let mut escalation = escalation.clone();
        async move { escalation.decide_work_item(Request::new(request)).await }
    })
    .await
    .with_context(|| format!("work item {} because of {}", item.work_item_id, item.reason))?;
    Ok(())
}
