//! The process as two tables for people: stage × event, and leg × state × news. They are compared with
//! `claim_process.md`, so that the picture cannot lie. `REDRESS_WRITE_TABLES=1` writes the file anew.

use std::fmt::Write;
use std::path::Path;

use proto::claim::Role;

use super::super::leg::{Answer, learn, parcel, receipt, reservation, settlement, support, visit};
use super::super::step_builder::StepBuilder;
use super::super::*;
use super::{BOOKED, CONSUMING, COUNTED_PARTLY, HANDED_OVER, HELD, HELD_PARTLY};
use super::{counted, unclear, wrong};

#[test]
fn the_tables_are_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("claim_process.md");
    let tables = format!("{HEAD}{}{}", stages(), legs_table());
    if std::env::var_os("REDRESS_WRITE_TABLES").is_some() {
        std::fs::write(&path, &tables).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == tables, "claim_process.md is out of date: run this test with REDRESS_WRITE_TABLES=1");
}

const HEAD: &str = "# The process of a claim\n\n\
    Written by a test from `claim_process.rs`; not by hand. An event bears the name that was asked for; under an older\n\
    name it changes nothing, under a name that was never given it is parked. *Told* facts are the public events.\n\
    What is not listed changes nothing.\n";

fn stages() -> String {
    let mut table =
        "\n## Stages\n\n| stage | event | then | asks | told |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for process in examples() {
        for event in events(&process) {
            let from = stage_name(&process);
            let _ = match step(&process, &event) {
                Step::Go(next, commands) => {
                    let (asks, told) = short(&commands);
                    writeln!(table, "| {from} | {} | {} | {asks} | {told} |", event_name(&event), stage_name(&next))
                }
                Step::Stay => continue,
                Step::Broken => writeln!(table, "| {from} | {} | *parked* | | |", event_name(&event)),
            };
        }
    }
    table
}

fn examples() -> Vec<Process> {
    let line = LinePlan {
        line: 1,
        resolution: Resolution::RefundOnly,
        quantity: 1,
        collect: false,
        only_with: vec![],
        legs: vec![],
    };
    let plan = Plan { number: 1, automatic: false, consented: false, follow_up: true, lines: vec![line] };
    let (new, _) = start(true);
    let heard = |process: &Process, event: Event| match step(process, &event) {
        Step::Go(next, _) => next,
        other => panic!("{event:?}: {other:?}"),
    };
    let reason = || "R".to_owned();
    let role = Role::Supervisor;
    let investigating = heard(&new, Event::PersonNeeded { assessment: 1, reason: reason(), role });
    let asking = heard(&new, Event::AnswerNeeded { assessment: 1, line: 1, reason: reason() });
    let approving = heard(&new, Event::Judged { assessment: 1, plan, fits: true });
    let agreeing = heard(&approving, Event::ApprovalGranted { plan: 1 });
    let executing = heard(&agreeing, Event::PlanAnswered { plan: 1, accepted: true });
    let work = |leg, news| Event::Work { job: Job { round: 1, line: 1, leg, attempt: 1 }, news };
    let granted = heard(&executing, work(Leg::Entitlement, LegEvent::Granted(1)));
    let compensating = heard(&granted, Event::Withdrawn);
    let failed = heard(&granted, work(Leg::Settlement, LegEvent::Money(Money::NotPaid)));
    let following_up = heard(&granted, work(Leg::Settlement, LegEvent::Money(Money::Paid)));
    let ended = heard(&following_up, Event::FollowUpLapsed { round: 1 });
    vec![new, investigating, asking, approving, agreeing, granted, failed, compensating, following_up, ended]
}

