//! The walk over every past, and the mistakes that it must find.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::super::*;
use super::mistakes::Mistake;
use super::world::{Alphabet, SourceMessage, World};
use super::{counted, promises, unclear, wrong};

#[derive(Hash)]
struct Past {
    process: Process,
    world: World,
}

/// A broken promise, and the events that led to it.
struct Broken {
    promise: String,
    trail: Vec<Event>,
    process: Process,
}

/// The process as it is, or with a mistake.
type Stepping<'a> = &'a dyn Fn(&Process, &Event) -> Step;

/// Walks every past. The number of pasts, or the shortest way to a broken promise.
fn walk(alphabet: &Alphabet, step: Stepping<'_>) -> Result<usize, Box<Broken>> {
    let hash = RandomState::new();
    let mut seen = HashSet::new();
    let mut trails: Vec<(usize, Option<Event>)> = vec![(0, None)];
    let mut todo = VecDeque::new();
    let (process, commands) = start(alphabet.talk);
    let mut world = World::default();
    let first = promises::asked(&mut world, &process, &process, &commands);
    let broken = |promise, trails: &[(usize, Option<Event>)], at, process: &Process| {
        Box::new(Broken { promise, trail: trail(trails, at), process: process.clone() })
    };
    first.map_err(|promise| broken(promise, &trails, 0, &process))?;
    todo.push_back((Past { process, world }, 0));
    while let Some((past, at)) = todo.pop_front() {
        let mut moves = false;
        for event in alphabet.events(&past.process, &past.world) {
            let followed = follow(&past, &event, step);
            let next = followed.map_err(|promise| {
                let mut broken = broken(promise, &trails, at, &past.process);
                broken.trail.push(event.clone());
                broken
            })?;
            let Some(next) = next else { continue };
            let idle =
                matches!(event, Event::Withdrawn | Event::Duplicate | Event::ReadBackConfirmed | Event::ContactLogged);
            moves |= !idle;
            if within(alphabet, &next.process) && seen.insert(hash.hash_one(&next)) {
                trails.push((at, Some(event)));
                todo.push_back((next, trails.len() - 1));
            }
        }
        let checked = strangers_change_nothing(&past, step).and_then(|()| promises::hold(&past.process, &past.world));
        let sample = at % 100 == 0;
        let checked = checked.and_then(|()| if sample { is_stored_whole(&past.process) } else { Ok(()) });
        let free = moves || at_the_edge(alphabet, &past.process);
        let checked = checked.and_then(|()| if free { Ok(()) } else { Err("nothing can move the claim".to_owned()) });
        checked.map_err(|promise| broken(promise, &trails, at, &past.process))?;
    }
    Ok(seen.len())
}

/// What is stored is read again.
fn is_stored_whole(process: &Process) -> Result<(), String> {
    let stored = serde_json::to_string(process).map_err(|error| error.to_string())?;
    let read = serde_json::from_str::<Process>(&stored).map_err(|error| error.to_string())?;
    if read == *process { Ok(()) } else { Err(format!("read again as {read:?}")) }
}

fn trail(trails: &[(usize, Option<Event>)], mut at: usize) -> Vec<Event> {
    let mut events = vec![];
    while let (before, Some(event)) = &trails[at] {
        events.push(event.clone());
        at = *before;
    }
    events.reverse();
    events
}

