//! How the lines of a plan are carried out: every leg begins as soon as what it needs is there, lines and legs side by
//! side; the plan is done when every leg is settled.

use super::strand::Answer;
use super::*;

/// The legs of a line.
fn legs(plan: &LinePlan) -> &'static [Leg] {
    match (plan.resolution, plan.collect) {
        (Resolution::Replace, true) => &[Leg::Entitlement, Leg::Reservation, Leg::Shipment, Leg::Pickup, Leg::Receipt],
        (Resolution::Replace, false) | (Resolution::Resend, _) => &[Leg::Entitlement, Leg::Reservation, Leg::Shipment],
        (Resolution::ReturnRefund, _) => &[Leg::Entitlement, Leg::Pickup, Leg::Receipt, Leg::Settlement],
        (Resolution::RefundOnly, _) => &[Leg::Entitlement, Leg::Settlement],
        (Resolution::TechnicalSupport, _) => &[Leg::Support],
        (Resolution::Reject, _) => &[],
    }
}

/// What must be there before a leg begins: goods held for a shipment, otherwise the leg done. Nothing is promised that
/// the ledger did not grant (domain rule 1), nothing refunded that was not counted (domain rule 2), nothing collected in
/// exchange for goods that may not be there.
fn needs(resolution: Resolution, leg: Leg) -> Option<Leg> {
    match leg {
        Leg::Entitlement | Leg::Support => None,
        Leg::Pickup if resolution == Resolution::Replace => Some(Leg::Reservation),
        Leg::Reservation | Leg::Pickup | Leg::Receipt => Some(Leg::Entitlement),
        Leg::Shipment => Some(Leg::Reservation),
        Leg::Settlement => match resolution {
            Resolution::ReturnRefund => Some(Leg::Receipt),
            Resolution::RefundOnly | Resolution::Replace | Resolution::Resend => Some(Leg::Entitlement),
            Resolution::TechnicalSupport | Resolution::Reject => Some(Leg::Entitlement),
        },
    }
}

pub(super) fn begin(process: &Process, plan: &Plan, commands: Vec<Command>) -> Step {
    let lines = plan.lines.iter().map(Line::new).collect();
    proceed(process, plan.follow_up, lines, Turn::new(process, commands))
}

pub(super) fn executing(process: &Process, follow_up: bool, lines: &[Line], event: &Event) -> Step {
    match event {
        Event::Work { job, news } => {
            let (mut lines, mut turn) = (lines.to_vec(), Turn::new(process, vec![]));
            if surplus::turned_up(process, &mut lines, *job, *news, &mut turn) {
                return proceed(process, follow_up, lines, turn);
            }
            let Some((line, at)) = addressed(process, &lines, *job, *news) else { return Step::Stay };
            match learn(&mut lines[line], at, *news, &mut turn) {
                Answer::Moved => proceed(process, follow_up, lines, turn),
                Answer::Stay => Step::Stay,
                Answer::Broken => Step::Broken,
                Answer::GiveUp => undo::begin(process, lines, Then::AssessAgain, "LEG_FAILED", turn),
            }
        }
        Event::Withdrawn => {
            undo::begin(process, lines.to_vec(), Then::EndWithdrawn, WITHDRAWN, Turn::new(process, vec![]))
        }
        Event::Duplicate => {
            undo::begin(process, lines.to_vec(), Then::EndDuplicate, DUPLICATE, Turn::new(process, vec![]))
        }
        Event::ReadBackConfirmed | Event::ContactLogged | Event::ClockMoved | Event::DeadlineMoved { .. } => {
            by_the_way(process, event)
        }
        Event::Judged { .. } | Event::Refused { .. } | Event::PersonNeeded { .. } => Step::Stay,
        Event::AnswerNeeded { .. } | Event::CustomerAnswered { .. } | Event::ApprovalGranted { .. } => Step::Stay,
        Event::ApprovalDenied { .. } | Event::PlanAnswered { .. } | Event::FollowUpAnswered { .. } => Step::Stay,
        Event::FollowUpLapsed { .. } | Event::NoAnswer { .. } => Step::Stay,
    }
}

