//! `redress claim list`: what was reported, joined with where the process of each claim is, so that a list and `claim show`
//! say the same.

use std::collections::HashMap;

use anyhow::Result;
use proto::claim::{ClaimState, WaitingFor};
use proto::intake::{Claim, ListClaimsRequest};
use proto::orchestrator::{ListProcessesRequest, Process};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, table, time};
use crate::pages::{Found, Limit};
use crate::words::{self, plain};

/// Claims that are asked about at once.
const PAGE: i32 = 500;
/// Pages that are looked through for claims of a state, at the most.
const PAGES: usize = 20;

/// Which claims are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct List {
    /// Only claims of this customer.
    #[arg(long, default_value = "")]
    customer: String,
    /// Only claims in this state.
    #[arg(long, value_parser = words::parse::<ClaimState>)]
    state: Option<ClaimState>,
    /// Only claims that wait for this party, perhaps among others, as supervisor or warehouse.
    #[arg(long, value_parser = words::parse::<WaitingFor>)]
    waiting_for: Option<WaitingFor>,
    /// At the most so many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    limit: i32,
}

/// A claim, and where its process is; none: it has not begun.
type Row = (Claim, Option<Process>);

/// Lists claims, newest first.
pub async fn run(list: List, session: &Session) -> Result<()> {
    let rows = read(&list, session).await?;
    if session.output.is_json() {
        let (claims, processes): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let processes: Vec<_> = processes.into_iter().flatten().collect();
        return output::json(&json!({ "claims": claims, "processes": processes }));
    }
    let mut table = table(["claim", "customer", "state", "waits for", "received", "lines", "SKU", "id"]);
    for (claim, process) in rows {
        let sku = claim.lines.first().map(|line| line.sku.clone()).unwrap_or_default();
        table.add_row([
            claim.claim_number,
            claim.customer_ref,
            plain::<ClaimState>(claim.state),
            process.as_ref().map(parties).unwrap_or_default(),
            time(claim.received_at.as_ref()),
            claim.lines.len().to_string(),
            sku,
            claim.claim_id,
        ]);
    }
    output::line(table)
}

/// All whom a process waits for, in one line.
fn parties(process: &Process) -> String {
    let mut parties: Vec<String> = Vec::new();
    for waiting in &process.waiting {
        let party = plain::<WaitingFor>(waiting.party);
        if !parties.contains(&party) {
            parties.push(party);
        }
    }
    parties.join(", ")
}

async fn read(list: &List, session: &Session) -> Result<Vec<Row>> {
    let limit = usize::try_from(list.limit).unwrap_or(0);
    // What only the process knows is looked for there, unless few claims can be meant.
    let by_process = list.waiting_for.is_some() || list.state.is_some_and(|state| state != ClaimState::Submitted);
    if by_process && list.customer.is_empty() {
        return of_processes(list, session).await;
    }
    let mut request = ListClaimsRequest {
        page_size: if by_process { PAGE } else { list.limit },
        customer_ref: list.customer.clone(),
        ..ListClaimsRequest::default()
    };
    let mut rows = Vec::new();
    for _ in 0..PAGES {
        let page = session.clients.intake()?.list_claims(Request::new(request.clone())).await?.into_inner();
        let ids = page.claims.iter().map(|claim| claim.claim_id.clone()).collect();
        let mut processes = processes(ids, session).await?;
        let joined = page.claims.into_iter().map(|claim| join(claim, &mut processes));
        rows.extend(joined.filter(|row| fits(row, list)));
        request.page_token = page.next_page_token;
        if rows.len() >= limit || request.page_token.is_empty() {
            break;
        }
    }
    rows.truncate(limit);
    Ok(rows)
}

