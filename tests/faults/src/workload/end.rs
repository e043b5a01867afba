//! When the run is over, and what became of it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proto::claim::ClaimState;
use proto::orchestrator::ListProcessesRequest;
use tonic::Status;

use super::Summary;
use super::world::{World, lock};

/// How often the processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// So many looks in a row must agree that it is over: desks may be between two looks of their own.
const LOOKS: u32 = 3;
/// The last look, of a stack that may be down, is tried so often.
const LAST_LOOKS: u32 = 5;

/// Waits until every acknowledged claim has ended or waits as planned, or the time is up.
pub async fn wait(world: &World) {
    let mut agreed = 0;
    while !world.lines.is_over() && agreed < LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        let Ok(()) = look(world).await else { continue };
        let idle = world.busy.load(Ordering::Relaxed) == 0 && world.all_reported.load(Ordering::Relaxed);
        agreed = if idle && tally(world).open == 0 { agreed + 1 } else { 0 };
    }
}

/// What became of every claim.
pub async fn summary(world: &World) -> Summary {
    for _ in 0..LAST_LOOKS {
        if look(world).await.is_ok() {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tally(world)
}

async fn look(world: &World) -> Result<(), Status> {
    let processes = world.lines.list(ListProcessesRequest::default()).await?;
    let seen = processes.into_iter().map(|process| {
        let state = process.state();
        (process.claim_id, (state, process.end_reason))
    });
    *lock(&world.states) = seen.collect();
    Ok(())
}

fn tally(world: &World) -> Summary {
    let states = lock(&world.states);
    let cases = world.cases();
    let mut summary = Summary {
        submitted: world.submitted.load(Ordering::Relaxed),
        unknown: world.unknown.load(Ordering::Relaxed),
        acknowledged: cases.len(),
        surprises: world.surprises(),
        ..Summary::default()
    };
    for case in &cases {
        let (state, reason) =
            states.get(&case.claim).map_or((ClaimState::Submitted, ""), |(state, reason)| (*state, reason.as_str()));
        match state {
            ClaimState::Closed => summary.closed += 1,
            ClaimState::Rejected => summary.rejected += 1,
            ClaimState::Withdrawn | ClaimState::Duplicate => summary.withdrawn += 1,
            _ if case.life.rests(state) => summary.waiting += 1,
            _ => summary.open += 1,
        }
        let ended = state.has_ended();
        if ended && !case.life.may_end(state, reason) {
            let story = case.life.story;
            summary.surprises.push(format!("claim {} ({story:?}) is {state:?} {reason}", case.claim));
        }
    }
    summary
}
