//! Clocks: started, paused, stopped, warning, breached, and the ladder that a breach climbs.
//!
//! A clock that ran out before anybody looked is breached all the same: whatever is asked, what is due comes first.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{About, Clock, ClockKey, ClockKind, ClockState, Draft, Escalation, Event, Item, Rules, Severity, WorkKind};
use super::{retarget, tasks};
use proto::calendar::Calendar;
use proto::claim::Channel;

/// Percent of the working time at which a clock warns.
const WARNINGS: [u32; 2] = [50, 75];

impl Clock {
    /// When this share of its working time is used up, if it is never paused.
    fn point(&self, calendar: &Calendar, percent: u32) -> Timestamp {
        let unused = self.target * i32::try_from(100 - percent).unwrap_or(0) / 100;
        calendar.add_working(self.counted_from, (self.left - unused).max(SignedDuration::ZERO))
    }

    /// When it is due next while it runs.
    pub(super) fn next(&self, calendar: &Calendar) -> Timestamp {
        let warning = WARNINGS.into_iter().find(|percent| *percent > self.warned);
        warning.map_or(self.deadline, |percent| self.point(calendar, percent).min(self.deadline))
    }
}

/// Starts the clocks of a round that are not there yet. A promise that was kept already gets none. What is not judged yet
/// counts as general.
pub(super) fn start(
    draft: &mut Draft,
    round: u32,
    kinds: &BTreeSet<ClockKind>,
    severity: Option<Severity>,
    channel: Channel,
    from: Timestamp,
) {
    if round > draft.claim.head.round {
        draft.add(Event::RoundBegun(round));
    }
    if channel != Channel::Unspecified && channel != draft.claim.head.channel {
        draft.add(Event::ChannelKnown(channel));
    }
    for kind in kinds.iter().copied() {
        let kept = draft.claim.head.stopped.get(&kind).is_some_and(|stopped| *stopped >= round);
        if !kept {
            start_one(draft, ClockKey { kind, round }, severity.unwrap_or(Severity::General), from);
        }
    }
    if let Some(severity) = severity {
        retarget::round(draft, round, severity);
    }
}

/// Starts a clock, unless it is there. While the claim is paused it counts only up to the pause.
pub(super) fn start_one(draft: &mut Draft, key: ClockKey, severity: Severity, from: Timestamp) {
    if draft.claim.clocks.contains_key(&key) {
        return;
    }
    let calendar = draft.rules.calendar(key.kind);
    let target = draft.rules.target(key.kind, draft.claim.head.channel, severity);
    let deadline = calendar.add_working(from, target);
    let mut clock = Clock {
        key,
        state: ClockState::Running,
        severity,
        target,
        started_at: from,
        counted_from: from,
        left: target,
        deadline,
        provisional: !calendar.is_known(deadline),
        warned: 0,
        breached_at: None,
        level: 0,
        next_at: None,
        stopped_at: None,
    };
    clock.next_at = Some(clock.next(calendar));
    draft.add(Event::ClockStarted(clock));
    match draft.claim.head.paused_since {
        Some(since) => {
            catch_up(draft, key, since);
            pause_one(draft, key, since);
        }
        None => catch_up(draft, key, draft.now),
    }
}

/// Stops clocks up to a round, and remembers it for those of that round that are not started yet. A late message about
/// an old round leaves the new one alone. Each is measured by the target of the severity, as of when its promise was kept.
pub(super) fn stop(
    draft: &mut Draft,
    kinds: &BTreeSet<ClockKind>,
    upto: Option<u32>,
    at: Option<Timestamp>,
    severity: Option<Severity>,
) {
    let at = at.unwrap_or(draft.now).min(draft.now);
    let newest = draft.claim.head.round.max(1);
    let round = upto.unwrap_or(newest);
    for kind in kinds.iter().copied() {
        let before = draft.claim.head.stopped.get(&kind).copied().unwrap_or(0);
        // The clock of an approval lives and ends with its approval.
        if before < round && kind != ClockKind::Approval {
            draft.add(Event::KindStopped(kind, round));
        }
    }
    // The clock of an approval is named by its plan, which is of the newest round.
    let is_meant = |key: &ClockKey| {
        if key.kind == ClockKind::Approval { round >= newest } else { upto.is_none_or(|round| key.round <= round) }
    };
    for key in keys(draft) {
        let is_stopped = kinds.contains(&key.kind) && is_meant(&key);
        if let Some(severity) = severity.filter(|_| key.round == round) {
            retarget::one(draft, key, severity, if is_stopped { at } else { draft.now });
        }
        if is_stopped {
            stop_one(draft, key, at);
        }
    }
}

/// Stops a clock whose promise was kept at `at`; a breach stays, and its ladder ends.
pub(super) fn stop_one(draft: &mut Draft, key: ClockKey, at: Timestamp) {
    let at = at.min(draft.now);
    // A deadline that had passed by then was missed, one that has passed since was not; a ladder that ends now climbs
    // no more.
    if draft.claim.clocks.get(&key).is_some_and(|clock| clock.state == ClockState::Running) {
        catch_up(draft, key, at);
    }
    let stopped = draft.claim.clocks.get(&key).map(|clock| (clock.state, clock.stopped_at));
    match stopped {
        Some((ClockState::Running | ClockState::Paused, _)) => draft.add(Event::ClockStopped(key, at)),
        Some((ClockState::Breached, known)) => {
            if known.is_none() {
                draft.add(Event::KeptAfterBreach(key, at));
            }
            end_ladder(draft, key);
        }
        Some((ClockState::Stopped, _)) | None => {}
    }
}

