//! One leg of a line: its names, its question, and what happens to it in one turn.

use proto::claim::LegState;

use super::*;

/// What is asked and told in one step.
pub(super) struct Turn {
    round: u16,
    numbers: u16,
    pub commands: Vec<Command>,
}

/// What a leg says to a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Moved,
    Stay,
    Broken,
    /// A person gives the leg up: all is undone, and another way is sought.
    GiveUp,
}

impl Turn {
    pub fn new(process: &Process, commands: Vec<Command>) -> Self {
        Self { round: process.round, numbers: process.numbers, commands }
    }

    /// How often this plan has tried a leg.
    pub fn attempts(&self, line: &Line, at: usize) -> u16 {
        line.strands[at].attempt.saturating_sub(self.numbers)
    }

    /// Asks the question of a leg as it is now.
    pub fn ask(&mut self, line: &Line, at: usize) {
        self.commands.extend(line.question(self.round, at));
    }

    /// Tells the world how far a leg is now.
    pub fn announce(&mut self, line: &Line, at: usize) {
        let strand = &line.strands[at];
        let Some((state, detail)) = strand.state.told() else { return };
        let quantity = match strand.leg {
            Leg::Receipt => strand.count.accepted,
            Leg::Support => 0,
            Leg::Entitlement | Leg::Reservation | Leg::Shipment | Leg::Pickup | Leg::Settlement => line.units(),
        };
        let job = line.job(self.round, at);
        self.commands.push(Command::Announce(Fact::LegMoved { job, state, detail, quantity }));
    }

    /// The leg is in this state now, and the world may know.
    pub fn put(&mut self, line: &mut Line, at: usize, state: At) {
        line.strands[at].state = state;
        self.announce(line, at);
    }

    /// The leg is in this state now; what follows from it is asked, and the world may know.
    pub fn put_and_ask(&mut self, line: &mut Line, at: usize, state: At) {
        line.strands[at].state = state;
        self.ask(line, at);
        self.announce(line, at);
    }

    /// A person must decide about the leg.
    pub fn put_and_open_task(&mut self, line: &mut Line, at: usize, state: At) {
        line.strands[at].last = line.next_number(line.strands[at].leg, self.numbers);
        self.put_and_ask(line, at, state);
        let asked = Fact::PersonAsked { reason: line.strands[at].reason().to_owned(), line: line.plan.line };
        self.commands.push(Command::Announce(asked));
    }

    /// Takes the open task about a leg off its list.
    pub fn close_task(&mut self, line: &Line, at: usize) {
        let job = Job { attempt: line.strands[at].last, ..line.job(self.round, at) };
        self.commands.push(Command::CloseTask { job });
    }

    pub fn grant(&self, line: &Line) -> Job {
        line.grant(self.round)
    }

    /// Finance has paid: the world and the customer may know.
    pub fn paid(&mut self, line: &Line, at: usize) {
        self.commands.push(Command::Announce(Fact::SettlementPaid { job: line.job(self.round, at) }));
        self.notify(line, at, Notice::RefundPaid);
    }

    /// Something that changes no state: the world may know.
    pub fn note(&mut self, line: &Line, at: usize, detail: &'static str) {
        let (job, quantity) = (line.job(self.round, at), line.units());
        let moved = Fact::LegMoved { job, state: LegState::Progressed, detail, quantity };
        self.commands.push(Command::Announce(moved));
    }

    pub fn notify(&mut self, line: &Line, at: usize, notice: Notice) {
        self.commands.push(Command::Notify { notice, job: line.job(self.round, at) });
    }

    /// Begins the next attempt at a leg.
    pub fn begin(&mut self, line: &mut Line, at: usize) {
        let leg = line.strands[at].leg;
        if leg == Leg::Settlement && !self.give(line) {
            line.strands[at].state = At::Skipped;
            return;
        }
        let attempt = line.next_number(leg, self.numbers);
        let strand = &mut line.strands[at];
        strand.attempt = attempt;
        strand.last = attempt;
        (strand.late, strand.day, strand.held, strand.incidents) = (false, None, None, 0);
        self.put_and_ask(line, at, At::Asked);
        if leg == Leg::Settlement {
            let job = line.job(self.round, at);
            self.commands.push(Command::Announce(Fact::SettlementInstructed { job }));
        }
    }

    /// Adds a leg that brings a parcel of ours back, and begins it.
    pub fn add(&mut self, line: &mut Line, leg: Leg, purpose: Purpose) {
        line.strands.push(Strand::new(leg, purpose));
        self.begin(line, line.strands.len() - 1);
    }

    /// What is promised is given, at the moment when the customer gets it or finance is told. Whether anything is given.
    pub fn give(&mut self, line: &mut Line) -> bool {
        if line.held > 0 {
            self.commands.push(Command::Give { job: line.grant(self.round), quantity: line.held });
        }
        line.given += std::mem::take(&mut line.held);
        line.given > 0
    }
}

