//! What comes back and is not as announced: a person decides before the claim goes on. And what comes when it was expected
//! no more: it is noted, whatever the claim is doing, and a person decides what is owed for it.

use super::*;

/// Tasks about late goods are numbered from here: no attempt at a receipt has such a number.
const LATE_FIRST: u16 = 10_000;
/// Reason of a task about late goods.
const LATE: &str = "LATE_RETURN";

/// The questions about a receipt, in the order in which they are asked.
const QUESTIONS: [Failure; 4] =
    [Failure::WrongItem, Failure::NotAsClaimed, Failure::NothingReturned, Failure::TooManyReturned];

/// All was counted. What is not as announced is for a person, one question after the other; then the receipt is done.
/// `answered`: the question that has been answered.
pub(super) fn judge(line: &mut Line, at: usize, answered: Option<Failure>, turn: &mut Turn) {
    let asked = QUESTIONS.iter().position(|question| Some(*question) == answered).map_or(0, |place| place + 1);
    match QUESTIONS[asked..].iter().find(|question| is_open(line, at, **question)) {
        Some(question) => turn.put_and_open_task(line, at, At::Failed(*question)),
        None => {
            turn.put(line, at, At::Done);
            legs::all_counted(line, at, turn);
        }
    }
}

fn is_open(line: &Line, at: usize, question: Failure) -> bool {
    let Strand { purpose, count, .. } = line.strands[at];
    match question {
        Failure::WrongItem => count.wrong_item > 0,
        Failure::NotAsClaimed => count.unclear > 0,
        // The customer has what was sent in exchange, and keeps what it was sent for.
        Failure::NothingReturned => {
            count.came() == 0 && purpose == Purpose::Plan && line.plan.resolution == Resolution::Replace
        }
        // What is more than announced is still the customer's.
        Failure::TooManyReturned => count.accepted > line.units(),
        Failure::NotReservable | Failure::BatchUnknown | Failure::NotBookable | Failure::Lost | Failure::Refused => {
            false
        }
        Failure::Incomplete | Failure::SentTwice | Failure::NotPaid | Failure::NotAdvised => false,
    }
}

/// A person has decided: approved, these units count for the claim as well; everything else was settled by hand.
pub(super) fn ruled(line: &mut Line, at: usize, question: Failure, ruling: Ruling, turn: &mut Turn) {
    let count = &mut line.strands[at].count;
    let units: fn(&mut Count) -> u32 = match question {
        Failure::WrongItem => Count::take_wrong_item,
        Failure::NotAsClaimed => Count::take_unclear,
        Failure::NothingReturned | Failure::TooManyReturned | Failure::NotReservable | Failure::BatchUnknown => nothing,
        Failure::NotBookable | Failure::Lost | Failure::Refused | Failure::Incomplete | Failure::SentTwice => nothing,
        Failure::NotPaid | Failure::NotAdvised => nothing,
    };
    match ruling {
        Ruling::Approve => count.count_too(units),
        Ruling::Deny | Ruling::Retry => drop(units(count)),
    }
    judge(line, at, Some(question), turn);
}

fn nothing(_: &mut Count) -> u32 {
    0
}

/// The goods are here, whatever the carrier says: a pick-up that has not taken place is called off.
pub(super) fn goods_are_here(line: &mut Line, receipt: usize, turn: &mut Turn) {
    let Some(pickup) = line.find_for(Leg::Pickup, line.strands[receipt].purpose) else { return };
    match line.strands[pickup].state {
        // It has not begun yet: the customer was faster.
        At::Idle => line.strands[pickup].state = At::Skipped,
        At::Asked | At::Booked => turn.put_and_ask(line, pickup, At::Undoing),
        At::HandedOver => turn.put(line, pickup, At::Done),
        At::Failed(_) => {
            turn.close_task(line, pickup);
            turn.put(line, pickup, At::Done);
        }
        At::HeldPartly | At::Held | At::Consuming | At::CountedPartly | At::Done => {}
        At::Skipped | At::Undoing | At::UndoFailed | At::Undone => {}
    }
}

/// Goods that came when they were expected no more, in whatever stage the claim is; `None`: it is about something else.
pub(super) fn late(process: &Process, event: &Event) -> Option<Step> {
    let Event::Work { job, news: News::Return(Return::Counted { count, late: 1.., .. }) } = event else { return None };
    if is_expected(process, *job) {
        return None;
    }
    if process.late.iter().any(|known| known.receipt == *job && known.came >= count.came()) {
        return Some(Step::Stay);
    }
    let mut process = process.clone();
    let task = LATE_FIRST.saturating_add(u16::try_from(process.late.len()).unwrap_or(u16::MAX));
    let late = Late { receipt: *job, came: count.came(), task };
    let mut commands = vec![late.question()];
    // Nothing public follows the end.
    if !matches!(process.stage, Stage::Ended { .. }) {
        commands.push(Command::Announce(Fact::PersonAsked { reason: LATE.to_owned(), line: job.line }));
    }
    process.late.push(late);
    Some(Step::Go(process, commands))
}

fn is_expected(process: &Process, job: Job) -> bool {
    let (Stage::Executing { lines, .. } | Stage::Compensating { lines, .. }) = &process.stage else { return false };
    let waits = |strand: &Strand| {
        let open = matches!(strand.state, At::Asked | At::CountedPartly | At::Undoing);
        strand.leg == Leg::Receipt && strand.attempt == job.attempt && open
    };
    let mut of_line = lines.iter().filter(|line| line.plan.line == job.line && job.round == process.round);
    of_line.any(|line| line.strands.iter().any(waits))
}

impl Late {
    /// The task about them.
    pub(super) fn job(&self) -> Job {
        Job { attempt: self.task, ..self.receipt }
    }

    pub(super) fn question(&self) -> Command {
        Command::OpenTask { job: self.job(), kind: Task::ReturnMismatch, reason: LATE }
    }
}

impl Count {
    fn count_too(&mut self, units: fn(&mut Self) -> u32) {
        let units = units(self);
        self.accepted += units;
        self.other -= units.min(self.other);
    }

    fn take_unclear(&mut self) -> u32 {
        std::mem::take(&mut self.unclear)
    }

    fn take_wrong_item(&mut self) -> u32 {
        std::mem::take(&mut self.wrong_item)
    }
}
