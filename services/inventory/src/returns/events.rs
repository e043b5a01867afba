//! Returns in messages: what the orchestrator expects, and where a return stands.

use chassis::{Malformed, Outgoing};
use proto::claim::ReturnCount;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::{ExpectReturn, ReturnCancelled, ReturnCounted};

use super::domain::{Command, Event, Job, Return, ReturnState, is_complete};
use crate::domain::{self, State};
use crate::wire::{event, goods};

/// What the orchestrator expects back.
pub fn expect(job: Job, asked: ExpectReturn) -> Result<Command, Malformed> {
    let reason = asked.reason().said();
    let announced = goods(asked.sku, asked.batch, asked.quantity)?;
    Ok(Command::ExpectReturn { job, announced, reason })
}

/// Counted units of a return.
pub fn wire_count(known: &Return) -> ReturnCount {
    ReturnCount {
        accepted: known.counting(),
        damaged: known.damaged - known.damaged_as_claimed(),
        wrong_item: known.wrong_item - known.wrong_as_claimed(),
        missing: known.missing(),
        excess: known.excess(),
        resalable: known.resalable(),
        not_as_claimed: known.not_as_claimed,
    }
}

/// What the orchestrator is told after a command.
pub fn told(state: &State, command: &Command, events: &[domain::Event]) -> Option<Outgoing> {
    match command {
        Command::ExpectReturn { job, .. } | Command::CancelReturn(job) => stands(state, command, job, 0),
        Command::ReceiveReturn { job, receipt, .. } => {
            let is_late =
                |event: &domain::Event| matches!(event, domain::Event::Return(Event::ReturnCounted { late: true, .. }));
            let late = events.iter().any(is_late);
            stands(state, command, job, if late { receipt.units() } else { 0 })
        }
        Command::DisposeReturn { .. } => None,
    }
}

/// Where a return stands. A return that is counted to the end answers a cancel too: what was accepted stays accepted.
fn stands(state: &State, command: &Command, job: &Job, late: u32) -> Option<Outgoing> {
    let known = state.returns.get(job)?;
    let asked_to_cancel = matches!(command, Command::CancelReturn(_));
    let kind = if asked_to_cancel || known.state == ReturnState::Cancelled {
        Told::ReturnCancelled(ReturnCancelled { accepted: known.counting() })
    } else {
        let (count, complete) = (Some(wire_count(known)), is_complete(known.state));
        Told::ReturnCounted(ReturnCounted { count, complete, late })
    };
    Some(event(job, kind))
}
