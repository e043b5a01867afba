//! What can be asked of the orchestrator.

use jiff::Timestamp;
use proto::escalation::escalation_event;
use proto::intake::{ClaimSubmitted, intake_event};
use proto::inventory::inventory_event;
use proto::logistics::logistics_event;
use proto::triage::triage_event;
use uuid::Uuid;

use crate::claim_process::{Event, LinePlan};
use crate::settlement;

/// What can be asked of the orchestrator.
#[derive(Clone, Debug)]
pub enum Command {
    /// Intake recorded a claim.
    Begin {
        claim: Uuid,
        /// What was recorded.
        submitted: ClaimSubmitted,
    },
    /// A service told something.
    Learn {
        claim: Uuid,
        /// What it means.
        heard: Heard,
        /// The message in hand.
        told: Box<SourceMessage>,
    },
    /// Finance answers a settlement.
    ConfirmSettlement {
        settlement_id: Uuid,
        /// What finance says.
        said: settlement::Command,
    },
    /// An open question was not answered in time.
    AskAgain {
        claim: Uuid,
        /// The time that says so: another one means that it is not due any more.
        at: Timestamp,
    },
    /// The customer was asked something and has not answered: a reminder is due, or it lapses.
    Lapse {
        claim: Uuid,
        /// The time that says so.
        at: Timestamp,
    },
}

/// What a message means. To most the process listens as it is; what policy and ledgers have a say in becomes an event of
/// the process when the command is decided.
#[derive(Clone, Debug)]
pub enum Heard {
    /// Triage made a plan: whether it fits, needs approval and is followed up is not for triage alone to say.
    Judged {
        /// The assessment that was asked for.
        assessment: u32,
        /// The lines of the plan in the message.
        lines: Vec<LinePlan>,
    },
    /// The customer answered the follow-up: which score is low is said by the policy.
    FollowUpAnswered {
        round: u16,
        /// Satisfaction, 1 to 5.
        score: u32,
    },
    /// It is an event of the process as it is.
    Plainly(Event),
}

impl From<Event> for Heard {
    fn from(event: Event) -> Self {
        Self::Plainly(event)
    }
}

/// A message in hand: what a service told.
#[derive(Clone, Debug)]
pub enum SourceMessage {
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
