//! `redress work show`.

use anyhow::Result;
use proto::work::{Change, ChangeKind};
use serde_json::json;

use crate::connect::Session;
use crate::item;
use crate::output::{self, table, time};
use crate::reasons;
use crate::words::plain;

/// Shows a work item and its history.
pub async fn run(work_item: &str, session: &Session) -> Result<()> {
    let (_, item, history) = item::read(&session.clients, work_item).await?;
    if session.output.is_json() {
        return output::json(&json!({ "workItem": item, "history": history }));
    }
    let work = &item.work;
    output::line(format!("{} {} of {}, for {}", item.id(), work.kind, item.number(), work.role))?;
    output::line(format!("because of {}", reasons::told(&work.reason)))?;
    if work.due_at.is_some() {
        output::line(format!("due {}", time(work.due_at.as_ref())))?;
    }
    item.show()?;
    output::line(steps(&history))?;
    output::line(item.state())
}

fn steps(history: &[Change]) -> comfy_table::Table {
    let mut table = table(["what happened", "by", "to", "when (UTC)", "why"]);
    for step in history {
        table.add_row([
            plain::<ChangeKind>(step.kind).replace('_', " "),
            step.by.clone(),
            step.to.clone(),
            time(step.at.as_ref()),
            step.note.clone(),
        ]);
    }
    table
}