fn events(process: &Process) -> Vec<Event> {
    let Process { assessment, round, .. } = *process;
    let line = LinePlan {
        line: 1,
        resolution: Resolution::RefundOnly,
        quantity: 1,
        collect: false,
        only_with: vec![],
        legs: vec![],
    };
    let plan = |automatic, consented| Plan {
        number: process.plan + 1,
        automatic,
        consented,
        follow_up: true,
        lines: vec![line.clone()],
    };
    let judged = |automatic, consented| Event::Judged { assessment, plan: plan(automatic, consented), fits: true };
    let reason = || "R".to_owned();
    let mut events = vec![
        judged(true, true),
        judged(true, false),
        judged(false, true),
        Event::Judged { assessment, plan: plan(true, true), fits: false },
        Event::Refused { assessment, reason: reason() },
        Event::PersonNeeded { assessment, reason: reason(), role: Role::Supervisor },
        Event::AnswerNeeded { assessment, line: 1, reason: reason() },
        Event::CustomerAnswered { question: assessment },
        Event::ApprovalGranted { plan: process.plan },
        Event::ApprovalDenied { plan: process.plan },
        Event::PlanAnswered { plan: process.plan, accepted: true },
        Event::PlanAnswered { plan: process.plan, accepted: false },
        Event::FollowUpAnswered { round, score: 5, low: false },
        Event::FollowUpAnswered { round, score: 1, low: true },
        Event::FollowUpLapsed { round },
        Event::NoAnswer { asked: Asked::Question(assessment), then: Silence::Person },
        Event::NoAnswer { asked: Asked::Plan(process.plan), then: Silence::End(Outcome::Withdrawn) },
        Event::Withdrawn,
        Event::Duplicate,
        Event::ReadBackConfirmed,
        Event::ContactLogged,
        Event::ClockMoved,
        Event::DeadlineMoved { round, clock: Clock::FirstFeedback },
    ];
    let work = |leg, attempt, news| Event::Work { job: Job { round, line: 1, leg, attempt }, news };
    events.push(work(Leg::Settlement, 1, LegEvent::Money(Money::Paid)));
    events.push(work(Leg::Settlement, 1, LegEvent::Money(Money::NotPaid)));
    let ruled = |ruling| work(Leg::Settlement, 2, LegEvent::Ruled(ruling));
    events.extend([Ruling::Retry, Ruling::Deny].map(ruled));
    events.retain(|event| !questions::was_never_asked(process, event));
    events
}

fn event_name(event: &Event) -> String {
    match event {
        Event::Judged { fits: false, .. } => "judged (does not fit)".to_owned(),
        Event::Judged { plan, .. } => {
            let approval = if plan.automatic { "automatic" } else { "to be approved" };
            let consent = if plan.consented { "agreed" } else { "to be agreed" };
            format!("judged ({approval}, {consent})")
        }
        Event::NoAnswer { asked, then } => {
            let asked = if matches!(asked, Asked::Plan(_)) { "plan" } else { "question" };
            let then = if *then == Silence::Person { "a person decides" } else { "the claim ends" };
            format!("no answer to the {asked}, {then}")
        }
        Event::PlanAnswered { accepted: true, .. } => "plan accepted".to_owned(),
        Event::PlanAnswered { accepted: false, .. } => "plan refused".to_owned(),
        Event::FollowUpAnswered { low: true, .. } => "follow-up answered, low".to_owned(),
        Event::Work { job, news } => format!("{:?} {}", job.leg, news_name(*news)),
        other => words(&format!("{other:?}")),
    }
}

fn news_name(news: LegEvent) -> String {
    match news {
        LegEvent::Granted(0) => "granted nothing".to_owned(),
        LegEvent::Granted(_) => "granted".to_owned(),
        LegEvent::Stock(news) => words(&format!("{news:?}")),
        LegEvent::Parcel(Parcel::Incident(what, _)) => words(&format!("{what:?}")),
        LegEvent::Parcel(news) => words(&format!("{news:?}")),
        LegEvent::Return(Return::Counted { complete: false, .. }) => "counted partly".to_owned(),
        LegEvent::Return(Return::Counted { count, .. }) => {
            let Count { accepted, unclear, wrong_item, .. } = count;
            let besides = [(unclear, "not as claimed"), (wrong_item, "of another article")];
            let besides =
                besides.iter().filter(|(units, _)| *units > 0).map(|(units, what)| format!(", {units} {what}"));
            format!("counted, {accepted} accepted{}", besides.collect::<String>())
        }
        LegEvent::Return(Return::Cancelled { accepted }) => format!("cancelled, {accepted} accepted"),
        LegEvent::Visit(news) => words(&format!("{news:?}")),
        LegEvent::Money(news) => words(&format!("{news:?}")),
        LegEvent::Ruled(ruling) => format!("ruled: {}", words(&format!("{ruling:?}"))),
        LegEvent::TaskClosed => "task closed".to_owned(),
    }
}

