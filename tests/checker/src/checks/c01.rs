//! C1: what was acknowledged can be read back with the content that was acknowledged (G1).

use proto::escalation;
use proto::intake::{
    AddEvidenceRequest, AnswerFollowUpRequest, AnswerQuestionRequest, Claim, ConfirmReadBackRequest, Contact,
    LogContactRequest, LoggedContact, MarkDuplicateRequest, SubmitClaimRequest, SubmitClaimResponse,
    WithdrawClaimRequest,
};
use proto::logistics::{ReportTrackingBatchResponse, ReportTrackingRequest};
use proto::orchestrator::{ConfirmSettlementRequest, SettlementState};

use crate::evidence::{Evidence, Violation, is_terminal};
use crate::log::{Call, Outcome};

/// Looks for violations.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut found = Vec::new();
    for (id, call) in evidence.log.acknowledged() {
        match evidence.claims.get(&id) {
            None => found.push(Violation::of("C1", &id, "it was acknowledged, and cannot be read back")),
            Some(claim) => found.extend(content(evidence, claim, call)),
        }
    }
    found.extend(evidence.log.calls.iter().filter_map(|call| forgotten(evidence, call)));
    found
}

fn content(evidence: &Evidence, now: &Claim, call: &Call) -> Vec<Violation> {
    let id = now.claim_id.as_str();
    let mut different = Vec::new();
    let mut compare = |what: &str, same: bool| {
        if !same {
            different.push(what.to_owned());
        }
    };
    if let Some(told) = call.answered::<SubmitClaimResponse>().and_then(|told| told.claim) {
        compare("number", told.claim_number == now.claim_number);
        compare("channel", told.channel == now.channel);
        compare("customer_ref", told.customer_ref == now.customer_ref);
        compare("country", told.country == now.country);
        compare("received_at", told.received_at == now.received_at);
        // Evidence is added to: what was there first stays first.
        compare("evidence", now.evidence.starts_with(&told.evidence));
        let lines = |claim: &Claim| {
            let mut lines = claim.lines.clone();
            lines.iter_mut().for_each(|line| line.evidence_count = 0);
            lines
        };
        compare("lines", lines(&told) == lines(now));
    }
    if let Some(asked) = call.asked::<SubmitClaimRequest>().filter(|asked| !asked.customer_ref.is_empty()) {
        compare("customer_ref as sent", asked.customer_ref == now.customer_ref);
        let sent = asked.lines.iter().map(|line| (&line.sku, &line.order_no, line.quantity));
        let kept = now.lines.iter().map(|line| (&line.sku, &line.order_no, line.quantity));
        compare("lines as sent", sent.eq(kept));
        if let Some(kept) = evidence.descriptions.get(id) {
            let sent = (1..).zip(&asked.lines).filter(|(_, line)| !line.description.is_empty());
            compare(
                "descriptions as sent",
                sent.map(|(at, line)| (at, &line.description)).eq(kept.iter().map(|(at, text)| (*at, text))),
            );
        }
        if let (Some(sent), Some(kept)) = (&asked.contact, evidence.contacts.get(id)) {
            let mut here = sent.clone();
            let address = address_said(evidence, id, kept);
            if let Some(said) = address {
                here.address = said;
            }
            compare("contact as sent", here == *kept);
        }
    }
    let text = |what: String| Violation::of("C1", id, format!("{what}: not what was acknowledged"));
    different.into_iter().map(text).collect()
}

/// The address that was said in answer to a question, if there was one: that which is kept, or else one that is lost.
fn address_said(evidence: &Evidence, claim: &str, kept: &Contact) -> Option<String> {
    let calls = evidence.log.calls.iter().filter(|call| call.method == "AnswerQuestion");
    let said = calls.filter_map(|call| Some((call.outcome, call.asked::<AnswerQuestionRequest>()?)));
    let said = said.filter(|(outcome, asked)| {
        *outcome != Outcome::Refused && asked.claim_id == claim && !asked.address.is_empty()
    });
    let said: Vec<(Outcome, String)> = said.map(|(outcome, asked)| (outcome, asked.address)).collect();
    // An answer whose outcome is not known may have been taken.
    let here = said.iter().find(|(_, address)| *address == kept.address);
    let certain = said.iter().find(|(outcome, _)| *outcome == Outcome::Ok);
    here.or(certain).map(|(_, address)| address.clone())
}

