//! What is asked and told in one step.

use proto::claim::LegState;

use super::*;

/// What is asked and told in one step.
pub(super) struct StepBuilder {
    round: u16,
    numbers: u16,
    pub commands: Vec<Command>,
}

impl StepBuilder {
    pub fn new(process: &Process, commands: Vec<Command>) -> Self {
        Self { round: process.round, numbers: process.numbers, commands }
    }

    /// How often this plan has tried a leg.
    pub fn attempts(&self, line: &Line, at: usize) -> u16 {
        line.runs[at].attempt.saturating_sub(self.numbers)
    }

    /// Asks the question of a leg as it is now.
    pub fn ask(&mut self, line: &Line, at: usize) {
        self.commands.extend(line.question(self.round, at));
    }

    /// Tells the world how far a leg is now.
    pub fn announce(&mut self, line: &Line, at: usize) {
        let run = &line.runs[at];
        let Some((state, detail)) = run.state.told() else { return };
        let quantity = run.leg.rules().units(line, at);
        let job = self.job(line, at);
        self.commands.push(Command::Announce(Fact::LegMoved { job, state, detail, quantity }));
    }

    /// The leg is in this state now, and the world may know.
    pub fn put(&mut self, line: &mut Line, at: usize, state: RunState) {
        line.runs[at].state = state;
        self.announce(line, at);
    }

    /// The leg is in this state now; what follows from it is asked, and the world may know.
    pub fn put_and_ask(&mut self, line: &mut Line, at: usize, state: RunState) {
        line.runs[at].state = state;
        self.ask(line, at);
        self.announce(line, at);
    }

    /// A person must decide about the leg.
    pub fn put_and_open_task(&mut self, line: &mut Line, at: usize, state: RunState) {
        line.runs[at].last = line.next_number(line.runs[at].leg, self.numbers);
        self.put_and_ask(line, at, state);
        let asked = Fact::PersonAsked { reason: line.runs[at].reason().to_owned(), line: line.plan.line };
        self.commands.push(Command::Announce(asked));
    }

    /// Takes the open task about a leg off its list.
    pub fn close_task(&mut self, line: &Line, at: usize) {
        let job = Job { attempt: line.runs[at].last, ..self.job(line, at) };
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
        let leg = line.runs[at].leg;
        if !leg.rules().prepare(line, self) {
            line.runs[at].state = RunState::Skipped;
            return;
        }
        let attempt = line.next_number(leg, self.numbers);
        let run = &mut line.runs[at];
        run.attempt = attempt;
        run.last = attempt;
        (run.late, run.day, run.held, run.incidents) = (false, None, None, 0);
        self.put_and_ask(line, at, RunState::Asked);
        leg.rules().begun(line, at, self);
    }

    /// Adds a leg that brings a parcel of ours back, and begins it.
    pub fn add(&mut self, line: &mut Line, leg: Leg, purpose: Purpose) {
        line.runs.push(LegRun::new(leg, purpose));
        self.begin(line, line.runs.len() - 1);
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