fn proceed(process: &Process, follow_up: bool, mut lines: Vec<Line>, mut turn: Turn) -> Step {
    for at in 0..lines.len() {
        let others = others(&lines, &lines[at].plan);
        let line = &mut lines[at];
        if others == Others::Fail {
            drop_line(line, &mut turn);
        }
        for at in 0..line.strands.len() {
            let waits = others == Others::AreOpen && line.strands[at].leg == Leg::Settlement;
            if !waits && line.strands[at].state == At::Idle && line.has_what_it_needs(&line.strands[at]) {
                turn.begin(line, at);
            }
        }
    }
    if lines.iter().all(Line::is_settled) {
        lines.iter().for_each(|line| close_replaced(line, &mut turn));
        return conclude(process, follow_up, &lines, turn.commands);
    }
    Step::Go(process.at(Stage::Executing { follow_up, lines }), turn.commands)
}

/// How it stands with the lines that a line depends on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Each gives all its units, or there are none.
    Give,
    /// They may still.
    AreOpen,
    /// One of them does not.
    Fail,
}

fn others(lines: &[Line], plan: &LinePlan) -> Others {
    let others = || lines.iter().filter(|other| plan.only_with.contains(&other.plan.line));
    if others().all(|other| other.given == other.plan.quantity) {
        Others::Give
    } else if others().any(|other| other.given < other.plan.quantity && (other.given > 0 || other.is_settled())) {
        Others::Fail
    } else {
        Others::AreOpen
    }
}

/// It gives nothing: what was promised is promised no more.
fn drop_line(line: &mut Line, turn: &mut Turn) {
    if line.state_of(Leg::Entitlement) != Some(At::Done) || line.held == 0 {
        return;
    }
    line.skip_the_rest();
    turn.commands.push(Command::GiveBack { job: turn.grant(line), quantity: line.held });
    line.held = 0;
}

/// What was replaced has come back: the customer has what was sent in its place, and may get something for that as for
/// any other unit. What has not come back stays given.
fn close_replaced(line: &Line, turn: &mut Turn) {
    let Some(receipt) = line.find(Leg::Receipt) else { return };
    let back = line.strands[receipt].count.accepted.min(line.given);
    if line.plan.resolution == Resolution::Replace && back > 0 {
        turn.commands.push(Command::TakeBack { job: turn.grant(line), quantity: back });
    }
}

/// The plan is done. If it gave nothing, the claim is refused after all.
fn conclude(process: &Process, follow_up: bool, lines: &[Line], mut commands: Vec<Command>) -> Step {
    let process = Process { numbers: numbers_used(process, lines), ..process.clone() };
    if let Some(reasons) = lines.iter().map(Line::gave_nothing).collect::<Option<Vec<_>>>() {
        let reason = reasons.into_iter().min().unwrap_or(Nothing::Due);
        return end(&process, Outcome::Rejected, reason.code(), commands);
    }
    if !follow_up {
        return end(&process, Outcome::Closed, "", commands);
    }
    commands.push(Command::StopClocks { round: process.round, kinds: vec![Clock::FinalSolution] });
    commands.push(Command::StartFollowUp { round: process.round });
    commands.push(Command::Announce(Fact::FollowUpStarted { round: process.round }));
    Step::Go(process.at(Stage::FollowingUp), commands)
}

pub(super) fn numbers_used(process: &Process, lines: &[Line]) -> u16 {
    let used = lines.iter().flat_map(|line| &line.strands).map(|strand| strand.last);
    used.max().unwrap_or(0).max(process.numbers)
}

/// The line and the leg that a message is about; `None`: none that is open under this name.
pub(super) fn addressed(process: &Process, lines: &[Line], job: Job, news: News) -> Option<(usize, usize)> {
    let line = lines.iter().position(|line| line.plan.line == job.line && job.round == process.round)?;
    let about = |strand: &Strand| match news {
        News::Ruled(_) => strand.has_task() && strand.open_number() == job.attempt,
        News::Granted(_) | News::Stock(_) | News::Parcel(_) | News::Return(_) | News::Money(_) | News::TaskClosed => {
            strand.attempt == job.attempt
        }
    };
    let at = lines[line].strands.iter().position(|strand| strand.leg == job.leg && about(strand))?;
    Some((line, at))
}