/// An acknowledged change of which nothing is left.
fn forgotten(evidence: &Evidence, call: &Call) -> Option<Violation> {
    let lost =
        |claim: &str, what: String| Some(Violation::of("C1", claim, format!("{what} was acknowledged, and is lost")));
    if call.outcome != Outcome::Ok {
        return None;
    }
    match call.method.as_str() {
        "WithdrawClaim" => {
            let claim = evidence.claims.get(&call.asked::<WithdrawClaimRequest>()?.claim_id)?;
            let kept = claim.withdrawal_requested || is_terminal(claim.state());
            if kept { None } else { lost(&claim.claim_id, "the withdrawal".to_owned()) }
        }
        "MarkDuplicate" => {
            let claim = evidence.claims.get(&call.asked::<MarkDuplicateRequest>()?.claim_id)?;
            if claim.duplicate_of.is_empty() { lost(&claim.claim_id, "the merging".to_owned()) } else { None }
        }
        "LogContact" => {
            let asked = call.asked::<LogContactRequest>()?;
            let claim = evidence.claims.get(&asked.claim_id)?;
            let same = |known: &LoggedContact| (known.channel, known.direction) == (asked.channel, asked.direction);
            let kept = claim.contacts.iter().any(|known| same(known) && (asked.at.is_none() || known.at == asked.at));
            if kept { None } else { lost(&claim.claim_id, "a contact".to_owned()) }
        }
        "AnswerQuestion" => {
            let asked = call.asked::<AnswerQuestionRequest>()?;
            let claim = evidence.claims.get(&asked.claim_id)?;
            let question = claim.questions.iter().find(|question| question.question_id == asked.question_id);
            let kept = question.is_some_and(|question| question.answered_at.is_some());
            if kept { None } else { lost(&claim.claim_id, format!("the answer to question {}", asked.question_id)) }
        }
        "AnswerFollowUp" => {
            let asked = call.asked::<AnswerFollowUpRequest>()?;
            let claim = evidence.claims.get(&asked.claim_id)?;
            let kept = claim.scores.contains(&asked.score);
            if kept { None } else { lost(&claim.claim_id, format!("score {}", asked.score)) }
        }
        "ConfirmReadBack" => {
            let claim = evidence.claims.get(&call.asked::<ConfirmReadBackRequest>()?.claim_id)?;
            if claim.read_back_at.is_some() { None } else { lost(&claim.claim_id, "the read-back".to_owned()) }
        }
        "AddEvidence" => {
            let asked = call.asked::<AddEvidenceRequest>()?;
            let claim = evidence.claims.get(&asked.claim_id)?;
            let has = |sha256: &str| claim.evidence.iter().any(|piece| piece.sha256.eq_ignore_ascii_case(sha256));
            let missing = asked.evidence.iter().find(|piece| !has(&piece.sha256))?;
            lost(&claim.claim_id, format!("evidence {}", missing.sha256))
        }
        "ConfirmSettlement" => settlement(evidence, &call.asked()?),
        "DecideWorkItem" => decision(evidence, call),
        "ReportTracking" => {
            let number = call.asked::<ReportTrackingRequest>()?.tracking_no;
            if has_parcel(evidence, &number) { None } else { lost("", format!("a tracking event of {number}")) }
        }
        "ReportTrackingBatch" => {
            let taken = call.answered::<ReportTrackingBatchResponse>()?.results.into_iter();
            let mut taken = taken.filter(|result| result.refused.is_empty());
            let gone = taken.find(|result| !has_parcel(evidence, &result.tracking_no))?;
            lost("", format!("a tracking event of {}", gone.tracking_no))
        }
        _ => None,
    }
}

fn has_parcel(evidence: &Evidence, number: &str) -> bool {
    evidence.shipments.iter().any(|shipment| shipment.tracking_no == number)
}

fn settlement(evidence: &Evidence, asked: &ConfirmSettlementRequest) -> Option<Violation> {
    let wanted = if asked.paid { SettlementState::Paid } else { SettlementState::Failed };
    let found = evidence.settlements.iter().find(|row| row.settlement_id == asked.settlement_id);
    let claim = found.and_then(|row| row.job.as_ref()).map_or("", |job| job.claim_id.as_str());
    let state = found.map(proto::orchestrator::Settlement::state);
    let kept = found.map_or("", |row| row.credit_note.as_str());
    if state == Some(wanted) && kept != asked.credit_note {
        let what =
            format!("settlement {} keeps credit note {kept:?}, said was {:?}", asked.settlement_id, asked.credit_note);
        return Some(Violation::of("C1", claim, what));
    }
    let what = format!("settlement {} was confirmed as {wanted:?}, and is {state:?}", asked.settlement_id);
    (state != Some(wanted)).then(|| Violation::of("C1", claim, what))
}