impl Strand {
    pub(super) fn new(leg: Leg, purpose: Purpose) -> Self {
        Self {
            leg,
            purpose,
            state: At::Idle,
            attempt: 0,
            last: 0,
            late: false,
            day: None,
            held: None,
            incidents: 0,
            count: Count::default(),
        }
    }

    /// Nothing more will be asked about it.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, At::Done | At::Skipped | At::Undone)
    }

    pub(super) fn has_task(&self) -> bool {
        matches!(self.state, At::Failed(_) | At::UndoFailed) || (self.leg == Leg::Support && self.state == At::Asked)
    }

    /// The number under which the open question about it is known.
    pub(super) fn open_number(&self) -> u16 {
        if matches!(self.state, At::Failed(_) | At::UndoFailed) { self.last } else { self.attempt }
    }

    /// The reason that a person reads.
    pub(super) fn reason(&self) -> &'static str {
        match self.state {
            At::Failed(Failure::NotReservable) => "NOT_RESERVABLE",
            At::Failed(Failure::BatchUnknown) => "BATCH_UNKNOWN",
            At::Failed(Failure::NotBookable) => "NOT_BOOKABLE",
            At::Failed(Failure::Lost) => "LOST",
            At::Failed(Failure::Refused) => "REFUSED",
            At::Failed(Failure::Incomplete) => "DELIVERED_INCOMPLETE",
            At::Failed(Failure::SentTwice) => "SENT_TWICE",
            At::Failed(Failure::NotPaid) => "NOT_PAID",
            At::Failed(Failure::NotAdvised) => "NOT_ADVISED",
            At::Failed(Failure::WrongItem) => "WRONG_ITEM_RETURNED",
            At::Failed(Failure::NotAsClaimed) => "RETURN_NOT_AS_CLAIMED",
            At::Failed(Failure::NothingReturned) => "NOTHING_RETURNED",
            At::Failed(Failure::TooManyReturned) => "RETURN_EXCESS",
            At::UndoFailed => "CANNOT_BE_UNDONE",
            At::Idle | At::Asked | At::HeldPartly | At::Held | At::Consuming | At::Booked => "ADVICE",
            At::HandedOver | At::CountedPartly | At::Done | At::Skipped | At::Undoing | At::Undone => "ADVICE",
        }
    }

    /// The kind of the task that is open about it.
    fn task(&self) -> Task {
        match (self.state, self.purpose) {
            (At::Failed(_), _) if self.leg == Leg::Receipt => Task::ReturnMismatch,
            // The goods are there: it is left so, or not.
            (At::Failed(Failure::Incomplete), _) => Task::CompensationFailed,
            (At::Failed(_), Purpose::Plan) => Task::LegFailed,
            (At::Failed(_), Purpose::BringBack { .. } | Purpose::Surplus) => Task::CompensationFailed,
            (At::UndoFailed, _) => Task::CompensationFailed,
            (At::Idle | At::Asked | At::HeldPartly | At::Held | At::Consuming | At::Booked, _) => Task::Support,
            (At::HandedOver | At::CountedPartly | At::Done | At::Skipped | At::Undoing | At::Undone, _) => {
                Task::Support
            }
        }
    }
}

/// That a service of ours was asked is told with its answer, unless nothing else is told: subscribers and the broker are
/// spared what is over in a moment.
pub(super) fn spare(step: Step) -> Step {
    let Step::Go(process, mut commands) = step else { return step };
    let is_asked = |command: &Command| matches!(command, Command::Announce(Fact::LegMoved { job, state: LegState::Started, .. }) if !job.leg.is_of_people());
    if commands.iter().any(|command| matches!(command, Command::Announce(_)) && !is_asked(command)) {
        commands.retain(|command| !is_asked(command));
    }
    Step::Go(process, commands)
}

impl Leg {
    /// Whether its question is answered by people, who take their time.
    fn is_of_people(self) -> bool {
        match self {
            Leg::Entitlement | Leg::Reservation | Leg::Shipment | Leg::Pickup => false,
            Leg::Receipt | Leg::Settlement | Leg::Support => true,
        }
    }
}

