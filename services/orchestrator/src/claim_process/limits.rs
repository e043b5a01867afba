//! How large a claim may grow (P56). What would exceed a limit is not begun: a claim that is full gives up what it is
//! doing, a person is asked, and after that only its end is possible. It never waits for room.

use super::*;

/// Public events of a claim.
pub const EVENTS_MAX: u32 = 2_000;
/// With this many, a claim is full: the rest is kept for undoing and for its end.
pub const EVENTS_FULL: u32 = 1_800;
/// Bytes of what is kept of a claim.
pub const STATE_MAX: usize = 1 << 20;
/// With this many, a claim is full.
pub const STATE_FULL: usize = STATE_MAX / 4 * 3;
/// Rounds: after the last, a low score closes the claim.
pub const ROUNDS_MAX: u16 = 10;
/// Plans: with so many a claim is full. Triage refuses the next before that.
pub const PLANS_MAX: u32 = 50;
/// Tries of one plan to hold stock that does not come; then a person decides.
pub(super) const ATTEMPTS_MAX: u16 = 50;

/// Plans in a row that are made again because they did not fit; the next is carried out as far as something is left.
pub(super) const UNFIT_MAX: u8 = 10;

/// Reason of a claim that has been re-opened too often.
pub(super) const ROUNDS: &str = "ROUNDS_EXHAUSTED";
/// Reason of a claim that is full.
const TOO_LARGE: &str = "CLAIM_TOO_LARGE";

/// Where the claim is after an event, if it may be `full`. Pure.
pub fn step_within(process: &Process, event: &Event, full: bool) -> Step {
    let step = step(process, event);
    let (true, Step::Go(after, commands)) = (full || process.plan >= PLANS_MAX, &step) else { return step };
    let planning = matches!(process.stage, Stage::Assessing { .. } | Stage::Investigating { .. });
    match (&process.stage, &after.stage) {
        // What is begun is undone, and a person finds another way: only the end is left.
        (Stage::Executing { .. }, Stage::Executing { lines, .. }) if full => {
            let turn = StepBuilder::new(after, commands.clone());
            undo::begin(after, lines.clone(), Then::AssessAgain, TOO_LARGE, turn)
        }
        (_, Stage::AwaitingApproval(_) | Stage::AwaitingConsent(_) | Stage::Executing { .. }) if planning => {
            let process = Process { plan: after.plan, ..process.clone() };
            end(&process, Outcome::Rejected, TOO_LARGE, vec![Command::Announce(Fact::Assessed)])
        }
        (Stage::FollowingUp, _) if after.round > process.round => end(process, Outcome::Closed, TOO_LARGE, vec![]),
        _ => step,
    }
}