fn decision(evidence: &Evidence, call: &Call) -> Option<Violation> {
    let id = call.asked::<escalation::DecideWorkItemRequest>().map(|asked| asked.work_item_id);
    let id = id.or_else(|| call.request["workItemId"].as_str().map(str::to_owned))?;
    let judging = evidence.judging.iter().map(|item| (&item.work_item_id, &item.claim_id, item.open));
    let tasks = evidence.tasks.iter().map(|item| (&item.work_item_id, &item.claim_id, item.open));
    match judging.chain(tasks).find(|(known, ..)| **known == id) {
        Some((_, _, false)) => None,
        Some((_, claim, true)) => Some(Violation::of("C1", claim, format!("work item {id} was decided, and is open"))),
        None => Some(Violation::general("C1", format!("work item {id} was decided, and is not in the list"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_claim_that_is_gone_or_changed_is_found() {
        let mut evidence = sample::good();
        assert_eq!(check(&evidence), Vec::new());
        evidence.claims.get_mut(sample::CLAIM).unwrap().lines[0].quantity = 7;
        assert_eq!(check(&evidence).len(), 2);
        evidence.claims.remove(sample::CLAIM);
        assert_eq!(check(&evidence)[0].what, "it was acknowledged, and cannot be read back");
    }

    #[test]
    fn a_parcel_of_a_batch_that_is_not_there_is_found() {
        let told = |number: &str, refused: &str| {
            sample::found(check, |evidence| {
                let response = serde_json::json!({"results": [{"trackingNo": number, "refused": refused}]});
                let request = serde_json::json!({"requestId": "b"});
                let call = sample::call("logistics", "ReportTrackingBatch", "b", request, Some(response));
                evidence.log.calls.push(call);
            })
        };
        assert_eq!(told("T1", ""), Vec::<String>::new());
        assert_eq!(told("T2", "NOT_FOUND"), Vec::<String>::new());
        assert_eq!(told("T2", ""), ["a tracking event of T2 was acknowledged, and is lost"]);
    }

    #[test]
    fn a_credit_note_is_kept() {
        let noted = |kept: &str| {
            sample::found(check, |evidence| {
                let mut calls = evidence.log.calls.iter_mut();
                let call = calls.find(|call| call.method == "ConfirmSettlement").unwrap();
                call.request["creditNote"] = "CN 1".into();
                kept.clone_into(&mut evidence.settlements[0].credit_note);
            })
        };
        assert_eq!(noted("CN 1"), Vec::<String>::new());
        assert_eq!(noted(""), ["settlement s1 keeps credit note \"\", said was \"CN 1\""]);
    }

    #[test]
    fn a_changed_contact_is_found() {
        let mut evidence = sample::good();
        evidence.contacts.get_mut(sample::CLAIM).unwrap().phone = "2".to_owned();
        assert_eq!(check(&evidence).len(), 1);
    }

    #[test]
    fn an_address_that_was_said_later_is_kept() {
        let said = |outcome, kept: &str| {
            sample::found(check, |evidence| {
                let request = serde_json::json!({"requestId": "a", "claimId": sample::CLAIM, "address": "here"});
                let call = sample::call("intake", "AnswerQuestion", "a", request, None);
                evidence.log.calls.push(Call { outcome, ..call });
                kept.clone_into(&mut evidence.contacts.get_mut(sample::CLAIM).unwrap().address);
            })
        };
        let lost = "contact as sent: not what was acknowledged".to_owned();
        assert!(!said(Outcome::Ok, "here").contains(&lost));
        assert!(said(Outcome::Ok, "").contains(&lost));
        assert!(said(Outcome::Ok, "there").contains(&lost));
        assert_eq!(said(Outcome::Unknown, "here"), Vec::<String>::new());
        assert_eq!(said(Outcome::Unknown, ""), Vec::<String>::new());
        assert_eq!(said(Outcome::Refused, "here"), [lost]);
    }

    #[test]
    fn a_changed_description_is_found() {
        let mut evidence = sample::good();
        evidence.descriptions.get_mut(sample::CLAIM).unwrap().insert(1, "green".to_owned());
        assert_eq!(check(&evidence).len(), 1);
    }

    #[test]
    fn a_forgotten_withdrawal_payment_or_decision_is_found() {
        let mut evidence = sample::good();
        let claim = evidence.claims.get_mut(sample::CLAIM).unwrap();
        claim.set_state(proto::claim::ClaimState::Submitted);
        let request = serde_json::json!({"requestId": "w", "claimId": sample::CLAIM});
        evidence.log.calls.push(sample::call("intake", "WithdrawClaim", "w", request, None));
        evidence.settlements[0].set_state(SettlementState::Instructed);
        evidence.tasks[0].open = true;
        let found: Vec<String> = check(&evidence).into_iter().map(|violation| violation.what).collect();
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
