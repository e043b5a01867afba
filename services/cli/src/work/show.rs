//! `redress work show`.

use anyhow::Result;
use proto::claim::{Category, LiabilityParty, Role, Severity};
use serde_json::json;

use crate::claim::show;
use crate::connect::Session;
use crate::exit::Failure;
use crate::item::{self, Item};
use crate::output::{self, time};
use crate::words::plain;
use crate::{money, reasons};

/// Shows a work item.
pub async fn run(work_item: &str, session: &Session) -> Result<()> {
    let items = item::list(&session.clients, Role::Unspecified, "", true).await?;
    let item = items.into_iter().find(|item| item.id() == work_item);
    let item = item.ok_or_else(|| Failure::NotFound(format!("there is no work item {work_item}")))?;
    if session.output.is_json() {
        return output::json(&json!({ "workItem": item }));
    }
    let (kind, role) = (item.kind(), plain::<Role>(item.role()));
    output::line(format!("{} {kind} of {}, for {role}", item.id(), item.claim_number()))?;
    output::line(format!("because of {}", reasons::told(item.reason())))?;
    if item.due_at().is_some() {
        output::line(format!("due {}", time(item.due_at())))?;
    }
    match &item {
        Item::Triage(judge) => {
            output::line(show::lines(&judge.lines))?;
            if let Some(judged) = &judge.assessment {
                let (category, severity) = (plain::<Category>(judged.category), plain::<Severity>(judged.severity));
                let liable = plain::<LiabilityParty>(judged.liability);
                output::line(format!("the rules think: {category}, {severity}, liable is {liable}"))?;
            }
            if !judge.proposal.is_empty() {
                output::line("proposed:")?;
                output::line(show::plan_lines(&judge.proposal))?;
            }
        }
        Item::Escalation(task) => {
            if task.line > 0 {
                output::line(format!("about line {}", task.line))?;
            }
            if let Some(plan) = &task.plan {
                let cost = money::show(plan.cost.as_ref());
                output::line(format!(
                    "step {} of {}: plan {} by {}, cost {cost}",
                    task.step, task.steps, plan.number, plan.proposed_by
                ))?;
                output::line(show::plan_lines(&plan.lines))?;
            }
        }
    }
    if item.decided_at().is_some() {
        return output::line(format!("{}, {}", item.state(), time(item.decided_at())));
    }
    output::line(item.state())
}
