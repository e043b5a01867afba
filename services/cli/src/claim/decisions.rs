//! `redress claim decisions`: who decided what about a claim, when and why.

use anyhow::Result;
use proto::claim::{Assessment, Category, Department, LiabilityParty, Role, Severity};
use proto::triage::GetAssessmentRequest;
use serde_json::json;
use tonic::{Code, Request};

use crate::connect::Session;
use crate::item;
use crate::output::{self, table, time};
use crate::reasons;
use crate::words::plain;

/// Shows the decisions about a claim.
pub async fn run(name: &str, session: &Session) -> Result<()> {
    let claim_id = super::get(name, session).await?.claim_id;
    let request = GetAssessmentRequest { claim_id: claim_id.clone() };
    let assessments = match session.clients.triage()?.get_assessment(Request::new(request)).await {
        Ok(answer) => answer.into_inner().assessments,
        // It was not looked at yet.
        Err(status) if status.code() == Code::NotFound => Vec::new(),
        Err(status) => return Err(status.into()),
    };
    let mut items = item::list(&session.clients, Role::Unspecified, &claim_id, true).await?;
    // Open ones first, then the latest decision.
    items.sort_by_key(|item| (!item.open(), std::cmp::Reverse(item.decided_at().map(|at| (at.seconds, at.nanos)))));
    if session.output.is_json() {
        return output::json(&json!({ "assessments": assessments, "workItems": items }));
    }
    output::line(judged(&assessments))?;
    let mut table = table(["work item", "what", "because of", "for", "decision", "by", "when (UTC)", "why"]);
    for item in items {
        let decision = match item.decision() {
            decision if decision.is_empty() => item.state(),
            decision => decision,
        };
        table.add_row([
            item.id().to_owned(),
            item.kind(),
            reasons::told(item.reason()),
            plain::<Role>(item.role()),
            decision,
            item.decided_by().to_owned(),
            time(item.decided_at()),
            item.note().to_owned(),
        ]);
    }
    output::line(table)
}

fn judged(assessments: &[Assessment]) -> comfy_table::Table {
    let mut table = table(["assessment", "category", "severity", "liable", "department", "by", "when (UTC)"]);
    for judged in assessments {
        table.add_row([
            judged.number.to_string(),
            plain::<Category>(judged.category),
            plain::<Severity>(judged.severity),
            plain::<LiabilityParty>(judged.liability),
            plain::<Department>(judged.department),
            judged.judged_by.clone(),
            time(judged.judged_at.as_ref()),
        ]);
    }
    table
}
