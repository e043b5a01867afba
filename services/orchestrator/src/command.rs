//! What can be asked of the orchestrator.

use jiff::Timestamp;
use proto::escalation::escalation_event;
use proto::intake::{ClaimSubmitted, intake_event};
use proto::inventory::inventory_event;
use proto::logistics::logistics_event;
use proto::triage::triage_event;
use uuid::Uuid;

use crate::claim_process::Event;
use crate::settlement;

/// What can be asked of the orchestrator.
#[derive(Clone, Debug)]
pub enum Command {
    /// Intake recorded a claim.
    Begin {
        /// The claim.
        claim: Uuid,
        /// What was recorded.
        submitted: ClaimSubmitted,
    },
    /// A service told something.
    Learn {
        /// The claim.
        claim: Uuid,
        /// What it means to the process.
        event: Event,
        /// The message in hand.
        told: Box<Told>,
    },
    /// Finance answers a settlement.
    ConfirmSettlement {
        /// The settlement.
        settlement_id: Uuid,
        /// What finance says.
        said: settlement::Command,
    },
    /// An open question was not answered in time.
    AskAgain {
        /// The claim.
        claim: Uuid,
        /// The time that says so: another one means that it is not due any more.
        at: Timestamp,
    },
    /// The customer was asked something and has not answered: a reminder is due, or it lapses.
    Lapse {
        /// The claim.
        claim: Uuid,
        /// The time that says so.
        at: Timestamp,
    },
}

/// A message in hand: what a service told.
#[derive(Clone, Debug)]
pub enum Told {
    /// Intake told it.
    Intake(intake_event::Kind),
    /// Triage told it.
    Triage(triage_event::Kind),
    /// Inventory told it.
    Inventory(inventory_event::Kind),
    /// Logistics told it.
    Logistics(logistics_event::Kind),
    /// Escalation told it.
    Escalation(escalation_event::Kind),
}