/// What an event leads to; `None`: to nothing.
fn follow(past: &Past, event: &Event, step: Stepping<'_>) -> Result<Option<Past>, String> {
    let (process, commands) = match step(&past.process, event) {
        Step::Go(process, commands) => (process, commands),
        Step::Stay if is_open_task(&past.world, event) => return Err("a person decides and nothing moves".to_owned()),
        Step::Stay => return Ok(None),
        Step::Broken => return Err("a correct sender is not believed".to_owned()),
    };
    // Late goods are noted after the end, too.
    if matches!(past.process.stage, Stage::Ended { .. }) && process.stage != past.process.stage {
        return Err("something follows the end".to_owned());
    }
    let mut world = past.world.clone();
    world.hear(event);
    if let Event::Judged { plan, fits, .. } = event {
        promises::planned(&mut world, &process, plan, *fits)?;
    }
    let all_done = past.process.stage == Stage::FollowingUp;
    world.withdrawn |= *event == Event::Withdrawn && !all_done;
    world.duplicate |= *event == Event::Duplicate && !all_done;
    world.silent = matches!(event, Event::NoAnswer { .. });
    world.withdrawn |= matches!(event, Event::NoAnswer { then: Silence::End(Outcome::Withdrawn), .. });
    promises::asked(&mut world, &past.process, &process, &commands)?;
    if let Step::Go(_, again) = step(&process, event)
        && !again.is_empty()
    {
        return Err(format!("the same event twice asks {again:?}"));
    }
    Ok(Some(Past { process, world }))
}

/// A decision about a task that is open.
fn is_open_task(world: &World, event: &Event) -> bool {
    let Event::Work { job, news: LegEvent::Ruled(_) } = event else { return false };
    world.jobs.get(job).is_some_and(|fate| fate.told == SourceMessage::Nothing && !fate.undo)
}

/// Names of older work change nothing, and names that were never given are not believed.
fn strangers_change_nothing(past: &Past, step: Stepping<'_>) -> Result<(), String> {
    let Process { round, assessment, plan, .. } = past.process;
    let reason = || "R".to_owned();
    let never = [
        Event::Refused { assessment: assessment + 1, reason: reason() },
        Event::ApprovalGranted { plan: plan + 1 },
        Event::FollowUpLapsed { round: round + 1 },
        Event::NoAnswer { asked: Asked::Question(assessment + 1), then: Silence::Person },
        Event::NoAnswer { asked: Asked::Plan(plan + 1), then: Silence::Person },
        Event::DeadlineMoved { round: round + 1, clock: Clock::FirstFeedback },
    ];
    for event in never {
        if step(&past.process, &event) != Step::Broken {
            return Err(format!("believed {event:?}"));
        }
    }
    let (Stage::Executing { lines, .. } | Stage::Compensating { lines, .. }) = &past.process.stage else {
        return Ok(());
    };
    for (line, run) in lines.iter().flat_map(|line| line.runs.iter().map(move |run| (line, run))) {
        let open = |attempt: u16| {
            line.runs
                .iter()
                .any(|other| other.leg == run.leg && (other.attempt == attempt || other.open_number() == attempt))
        };
        for attempt in (1..run.last).filter(|attempt| !open(*attempt)) {
            let job = Job { round, line: line.plan.line, leg: run.leg, attempt };
            for news in news_of(run.leg) {
                // It turns up: that is noted.
                let lost = run.leg == Leg::Shipment && line.lost.contains(&attempt);
                if lost && news == LegEvent::Parcel(Parcel::Delivered) {
                    continue;
                }
                if step(&past.process, &Event::Work { job, news }) != Step::Stay {
                    return Err(format!("believed old news {job:?} {news:?}"));
                }
            }
        }
    }
    Ok(())
}

fn news_of(leg: Leg) -> Vec<LegEvent> {
    let count = counted(1, 0);
    match leg {
        Leg::Entitlement => vec![LegEvent::Granted(1)],
        Leg::Reservation => vec![LegEvent::Stock(Stock::Reserved), LegEvent::Stock(Stock::Released)],
        Leg::Shipment | Leg::Pickup => vec![LegEvent::Parcel(Parcel::Delivered), LegEvent::Parcel(Parcel::Cancelled)],
        Leg::Receipt => vec![LegEvent::Return(Return::Counted { count, complete: true, late: 0 })],
        Leg::Settlement => vec![LegEvent::Money(Money::Paid)],
        Leg::Support => vec![LegEvent::Ruled(Ruling::Deny)],
        Leg::Visit => vec![LegEvent::Visit(Visit::Done), LegEvent::Visit(Visit::Cancelled)],
    }
}

