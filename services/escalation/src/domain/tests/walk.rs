//! Clocks: whatever is asked in whatever order, a clock is breached exactly once, and never before its time is used up;
//! what it has used is counted by hand, and no judgement changes that.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Start(u32, ClockKind, Option<Severity>),
    Judge(u32, Severity),
    Stop(Option<ClockKind>),
    Pause,
    Resume,
    Pass(i64),
    Sweep,
    Answer,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = || proptest::sample::select(vec![ClockKind::Acknowledgement, ClockKind::FirstFeedback]);
    let severity = || proptest::sample::select(Severity::ALL);
    let judged = || proptest::option::of(severity());
    let step = prop_oneof![
        3 => (1_u32..=2, kind(), judged()).prop_map(|(round, kind, severity)| Step::Start(round, kind, severity)),
        2 => (1_u32..=2, severity()).prop_map(|(round, severity)| Step::Judge(round, severity)),
        1 => proptest::option::of(kind()).prop_map(Step::Stop),
        2 => Just(Step::Pause),
        2 => Just(Step::Resume),
        5 => (1_i64..3_000).prop_map(Step::Pass),
        4 => Just(Step::Sweep),
        1 => Just(Step::Answer),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What a clock must be, counted by hand: the working time it has used up while it was allowed to run.
#[derive(Clone, Debug)]
struct Counted {
    used: SignedDuration,
    target: SignedDuration,
    /// Greatest share of a target that was ever used up, in percent.
    share: i64,
    stopped: bool,
    breaches: u32,
}

impl Counted {
    fn share(&self) -> i64 {
        self.used.as_secs() * 100 / self.target.as_secs()
    }
}

#[derive(Default)]
pub(super) struct Model {
    clocks: BTreeMap<ClockKey, Counted>,
    kept: BTreeMap<ClockKind, u32>,
    round: u32,
    paused: bool,
}

impl Model {
    fn pass(&mut self, rules: &Rules, from: Timestamp, to: Timestamp) {
        for (key, clock) in self.clocks.iter_mut().filter(|(_, clock)| !clock.stopped) {
            if !self.paused {
                clock.used += rules.calendar(key.kind).working_between(from, to);
                clock.share = clock.share.max(clock.share());
            }
        }
    }

    fn start(&mut self, rules: &Rules, round: u32, kind: ClockKind, severity: Option<Severity>) {
        self.round = self.round.max(round);
        if self.kept.get(&kind).is_none_or(|kept| *kept < round) {
            let target = rules.target(kind, Channel::Web, severity.unwrap_or(Severity::General));
            let new = Counted { used: SignedDuration::ZERO, target, share: 0, stopped: false, breaches: 0 };
            self.clocks.entry(ClockKey { kind, round }).or_insert(new);
        }
        if let Some(severity) = severity {
            self.judge(rules, round, severity);
        }
    }

    /// What has missed the target that it had, or was kept, is measured by that for ever.
    fn judge(&mut self, rules: &Rules, round: u32, severity: Severity) {
        let goes_on = |clock: &Counted| !clock.stopped && clock.used < clock.target;
        for (key, clock) in self.clocks.iter_mut().filter(|(key, clock)| key.round == round && goes_on(clock)) {
            clock.target = rules.target(key.kind, Channel::Web, severity);
            clock.share = clock.share.max(clock.share());
        }
    }

    fn stop(&mut self, kinds: &[ClockKind]) {
        for kind in kinds {
            let kept = self.kept.entry(*kind).or_default();
            *kept = (*kept).max(self.round.max(1));
        }
        for (key, clock) in &mut self.clocks {
            // What is used up is breached, stopped or not.
            clock.stopped |= kinds.contains(&key.kind) && clock.used < clock.target;
        }
    }
}

pub(super) fn take(case: &mut Case, model: &mut Model, step: &Step) -> Vec<Event> {
    match step {
        Step::Start(round, kind, severity) => {
            model.start(&case.rules, *round, *kind, *severity);
            case.tell(&start_as(*round, &[*kind], *severity))
        }
        Step::Judge(round, severity) => {
            model.judge(&case.rules, *round, *severity);
            case.tell(&Command::RetargetClocks { round: *round, severity: *severity })
        }
        Step::Stop(kind) => {
            let kinds = kind.map_or_else(|| ClockKind::ALL.to_vec(), |kind| vec![kind]);
            model.stop(&kinds);
            case.tell(&stop(&kinds))
        }
        Step::Pause => {
            model.paused = true;
            case.tell(&Command::PauseClocks)
        }
        Step::Resume => {
            model.paused = false;
            case.tell(&Command::ResumeClocks)
        }
        Step::Pass(minutes) => {
            let from = case.now;
            case.now += SignedDuration::from_mins(*minutes);
            model.pass(&case.rules, from, case.now);
            Vec::new()
        }
        Step::Sweep => case.sweep(),
        Step::Answer => {
            let item = case.open_items().first().map(|item| item.work.id);
            item.map(|item| case.decide("max", Role::ALL, item, Ruling::Approve).unwrap()).unwrap_or_default()
        }
    }
}

/// The warning that is due at a share.
fn warning(share: i64) -> u32 {
    match share {
        75.. => 75,
        50.. => 50,
        _ => 0,
    }
}

fn agree(case: &Case, model: &Model, swept: bool) -> Result<(), TestCaseError> {
    prop_assert!(case.claim.clocks.keys().eq(model.clocks.keys()));
    for (key, counted) in &model.clocks {
        let clock = &case.claim.clocks[key];
        let over = counted.used >= counted.target;
        prop_assert_eq!(clock.breached_at.is_some(), counted.breaches > 0);
        prop_assert_eq!(clock.state == ClockState::Breached, clock.breached_at.is_some());
        prop_assert!(counted.breaches <= 1, "breached {} times", counted.breaches);
        prop_assert!(over || counted.breaches == 0, "breached early: {clock:?} {counted:?}");
        if clock.state == ClockState::Running {
            let left = counted.target - counted.used;
            let calendar = case.rules.calendar(key.kind);
            prop_assert!(over || clock.deadline == calendar.add_working(case.now, left), "{clock:?} {counted:?}");
        }
        if swept && !counted.stopped {
            prop_assert_eq!(over, clock.state == ClockState::Breached);
            // Warnings that were given stay given, also when there is more time again.
            // A clock that is paused warns when it runs again: somebody has judged meanwhile, and nothing was used up.
            let is_due = if clock.state == ClockState::Paused { 0 } else { warning(counted.share()) };
            let due = is_due..=warning(counted.share);
            prop_assert!(due.contains(&clock.warned), "{clock:?} {counted:?}");
        }
        let about = About::Clock(*key);
        let asked = case.open_items().iter().filter(|item| item.about == about).count();
        prop_assert!(asked <= 1);
        prop_assert!(asked == 0 || clock.state == ClockState::Breached);
        let levels = case.claim.raised.iter().filter(|raised| raised.clock == *key).map(|raised| raised.level);
        prop_assert!(levels.eq(1..=clock.level), "levels are raised one after the other, each once");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_clock_is_breached_once_and_never_early(steps in steps()) {
        let mut case = Case::new();
        let mut model = Model::default();
        for step in &steps {
            let before = case.claim.clone();
            let events = take(&mut case, &mut model, step);
            for event in &events {
                if let Event::ClockBreached(key, ..) = event {
                    model.clocks.get_mut(key).unwrap().breaches += 1;
                }
            }
            for (key, clock) in before.clocks.iter().filter(|(_, clock)| clock.breached_at.is_some()) {
                prop_assert_eq!(case.claim.clocks[key].breached_at, clock.breached_at, "a breach is kept for ever");
            }
            agree(&case, &model, matches!(step, Step::Sweep))?;
        }
    }
}

#[test]
fn a_clock_that_was_judged_while_it_was_paused_warns_when_it_runs_again() {
    let (mut case, mut model) = (Case::new(), Model::default());
    let steps = [
        Step::Pass(678),
        Step::Start(2, ClockKind::FirstFeedback, None),
        Step::Pass(882),
        Step::Pause,
        Step::Start(2, ClockKind::Acknowledgement, Some(Severity::Serious)),
        Step::Sweep,
        Step::Resume,
        Step::Sweep,
    ];
    for (at, step) in steps.iter().enumerate() {
        take(&mut case, &mut model, step);
        agree(&case, &model, matches!(step, Step::Sweep)).unwrap();
        let clock = case.claim.clocks.get(&ClockKey { kind: ClockKind::FirstFeedback, round: 2 });
        let runs_again = at >= 6;
        assert_eq!(clock.map_or(0, |clock| clock.warned), if runs_again { 50 } else { 0 }, "{step:?}");
    }
}
