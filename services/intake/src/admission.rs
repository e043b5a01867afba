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
        let open = state.told - state.begun < self.ahead;
        self.open.send_if_modified(|before| std::mem::replace(before, open) != open);
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
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(2);
    const AHEAD: u32 = 64;

    fn claim(number: u128) -> ClaimId {
        ClaimId(uuid::Uuid::from_u128(number))
    }

    /// Offers so many reports at once; gives how many are let in.
    fn offer(admission: &Admission, from: u128, reports: u128, now: Instant) -> u128 {
        (from..from + reports)
            .filter(|number| {
                let admitted = admission.let_in(now).is_ok();
                if admitted {
                    admission.taken(claim(*number), now);
                }
                admitted
            })
            .count() as u128
    }

    #[test]
    fn while_claims_begin_in_time_all_are_let_in() {
        let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
        assert_eq!(offer(&admission, 0, 1_000, begun), 1_000);
        for number in 0..1_000 {
            admission.begun(claim(number), begun + WITHIN);
        }
        assert_eq!(offer(&admission, 1_000, 1_000, begun + WITHIN), 1_000);
    }

    /// 10,000 were taken, and one has begun in time.
    fn rush() -> (Admission, Instant) {
        let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
        offer(&admission, 0, 10_000, begun);
        admission.begun(claim(0), begun + WITHIN / 2);
        (admission, begun)
    }

    #[test]
    fn when_they_begin_late_fewer_are_let_in_than_begin_until_they_are_in_time_again() {
        let (admission, begun) = rush();
        let late = begun + WITHIN.mul_f64(1.2);
        admission.begun(claim(1), late);
        assert_eq!(offer(&admission, 20_000, 500, late), 100, "what quiet times have left");
        for number in 2..=1_001 {
            admission.begun(claim(number), late);
            assert!(offer(&admission, 30_000 + number * 3, 3, late) <= 1, "never more than begin");
        }
        let waiting = admission.state.lock().unwrap().waiting.len();
        assert!((9_990..=10_000).contains(&waiting), "fewer than before the 100: {waiting}");
        admission.begun(claim(20_000), late + WITHIN);
        assert_eq!(offer(&admission, 50_000, 500, late + WITHIN), 500, "in time again");
    }

    #[test]
    fn while_nothing_begins_and_then_for_at_most_three_times_as_long_all_are_let_in() {
        let (admission, begun) = rush();
        let late = begun + WITHIN.mul_f64(1.2);
        admission.begun(claim(1), late);
        offer(&admission, 20_000, 1_000, late);
        assert_eq!(admission.has_room(late + SILENCE / 2), Err(WITHIN.mul_f64(1.2)), "as long as that one waited");
        assert_eq!(admission.has_room(late + SILENCE), Ok(()), "nothing begins");
        let again = late + Duration::from_secs(60);
        admission.begun(claim(2), again);
        for second in 1..180 {
            let now = again + Duration::from_secs(second);
            admission.begun(claim(2 + u128::from(second)), now);
            assert_eq!(offer(&admission, 30_000 + 100 * u128::from(second), 10, now), 10, "it is caught up");
        }
        let over = again + Duration::from_secs(180);
        assert!(offer(&admission, 60_000, 500, over) <= 100);
        assert_eq!(admission.has_room(over), Err(Duration::from_secs(30)), "that one waited for minutes");
    }

    #[test]
    fn a_short_silence_takes_nothing_from_a_long_one_before_it() {
        let (admission, begun) = rush();
        let again = begun + Duration::from_secs(60);
        admission.begun(claim(1), again);
        let stopped = again + SILENCE;
        admission.begun(claim(2), stopped);
        // That one would be over after 6 s.
        for second in 1..=8 {
            admission.begun(claim(2 + u128::from(second)), stopped + Duration::from_secs(second));
        }
        assert_eq!(offer(&admission, 20_000, 500, stopped + Duration::from_secs(8)), 500, "it is caught up still");
    }

    #[test]
    fn when_claims_have_begun_in_time_for_a_while_it_is_over() {
        let (admission, begun) = rush();
        let again = begun + Duration::from_secs(60);
        let after = |seconds: f64| again + Duration::from_secs_f64(seconds);
        // One is taken at that time, and begins a second later.
        let begins_in_time = |number: u128, taken: f64| {
            admission.taken(claim(number), after(taken));
            admission.begun(claim(number), after(taken + 1.0));
        };
        admission.begun(claim(1), again);
        begins_in_time(20_000, 0.0);
        begins_in_time(20_001, 1.9);
        admission.begun(claim(2), after(3.0));
        begins_in_time(20_002, 2.1);
        admission.begun(claim(3), after(3.2));
        assert_eq!(offer(&admission, 30_000, 500, after(3.2)), 500, "some overtook, the others wait still");
        begins_in_time(20_003, 2.5);
        begins_in_time(20_004, 3.5);
        begins_in_time(20_005, 4.5);
        admission.begun(claim(4), after(6.0));
        assert_eq!(offer(&admission, 40_000, 500, after(6.0)), 100, "what quiet times have left");
    }

    #[test]
    fn a_report_that_is_made_again_has_waited_since_it_was_made_first() {
        let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
        admission.taken(claim(1), begun);
        admission.taken(claim(1), begun + WITHIN);
        let late = begun + WITHIN.mul_f64(1.5);
        admission.begun(claim(1), late);
        assert_eq!(admission.state.lock().unwrap().last, Some((WITHIN.mul_f64(1.5), late)));
    }

    #[test]
    fn a_silence_in_which_nothing_waited_is_none() {
        let (admission, begun) = (Admission::new(WITHIN, AHEAD), Instant::now());
        offer(&admission, 0, 1, begun);
        admission.begun(claim(0), begun);
        let later = begun + Duration::from_secs(3600);
        offer(&admission, 1, 2, later);
        admission.begun(claim(1), later + WITHIN / 2);
        admission.begun(claim(2), later + WITHIN.mul_f64(1.2));
        assert_eq!(offer(&admission, 10, 500, later + WITHIN.mul_f64(1.2)), 100);
    }

    #[test]
    fn no_more_is_told_than_the_process_is_busy_with() {
        let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
        let open = admission.open();
        offer(&admission, 0, 10_000, now);
        let ahead = u128::from(AHEAD);
        for number in 0..ahead {
            assert!(*open.borrow(), "of {number}");
            admission.told(claim(number));
            admission.told(claim(number));
            admission.told(claim(20_000 + number));
        }
        assert!(!*open.borrow(), "the same twice, and what others have taken, do not count");
        admission.begun(claim(0), now);
        assert!(*open.borrow());
        admission.told(claim(ahead));
        assert!(!*open.borrow());
        // The beginnings of those before were missed.
        admission.begun(claim(ahead / 2), now);
        for number in ahead + 1..ahead + ahead / 2 + 1 {
            assert!(*open.borrow(), "of {number}");
            admission.told(claim(number));
        }
        assert!(!*open.borrow());
        admission.given_up();
        for number in 0..ahead {
            assert!(*open.borrow(), "of {number}");
            admission.told(claim(1_000 + number));
        }
        assert!(!*open.borrow());
        offer(&admission, 30_000, REMEMBERED as u128, now);
        assert!(*open.borrow(), "those that it was told of are forgotten with the others");
    }

    #[test]
    fn what_begins_before_it_is_told_does_not_count() {
        let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
        offer(&admission, 0, 10_000, now);
        for number in 0..10_000 {
            admission.begun(claim(number), now);
            admission.told(claim(number));
        }
        assert!(*admission.open().borrow());
    }

    #[test]
    fn of_others_nothing_is_counted_and_of_the_own_not_more_than_there_is_room() {
        let (admission, now) = (Admission::new(WITHIN, AHEAD), Instant::now());
        admission.begun(claim(1), now);
        assert_eq!(admission.state.lock().unwrap().last, None);
        offer(&admission, 0, REMEMBERED as u128 + 1, now);
        assert_eq!(admission.state.lock().unwrap().waiting.len(), 1);
    }
}
