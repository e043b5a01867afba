//! Targets follow the severity when it is judged (domain rule 11): working time that is used up stays used up, warnings that
//! were given stay given, and a breach stays. What a shorter target has used up already is breached now, once.

use jiff::{SignedDuration, Timestamp};

use super::clocks::{asked, catch_up, keys};
use super::{Clock, ClockKey, ClockKind, ClockState, Draft, Event, Severity};

/// Gives all clocks of a round the targets of a severity, but for those of approvals: they have that of their plan.
pub(super) fn round(draft: &mut Draft, round: u32, severity: Severity) {
    let now = draft.now;
    for key in keys(draft).into_iter().filter(|key| key.round == round) {
        one(draft, key, severity, now);
    }
}

/// Gives a clock the target of a severity, as of `at`: until then its promise was not kept.
pub(super) fn one(draft: &mut Draft, key: ClockKey, severity: Severity, at: Timestamp) {
    let target = draft.rules.target(key.kind, draft.claim.head.channel, severity);
    let is_new = |clock: &&Clock| (clock.severity, clock.target) != (severity, target);
    if key.kind == ClockKind::Approval || draft.claim.clocks.get(&key).filter(is_new).is_none() {
        return;
    }
    // What was due by the target so far comes first.
    catch_up(draft, key, at);
    let Some(clock) = draft.claim.clocks.get(&key).cloned() else { return };
    match clock.state {
        ClockState::Running | ClockState::Paused => {
            let changed = with_target(draft, Clock { severity, ..clock }, target, at);
            draft.add(Event::ClockRetargeted(changed));
            catch_up(draft, key, at);
        }
        ClockState::Breached if clock.severity != severity => climb_on(draft, Clock { severity, ..clock }),
        ClockState::Breached | ClockState::Stopped => {}
    }
}

/// Reckons provisional deadlines by what is known now: the working time that is left stays, its days may be others.
pub(super) fn reckon(draft: &mut Draft) {
    let now = draft.now;
    let provisional = |draft: &Draft, key| draft.claim.clocks.get(&key).filter(|clock| clock.provisional).cloned();
    for key in keys(draft) {
        if provisional(draft, key).is_some() {
            // What was due by the deadline so far comes first.
            catch_up(draft, key, now);
        }
        let Some(clock) = provisional(draft, key) else { continue };
        let (target, was) = (clock.target, clock.deadline);
        let reckoned = with_target(draft, clock.clone(), target, now);
        if reckoned != clock {
            draft.add(Event::ClockReckoned(reckoned, was));
            catch_up(draft, key, now);
        }
    }
}

/// What is left by the new target. While the claim is paused, the deadline is shown as if it went on now.
fn with_target(draft: &Draft, clock: Clock, target: SignedDuration, at: Timestamp) -> Clock {
    let calendar = draft.rules.calendar(clock.key.kind);
    let left = clock.left - clock.target + target;
    let is_paused = clock.state == ClockState::Paused;
    let from = if is_paused { draft.claim.head.paused_since.unwrap_or(at) } else { clock.counted_from };
    let used = if is_paused { SignedDuration::ZERO } else { calendar.working_between(from, at) };
    let mut clock = Clock { target, ..clock };
    if left > used {
        (clock.left, clock.deadline) = (left, calendar.add_working(from.max(clock.counted_from), left));
        clock.provisional = !calendar.is_known(clock.deadline);
        clock.next_at = if is_paused { None } else { Some(clock.next(calendar)) };
        return clock;
    }
    // Nobody could keep it sooner: the target was not known.
    let now = at.max(clock.counted_from);
    (clock.state, clock.counted_from, clock.left) = (ClockState::Running, now, SignedDuration::ZERO);
    (clock.deadline, clock.next_at) = (now, Some(now));
    clock
}

/// The level that was asked goes on being asked; the next one comes by the ladder of the severity, from when that was.
fn climb_on(draft: &mut Draft, mut clock: Clock) {
    let since = asked(draft, clock.key).map(|item| item.work.opened_at);
    if let (Some(_), Some(since)) = (clock.next_at, since) {
        let next = draft.rules.level(clock.severity, clock.level + 1);
        clock.next_at = next.map(|next| draft.rules.office().add_working(since, next.after));
    }
    let key = clock.key;
    draft.add(Event::ClockRetargeted(clock));
    let now = draft.now;
    catch_up(draft, key, now);
}
