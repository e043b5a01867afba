//! `redress claim contact` and `redress claim words`: personal data. It is recorded who reads them, and why.

use anyhow::Result;
use proto::intake::{AccessPurpose, GetContactRequest, GetWordsRequest};
use serde_json::json;
use tonic::Request;

use super::get;
use crate::connect::Session;
use crate::output::{self, time};

/// Shows how to reach the customer.
pub async fn contact(claim: &str, purpose: AccessPurpose, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let request = GetContactRequest { claim_id, purpose: purpose.word().to_uppercase(), fields: Vec::new() };
    let answer = session.clients.intake()?.get_contact(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "contact": answer.contact }));
    }
    let contact = answer.contact.unwrap_or_default();
    for (name, value) in [
        ("customer", &contact.customer_name),
        ("person", &contact.contact_person),
        ("company", &contact.company),
        ("phone", &contact.phone),
        ("email", &contact.email),
        ("address", &contact.address),
    ] {
        if !value.is_empty() {
            output::line(format!("{name:<9} {}", value.lines().collect::<Vec<_>>().join(", ")))?;
        }
    }
    Ok(())
}

/// Shows what the customer wrote.
pub async fn words(claim: &str, purpose: AccessPurpose, session: &Session) -> Result<()> {
    let claim_id = get(claim, session).await?.claim_id;
    let request = GetWordsRequest { claim_id, purpose: purpose.word().to_uppercase() };
    let answer = session.clients.vault()?.get_words(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "words": answer.words }));
    }
    for word in answer.words {
        let said = word.said_at.as_ref().map(|at| format!(" ({})", time(Some(at)))).unwrap_or_default();
        output::line(format!("{}{said}:\n{}", word.about, output::quoted(&word.text)))?;
    }
    Ok(())
}