/// What a message about a leg means, while it is carried out and while it is undone: the state of the leg tells the two
/// apart.
pub(super) fn learn(line: &mut Line, at: usize, news: News, turn: &mut Turn) -> Answer {
    match news {
        News::Granted(units) => granted(line, at, units, turn),
        News::Stock(news) => stock(line, at, news, turn),
        News::Parcel(news) => parcels::learn(line, at, news, turn),
        News::Return(Return::Counted { count, complete, .. }) => counted(line, at, count, complete, turn),
        News::Return(Return::Cancelled { accepted }) => expected_no_more(line, at, accepted, turn),
        News::Money(news) => money(line, at, news, turn),
        News::Ruled(ruling) => ruled(line, at, ruling, turn),
        // It was closed because we said so.
        News::TaskClosed => Answer::Stay,
    }
}

fn granted(line: &mut Line, at: usize, units: u32, turn: &mut Turn) -> Answer {
    if line.strands[at].state != At::Asked {
        return Answer::Stay;
    }
    if units > line.plan.quantity {
        return Answer::Broken;
    }
    line.held = units;
    turn.put(line, at, At::Done);
    if units == 0 {
        line.already_compensated = true;
        line.skip_the_rest();
    }
    Answer::Moved
}

fn stock(line: &mut Line, at: usize, news: Stock, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    let (open, held) = (matches!(state, At::Asked | At::HeldPartly), matches!(state, At::Held | At::Consuming));
    match news {
        Stock::Reserved if open => turn.put(line, at, At::Held),
        Stock::ReservedPartly if state == At::Asked => {
            turn.put(line, at, At::HeldPartly);
            turn.notify(line, at, Notice::GoodsBackOrdered);
        }
        Stock::Failed if open => turn.put_and_open_task(line, at, At::Failed(Failure::NotReservable)),
        Stock::BatchUnknown if open => turn.put_and_open_task(line, at, At::Failed(Failure::BatchUnknown)),
        // What was lost on the way is wanted again.
        Stock::Consumed if state == At::Consuming && line.state_of(Leg::Shipment) == Some(At::Idle) => {
            line.strands[at].state = At::Idle;
        }
        Stock::Consumed if state == At::Consuming => turn.put(line, at, At::Done),
        Stock::Released | Stock::Expired if state == At::Undoing => turn.put(line, at, At::Undone),
        // It never comes: a person decides (P56).
        Stock::Expired if open && turn.attempts(line, at) >= limits::ATTEMPTS_MAX => {
            turn.put_and_open_task(line, at, At::Failed(Failure::NotReservable));
        }
        // A hold of a part ran out: it is asked for again, under a new name.
        Stock::Expired if open => line.strands[at].state = At::Idle,
        // Nobody asked for that, and what is held in full does not expire.
        Stock::Consumed if open || state == At::Held => return Answer::Broken,
        Stock::Released if open || held => return Answer::Broken,
        Stock::Expired if held => return Answer::Broken,
        Stock::Reserved | Stock::ReservedPartly | Stock::Failed | Stock::BatchUnknown => return Answer::Stay,
        Stock::Consumed | Stock::Released | Stock::Expired => return Answer::Stay,
    }
    Answer::Moved
}

fn counted(line: &mut Line, at: usize, count: Count, complete: bool, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    let more = count.came() > strand.count.came();
    match strand.state {
        At::Asked | At::CountedPartly if complete => {
            strand.count = count;
            receipts::judge(line, at, None, turn);
            receipts::goods_are_here(line, at, turn);
        }
        At::Asked | At::CountedPartly if more => {
            strand.count = count;
            turn.put(line, at, At::CountedPartly);
        }
        // It goes back to the customer; that is decided when inventory has answered.
        At::Undoing if more => strand.count = count,
        At::Asked | At::CountedPartly | At::Undoing => return Answer::Stay,
        At::Idle | At::HeldPartly | At::Held | At::Consuming | At::Booked | At::HandedOver => return Answer::Stay,
        At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => return Answer::Stay,
    }
    Answer::Moved
}

