//! The end of every run: every claim that was accepted is closed, stock and entitlement add up, nothing is parked. A
//! fast wrong run is a failed run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use local::SERVICES;
use proto::claim::ClaimState;
use proto::inventory::GetAvailabilityRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::orchestrator::{GetEntitlementRequest, ListProcessesRequest};
use testkit::Wire;

use crate::shop::{Line, Shop, UNITS};
use crate::stand::Stand;

/// Questions at once.
const AT_ONCE: usize = 32;
/// What was closed a moment ago may still be on its way to the other services.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wrong rows of one kind that are told.
const TOLD: usize = 5;

/// Everything that is wrong; none: the run counts.
pub async fn check(stand: &Stand) -> Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let mut problems = stand.driver.tally().problems();
        let tally = stand.driver.tally();
        let (accepted, closed) = (tally.accepted.load(Ordering::Relaxed), tally.closed.load(Ordering::Relaxed));
        if accepted != closed {
            problems.push(format!("{accepted} claims were accepted, {closed} were seen closed"));
        }
        problems.extend(open_claims(stand).await?);
        for shop in &stand.shops {
            problems.extend(stock(stand, shop).await?);
            problems.extend(entitlement(stand, shop).await?);
        }
        problems.extend(parked(stand).await?);
        if problems.is_empty() || begun.elapsed() > PATIENCE {
            return Ok(problems);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// No claim is in any other state than closed.
async fn open_claims(stand: &Stand) -> Result<Vec<String>> {
    let mut orchestrator = OrchestratorServiceClient::new(stand.channel("orchestrator").await?);
    let mut problems = Vec::new();
    for number in 1..=12 {
        let state = ClaimState::try_from(number)?;
        // One that should not be among those left to a person is missed by the driver: accepted, and never closed.
        let is_left = state == ClaimState::Executing && stand.undecided > 0;
        if state == ClaimState::Closed || is_left {
            continue;
        }
        let ask = ListProcessesRequest { state: number, page_size: 1, ..ListProcessesRequest::default() };
        let listed = orchestrator.list_processes(ask).await?.into_inner().processes;
        let told = |claim: &str| format!("claim {claim} and perhaps others are in {}", state.as_str_name());
        problems.extend(listed.first().map(|process| told(&process.claim_id)));
    }
    Ok(problems)
}

/// What is available of a SKU is what arrived less one unit for each claim.
async fn stock(stand: &Stand, shop: &Arc<Shop>) -> Result<Vec<String>> {
    let mut claims: BTreeMap<usize, u64> = BTreeMap::new();
    for line in &shop.lines {
        *claims.entry(line.sku).or_default() += u64::from(line.claims.load(Ordering::Relaxed));
    }
    let client = InventoryServiceClient::new(stand.channel("inventory").await?);
    let found = stream::iter(claims).map(|(sku, claims)| availability(client.clone(), &shop.skus[sku], claims));
    let found: Vec<_> = found.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().take(TOLD).collect())
}

async fn availability(mut client: InventoryServiceClient<Wire>, sku: &str, claims: u64) -> Result<Option<String>> {
    let ask = GetAvailabilityRequest { sku: sku.to_owned(), batch: String::new() };
    let found = client.get_availability(ask).await.with_context(|| format!("no answer about {sku}"))?.into_inner();
    let on_hand: u64 = found.stock.iter().map(|place| place.on_hand).sum();
    let wanted = u64::from(UNITS).saturating_sub(claims);
    let is_right = found.available == wanted && on_hand == wanted && found.back_ordered == 0;
    Ok((!is_right).then(|| {
        let (available, back_ordered) = (found.available, found.back_ordered);
        format!("of {sku} {wanted} units must be left: {on_hand} are there, {available} free, {back_ordered} missing")
    }))
}

/// Each order line gave one unit for each claim, and holds none.
async fn entitlement(stand: &Stand, shop: &Arc<Shop>) -> Result<Vec<String>> {
    let client = OrchestratorServiceClient::new(stand.channel("orchestrator").await?);
    let used = shop.lines.iter().filter(|line| line.claims.load(Ordering::Relaxed) > 0);
    let found = stream::iter(used).map(|line| given(client.clone(), line, &shop.skus[line.sku]));
    let found: Vec<_> = found.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().take(TOLD).collect())
}

async fn given(mut client: OrchestratorServiceClient<Wire>, line: &Line, sku: &str) -> Result<Option<String>> {
    let claims = line.claims.load(Ordering::Relaxed);
    let order_no = &line.order_no;
    let ask = GetEntitlementRequest { order_no: order_no.clone(), sku: sku.to_owned(), line_id: String::new() };
    let found = client.get_entitlement(ask).await.with_context(|| format!("no answer about {order_no}"))?.into_inner();
    let is_right = found.given == claims && found.held == 0;
    Ok((!is_right).then(|| {
        format!("{order_no} must have given {claims} units: it gave {} and holds {}", found.given, found.held)
    }))
}

/// Nothing is parked anywhere.
pub async fn parked(stand: &Stand) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for service in SERVICES {
        problems.extend(parked_at(service.name, stand.channel(service.name).await?).await?);
    }
    Ok(problems)
}

/// Nothing is parked at one service.
pub async fn parked_at(service: &str, wire: Wire) -> Result<Vec<String>> {
    let mut client = OperationsServiceClient::new(wire);
    let listed = client.list_parked(ListParkedRequest::default()).await?.into_inner().parked;
    let told = |row: &proto::operations::Parked| {
        format!("{service} has parked {}: {} {}", row.subject, row.reason, row.detail)
    };
    Ok(listed.iter().take(TOLD).map(told).collect())
}
