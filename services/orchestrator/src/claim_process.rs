//! The whole life of a claim, as a pure function.
//!
//! A claim is judged, approved, agreed, carried out and closed; at any moment it may be given up, and then what was done
//! is undone. [`step`] is the only place where a claim moves: from where the claim is and what has just been learnt it
//! says where the claim is now and what to ask of the others. The handler stores and sends that in one transaction.
//!
//! What keeps it honest:
//! - Every stage answers every event, so a new event does not compile until each stage has said what it means there.
//! - Each piece of work has a name ([`Job`]), chosen here and repeated in every answer, and no name is used twice: late,
//!   repeated and crossed answers are harmless by comparison of names.
//! - Work whose fate is unknown counts as done, because only then is it undone.
//! - `claim_process/tests.rs` walks every order of every event and checks these promises in each past.
//!
//! What a line is carried out with is in [`legs`], how that is undone in [`undo`]. What was bought, at which price, and
//! who the customer is stays with the handler: the process knows units only.
#![deny(clippy::wildcard_enum_match_arm)]

mod legs;
mod names;
#[cfg(test)]
mod tests;
mod undo;
mod words;

pub use names::{leg_statuses, state, waiting_for, waits_for};
pub use words::*;

/// The process of a new claim, and what it asks first. `acknowledge`: its channel demands that the main points are read
/// back to the customer (S0-13).
pub fn start(acknowledge: bool) -> (Process, Vec<Command>) {
    let mut process = Process {
        round: 1,
        assessment: 0,
        plan: 0,
        numbers: 0,
        acknowledged: !acknowledge,
        stage: Stage::Assessing { reason: AssessReason::New },
    };
    let mut commands = vec![Command::Announce(Fact::Submitted)];
    let mut kinds = vec![Clock::FirstFeedback, Clock::FinalSolution];
    if acknowledge {
        kinds.push(Clock::Acknowledgement);
    }
    commands.push(Command::StartClocks { round: 1, kinds });
    process.assess(AssessReason::New, &mut commands);
    (process, commands)
}
