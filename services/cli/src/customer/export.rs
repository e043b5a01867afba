//! `redress customer export`: all that is kept of a person, from all services, as one JSON document (GDPR article 15).

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use proto::intake::{ExportCustomerRequest, ExportCustomerResponse, GetErasureRequest, ListContactAccessRequest};
use proto::logistics::ListShipmentsRequest;
use proto::orchestrator::GetProcessRequest;
use proto::triage::{GetAssessmentRequest, ListOrderFactsRequest, OrderFacts};
use serde_json::{Value, json};
use tonic::{Code, Request, Status};

use crate::claim::timeline;
use crate::connect::Session;
use crate::output;
use crate::pages::Limit;

/// Writes it to a file, which must not be there yet, or to standard output.
pub async fn run(customer_ref: String, to: Option<&Path>, session: &Session) -> Result<()> {
    let document = gather(customer_ref, session).await?;
    let Some(to) = to else { return output::json(&document) };
    let written = OpenOptions::new().write(true).create_new(true).open(to);
    let written = written.and_then(|mut file| writeln!(file, "{document:#}"));
    written.with_context(|| format!("cannot write {}", to.display()))?;
    let claims = document["claims"].as_array().map_or(0, Vec::len);
    output::line(format!("{}: {claims} claims", to.display()))
}

async fn gather(customer_ref: String, session: &Session) -> Result<Value> {
    let ask = Request::new(ExportCustomerRequest { customer_ref: customer_ref.clone() });
    let mut told = session.clients.intake()?.export_customer(ask).await?.into_inner();
    let (mut claims, mut orders) = (Vec::new(), BTreeSet::new());
    while let Some(one) = told.message().await? {
        let lines = one.claim.iter().flat_map(|claim| &claim.lines);
        orders.extend(lines.map(|line| line.order_no.clone()).filter(|order| !order.is_empty()));
        claims.push(claim(one, session).await?);
    }
    let mut facts = Vec::new();
    for order_no in orders {
        let found = Limit::ALL.read(async |page_size, page_token| {
            let order_no = order_no.clone();
            let ask = ListOrderFactsRequest { order_no, page_size, page_token };
            let page = session.clients.triage()?.list_order_facts(Request::new(ask)).await?.into_inner();
            Ok((page.facts, page.next_page_token))
        });
        // An order of somebody else, named by mistake, is nothing of this customer's.
        facts.extend(found.await?.rows.into_iter().filter(|facts| is_of(facts, &customer_ref)));
    }
    let reads = Limit::ALL.read(async |page_size, page_token| {
        let customer_ref = customer_ref.clone();
        let ask =
            ListContactAccessRequest { page_size, page_token, customer_ref, ..ListContactAccessRequest::default() };
        let page = session.clients.vault()?.list_contact_access(Request::new(ask)).await?.into_inner();
        Ok((page.accesses, page.next_page_token))
    });
    let reads = reads.await?.rows;
    let ask = Request::new(GetErasureRequest { customer_ref: customer_ref.clone() });
    let erasure = session.clients.vault()?.get_erasure(ask).await?.into_inner();
    Ok(json!({
        "customer_ref": customer_ref,
        "claims": claims,
        "order_facts": facts,
        "reads": reads,
        "erasures": erasure.erasures,
        "legal_holds": erasure.holds,
    }))
}

fn is_of(facts: &OrderFacts, customer_ref: &str) -> bool {
    facts.line.as_ref().is_some_and(|line| line.customer_ref == customer_ref)
}

/// What intake and the others know of one claim.
async fn claim(told: ExportCustomerResponse, session: &Session) -> Result<Value> {
    let id = told.claim.as_ref().map(|claim| claim.claim_id.clone()).unwrap_or_default();
    let ask = Request::new(GetProcessRequest { claim_id: id.clone() });
    let process = known(session.clients.orchestrator()?.get_process(ask).await)?.and_then(|told| told.process);
    let timeline = if process.is_some() { timeline::read(&id, session).await? } else { Vec::new() };
    let ask = Request::new(GetAssessmentRequest { claim_id: id.clone() });
    let judged = known(session.clients.triage()?.get_assessment(ask).await)?;
    let shipments = Limit::ALL.read(async |page_size, page_token| {
        let ask =
            ListShipmentsRequest { claim_id: id.clone(), page_size, page_token, ..ListShipmentsRequest::default() };
        let page = session.clients.logistics()?.list_shipments(Request::new(ask)).await?.into_inner();
        Ok((page.shipments, page.next_page_token))
    });
    let shipments = shipments.await?.rows;
    Ok(json!({
        "claim": told.claim,
        "forgotten": told.erased,
        "contact": told.contact,
        "words": told.words,
        "evidence": told.evidence,
        "process": process,
        "timeline": timeline,
        "assessments": judged,
        "shipments": shipments,
    }))
}

/// What a service does not know of a claim, it does not keep.
fn known<T>(answer: Result<tonic::Response<T>, Status>) -> Result<Option<T>> {
    match answer {
        Ok(told) => Ok(Some(told.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status.into()),
    }
}
