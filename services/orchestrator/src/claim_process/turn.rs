//! What is asked and told in one step.

use proto::claim::LegState;

use super::*;

/// What is asked and told in one step.
pub(super) struct Turn {
    round: u16,
    numbers: u16,
    pub commands: Vec<Command>,
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
        let quantity = strand.leg.rules().units(line, at);
        let job = self.job(line, at);
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
        let job = Job { attempt: line.strands[at].last, ..self.job(line, at) };
        self.commands.push(Command::CloseTask { job });
    }

    /// The name of the current attempt at a leg.
    pub fn job(&self, line: &Line, at: usize) -> Job {
        line.job(self.round, at)
    }

    pub fn grant(&self, line: &Line) -> Job {
        line.grant(self.round)
    }

    /// Finance has paid: the world and the customer may know.
    pub fn paid(&mut self, line: &Line, at: usize) {
        self.commands.push(Command::Announce(Fact::SettlementPaid { job: self.job(line, at) }));
        self.notify(line, at, Notice::RefundPaid);
    }

    /// Something that changes no state: the world may know.
    pub fn note(&mut self, line: &Line, at: usize, detail: &'static str) {
        let (job, quantity) = (self.job(line, at), line.units());
        let moved = Fact::LegMoved { job, state: LegState::Progressed, detail, quantity };
        self.commands.push(Command::Announce(moved));
    }

    pub fn notify(&mut self, line: &Line, at: usize, notice: Notice) {
        self.commands.push(Command::Notify { notice, job: self.job(line, at) });
    }

    /// Begins the next attempt at a leg.
    pub fn begin(&mut self, line: &mut Line, at: usize) {
        let leg = line.strands[at].leg;
        if !leg.rules().prepare(line, self) {
            line.strands[at].state = At::Skipped;
            return;
        }
        let attempt = line.next_number(leg, self.numbers);
        let strand = &mut line.strands[at];
        strand.attempt = attempt;
        strand.last = attempt;
        (strand.late, strand.day, strand.held, strand.incidents) = (false, None, None, 0);
        self.put_and_ask(line, at, At::Asked);
        leg.rules().begun(line, at, self);
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

/// That a service of ours was asked is told with its answer, unless nothing else is told: subscribers and the broker are
/// spared what is over in a moment.
pub(super) fn spare(step: Step) -> Step {
    let Step::Go(process, mut commands) = step else { return step };
    let is_asked = |command: &Command| matches!(command, Command::Announce(Fact::LegMoved { job, state: LegState::Started, .. }) if !job.leg.rules().is_of_people());
    if commands.iter().any(|command| matches!(command, Command::Announce(_)) && !is_asked(command)) {
        commands.retain(|command| !is_asked(command));
    }
    Step::Go(process, commands)
}
