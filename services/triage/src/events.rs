//! Messages to commands, answers to messages: the only translator.

use chassis::{Malformed, Outgoing};
use prost::Message;
use proto::claim::{Assessment, LinePlan, ReportedLine};
use proto::triage::triage_command::Kind;
use proto::triage::triage_event::Kind as Answer;
use proto::triage::{TriageCommand, TriageEvent, WorkItem};
use proto::{ClaimId, Subject};

use crate::domain::ask::Ask;
use crate::domain::{Command, Entry, Item, ItemState};

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: TriageCommand = chassis::read("redress.triage.v1.TriageCommand", subject, payload)?;
    let claim: ClaimId = message.claim_id.parse().map_err(|_| Malformed("claim_id is not a UUID".to_owned()))?;
    Ok(match message.kind {
        Some(Kind::AssessClaim(ask)) => Command::Assess(Box::new(Ask::read(claim, ask).map_err(Malformed)?)),
        Some(Kind::CancelAssessment(cancel)) => Command::Cancel { claim, number: number(cancel.assessment)? },
        None => return Err(Malformed("the message has no kind that is known here".to_owned())),
    })
}

fn number(assessment: u32) -> Result<u32, Malformed> {
    if assessment == 0 || i32::try_from(assessment).is_err() {
        return Err(Malformed("assessment numbers begin at 1".to_owned()));
    }
    Ok(assessment)
}

/// The answer of an assessment; none once it is taken back.
pub fn answer(entry: &Entry) -> Option<Outgoing> {
    let kind = entry.answer.clone()?;
    let name = match &kind {
        Answer::ClaimJudged(_) => "claim_judged",
        Answer::ClaimRefused(_) => "claim_refused",
        Answer::PersonNeeded(_) => "person_needed",
        Answer::AnswerNeeded(_) => "answer_needed",
    };
    let event = TriageEvent { claim_id: entry.claim.to_string(), kind: Some(kind) };
    Some(Outgoing::event("triage", name, entry.claim.0, &event))
}

/// A work item, as it is shown.
pub fn work_item(item: &Item) -> WorkItem {
    WorkItem {
        work_item_id: item.id.to_string(),
        etag: chassis::etag(item.version),
        claim_id: item.claim.to_string(),
        claim_number: item.claim_number.clone(),
        role: item.role.into(),
        reason: item.reason.clone(),
        due_at: Some(proto::to_wire(item.due_at)),
        lines: item.lines.clone(),
        assessment: Some(item.assessment.clone()),
        proposal: item.proposal.clone(),
        open: item.state == ItemState::Open,
    }
}

/// What a work item shows and no column holds.
pub type Content = (String, Vec<ReportedLine>, Assessment, Vec<LinePlan>);

/// The content of a work item as it is stored.
pub fn content(item: &Item) -> Vec<u8> {
    let content = WorkItem {
        claim_number: item.claim_number.clone(),
        lines: item.lines.clone(),
        assessment: Some(item.assessment.clone()),
        proposal: item.proposal.clone(),
        ..WorkItem::default()
    };
    content.encode_to_vec()
}

/// Reads a stored content.
pub fn read_content(bytes: &[u8]) -> Result<Content, prost::DecodeError> {
    let content = WorkItem::decode(bytes)?;
    Ok((content.claim_number, content.lines, content.assessment.unwrap_or_default(), content.proposal))
}