fn within(alphabet: &Alphabet, process: &Process) -> bool {
    process.round <= alphabet.rounds_max
        && process.assessment <= alphabet.assessments_max
        && numbers(process) <= alphabet.numbers_max
}

fn numbers(process: &Process) -> u16 {
    match &process.stage {
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => execution::numbers_used(process, lines),
        _ => 0,
    }
}

/// The walk itself stops here: no plan is left to be made, or the claim has ended.
fn at_the_edge(alphabet: &Alphabet, process: &Process) -> bool {
    match process.stage {
        Stage::Assessing { .. } | Stage::Investigating { .. } => process.plan >= alphabet.plans_max,
        Stage::Ended { .. } => true,
        _ => false,
    }
}

fn line(line: u16, resolution: Resolution, quantity: u32, collect: bool) -> LinePlan {
    LinePlan { line, resolution, quantity, collect, only_with: vec![], legs: vec![] }
}

fn agreed(lines: Vec<LinePlan>) -> Plan {
    Plan { number: 0, automatic: true, consented: true, follow_up: false, lines }
}

fn quiet(plan: Plan, numbers_max: u16) -> Alphabet {
    Alphabet {
        plans: vec![plan],
        plans_max: 1,
        assessments_max: 2,
        rounds_max: 1,
        numbers_max,
        grants: vec![0, 1],
        counts: vec![counted(1, 0), counted(0, 0)],
        mishaps: vec![Parcel::Lost, Parcel::Refused],
        talk: false,
        unfit: false,
        duplicates: false,
        late_goods: false,
    }
}

fn resend() -> Alphabet {
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::Resend, 2, false)]), 3);
    // A parcel turns up at any moment: what is granted and counted is left to the others.
    alphabet.duplicates = true;
    alphabet.grants = vec![1];
    alphabet.counts = vec![counted(1, 0)];
    alphabet
}

fn late() -> Alphabet {
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::Resend, 2, false)]), 2);
    alphabet.grants = vec![0, 1, 2];
    alphabet.mishaps.extend([Parcel::Delayed(None), Parcel::Damaged]);
    alphabet
}

/// What carriers report every day and what changes no state.
fn told_on_the_way() -> Alphabet {
    let day = Some(jiff::civil::date(2026, 12, 1));
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::Resend, 1, false)]), 2);
    alphabet.plans.push(agreed(vec![line(1, Resolution::ReturnRefund, 1, true)]));
    alphabet.counts = vec![counted(1, 0)];
    alphabet.grants = vec![1];
    alphabet.mishaps = vec![
        Parcel::DeliveredIncomplete,
        Parcel::Delayed(day),
        Parcel::Incident(Incident::ToCollect, 1),
        Parcel::Incident(Incident::NobodyThere, 2),
        Parcel::Incident(Incident::GoesOn, 3),
    ];
    alphabet
}

fn replace() -> Alphabet {
    quiet(agreed(vec![line(1, Resolution::Replace, 1, true)]), 2)
}

/// What comes back is not as announced, or comes when it is expected no more.
fn surprises() -> Alphabet {
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::ReturnRefund, 2, true)]), 2);
    alphabet.grants = vec![2];
    alphabet.counts = vec![counted(2, 0), unclear(1, 1), wrong(0, 1)];
    alphabet.mishaps = vec![];
    alphabet.late_goods = true;
    alphabet
}

/// The fee of a delivery is paid back with the whole order only.
fn fee() -> Alphabet {
    let fee = LinePlan { only_with: vec![1], ..line(2, Resolution::RefundOnly, 2, false) };
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::ReturnRefund, 2, true), fee]), 2);
    alphabet.grants = vec![0, 1, 2];
    alphabet.counts = vec![counted(2, 0), counted(1, 0), unclear(1, 1)];
    alphabet.mishaps = vec![];
    alphabet
}

/// The same of what is exchanged.
fn exchanged_surprises() -> Alphabet {
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::Replace, 1, true)]), 2);
    alphabet.grants = vec![1];
    alphabet.counts = vec![counted(0, 0), unclear(0, 1)];
    alphabet.mishaps = vec![];
    alphabet
}

