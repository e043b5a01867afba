//! A claim as callers see it: never with contact data.

use chassis::{Actor, etag};
use proto::intake as wire;
use proto::policy::Dated;
use proto::{customer, to_wire};

use crate::domain::{Claim, Contact, Evidence, LoggedContact, Promised, Promises, Question, Rules};
use crate::events;

/// The claim as a caller sees it: customers have a view of their own (SR15).
pub(super) fn claim(rules: &Dated<Rules>, claim: &Claim, actor: &Actor) -> wire::Claim {
    let told = whole(rules, claim);
    if actor.customer.is_some() { customer::claim(&told, &actor.subject) } else { told }
}

fn whole(rules: &Dated<Rules>, claim: &Claim) -> wire::Claim {
    wire::Claim {
        claim_id: claim.id.to_string(),
        claim_number: claim.number.clone(),
        etag: etag(claim.version),
        channel: claim.channel.into(),
        customer_ref: claim.customer_ref.clone(),
        lines: events::reported(&claim.lines, &claim.evidence),
        // What the customer wrote is sealed: a saved answer must not hold it, and GetWords reads it.
        descriptions: Vec::new(),
        evidence: claim.evidence.iter().map(evidence).collect(),
        received_at: Some(to_wire(claim.received_at)),
        read_back_at: claim.read_back.as_ref().map(|read_back| to_wire(read_back.at)),
        read_back_by: claim.read_back.as_ref().map(|read_back| read_back.by.clone()).unwrap_or_default(),
        questions: claim.questions.iter().filter(|question| question.asked_at.is_some()).map(question).collect(),
        promises: promises(rules.nearest(claim.policy_version), &claim.promises),
        state: claim.state().into(),
        open_plan: claim.open_plan().cloned(),
        withdrawal_requested: claim.withdrawal_requested,
        scores: claim.scores.clone(),
        end_reason: claim.end.as_ref().map(|(_, reason)| reason.clone()).unwrap_or_default(),
        country: claim.country.clone(),
        announced_on: events::day(claim.announced_on),
        possible_duplicates: claim.possible_duplicates.clone(),
        duplicate_of: claim.duplicate_of.as_ref().map(|(_, number)| number.clone()).unwrap_or_default(),
        address_known: claim.address_known,
        contacts: (1..).zip(&claim.contacts).map(logged).collect(),
    }
}

/// Contact data, for GetContact and nothing else.
pub(super) fn contact(contact: &Contact) -> wire::Contact {
    wire::Contact {
        customer_name: contact.customer_name.expose("the answer to GetContact").clone(),
        contact_person: contact.contact_person.expose("the answer to GetContact").clone(),
        company: contact.company.expose("the answer to GetContact").clone(),
        phone: contact.phone.expose("the answer to GetContact").clone(),
        email: contact.email.expose("the answer to GetContact").clone(),
        address: contact.address.expose("the answer to GetContact").clone(),
    }
}

fn evidence(piece: &Evidence) -> wire::Evidence {
    wire::Evidence {
        sha256: piece.sha256.clone(),
        media_type: piece.media_type.clone(),
        size: piece.size,
        name: String::new(),
        line: piece.line,
        audience: piece.audience.into(),
    }
}

fn logged((number, contact): (u32, &LoggedContact)) -> wire::LoggedContact {
    wire::LoggedContact {
        number,
        at: Some(to_wire(contact.at)),
        channel: contact.channel.into(),
        direction: contact.direction.into(),
        logged_by: contact.by.clone(),
        logged_at: Some(to_wire(contact.logged_at)),
    }
}

fn question(question: &Question) -> wire::Question {
    wire::Question {
        question_id: question.id.clone(),
        reason: question.reason.clone(),
        line: question.line,
        asked_at: question.asked_at.map(to_wire),
        answered_at: question.answered_at.map(to_wire),
        closed_at: question.closed_at.map(to_wire),
    }
}

fn promises(rules: &Rules, promises: &Promises) -> Vec<wire::Promise> {
    let Promises { acknowledgement, first_feedback, solution } = promises;
    let all = [
        ("ACKNOWLEDGEMENT", Promised::Acknowledgement, acknowledgement),
        ("FIRST_FEEDBACK", Promised::FirstFeedback, first_feedback),
        ("SOLUTION", Promised::Solution, solution),
    ];
    let holds = |(kind, promised, due_at): (&str, Promised, &Option<_>)| {
        due_at.map(|due_at| wire::Promise {
            kind: kind.to_owned(),
            due_at: Some(to_wire(due_at)),
            provisional: rules.is_provisional(promised, due_at),
        })
    };
    all.into_iter().filter_map(holds).collect()
}
