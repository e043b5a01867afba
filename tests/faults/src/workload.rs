//! The workload: claims that are submitted and followed to their end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::StreamExt;
use proto::claim::{Category, Channel, ClaimState, Resolution};
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::intake::{Contact, NewLine, SubmitClaimRequest};
use proto::orchestrator::GetProcessRequest;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use tonic::transport::{Channel as Connection, Endpoint};

use crate::log::{Call, Line, Log, Outcome, now_ms};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all that is random comes from.
    pub seed: u64,
    /// Claims.
    pub claims: u32,
    /// After so many seconds it ends, whatever has become of them.
    pub seconds_max: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Claims that were submitted.
    pub submitted: u32,
    /// Those whose submission was acknowledged.
    pub acknowledged: u32,
    /// Those that have ended.
    pub ended: u32,
}

/// Submits claims about orders that nobody knows, each until it is acknowledged, and waits for their end.
pub async fn run(plan: Plan, endpoints: &BTreeMap<String, String>, log: Log) -> Result<Summary> {
    let connect = |service: &str| -> Result<Connection> {
        let address = endpoints.get(service).context("a service has no address")?;
        let endpoint = Endpoint::from_shared(address.clone())?
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(2))
            .keep_alive_timeout(Duration::from_secs(2))
            .keep_alive_while_idle(true);
        Ok(endpoint.connect_lazy())
    };
    let intake = IntakeServiceClient::new(connect("intake")?);
    let orchestrator = OrchestratorServiceClient::new(connect("orchestrator")?);
    let until = Instant::now() + Duration::from_secs(plan.seconds_max);
    let lives = (0..plan.claims).map(|number| life(plan.seed, number, intake.clone(), orchestrator.clone(), &log, until));
    let lives: Vec<(bool, bool)> = futures::stream::iter(lives).buffer_unordered(6).collect().await;
    let count = |wanted: fn(&(bool, bool)) -> bool| {
        u32::try_from(lives.iter().filter(|life| wanted(life)).count()).unwrap_or(u32::MAX)
    };
    Ok(Summary { submitted: plan.claims, acknowledged: count(|life| life.0), ended: count(|life| life.1) })
}

/// Whether it was acknowledged, and whether it ended.
async fn life(
    seed: u64,
    number: u32,
    mut intake: IntakeServiceClient<Connection>,
    mut orchestrator: OrchestratorServiceClient<Connection>,
    log: &Log,
    until: Instant,
) -> (bool, bool) {
    let ask = request(seed, number);
    let claim = loop {
        let begun_ms = now_ms();
        let answer = intake.submit_claim(ask.clone()).await;
        let claim = answer.as_ref().ok().and_then(|answer| answer.get_ref().claim.as_ref()).map(|c| c.claim_id.clone());
        let line = Call {
            method: "SubmitClaim".to_owned(),
            service: "intake".to_owned(),
            request_id: ask.request_id.clone(),
            claim: claim.clone(),
            tag: format!("claim {number}"),
            begun_ms,
            ended_ms: now_ms(),
            outcome: if claim.is_some() { Outcome::Ok } else { Outcome::Unknown },
            code: answer.as_ref().err().map_or_else(|| "OK".to_owned(), |status| format!("{:?}", status.code())),
            reason: String::new(),
            actor: "anonymous".to_owned(),
            request: serde_json::to_value(&ask).unwrap_or_default(),
            response: answer.ok().and_then(|answer| serde_json::to_value(answer.into_inner()).ok()),
        };
        let written = log.write(&Line::Call(line)).is_ok();
        match claim {
            Some(claim) => break claim,
            None if Instant::now() > until || !written => return (false, false),
            None => tokio::time::sleep(Duration::from_millis(300)).await,
        }
    };
    while Instant::now() < until {
        let process = orchestrator.get_process(GetProcessRequest { claim_id: claim.clone() }).await;
        let state = process.ok().and_then(|answer| answer.into_inner().process).map(|process| process.state());
        if matches!(state, Some(ClaimState::Closed | ClaimState::Rejected | ClaimState::Withdrawn)) {
            return (true, true);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    (true, false)
}

fn request(seed: u64, number: u32) -> SubmitClaimRequest {
    let line = NewLine {
        order_no: format!("UNKNOWN-{seed}-{number}"),
        sku: "SKU-1".to_owned(),
        quantity: 1,
        category: Category::WrongItem.into(),
        wish: Resolution::RefundOnly.into(),
        description: "it does not work as it should".to_owned(),
        ..NewLine::default()
    };
    let contact = Contact {
        customer_name: "Ada Example".to_owned(),
        email: "ada@example.com".to_owned(),
        address: "1 Example Road".to_owned(),
        ..Contact::default()
    };
    SubmitClaimRequest {
        request_id: uuid::Uuid::now_v7().to_string(),
        channel: Channel::Web.into(),
        customer_ref: format!("C-{number}"),
        contact: Some(contact),
        lines: vec![line],
        country: "GB".to_owned(),
        attested: true,
        ..SubmitClaimRequest::default()
    }
}