fn return_refund() -> Alphabet {
    let mut alphabet = quiet(agreed(vec![line(1, Resolution::ReturnRefund, 2, true)]), 3);
    alphabet.grants = vec![0, 1, 2];
    alphabet.counts = [(0, 0), (1, 0), (2, 0), (1, 1)].map(|(accepted, other)| counted(accepted, other)).to_vec();
    alphabet
}

/// The same of goods that the customer brings.
fn brought() -> Alphabet {
    let legs = vec![Leg::Entitlement, Leg::Receipt, Leg::Settlement];
    let line = LinePlan { legs, ..line(1, Resolution::ReturnRefund, 2, true) };
    Alphabet { plans: vec![agreed(vec![line])], ..return_refund() }
}

fn refund_only() -> Alphabet {
    let plan = |automatic, consented, follow_up| Plan {
        automatic,
        consented,
        follow_up,
        ..agreed(vec![line(1, Resolution::RefundOnly, 1, false)])
    };
    Alphabet {
        plans: vec![plan(true, true, true), plan(false, false, true), plan(false, true, false)],
        plans_max: 3,
        assessments_max: 4,
        rounds_max: 2,
        talk: true,
        unfit: true,
        duplicates: true,
        ..quiet(plan(true, true, true), 4)
    }
}

fn mixed() -> Alphabet {
    let lines = vec![
        line(1, Resolution::RefundOnly, 1, false),
        line(2, Resolution::Resend, 1, false),
        line(3, Resolution::Reject, 1, false),
        line(4, Resolution::TechnicalSupport, 1, false),
    ];
    Alphabet { mishaps: vec![Parcel::Lost], ..quiet(agreed(lines), 2) }
}

/// A technician comes, for what is sent and for advice.
fn visited() -> Alphabet {
    let sent = vec![Leg::Entitlement, Leg::Reservation, Leg::Shipment, Leg::Visit];
    let sent = LinePlan { legs: sent, ..line(1, Resolution::Resend, 1, false) };
    let advised = LinePlan { legs: vec![Leg::Visit], ..line(1, Resolution::TechnicalSupport, 1, false) };
    let mut alphabet = quiet(agreed(vec![sent]), 2);
    alphabet.plans.push(agreed(vec![advised]));
    alphabet.mishaps = vec![Parcel::Lost];
    alphabet.counts = vec![counted(1, 0)];
    alphabet
}

/// Plan after plan does not fit, until one is carried out all the same.
fn unfit() -> Alphabet {
    let plan = agreed(vec![line(1, Resolution::RefundOnly, 1, false)]);
    Alphabet { plans_max: 12, assessments_max: 14, talk: true, unfit: true, ..quiet(plan, 2) }
}

fn every_promise_holds(name: &str, alphabet: &Alphabet, at_least: usize) {
    let begun = std::time::Instant::now();
    match walk(alphabet, &step) {
        Ok(pasts) => {
            println!("{name}: {pasts} pasts in {:.1} s", begun.elapsed().as_secs_f64());
            assert!(pasts >= at_least, "{name}: the world has shrunk to {pasts} pasts");
        }
        Err(broken) => {
            let Broken { promise, trail, process } = *broken;
            let trail: Vec<_> = trail.iter().map(|event| format!("  {event:?}")).collect();
            panic!("{name}: {promise}\n{}\nfrom {process:?}", trail.join("\n"));
        }
    }
}

#[test]
fn every_promise_holds_for_a_parcel() {
    // With a third number there are more pasts than a test can walk: a parcel turns up in each of them.
    every_promise_holds("resend", &Alphabet { numbers_max: 2, ..resend() }, 10_000);
}

#[test]
fn every_promise_holds_for_a_late_parcel() {
    every_promise_holds("late", &late(), 7_000);
}

#[test]
fn every_promise_holds_for_what_is_told_on_the_way() {
    every_promise_holds("told_on_the_way", &told_on_the_way(), 20_000);
}