/// Claims whose process is as wanted.
async fn of_processes(list: &List, session: &Session) -> Result<Vec<Row>> {
    let request = ListProcessesRequest {
        state: list.state.unwrap_or_default().into(),
        waiting_for: list.waiting_for.unwrap_or_default().into(),
        page_size: list.limit,
        newest_first: true,
        ..ListProcessesRequest::default()
    };
    let found = session.clients.orchestrator()?.list_processes(Request::new(request)).await?.into_inner().processes;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let claim_ids: Vec<String> = found.iter().map(|process| process.claim_id.clone()).collect();
    let mut processes = by_claim(found);
    let claims = Limit::ALL.read(async |page_size, page_token| {
        let claim_ids = claim_ids.clone();
        let request = ListClaimsRequest { page_size, page_token, claim_ids, ..ListClaimsRequest::default() };
        let page = session.clients.intake()?.list_claims(Request::new(request)).await?.into_inner();
        Ok((page.claims, page.next_page_token))
    });
    let claims: Found<Claim> = claims.await?;
    Ok(claims.rows.into_iter().map(|claim| join(claim, &mut processes)).collect())
}

/// The processes of claims.
pub async fn processes(claim_ids: Vec<String>, session: &Session) -> Result<HashMap<String, Process>> {
    if claim_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = Limit::ALL.read(async |page_size, page_token| {
        let claim_ids = claim_ids.clone();
        let request = ListProcessesRequest { page_size, page_token, claim_ids, ..ListProcessesRequest::default() };
        let page = session.clients.orchestrator()?.list_processes(Request::new(request)).await?.into_inner();
        Ok((page.processes, page.next_page_token))
    });
    let found: Found<Process> = found.await?;
    Ok(by_claim(found.rows))
}

fn by_claim(processes: Vec<Process>) -> HashMap<String, Process> {
    processes.into_iter().map(|process| (process.claim_id.clone(), process)).collect()
}

/// The state of the claim is that of its process.
fn join(mut claim: Claim, processes: &mut HashMap<String, Process>) -> Row {
    let process = processes.remove(&claim.claim_id);
    claim.state = process.as_ref().map_or(claim.state, |process| process.state);
    (claim, process)
}

fn fits((claim, process): &Row, list: &List) -> bool {
    let waits =
        |party: WaitingFor| process.iter().flat_map(|process| &process.waiting).any(|waiting| waiting.party() == party);
    list.state.is_none_or(|state| claim.state() == state) && list.waiting_for.is_none_or(waits)
}

#[cfg(test)]
mod tests {
    use proto::orchestrator::Waiting;

    use super::*;

    fn row(state: ClaimState, waits: &[WaitingFor]) -> Row {
        let claim = Claim { claim_id: "1".to_owned(), state: ClaimState::Submitted.into(), ..Claim::default() };
        let waiting = waits.iter().map(|party| Waiting { party: (*party).into(), ..Waiting::default() }).collect();
        let process = Process { claim_id: "1".to_owned(), state: state.into(), waiting, ..Process::default() };
        join(claim, &mut by_claim(vec![process]))
    }

    fn list(state: Option<ClaimState>, waiting_for: Option<WaitingFor>) -> List {
        List { customer: String::new(), state, waiting_for, limit: 50 }
    }

    #[test]
    fn u4_a_claim_has_the_state_of_its_process_and_all_whom_it_waits_for() {
        let (finance, warehouse) = (WaitingFor::Finance, WaitingFor::Warehouse);
        let row = row(ClaimState::Executing, &[finance, warehouse, finance]);
        assert_eq!(row.0.state(), ClaimState::Executing);
        assert_eq!(row.1.as_ref().map(parties).unwrap(), "finance, warehouse");
        for (wanted, fit) in [
            (list(None, None), true),
            (list(Some(ClaimState::Executing), Some(warehouse)), true),
            (list(Some(ClaimState::Submitted), None), false),
            (list(None, Some(WaitingFor::Customer)), false),
        ] {
            assert_eq!(fits(&row, &wanted), fit, "{wanted:?}");
        }
    }

    #[test]
    fn a_claim_whose_process_has_not_begun_is_submitted() {
        let claim = Claim { state: ClaimState::Submitted.into(), ..Claim::default() };
        let row = join(claim, &mut HashMap::new());
        assert!(fits(&row, &list(Some(ClaimState::Submitted), None)) && row.1.is_none());
    }
}
