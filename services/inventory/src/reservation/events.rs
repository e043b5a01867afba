//! Reservations in messages: what the orchestrator asks, and where a reservation stands.
//!
//! The answer to a command is read off the state after it. So the same command has the same answer, however often and
//! in whatever order it comes.

use std::collections::BTreeSet;

use chassis::{Malformed, Outgoing};
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::{Consumed, Expired, Released, ReservationFailed, Reserve, Reserved, ReservedPartly};

use super::domain::{BatchRule, Command, Event, Job, Reservation, ReservationState, Wanted};
use crate::domain::{self, State};
use crate::stock::domain::GoodsLine;
use crate::wire::{event, goods};

/// What the orchestrator wants held.
pub fn reserve(job: Job, asked: Reserve, policy_version: u32) -> Result<Command, Malformed> {
    Ok(Command::Reserve { job, commit: asked.commit, wanted: wanted(asked, policy_version)? })
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

/// What the orchestrator is told after any command: the answer, and what it meant for those who waited.
pub fn told(state: &State, command: &domain::Command, events: &[domain::Event]) -> Vec<Outgoing> {
    let asked = if let domain::Command::Reservation(command) = command { Some(command) } else { None };
    let reserves = matches!(asked, Some(Command::Reserve { .. }));
    let (mut told, mut answered) = (Vec::new(), None);
    match asked {
        Some(Command::Reserve { job, .. } | Command::Consume(job) | Command::Release(job)) => {
            answered = Some(*job);
            told.extend(stands(state, reserves, job));
        }
        Some(Command::Expire(job, _)) if events.contains(&Event::Expired(*job).into()) => {
            told.extend(stands(state, reserves, job));
        }
        Some(Command::Expire(..)) | None => {}
    }
    let mut others = BTreeSet::new();
    for event in events {
        if let domain::Event::Reservation(Event::Held { job, .. }) = event
            && answered != Some(*job)
            && others.insert(*job)
        {
            told.extend(stands(state, reserves, job));
        }
    }
    told
}

/// Where a reservation stands.
fn stands(state: &State, asked_to_reserve: bool, job: &Job) -> Option<Outgoing> {
    let known = state.reservations.get(job)?;
    let reserved = || Told::Reserved(Reserved { quantity: known.wanted });
    let failed = |reason: &str| Told::ReservationFailed(ReservationFailed { reason: reason.to_owned() });
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