/// Pauses all clocks, also those that are started later.
pub(super) fn pause(draft: &mut Draft) {
    if draft.claim.head.paused_since.is_some() {
        return;
    }
    let now = draft.now;
    draft.add(Event::Paused(now));
    for key in keys(draft) {
        catch_up(draft, key, now);
        pause_one(draft, key, now);
    }
}

/// The remaining working time is kept.
fn pause_one(draft: &mut Draft, key: ClockKey, at: Timestamp) {
    let Some(clock) = draft.claim.clocks.get(&key).filter(|clock| clock.state == ClockState::Running) else { return };
    let used = draft.rules.calendar(key.kind).working_between(clock.counted_from, at);
    let left = (clock.left - used).max(SignedDuration::ZERO);
    draft.add(Event::ClockPaused(key, left));
}

/// Lets all clocks run again: the deadline is the remaining working time from now.
pub(super) fn resume(draft: &mut Draft) {
    if draft.claim.head.paused_since.is_none() {
        return;
    }
    draft.add(Event::Resumed);
    for key in keys(draft) {
        let Some(clock) = draft.claim.clocks.get(&key).filter(|clock| clock.state == ClockState::Paused) else {
            continue;
        };
        let calendar = draft.rules.calendar(key.kind);
        let from = draft.now.max(clock.started_at);
        let mut clock = clock.clone();
        (clock.state, clock.counted_from) = (ClockState::Running, from);
        clock.deadline = calendar.add_working(from, clock.left);
        clock.provisional = !calendar.is_known(clock.deadline);
        clock.next_at = Some(clock.next(calendar));
        draft.add(Event::ClockResumed(clock));
        catch_up(draft, key, draft.now);
    }
}

/// Does what is due, if the clock is still due at the time that the database found.
pub(super) fn due(draft: &mut Draft, key: ClockKey, at: Timestamp) {
    let found = draft.claim.clocks.get(&key).and_then(|clock| clock.next_at);
    if found == Some(at) {
        // The clocks of service and database differ a little; the database's is the judge.
        draft.now = draft.now.max(at);
        catch_up(draft, key, draft.now);
    }
}

/// A person has answered, or the promise was kept: the breach climbs no further.
pub(super) fn end_ladder(draft: &mut Draft, key: ClockKey) {
    close_answer(draft, key);
    if draft.claim.clocks.get(&key).is_some_and(|clock| clock.next_at.is_some()) {
        draft.add(Event::LadderEnded(key));
    }
}

/// Does what is due at `now`: the highest warning, the breach, or the next level.
pub(super) fn catch_up(draft: &mut Draft, key: ClockKey, now: Timestamp) {
    let Some(clock) = draft.claim.clocks.get(&key).cloned() else { return };
    if clock.next_at.is_none_or(|next| next > now) {
        return;
    }
    match clock.state {
        ClockState::Running => {
            warn(draft, &clock, now);
            if now >= clock.deadline {
                breach(draft, &clock);
            }
        }
        ClockState::Breached => raise(draft, &clock, clock.level + 1),
        ClockState::Paused | ClockState::Stopped => {}
    }
}

/// Of several warnings that are due only the highest is given.
fn warn(draft: &mut Draft, clock: &Clock, now: Timestamp) {
    let calendar = draft.rules.calendar(clock.key.kind);
    let due = |percent: &u32| *percent > clock.warned && now >= clock.point(calendar, *percent);
    if let Some(percent) = WARNINGS.into_iter().rev().find(due) {
        let mut warned = clock.clone();
        warned.warned = percent;
        let next = warned.next(calendar);
        draft.add(Event::ClockWarned(clock.key, percent, clock.deadline, next));
    }
}

fn breach(draft: &mut Draft, clock: &Clock) {
    let escalation = draft.meta.new_id();
    draft.add(Event::ClockBreached(clock.key, clock.deadline, escalation));
    raise_as(draft, clock, 1, escalation);
}

fn raise(draft: &mut Draft, clock: &Clock, level: u32) {
    let escalation = draft.meta.new_id();
    raise_as(draft, clock, level, escalation);
}

/// Opens a level of the ladder; the level before is no longer asked.
fn raise_as(draft: &mut Draft, clock: &Clock, level: u32, id: uuid::Uuid) {
    let rules: &Rules = draft.rules;
    let key = clock.key;
    // A newer pack may have a shorter ladder.
    let Some(found) = rules.level(clock.severity, level) else {
        draft.add(Event::LadderEnded(key));
        return;
    };
    close_answer(draft, key);
    let next = rules.level(clock.severity, level + 1);
    let next_at = next.map(|next| rules.office().add_working(draft.now, next.after));
    let (role, raised_at, deadline) = (found.role, draft.now, clock.deadline);
    draft.add(Event::LevelRaised(Escalation { id, clock: key, level, role, raised_at, deadline }, next_at));
    tasks::open_item(draft, WorkKind::Escalation, About::Clock(key), "CLOCK_BREACHED", role);
}

/// Takes the question to the level that was asked last off its list.
fn close_answer(draft: &mut Draft, key: ClockKey) {
    if let Some(id) = asked(draft, key).map(|item| item.work.id) {
        draft.add(Event::ItemClosed(id, draft.now));
    }
}

/// The question to the level that was asked last.
pub(super) fn asked<'a>(draft: &'a Draft, key: ClockKey) -> Option<&'a Item> {
    draft.claim.items.values().find(|item| item.work.is_open() && item.about == About::Clock(key))
}

pub(super) fn keys(draft: &Draft) -> Vec<ClockKey> {
    draft.claim.clocks.keys().copied().collect()
}
