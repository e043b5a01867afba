//! `redress claim decisions`: who decided what about a claim, when and why.

use anyhow::Result;
use proto::claim::{Assessment, Category, Department, LiabilityParty, Severity};
use proto::triage::GetAssessmentRequest;
use proto::work::ListWorkRequest;
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
    let ask = ListWorkRequest { about_id: claim_id, include_closed: true, ..ListWorkRequest::default() };
    let mut items = item::list(&session.clients, &ask).await?;
    // Open ones first, then the latest decision.
    let decided = |item: &item::Item| item.work.decided_at.as_ref().map(|at| (at.seconds, at.nanos));
    items.sort_by_key(|item| (!item.is_open(), std::cmp::Reverse(decided(item))));
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
            item.work.kind.clone(),
            reasons::told(&item.work.reason),
            item.work.role.clone(),
            decision,
            item.work.decided_by.clone(),
            time(item.work.decided_at.as_ref()),
            item.work.note.clone(),
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