/// All is counted and judged: what was announced and does not count is promised no more (domain rule 2).
pub(super) fn all_counted(line: &mut Line, receipt: usize, turn: &mut Turn) {
    let Strand { purpose, count, .. } = line.strands[receipt];
    let refund = purpose == Purpose::Plan && line.plan.resolution == Resolution::ReturnRefund;
    let back = line.held.saturating_sub(count.accepted);
    if refund && back > 0 {
        line.held -= back;
        turn.commands.push(Command::GiveBack { job: turn.grant(line), quantity: back });
    }
}

fn expected_no_more(line: &mut Line, at: usize, accepted: u32, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    match strand.state {
        At::Undoing => {}
        At::Asked | At::CountedPartly => return Answer::Broken,
        At::Idle | At::HeldPartly | At::Held | At::Consuming | At::Booked | At::HandedOver => return Answer::Stay,
        At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => return Answer::Stay,
    }
    strand.count.accepted = strand.count.accepted.max(accepted);
    match strand.purpose {
        Purpose::BringBack { .. } => turn.put(line, at, At::Done),
        Purpose::Plan if strand.count.came() > 0 => turn.put_and_open_task(line, at, At::UndoFailed),
        Purpose::Plan | Purpose::Surplus => turn.put(line, at, At::Undone),
    }
    Answer::Moved
}

fn money(line: &mut Line, at: usize, news: Money, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    if !matches!(state, At::Asked | At::Undoing) {
        return Answer::Stay;
    }
    match news {
        Money::Paid => {
            turn.paid(line, at);
            match state {
                At::Undoing => turn.put_and_open_task(line, at, At::UndoFailed),
                At::Idle | At::Asked | At::HeldPartly | At::Held | At::Consuming | At::Booked | At::HandedOver => {
                    turn.put(line, at, At::Done)
                }
                At::CountedPartly | At::Done | At::Skipped | At::Failed(_) | At::UndoFailed | At::Undone => {
                    turn.put(line, at, At::Done)
                }
            }
        }
        Money::NotPaid | Money::Nothing if state == At::Undoing => turn.put(line, at, At::Undone),
        Money::Nothing => turn.put(line, at, At::Done),
        Money::NotPaid => turn.put_and_open_task(line, at, At::Failed(Failure::NotPaid)),
    }
    Answer::Moved
}

/// A person has decided about a leg. An answer that does not fit the task is read as the nearest that does, because the
/// task is closed by then and the claim must not be left waiting for nobody.
fn ruled(line: &mut Line, at: usize, ruling: Ruling, turn: &mut Turn) -> Answer {
    let Strand { state, purpose, leg, .. } = line.strands[at];
    let failure = match state {
        At::UndoFailed => {
            undo::ruled(line, at, ruling, turn);
            return Answer::Moved;
        }
        At::Failed(failure) => failure,
        At::Idle | At::Asked | At::HeldPartly | At::Held | At::Consuming | At::Booked | At::HandedOver => {
            match ruling {
                Ruling::Approve => turn.put(line, at, At::Done),
                Ruling::Deny => turn.put_and_open_task(line, at, At::Failed(Failure::NotAdvised)),
                Ruling::Retry => turn.begin(line, at),
            }
            return Answer::Moved;
        }
        At::CountedPartly | At::Done | At::Skipped | At::Undoing | At::Undone => return Answer::Stay,
    };
    if leg == Leg::Receipt {
        receipts::ruled(line, at, failure, ruling, turn);
        return Answer::Moved;
    }
    match (purpose, ruling) {
        // It is there, and what lacks is settled by hand; there is nothing to try again.
        (_, Ruling::Approve | Ruling::Deny) if failure == Failure::Incomplete => turn.put(line, at, At::Done),
        (_, Ruling::Retry) if failure == Failure::Incomplete => turn.put_and_open_task(line, at, state),
        (Purpose::Surplus, Ruling::Approve | Ruling::Deny) => turn.put(line, at, At::Done),
        (Purpose::Surplus, Ruling::Retry) => undo::bring_back(line, at, turn),
        (Purpose::Plan, Ruling::Deny) => return Answer::GiveUp,
        (Purpose::Plan, Ruling::Approve | Ruling::Retry) => again(line, at, failure),
        (Purpose::BringBack { .. }, Ruling::Retry) => turn.begin(line, at),
        (Purpose::BringBack { .. }, Ruling::Approve | Ruling::Deny) => {
            undo::leave_with_customer(line, at, turn);
        }
    }
    Answer::Moved
}

