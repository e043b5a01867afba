//! Messages: commands of the orchestrator in, facts out.
//!
//! The answer to a command is read off the state after it. So the same command has the same answer, however often and
//! in whatever order it comes.

use std::collections::BTreeSet;

use chassis::{Malformed, Outgoing};
use proto::Subject;
use proto::claim::ReturnCount;
use proto::inventory::inventory_command::Kind as Asked;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::{
    Consumed, Expired, InventoryCommand, InventoryEvent, Released, ReservationFailed, Reserve, Reserved,
    ReservedPartly, ReturnCancelled, ReturnCounted,
};

use crate::domain::{
    self, BatchRule, Command, Event, GoodsLine, Job, Reservation, ReservationState, Return, State, Wanted,
};

/// Most units that one job can be about.
pub const QUANTITY_MAX: u32 = 10_000_000;

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: InventoryCommand = chassis::read("redress.inventory.v1.InventoryCommand", subject, payload)?;
    let job = message.job.as_ref().ok_or_else(|| Malformed("the command names no job".to_owned()))?;
    let job = Job::try_from(job).map_err(|wrong| Malformed(wrong.to_string()))?;
    let kind = message.kind.ok_or_else(|| Malformed("the command says not what to do".to_owned()))?;
    Ok(match kind {
        Asked::Reserve(asked) => {
            Command::Reserve { job, commit: asked.commit, wanted: wanted(asked, message.policy_version)? }
        }
        Asked::Consume(_) => Command::Consume(job),
        Asked::Release(_) => Command::Release(job),
        Asked::ExpectReturn(asked) => {
            let reason = asked.reason().said();
            let announced = goods(asked.sku, asked.batch, asked.quantity)?;
            Command::ExpectReturn { job, announced, reason }
        }
        Asked::CancelReturn(_) => Command::CancelReturn(job),
    })
}

fn goods(sku: String, batch: String, quantity: u32) -> Result<GoodsLine, Malformed> {
    let fits = |text: &str| text.chars().count() <= 64 && !text.chars().any(char::is_control);
    if sku.is_empty() || !fits(&sku) || !fits(&batch) || !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(Malformed(format!("SKU, batch or quantity {quantity} is out of bounds")));
    }
    Ok(GoodsLine { sku, batch, quantity })
}

fn wanted(asked: Reserve, policy_version: u32) -> Result<Wanted, Malformed> {
    if i32::try_from(policy_version).is_err() {
        return Err(Malformed("policy_version is not one".to_owned()));
    }
    let rule = asked.batch_rule().said().unwrap_or(BatchRule::Any);
    let GoodsLine { sku, batch, quantity } = goods(asked.sku, asked.batch, asked.quantity)?;
    // A batch that nobody has named is neither kept nor avoided.
    let rule = match rule {
        BatchRule::Other if batch.trim().is_empty() => BatchRule::Any,
        BatchRule::Same if batch.trim().is_empty() => BatchRule::Single,
        BatchRule::Any | BatchRule::Other | BatchRule::Same | BatchRule::Single => rule,
    };
    Ok(Wanted { sku, batch, rule, quantity, policy_version })
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

/// What the orchestrator is told after a command: its answer, and what it meant for others.
pub fn told(state: &State, command: &Command, events: &[Event]) -> Vec<Outgoing> {
    let mut told = Vec::new();
    let mut answered = None;
    match command {
        Command::Reserve { job, .. } | Command::Consume(job) | Command::Release(job) => {
            answered = Some(*job);
            told.extend(reservation(state, command, job));
        }
        Command::Expire(job, _) => {
            if events.contains(&Event::Expired(*job)) {
                told.extend(reservation(state, command, job));
            }
        }
        Command::ExpectReturn { job, .. } | Command::CancelReturn(job) => {
            told.extend(goods_return(state, command, job, 0));
        }
        Command::ReceiveReturn { job, receipt, .. } => {
            let late = events.iter().any(|event| matches!(event, Event::ReturnCounted { late: true, .. }));
            told.extend(goods_return(state, command, job, if late { receipt.units() } else { 0 }));
        }
        Command::RegisterSkus(_)
        | Command::RegisterWarehouse(_)
        | Command::ReceiveGoods { .. }
        | Command::AdjustStock { .. }
        | Command::MoveStock { .. }
        | Command::DisposeReturn { .. } => {}
    }
    let mut others = BTreeSet::new();
    for event in events {
        if let Event::Held { job, .. } = event
            && answered != Some(*job)
            && others.insert(*job)
        {
            told.extend(reservation(state, command, job));
        }
    }
    told
}

/// Where a reservation stands.
fn reservation(state: &State, command: &Command, job: &Job) -> Option<Outgoing> {
    let known = state.reservations.get(job)?;
    let reserved = || Told::Reserved(Reserved { quantity: known.wanted });
    let failed = |reason: &str| Told::ReservationFailed(ReservationFailed { reason: reason.to_owned() });
    let asked_to_reserve = matches!(command, Command::Reserve { .. });
    let kind = match known.state {
        ReservationState::HeldPartly => Told::ReservedPartly(partly(known)),
        ReservationState::Held | ReservationState::Committed => reserved(),
        // Who asks to reserve is answered that; that the goods have left is the answer to another question.
        ReservationState::Consumed if asked_to_reserve => reserved(),
        ReservationState::Consumed => Told::Consumed(Consumed { quantity: known.wanted }),
        ReservationState::Released => Told::Released(Released {}),
        ReservationState::Expired => Told::Expired(Expired {}),
        ReservationState::Failed => failed("UNKNOWN_SKU"),
        ReservationState::BatchUnknown => failed("BATCH_UNKNOWN"),
    };
    Some(event(job, kind))
}

fn partly(known: &Reservation) -> ReservedPartly {
    ReservedPartly {
        held: known.held(),
        short: known.short(),
        expected_on: known.expected_on.map(|day| day.to_string()).unwrap_or_default(),
    }
}

/// Where a return stands. A return that is counted to the end answers a cancel too: what was accepted stays accepted.
fn goods_return(state: &State, command: &Command, job: &Job, late: u32) -> Option<Outgoing> {
    let known = state.returns.get(job)?;
    let asked_to_cancel = matches!(command, Command::CancelReturn(_));
    let kind = if asked_to_cancel || known.state == crate::domain::ReturnState::Cancelled {
        Told::ReturnCancelled(ReturnCancelled { accepted: known.counting() })
    } else {
        let (count, complete) = (Some(wire_count(known)), domain::is_complete(known.state));
        Told::ReturnCounted(ReturnCounted { count, complete, late })
    };
    Some(event(job, kind))
}

fn event(job: &Job, kind: Told) -> Outgoing {
    let name = kind.name();
    let message = InventoryEvent { job: Some((*job).into()), kind: Some(kind) };
    Outgoing::event("inventory", name, job.claim.0, &message)
}
