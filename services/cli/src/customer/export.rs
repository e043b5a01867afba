//! `redress customer export`: all that is kept of a person, from all services, as one JSON document (GDPR article 15).

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use proto::escalation::{ListClocksRequest, ListEscalationsRequest, ListWorkItemsRequest};
use proto::intake::{
    EvidenceFile, ExportCustomerRequest, ExportCustomerResponse, GetErasureRequest, ListContactAccessRequest,
};
use proto::logistics::ListShipmentsRequest;
use proto::orchestrator::GetProcessRequest;
use proto::triage::{GetAssessmentRequest, ListOrderFactsRequest, OrderFacts};
use serde_json::{Value, json};
use tonic::{Code, Request, Status};

use crate::claim::timeline;
use crate::connect::Session;
use crate::evidence;
use crate::output;
use crate::pages::Limit;

/// Writes it to a file, which must not be there yet, or to standard output; and files of evidence into a folder.
pub async fn run(customer_ref: String, to: Option<&Path>, files: Option<&Path>, session: &Session) -> Result<()> {
    let document = gather(customer_ref, session).await?;
    if let Some(folder) = files {
        fetch(&document, folder, session).await?;
    }
    let Some(to) = to else { return output::json(&document) };
    evidence::write(to, format!("{document:#}\n").as_bytes())?;
    let claims = document["claims"].as_array().map_or(0, Vec::len);
    output::line(format!("{}: {claims} claims", to.display()))
}

/// Fetches the files that the document lists and that are still kept.
async fn fetch(document: &Value, folder: &Path, session: &Session) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let claims = document["claims"].as_array().into_iter().flatten();
    for listed in claims.flat_map(|claim| claim["evidence"].as_array().into_iter().flatten()) {
        let file: EvidenceFile = serde_json::from_value(listed.clone()).context("a file is listed in another form")?;
        let to = folder.join(evidence::name_for(&file));
        let known = std::fs::read(&to).is_ok_and(|bytes| evidence::hex(&bytes) == file.sha256);
        if file.forgotten_at.is_none() && !known {
            let (_, bytes) = evidence::fetch(&file.evidence_id, "OWN_DATA".to_owned(), session).await?;
            evidence::write(&to, &bytes)?;
        }
    }
    Ok(())
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
    let promises = promises(&id, session).await?;
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
        "escalation": promises,
    }))
}

/// What escalation knows of one claim: until when what was to be done, what was late, and what people were asked and said.
async fn promises(claim_id: &str, session: &Session) -> Result<Value> {
    let id = || claim_id.to_owned();
    let clocks = Limit::ALL.read(async |page_size, page_token| {
        let ask = ListClocksRequest { claim_id: id(), page_size, page_token };
        let page = session.clients.escalation()?.list_clocks(Request::new(ask)).await?.into_inner();
        Ok((page.clocks, page.next_page_token))
    });
    let escalations = Limit::ALL.read(async |page_size, page_token| {
        let ask = ListEscalationsRequest { claim_id: id(), page_size, page_token };
        let page = session.clients.escalation()?.list_escalations(Request::new(ask)).await?.into_inner();
        Ok((page.escalations, page.next_page_token))
    });
    let items = Limit::ALL.read(async |page_size, page_token| {
        let ask = ListWorkItemsRequest {
            claim_id: id(),
            include_closed: true,
            page_size,
            page_token,
            ..ListWorkItemsRequest::default()
        };
        let page = session.clients.escalation()?.list_work_items(Request::new(ask)).await?.into_inner();
        Ok((page.work_items, page.next_page_token))
    });
    Ok(json!({
        "clocks": clocks.await?.rows,
        "escalations": escalations.await?.rows,
        "work_items": items.await?.rows,
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
