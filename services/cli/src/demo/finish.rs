//! When the demo is over: every claim has ended or waits for a party of the outside world that has nothing more to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use proto::claim::{ClaimState, WaitingFor};
use proto::orchestrator::{ListProcessesRequest, Process};
use tonic::Request;

use super::world::World;
use crate::connect::Session;

/// Silence after which the processes are looked at.
const QUIET: Duration = Duration::from_millis(400);
/// Silence after which a party that should have answered will not.
const SILENT: Duration = Duration::from_secs(4);

/// Waits for the end; gives every process as it then is.
pub async fn wait(world: &Arc<World>, session: &Session, claims: usize, limit: Duration) -> Result<Vec<Process>> {
    let begun = Instant::now();
    let bar = session.output.progress(claims as u64, "settled");
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (ended, waiting, quiet) = {
            let log = world.log();
            let ended = log.claims.values().filter(|seen| is_ended(seen.state)).count();
            (ended, log.claims.len() - ended, log.quiet())
        };
        bar.set_position(ended as u64);
        bar.set_message(format!("{waiting} open, {:.1} s", begun.elapsed().as_secs_f64()));
        let late = begun.elapsed() > limit;
        if !late && (quiet < QUIET || world.is_busy()) {
            continue;
        }
        let processes = processes(session).await?;
        // A stream that is behind the processes is not quiet, only slow.
        let heard = world.log().claims.values().map(|seen| u64::from(seen.number)).sum::<u64>();
        let told = processes.iter().map(|process| u64::from(process.events)).sum::<u64>();
        let rest = processes.iter().all(|process| is_at_rest(process, quiet));
        if late || (processes.len() == claims && heard == told && rest) {
            bar.finish_and_clear();
            return Ok(processes);
        }
    }
}

/// Reads every process.
async fn processes(session: &Session) -> Result<Vec<Process>> {
    let mut request = ListProcessesRequest { page_size: 500, ..ListProcessesRequest::default() };
    let mut processes = Vec::new();
    loop {
        let page = session.clients.orchestrator()?.list_processes(Request::new(request.clone())).await?.into_inner();
        processes.extend(page.processes);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(processes);
        }
    }
}

fn is_at_rest(process: &Process, quiet: Duration) -> bool {
    is_ended(process.state())
        || match process.waiting_for() {
            // Some customers never answer.
            WaitingFor::Customer => true,
            WaitingFor::System | WaitingFor::Unspecified => false,
            WaitingFor::Specialist
            | WaitingFor::Supervisor
            | WaitingFor::Quality
            | WaitingFor::Management
            | WaitingFor::Approver
            | WaitingFor::Stock
            | WaitingFor::Carrier
            | WaitingFor::Warehouse
            | WaitingFor::Finance
            | WaitingFor::Logistics => quiet > SILENT,
        }
}

/// Whether a state is an end.
pub fn is_ended(state: ClaimState) -> bool {
    state.has_ended()
}

/// Whether a process is neither ended nor waits for a party of the outside world.
pub fn is_stuck(process: &Process) -> bool {
    !is_ended(process.state()) && matches!(process.waiting_for(), WaitingFor::System | WaitingFor::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_waits_for_us_is_stuck() {
        let process = |state: ClaimState, waiting_for: WaitingFor| Process {
            state: state.into(),
            waiting_for: waiting_for.into(),
            ..Process::default()
        };
        assert!(is_stuck(&process(ClaimState::Executing, WaitingFor::System)));
        assert!(is_stuck(&process(ClaimState::Executing, WaitingFor::Unspecified)));
        assert!(!is_stuck(&process(ClaimState::Closed, WaitingFor::Unspecified)));
        assert!(!is_stuck(&process(ClaimState::AwaitingCustomer, WaitingFor::Customer)));
        assert!(!is_at_rest(&process(ClaimState::Executing, WaitingFor::Carrier), QUIET));
        assert!(is_at_rest(&process(ClaimState::Executing, WaitingFor::Carrier), SILENT * 2));
    }
}