/// The leg is to begin again. Goods that have left stock are gone: others are held first.
pub(super) fn again(line: &mut Line, at: usize, failure: Failure) {
    line.strands[at].state = At::Idle;
    match failure {
        Failure::Lost | Failure::Refused if line.strands[at].leg == Leg::Shipment => {
            if let Some(reservation) = line.find(Leg::Reservation)
                && line.strands[reservation].state == At::Done
            {
                line.strands[reservation].state = At::Idle;
            }
        }
        Failure::Lost | Failure::Refused | Failure::NotReservable | Failure::Incomplete | Failure::SentTwice => {}
        Failure::NotBookable | Failure::NotPaid | Failure::NotAdvised | Failure::BatchUnknown => {}
        Failure::WrongItem | Failure::NotAsClaimed | Failure::NothingReturned | Failure::TooManyReturned => {}
    }
}

/// Why a line gave nothing, the reason that says most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nothing {
    /// All units were compensated before.
    Before,
    /// The goods never came.
    Returned,
    /// They came, and do not count.
    Accepted,
    /// It was planned so.
    Due,
}

impl Nothing {
    fn code(self) -> &'static str {
        match self {
            Self::Before => "ALREADY_COMPENSATED",
            Self::Returned => "NOTHING_RETURNED",
            Self::Accepted => "RETURN_NOT_ACCEPTED",
            Self::Due => "NOTHING_DUE",
        }
    }
}

impl Line {
    fn new(plan: &LinePlan) -> Self {
        let strands = legs(plan).iter().map(|leg| Strand::new(*leg, Purpose::Plan)).collect();
        Self { plan: plan.clone(), already_compensated: false, held: 0, given: 0, losses: 0, lost: Vec::new(), strands }
    }

    fn gave_nothing(&self) -> Option<Nothing> {
        match self.plan.resolution {
            _ if self.already_compensated => Some(Nothing::Before),
            Resolution::Reject => Some(Nothing::Due),
            Resolution::ReturnRefund if self.given == 0 => {
                let receipt = self.find(Leg::Receipt).map(|at| self.strands[at].count);
                let came = receipt.is_some_and(|count| count.came() > 0);
                Some(if came { Nothing::Accepted } else { Nothing::Returned })
            }
            Resolution::RefundOnly if self.given == 0 && !self.plan.only_with.is_empty() => Some(Nothing::Due),
            Resolution::ReturnRefund | Resolution::Replace | Resolution::Resend => None,
            Resolution::RefundOnly | Resolution::TechnicalSupport => None,
        }
    }

    /// What has not begun never does.
    fn skip_the_rest(&mut self) {
        self.strands.iter_mut().filter(|strand| strand.state == At::Idle).for_each(|strand| strand.state = At::Skipped);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.strands.iter().all(Strand::is_settled)
    }

    fn has_what_it_needs(&self, strand: &Strand) -> bool {
        let leg = strand.leg;
        // A pick-up that failed is tried again at once: the goods may be anywhere, whatever is in stock.
        if leg == Leg::Pickup && strand.last > 0 {
            return true;
        }
        let Some(first) = needs(self.plan.resolution, leg) else { return true };
        self.state_of(first).is_some_and(|state| match (first, leg) {
            (Leg::Reservation, Leg::Pickup) => matches!(state, At::Held | At::Consuming | At::Done),
            (Leg::Reservation, _) => state == At::Held,
            _ => state == At::Done,
        })
    }
}
