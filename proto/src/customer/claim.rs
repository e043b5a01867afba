//! A claim as intake knows it.

use super::{STAFF, plan};
use crate::claim::ReportedLine;
use crate::intake::{Claim, Evidence, EvidenceAudience, LoggedContact};

/// A claim. `subject`: who reads it, for the customer; whom else we know of is not told.
pub fn claim(claim: &Claim, subject: &str) -> Claim {
    let seen = claim.evidence.iter().filter(|piece| piece.audience() == EvidenceAudience::Customer);
    let evidence: Vec<Evidence> = seen.cloned().collect();
    Claim {
        claim_id: claim.claim_id.clone(),
        claim_number: claim.claim_number.clone(),
        etag: claim.etag.clone(),
        channel: claim.channel,
        customer_ref: claim.customer_ref.clone(),
        lines: claim.lines.iter().map(|reported| line(reported, &evidence)).collect(),
        evidence,
        received_at: claim.received_at,
        read_back_at: claim.read_back_at,
        read_back_by: if claim.read_back_by == subject { subject.to_owned() } else { String::new() },
        questions: claim.questions.clone(),
        promises: claim.promises.clone(),
        state: claim.state,
        open_plan: claim.open_plan.as_ref().map(plan),
        withdrawal_requested: claim.withdrawal_requested,
        scores: claim.scores.clone(),
        end_reason: claim.end_reason.clone(),
        country: claim.country.clone(),
        announced_on: claim.announced_on.clone(),
        duplicate_of: claim.duplicate_of.clone(),
        address_known: claim.address_known,
        contacts: claim.contacts.iter().map(contact).collect(),
        ..Claim::default()
    }
}

fn line(line: &ReportedLine, evidence: &[Evidence]) -> ReportedLine {
    let about = |piece: &&Evidence| piece.line == line.line || piece.line == 0;
    let evidence_count = u32::try_from(evidence.iter().filter(about).count()).unwrap_or(u32::MAX);
    ReportedLine { evidence_count, ..line.clone() }
}

fn contact(contact: &LoggedContact) -> LoggedContact {
    LoggedContact { logged_by: STAFF.to_owned(), ..contact.clone() }
}