impl At {
    /// How the world is told of it; `None`: it is not.
    pub(super) fn told(self) -> Option<(LegState, &'static str)> {
        match self {
            At::Idle | At::Skipped | At::Consuming | At::Undoing => None,
            At::Asked => Some((LegState::Started, "")),
            At::HeldPartly => Some((LegState::Progressed, "HELD_PARTLY")),
            At::Held => Some((LegState::Progressed, "HELD")),
            At::Booked => Some((LegState::Progressed, "BOOKED")),
            At::HandedOver => Some((LegState::Progressed, "HANDED_OVER")),
            At::CountedPartly => Some((LegState::Progressed, "COUNTED_PARTLY")),
            At::Done => Some((LegState::Done, "")),
            At::Failed(Failure::NotReservable) => Some((LegState::Failed, "NOT_RESERVABLE")),
            At::Failed(Failure::BatchUnknown) => Some((LegState::Failed, "BATCH_UNKNOWN")),
            At::Failed(Failure::NotBookable) => Some((LegState::Failed, "NOT_BOOKABLE")),
            At::Failed(Failure::Lost) => Some((LegState::Failed, "LOST")),
            At::Failed(Failure::Refused) => Some((LegState::Failed, "REFUSED")),
            At::Failed(Failure::Incomplete) => Some((LegState::Failed, "DELIVERED_INCOMPLETE")),
            At::Failed(Failure::SentTwice) => Some((LegState::Failed, "SENT_TWICE")),
            At::Failed(Failure::NotPaid) => Some((LegState::Failed, "NOT_PAID")),
            At::Failed(Failure::NotAdvised) => Some((LegState::Failed, "NOT_ADVISED")),
            At::Failed(Failure::WrongItem) => Some((LegState::Progressed, "WRONG_ITEM_RETURNED")),
            At::Failed(Failure::NotAsClaimed) => Some((LegState::Progressed, "RETURN_NOT_AS_CLAIMED")),
            At::Failed(Failure::NothingReturned) => Some((LegState::Progressed, "NOTHING_RETURNED")),
            At::Failed(Failure::TooManyReturned) => Some((LegState::Progressed, "RETURN_EXCESS")),
            At::UndoFailed => Some((LegState::Failed, "CANNOT_BE_UNDONE")),
            At::Undone => Some((LegState::Undone, "")),
        }
    }
}

impl Count {
    /// Everything that came.
    pub(super) fn came(self) -> u32 {
        self.accepted + self.other
    }
}

impl Line {
    /// Units that are for the customer.
    pub(super) fn units(&self) -> u32 {
        self.held + self.given
    }

    /// Where the leg of the plan is.
    pub(super) fn find(&self, leg: Leg) -> Option<usize> {
        self.find_for(leg, Purpose::Plan)
    }

    pub(super) fn find_for(&self, leg: Leg, purpose: Purpose) -> Option<usize> {
        self.strands.iter().position(|strand| strand.leg == leg && strand.purpose == purpose)
    }

    pub(super) fn state_of(&self, leg: Leg) -> Option<At> {
        self.find(leg).map(|at| self.strands[at].state)
    }

    /// A number that no attempt at this leg, and no task about one, has had in this round.
    pub(super) fn next_number(&self, leg: Leg, numbers: u16) -> u16 {
        let last = self.strands.iter().filter(|strand| strand.leg == leg).map(|strand| strand.last).max();
        last.unwrap_or(0).max(numbers) + 1
    }

    /// The name of the current attempt.
    pub(super) fn job(&self, round: u16, at: usize) -> Job {
        let strand = &self.strands[at];
        Job { round, line: self.plan.line, leg: strand.leg, attempt: strand.attempt }
    }

    /// The name under which the ledger knows the line.
    pub(super) fn grant(&self, round: u16) -> Job {
        let attempt = self.find(Leg::Entitlement).map_or(0, |at| self.strands[at].attempt);
        Job { round, line: self.plan.line, leg: Leg::Entitlement, attempt }
    }

    /// The question that is open about a leg. It is derived from the state alone, so that what is asked at first and
    /// what is asked again are the same.
    pub(super) fn question(&self, round: u16, at: usize) -> Option<Command> {
        let strand = &self.strands[at];
        let job = self.job(round, at);
        if strand.has_task() {
            let job = Job { attempt: strand.open_number(), ..job };
            return Some(Command::OpenTask { job, kind: strand.task(), reason: strand.reason() });
        }
        let quantity = self.units();
        let (is_asked, is_undoing) = (strand.is_asked(), strand.state == At::Undoing);
        match strand.leg {
            Leg::Entitlement if is_asked => Some(Command::Grant { job, quantity: self.plan.quantity }),
            Leg::Reservation if is_asked => Some(Command::Reserve { job, quantity }),
            Leg::Reservation if strand.state == At::Consuming => Some(Command::Consume { job }),
            Leg::Reservation if is_undoing => Some(Command::Release { job }),
            Leg::Shipment if is_asked => Some(Command::Ship { job, quantity }),
            Leg::Shipment if is_undoing => Some(Command::CancelShipment { job }),
            Leg::Pickup if is_asked => Some(Command::Collect { job, quantity }),
            Leg::Pickup if is_undoing => Some(Command::CancelCollection { job }),
            Leg::Receipt if is_asked => {
                let brings_back = strand.purpose != Purpose::Plan;
                Some(Command::ExpectReturn { job, quantity, brings_back })
            }
            Leg::Receipt if is_undoing => Some(Command::CancelReturn { job }),
            // Finance is not asked to undo: it may have paid at any moment since, and says so.
            Leg::Settlement if is_asked || is_undoing => {
                Some(Command::Settle { job, grant: self.grant(round), quantity: self.given })
            }
            Leg::Entitlement | Leg::Reservation | Leg::Shipment | Leg::Pickup => None,
            Leg::Receipt | Leg::Settlement | Leg::Support => None,
        }
    }
}

impl Strand {
    /// The work was asked for and is not finished.
    fn is_asked(&self) -> bool {
        matches!(self.state, At::Asked | At::HeldPartly | At::Booked | At::HandedOver | At::CountedPartly)
    }
}
