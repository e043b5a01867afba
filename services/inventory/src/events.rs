//! Messages: commands of the orchestrator in, facts out.
//!
//! The answer to a command is read off the state after it. So the same command has the same answer, however often and
//! in whatever order it comes.

use std::collections::BTreeSet;

use chassis::{Malformed, Outgoing};
use proto::Subject;
use proto::claim::{Job as WireJob, ReturnCount};
use proto::inventory::inventory_command::Kind as Asked;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::{
    Consumed, Expired, InventoryCommand, InventoryEvent, Released, ReservationFailed, Reserved, ReservedPartly,
    ReturnCancelled, ReturnCounted,
};

use crate::domain::{Command, Event, GoodsLine, Job, Reservation, ReservationState, Return, State};

/// Most units that one job can be about.
pub const QUANTITY_MAX: u32 = 10_000_000;

/// Reads a command of the orchestrator.
pub fn command(subject: &Subject, payload: &[u8]) -> Result<Command, Malformed> {
    let message: InventoryCommand = chassis::read("redress.inventory.v1.InventoryCommand", subject, payload)?;
    let job = message.job.as_ref().and_then(job).ok_or_else(|| Malformed("the command names no job".to_owned()))?;
    let kind = message.kind.ok_or_else(|| Malformed("the command says not what to do".to_owned()))?;
    Ok(match kind {
        Asked::Reserve(asked) => {
            let wanted = goods(asked.sku, asked.batch, asked.quantity)?;
            Command::Reserve { job, wanted, commit: asked.commit }
        }
        Asked::Consume(_) => Command::Consume(job),
        Asked::Release(_) => Command::Release(job),
        Asked::ExpectReturn(asked) => {
            let announced = goods(asked.sku, asked.batch, asked.quantity)?;
            Command::ExpectReturn { job, announced }
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

/// Reads the name of a piece of work.
pub fn job(wire: &WireJob) -> Option<Job> {
    let number = |number: u32| (1..=1_000_000).contains(&number).then_some(number);
    Some(Job {
        claim: wire.claim_id.parse().ok()?,
        round: number(wire.round)?,
        line: number(wire.line)?,
        attempt: number(wire.attempt)?,
    })
}

/// The wire form of the name of a piece of work.
pub fn wire_job(job: &Job) -> WireJob {
    WireJob { claim_id: job.claim.to_string(), round: job.round, line: job.line, attempt: job.attempt }
}

/// Counted units of a return.
pub fn wire_count(known: &Return) -> ReturnCount {
    ReturnCount {
        accepted: known.accepted,
        damaged: known.damaged,
        wrong_item: known.wrong_item,
        missing: known.missing(),
        excess: known.excess(),
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
        Command::ExpectReturn { job, .. } | Command::CancelReturn(job) | Command::ReceiveReturn { job, .. } => {
            told.extend(goods_return(state, command, job));
        }
        Command::RegisterSkus(_)
        | Command::RegisterWarehouse(_)
        | Command::ReceiveGoods { .. }
        | Command::AdjustStock { .. }
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
    let asked_to_reserve = matches!(command, Command::Reserve { .. });
    let kind = match known.state {
        ReservationState::HeldPartly => Told::ReservedPartly(partly(known)),
        ReservationState::Held | ReservationState::Committed => reserved(),
        // Who asks to reserve is answered that; that the goods have left is the answer to another question.
        ReservationState::Consumed if asked_to_reserve => reserved(),
        ReservationState::Consumed => Told::Consumed(Consumed { quantity: known.wanted }),
        ReservationState::Released => Told::Released(Released {}),
        ReservationState::Expired => Told::Expired(Expired {}),
        ReservationState::Failed => Told::ReservationFailed(ReservationFailed { reason: "UNKNOWN_SKU".to_owned() }),
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
fn goods_return(state: &State, command: &Command, job: &Job) -> Option<Outgoing> {
    let known = state.returns.get(job)?;
    let asked_to_cancel = matches!(command, Command::CancelReturn(_));
    let kind = if asked_to_cancel || known.state == crate::domain::ReturnState::Cancelled {
        Told::ReturnCancelled(ReturnCancelled { accepted: known.accepted })
    } else {
        Told::ReturnCounted(ReturnCounted { count: Some(wire_count(known)), complete: known.state.is_complete() })
    };
    Some(event(job, kind))
}

fn event(job: &Job, kind: Told) -> Outgoing {
    let name = match &kind {
        Told::Reserved(_) => "reserved",
        Told::ReservedPartly(_) => "reserved_partly",
        Told::ReservationFailed(_) => "reservation_failed",
        Told::Consumed(_) => "consumed",
        Told::Released(_) => "released",
        Told::Expired(_) => "expired",
        Told::ReturnCounted(_) => "return_counted",
        Told::ReturnCancelled(_) => "return_cancelled",
    };
    let message = InventoryEvent { job: Some(wire_job(job)), kind: Some(kind) };
    Outgoing::event("inventory", name, job.claim.0, &message)
}
