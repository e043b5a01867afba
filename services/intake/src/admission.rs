//! Admission: when claims wait too long for the process to begin them, no more are let in than it begins.
//!
//! Intake takes reports far faster than claims can be worked on. Without this, a rush would be taken to the last report,
//! and all of them, with those that come after it, would wait for minutes. So each claim that begins makes room for nearly
//! one more, and the rest is told at once to come again when what waits has begun; what has been taken is worked on first.
//!
//! That a claim has begun is heard from its first public event, on its way to the subscribers. While nothing at all begins,
//! the broker or the process is away: then every report is taken and kept, as promised; and while what has waited is caught
//! up, but for no more than some times as long.
//!
//! Nor is the process told of more than it can begin soon: what is taken waits here, and what is begun is finished first. Were
//! all told at once after an outage, each step of a claim would wait behind all the others, and nothing that the services
//! remember would be of use.
//!
//! Every replica counts what it has let in itself; what one finds when it starts, it tells at once.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::metrics::Gauge;
use opentelemetry::{KeyValue, global};
use proto::ClaimId;
use tokio::sync::watch;

/// Reports that are taken without a claim that has begun, after quiet times.
const ROOM: f64 = 100.0;
/// Room that a claim makes when it begins late: less than it took, so that the others begin sooner.
const SHARE: f64 = 0.9;
/// When nothing has begun for so long, nobody works on claims.
const SILENCE: Duration = Duration::from_secs(2);
/// So many times as long as nobody worked on claims all are let in afterwards, at most: where a third of the capacity is
/// free, what has waited is caught up in two times as long. Who is refused meanwhile comes again, and only adds to it.
const CATCHING_UP: u32 = 3;
/// When one who is refused may come again: when what waits has begun, but at least and at most so.
const COME_AGAIN: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(30);
/// Claims that are remembered until they begin: with more, those of before are forgotten.
const REMEMBERED: usize = 50_000;

static BEGINS_AFTER: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    global::meter("redress")
        .f64_gauge("redress.intake.begins_after")
        .with_unit("s")
        .with_description("how long the claim that began last had waited; reports are refused when it is too long")
        .build()
});

/// Who lets reports in.
#[derive(Clone, Debug)]
pub struct Admission {
    state: Arc<Mutex<State>>,
    /// Whether the relay may tell of more.
    open: Arc<watch::Sender<bool>>,
    /// Longest a claim may wait until it begins.
    within: Duration,
    /// Most that the process is told of before it has begun them.
    ahead: u64,
}

#[derive(Debug)]
struct State {
    /// Those that have not begun.
    waiting: HashMap<ClaimId, Waiting>,
    /// How many of them the process was told of, ever.
    told: u64,
    /// The newest of those that has begun. One whose beginning was missed is begun when a later one is.
    begun: u64,
    /// How long the last that began had waited, and when it began.
    last: Option<(Duration, Instant)>,
    /// While what nobody worked on is caught up, all are let in.
    behind: Option<Behind>,
    room: f64,
}

/// A claim that has not begun.
#[derive(Debug)]
struct Waiting {
    taken: Instant,
    /// Its place among those that the process was told of.
    told: Option<u64>,
}

/// What is caught up after nobody worked on claims.
#[derive(Debug)]
struct Behind {
    /// Since when all that begin do so in time.
    in_time_since: Option<Instant>,
    /// When it must be enough.
    until: Instant,
}

impl Admission {
    /// With the longest that a claim may wait until it begins, and the most that the process is told of meanwhile.
    pub fn new(within: Duration, ahead: u32) -> Self {
        let state = State { waiting: HashMap::new(), told: 0, begun: 0, last: None, behind: None, room: ROOM };
        Self {
            state: Arc::new(Mutex::new(state)),
            open: Arc::new(watch::Sender::new(true)),
            within,
            ahead: ahead.into(),
        }
    }

    /// Whether there is room for one more report; otherwise, when it may come again.
    pub fn has_room(&self, now: Instant) -> Result<(), Duration> {
        self.state().has_room(self.within, now).map(drop)
    }

    /// Lets one more report in, if there is room; otherwise, when it may come again.
    pub fn let_in(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        let taken = state.has_room(self.within, now)?;
        state.room -= taken;
        Ok(())
    }

    /// A report was taken.
    pub fn taken(&self, claim: ClaimId, now: Instant) {
        let mut state = self.state();
        if state.waiting.len() >= REMEMBERED {
            state.waiting.clear();
            self.forget_told(&mut state);
        }
        // A report that is made again was taken before.
        state.waiting.entry(claim).or_insert(Waiting { taken: now, told: None });
    }

    /// Whether the process may be told of more.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.open.subscribe()
    }

    /// The process is told of a claim.
    pub fn told(&self, claim: ClaimId) {
        let mut state = self.state();
        let State { waiting, told, .. } = &mut *state;
        let Some(waiting) = waiting.get_mut(&claim).filter(|waiting| waiting.told.is_none()) else { return };
        *told += 1;
        waiting.told = Some(*told);
        self.look(&state);
    }

    /// A claim has begun.
    pub fn begun(&self, claim: ClaimId, now: Instant) {
        let mut state = self.state();
        let Some(Waiting { taken, told }) = state.waiting.remove(&claim) else { return };
        state.begun = state.begun.max(told.unwrap_or(0));
        self.look(&state);
        let waited = now.duration_since(taken);
        // A silence in which nothing waited was none.
        let silence = state.last.map_or(waited, |(_, last)| now.duration_since(last).min(waited));
        if silence >= SILENCE {
            state.fall_behind(silence, now);
        }
        state.catch_up(waited <= self.within, now);
        state.last = Some((waited, now));
        state.room = if waited > self.within { (state.room + SHARE).min(ROOM) } else { ROOM };
        BEGINS_AFTER.record(waited.as_secs_f64(), &[KeyValue::new("service", "intake")]);
    }

    /// What the process was told of is not waited for any longer: it may be away, or its beginnings were missed.
    pub fn given_up(&self) {
        self.forget_told(&mut self.state());
    }

    fn forget_told(&self, state: &mut State) {
        state.begun = state.told;
        self.look(state);
    }

    fn look(&self, state: &State) {
        // Also what does not change it is heard: somebody works.
        self.open.send_replace(state.told - state.begun < self.ahead);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The room that a report takes.
    fn has_room(&self, within: Duration, now: Instant) -> Result<f64, Duration> {
        let late = |(waited, at): &(Duration, Instant)| *waited > within && now.duration_since(*at) < SILENCE;
        match self.last.filter(late) {
            Some(_) if self.behind.as_ref().is_some_and(|behind| now < behind.until) => Ok(0.0),
            Some(_) if self.room >= 1.0 => Ok(1.0),
            Some((waited, _)) => Err(waited.clamp(*COME_AGAIN.start(), *COME_AGAIN.end())),
            None => Ok(0.0),
        }
    }

    /// Nobody worked on claims for so long, until now.
    fn fall_behind(&mut self, silence: Duration, now: Instant) {
        let until = now + silence * CATCHING_UP;
        let until = self.behind.as_ref().map_or(until, |before| before.until.max(until));
        self.behind = Some(Behind { in_time_since: None, until });
    }

    /// A claim has begun. That one does so in time is not enough: it may have overtaken those that wait.
    fn catch_up(&mut self, is_in_time: bool, now: Instant) {
        let Some(behind) = &mut self.behind else { return };
        if !is_in_time {
            behind.in_time_since = None;
        } else if now.duration_since(*behind.in_time_since.get_or_insert(now)) >= SILENCE {
            self.behind = None;
        }
    }
}

#[cfg(test)]
mod tests;