fn stage_name(process: &Process) -> String {
    let name = words(&format!("{:?}", process.stage));
    let detail = match &process.stage {
        Stage::Assessing { reason } | Stage::Investigating { reason, .. } => format!("{reason:?}"),
        Stage::Executing { lines, .. } | Stage::Compensating { lines, .. } => {
            let run = lines[0].runs.last().expect("a leg");
            format!("{:?}: {}", run.leg, at_name(run.state))
        }
        Stage::Ended { outcome, .. } => format!("{outcome:?}"),
        Stage::AwaitingCustomer { .. } | Stage::AwaitingApproval(_) | Stage::AwaitingConsent(_) => return name,
        Stage::FollowingUp => return name,
    };
    format!("{name} ({})", detail.to_lowercase())
}

fn at_name(state: RunState) -> String {
    match state {
        RunState::Failed(failure) => format!("failed: {}", inner(&format!("{failure:?}"))),
        RunState::Working(progress) => inner(&format!("{progress:?}")),
        other => words(&format!("{other:?}")),
    }
}

/// The name of the innermost variant in words.
fn inner(debug: &str) -> String {
    words(debug.split('(').next_back().unwrap_or_default())
}

/// The name of a variant in words: `HandedOver { .. }` is "handed over".
fn words(debug: &str) -> String {
    let mut words = String::new();
    for letter in debug.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// What is asked, and what is told, by name.
fn short(commands: &[Command]) -> (String, String) {
    let (mut asks, mut told) = (vec![], vec![]);
    for command in commands {
        match command {
            Command::Announce(fact) => told.push(words(&format!("{fact:?}"))),
            Command::Notify { notice, .. } => asks.push(format!("notice: {}", words(&format!("{notice:?}")))),
            other => asks.push(words(&format!("{other:?}"))),
        }
    }
    (asks.join(", "), told.join(", "))
}

fn legs_table() -> String {
    let head = "\n## Legs\n\n\
        One line of two units. A leg in `undoing` belongs to a claim that is given up (or to a pick-up that is not needed\n\
        any more). When a leg moves, every leg that waited for it begins.\n\n\
        | leg | is | news | then | asks |\n| --- | --- | --- | --- | --- |\n";
    let mut table = head.to_owned();
    for leg in Leg::ALL {
        for state in STATES {
            for news in news_of(leg, state) {
                row(&mut table, leg, state, news);
            }
        }
    }
    table
}

fn row(table: &mut String, leg: Leg, state: RunState, news: LegEvent) {
    let (process, mut line, at) = example(leg, state);
    let mut turn = StepBuilder::new(&process, vec![]);
    let then = match learn(&mut line, at, news, &mut turn) {
        Answer::Moved => at_name(line.runs[at].state),
        Answer::Stay => return,
        Answer::Broken => "*parked*".to_owned(),
        Answer::GiveUp => "all is undone, then judged again".to_owned(),
    };
    let (asks, _) = short(&turn.commands);
    let _ = writeln!(table, "| {leg:?} | {} | {} | {then} | {asks} |", at_name(state), news_name(news));
}

const STATES: [RunState; 30] = [
    RunState::Idle,
    RunState::Asked,
    HELD_PARTLY,
    HELD,
    CONSUMING,
    BOOKED,
    HANDED_OVER,
    COUNTED_PARTLY,
    VISIT_ARRANGED,
    VISIT_PROPOSED,
    VISIT_APPOINTED,
    ON_SITE,
    IN_VAIN,
    RunState::Done,
    RunState::Skipped,
    RunState::Failed(Failure::Stock(reservation::Failure::NotReservable)),
    RunState::Failed(Failure::Stock(reservation::Failure::BatchUnknown)),
    RunState::Failed(Failure::Parcel(parcel::Failure::NotBookable)),
    RunState::Failed(Failure::Parcel(parcel::Failure::Lost)),
    RunState::Failed(Failure::Parcel(parcel::Failure::Refused)),
    RunState::Failed(Failure::Parcel(parcel::Failure::Incomplete)),
    RunState::Failed(Failure::Money(settlement::Failure::NotPaid)),
    RunState::Failed(Failure::Support(support::Failure::NotAdvised)),
    RunState::Failed(Failure::Return(receipt::Question::WrongItem)),
    RunState::Failed(Failure::Return(receipt::Question::NotAsClaimed)),
    RunState::Failed(Failure::Return(receipt::Question::TooManyReturned)),
    RunState::Failed(Failure::Visit(visit::Failure::VisitCancelled)),
    RunState::Undoing,
    RunState::UndoFailed,
    RunState::Undone,
];

const VISIT_ARRANGED: RunState = RunState::Working(Progress::Visit(visit::Progress::Arranged));
const VISIT_PROPOSED: RunState = RunState::Working(Progress::Visit(visit::Progress::Proposed));
const VISIT_APPOINTED: RunState = RunState::Working(Progress::Visit(visit::Progress::Appointed));
const ON_SITE: RunState = RunState::Working(Progress::Visit(visit::Progress::OnSite));
const IN_VAIN: RunState = RunState::Working(Progress::Visit(visit::Progress::InVain));

const INCIDENTS: [Incident; 7] = [
    Incident::Attempted,
    Incident::ToCollect,
    Incident::CustomsHold,
    Incident::NobodyThere,
    Incident::NotReady,
    Incident::GoesOn,
    Incident::Confirmed,
];

fn news_of(leg: Leg, state: RunState) -> Vec<LegEvent> {
    let can_be = match (leg, state) {
        (Leg::Shipment, RunState::Done | RunState::Failed(Failure::Parcel(parcel::Failure::Incomplete))) => true,
        (_, RunState::Idle | RunState::Skipped | RunState::Done | RunState::Undone) => false,
        (_, RunState::Asked) => true,
        (
            Leg::Reservation,
            HELD_PARTLY | HELD | CONSUMING | RunState::Failed(Failure::Stock(reservation::Failure::NotReservable)),
        ) => true,
        (Leg::Shipment | Leg::Pickup, BOOKED | HANDED_OVER) => true,
        (Leg::Shipment | Leg::Pickup, RunState::Failed(Failure::Parcel(failure))) => {
            use parcel::Failure::*;
            matches!(failure, NotBookable | Lost | Refused)
        }
        (Leg::Receipt, COUNTED_PARTLY) => true,
        (Leg::Reservation, RunState::Failed(Failure::Stock(reservation::Failure::BatchUnknown))) => true,
        (Leg::Receipt, RunState::Failed(Failure::Return(question))) => question != receipt::Question::NothingReturned,
        (Leg::Settlement, RunState::Failed(Failure::Money(settlement::Failure::NotPaid)))
        | (Leg::Support, RunState::Failed(Failure::Support(support::Failure::NotAdvised))) => true,
        (Leg::Reservation | Leg::Shipment | Leg::Pickup | Leg::Receipt | Leg::Settlement, RunState::Undoing) => true,
        (Leg::Pickup | Leg::Receipt | Leg::Settlement, RunState::UndoFailed) => true,
        (Leg::Visit, RunState::Undoing | RunState::UndoFailed | RunState::Working(Progress::Visit(_))) => true,
        (Leg::Visit, RunState::Failed(Failure::Visit(_))) => true,
        _ => false,
    };
    if !can_be {
        return vec![];
    }
    if matches!(state, RunState::Failed(_) | RunState::UndoFailed) || leg == Leg::Support {
        let mut news = [Ruling::Approve, Ruling::Deny, Ruling::Retry].map(LegEvent::Ruled).to_vec();
        news.truncate(if leg == Leg::Receipt && state != RunState::UndoFailed { 2 } else { 3 });
        if matches!(state.parcel_failure(), Some(parcel::Failure::Lost | parcel::Failure::Refused)) {
            news.push(LegEvent::Parcel(Parcel::Delivered));
        }
        return news;
    }
    match leg {
        Leg::Entitlement => vec![LegEvent::Granted(0), LegEvent::Granted(2)],
        Leg::Reservation => {
            use Stock::*;
            let all = [Reserved, ReservedPartly, Failed, BatchUnknown, Consumed, Released, Expired];
            all.map(LegEvent::Stock).to_vec()
        }
        Leg::Shipment | Leg::Pickup => {
            use Parcel::*;
            let all = [Booked, BookingFailed, HandedOver, Delivered, DeliveredDamaged, DeliveredIncomplete];
            let bad = [Delayed(None), Damaged, Lost, Refused, Cancelled, CancelRefused];
            all.into_iter().chain(INCIDENTS.map(|what| Incident(what, 1))).chain(bad).map(LegEvent::Parcel).collect()
        }
        Leg::Receipt => {
            let told = |count, complete| LegEvent::Return(Return::Counted { count, complete, late: 0 });
            let cancelled = [0, 1].map(|accepted| LegEvent::Return(Return::Cancelled { accepted }));
            let first = [told(counted(1, 0), false), told(counted(1, 1), true), told(unclear(1, 1), true)];
            let more = [told(wrong(1, 1), true), told(counted(3, 0), true)];
            first.into_iter().chain(more).chain(cancelled).collect()
        }
        Leg::Settlement => [Money::Paid, Money::NotPaid, Money::Nothing].map(LegEvent::Money).to_vec(),
        Leg::Support => vec![],
        Leg::Visit => {
            use Visit::*;
            let all = [Arranged, Proposed, Appointed(None), Started, InVain, Done, Cancelled, CancelRefused];
            all.map(LegEvent::Visit).to_vec()
        }
    }
}

/// A line of two units with the leg in this state, and the others as they then are.
fn example(leg: Leg, state: RunState) -> (Process, Line, usize) {
    let resolution = match leg {
        Leg::Entitlement | Leg::Reservation | Leg::Shipment => Resolution::Replace,
        Leg::Pickup | Leg::Receipt | Leg::Settlement => Resolution::ReturnRefund,
        Leg::Support | Leg::Visit => Resolution::TechnicalSupport,
    };
    let legs = if leg == Leg::Visit { vec![leg] } else { vec![] };
    let plan = LinePlan { line: 1, resolution, quantity: 2, collect: false, only_with: vec![], legs };
    let whole = Plan { number: 1, automatic: true, consented: true, follow_up: false, lines: vec![plan] };
    let (new, _) = start(false);
    let Step::Go(process, _) = step(&new, &Event::Judged { assessment: 1, plan: whole, fits: true }) else {
        unreachable!()
    };
    let Stage::Executing { lines, .. } = &process.stage else { unreachable!() };
    let mut line = lines[0].clone();
    let at = line.find(leg).expect("a leg of the line");
    for (index, run) in line.runs.iter_mut().enumerate() {
        let other = match run.leg {
            Leg::Entitlement => RunState::Done,
            Leg::Reservation if leg == Leg::Shipment && state != HANDED_OVER => HELD,
            Leg::Shipment if state == CONSUMING => HANDED_OVER,
            Leg::Pickup if leg == Leg::Receipt => BOOKED,
            Leg::Receipt if leg == Leg::Pickup => RunState::Asked,
            Leg::Reservation | Leg::Receipt | Leg::Pickup if index < at => RunState::Done,
            _ => RunState::Idle,
        };
        run.state = if index == at { state } else { other };
        run.attempt = u16::from(run.state != RunState::Idle);
        run.last = if run.has_task() && run.leg != Leg::Support { 2 } else { run.attempt };
    }
    match leg {
        Leg::Entitlement | Leg::Support | Leg::Visit => {}
        Leg::Settlement => line.given = 2,
        Leg::Reservation | Leg::Shipment | Leg::Pickup | Leg::Receipt => line.held = 2,
    }
    line.runs[at].count = match state {
        RunState::Failed(Failure::Return(receipt::Question::WrongItem)) => wrong(1, 1),
        RunState::Failed(Failure::Return(receipt::Question::NotAsClaimed)) => unclear(1, 1),
        RunState::Failed(Failure::Return(receipt::Question::TooManyReturned)) => counted(3, 0),
        _ => Count::default(),
    };
    (process, line, at)
}