#[test]
fn every_promise_holds_for_an_exchange() {
    every_promise_holds("replace", &replace(), 40_000);
}

#[test]
fn every_promise_holds_for_what_is_not_as_announced() {
    every_promise_holds("surprises", &surprises(), 900);
    every_promise_holds("exchanged surprises", &exchanged_surprises(), 500);
}

#[test]
fn every_promise_holds_for_a_return() {
    every_promise_holds("return_refund", &return_refund(), 25_000);
    every_promise_holds("brought", &brought(), 100);
}

#[test]
fn every_promise_holds_for_talk_and_money_in_two_rounds() {
    every_promise_holds("refund_only", &refund_only(), 12_000);
}

#[test]
fn every_promise_holds_for_a_visit() {
    every_promise_holds("visited", &visited(), 500);
}

#[test]
fn every_promise_holds_for_several_lines() {
    every_promise_holds("mixed", &mixed(), 35_000);
}

#[test]
fn every_promise_holds_for_plans_that_do_not_fit() {
    every_promise_holds("unfit", &unfit(), 1_000);
}

/// The walk must find the mistake, and by the promise that it breaks.
fn is_found(mistake: Mistake, alphabet: &Alphabet, promise: &str) {
    let Err(broken) = walk(alphabet, &|process, event| mistake.step(process, event)) else {
        panic!("{mistake:?} was not found")
    };
    assert!(broken.promise.contains(promise), "{mistake:?} was found by another promise: {}", broken.promise);
}

#[test]
fn forgotten_release_is_found() {
    is_found(Mistake::ForgetRelease, &resend(), "forgotten");
}

#[test]
fn accepted_stale_answer_is_found() {
    is_found(Mistake::AcceptStale, &resend(), "the same event twice asks");
}

#[test]
fn skipped_approval_is_found() {
    is_found(Mistake::SkipApproval, &refund_only(), "before it was approved");
}

#[test]
fn refund_of_announced_units_is_found() {
    is_found(Mistake::SettleAnnounced, &return_refund(), "paid what was not counted");
}

#[test]
fn every_promise_holds_for_the_fee_of_a_delivery() {
    every_promise_holds("fee", &fee(), 2_000);
}

#[test]
fn fee_without_the_whole_order_is_found() {
    is_found(Mistake::SkipOthers, &fee(), "paid although others came to nothing");
}

#[test]
fn refund_of_what_nobody_judged_is_found() {
    is_found(Mistake::SkipJudgement, &surprises(), "paid what was not counted");
}

#[test]
fn work_without_entitlement_is_found() {
    is_found(Mistake::SkipEntitlement, &resend(), "more than was granted");
}

#[test]
fn question_asked_twice_is_found() {
    is_found(Mistake::AskTwice, &resend(), "the same event twice asks");
}

#[test]
fn end_without_compensation_is_found() {
    is_found(Mistake::EndAtOnce, &resend(), "forgotten");
}

#[test]
fn forgotten_doubt_is_found() {
    is_found(Mistake::ForgetInDoubt, &resend(), "released while it may still be sent");
}

#[test]
fn reused_name_is_found() {
    is_found(Mistake::ReuseName, &resend(), "a name is used twice");
}

#[test]
fn parcel_let_go_is_found() {
    is_found(Mistake::LetItGo, &resend(), "forgotten");
}

#[test]
fn a_second_parcel_that_is_not_called_off_is_found() {
    is_found(Mistake::SendTwice, &resend(), "released while it may still be sent");
}

#[test]
fn kept_entitlement_is_found() {
    is_found(Mistake::KeepEntitlement, &resend(), "neither given nor given back");
}

#[test]
fn replaced_unit_that_stays_given_is_found() {
    is_found(Mistake::KeepReplaced, &replace(), "not what was given");
}

#[test]
fn skipped_basis_is_found() {
    is_found(Mistake::SkipBasis, &unfit(), "carried out although it does not fit");
}
