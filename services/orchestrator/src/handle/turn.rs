//! One command in hand: the process takes a step, and what it asks is carried out here or told to others.
//!
//! Ledger and settlement belong to the orchestrator, so their commands are carried out at once, in the order of the
//! list; the answer of the ledger goes back into the process until it has nothing more to ask. Nothing reaches the
//! world before the whole command has succeeded.

mod authority;
mod basis;
mod money;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chassis::day;
use chassis::{Meta, Outcome, Refusal};
use jiff::{SignedDuration, Timestamp};
use proto::claim::ClaimState;
use proto::from_wire;
use proto::intake::intake_event;
use proto::policy::orchestrator::AskAgain;
use proto::triage::{ClaimJudged, triage_event};
use uuid::Uuid;

use super::Handle;
use super::rules::Rules;
use super::world::{Change, World};
use crate::case::{Stop, Waiting};
use crate::claim_process::{self, Command, Event, Fact, Job, Process, RetryPolicy, Step, Stepping};
use crate::command::SourceMessage;
use crate::entitlement::{Entry, Ledger, OrderLine};
use crate::events::{self, View};
use crate::settlement::Settlement;
use crate::stored::{Stored, Summary};
use crate::sums::Sums;

/// When a question that takes its time is asked again: it waits for a person, the customer or a carrier, and is known.
const LONG: AskAgain = AskAgain { first_s: 600, longest_s: 86_400 };

/// One command in hand.
pub(super) struct Turn<'a> {
    world: &'a World,
    rules: &'a Rules,
    step: Stepping,
    meta: &'a Meta,
    claim: Uuid,
    told: Option<&'a SourceMessage>,
    stored: Stored,
    ledgers: BTreeMap<OrderLine, Ledger>,
    settlements: BTreeMap<Uuid, Settlement>,
    entries: Vec<Entry>,
    sums: BTreeMap<String, Sums>,
    /// Ledgers that something was decided on.
    asked: RefCell<BTreeSet<OrderLine>>,
    outcome: Outcome,
    queue: VecDeque<(View, Command)>,
}

impl<'a> Turn<'a> {
    pub fn new(
        world: &'a World,
        handle: &'a Handle,
        meta: &'a Meta,
        claim: Uuid,
        stored: Stored,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            world,
            rules: handle.rules_of(&stored)?,
            step: handle.step,
            meta,
            claim,
            told: None,
            stored,
            ledgers: BTreeMap::new(),
            settlements: BTreeMap::new(),
            entries: Vec::new(),
            sums: BTreeMap::new(),
            asked: RefCell::default(),
            outcome: Outcome::none(),
            queue: VecDeque::new(),
        })
    }

    /// The rules of the version that the claim began with.
    pub fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// With the message in hand.
    pub fn with(self, told: &'a SourceMessage) -> Self {
        Self { told: Some(told), ..self }
    }

    /// A settlement was decided.
    pub fn settled(&mut self, settlement: Settlement) {
        self.settlements.insert(settlement.settlement_id, settlement);
    }

    /// Lets the process learn something; false: it stays where it is.
    pub fn learn(&mut self, event: &Event) -> Result<bool, Refusal> {
        match (self.step)(&self.stored.process, event, self.is_full()) {
            Step::Go(process, commands) => {
                if let Some(told) = self.told {
                    let again = matches!(process.stage, claim_process::Stage::Assessing { .. });
                    let in_force = if again { self.stored.plan.clone() } else { None };
                    self.stored.absorb(event, told);
                    self.judged(again, told)?;
                    // A plan that does not fit is nobody's plan.
                    if again {
                        self.stored.plan = in_force;
                    }
                }
                if matches!(event, Event::ApprovalDenied { .. }) {
                    self.deny();
                }
                self.go(process, commands)?;
                Ok(true)
            }
            Step::Stay => Ok(false),
            Step::Broken => Err(broken(event)),
        }
    }

    /// A plan came: the ledgers go by its facts, or what is left of what it meant to take is noted.
    fn judged(&mut self, again: bool, told: &SourceMessage) -> Result<(), Refusal> {
        let SourceMessage::Triage(triage_event::Kind::ClaimJudged(ClaimJudged { plan: Some(plan), .. })) = told else {
            return Ok(());
        };
        self.follow(plan, !again)?;
        if again {
            self.note_left(plan);
        }
        Ok(())
    }

    /// The process is here now, and asks this.
    pub fn go(&mut self, process: Process, commands: Vec<Command>) -> Result<(), Refusal> {
        self.moved(process, commands);
        while let Some((view, command)) = self.queue.pop_front() {
            self.carry_out(view, &command)?;
        }
        self.summarize();
        self.count();
        Ok(())
    }

    /// Asks again, and waits longer than the last time.
    pub fn ask_again(&mut self) -> Result<(), Refusal> {
        let process = self.stored.process.clone();
        let patience = claim_process::retry_policy(&process);
        let mut commands = claim_process::ask_again(&process);
        if patience != RetryPolicy::Short {
            // Stopped with the times that are kept; after they were started.
            let started = commands.iter().position(|command| matches!(command, Command::StartClocks { .. }));
            let at = started.map_or(0, |at| at + 1);
            let stops = self.stored.case.stops.clone().into_iter();
            commands.splice(at..at, stops.map(|Stop { round, kinds, .. }| Command::StopClocks { round, kinds }));
        }
        let before = self.stored.ask_wait_s;
        self.go(process, commands)?;
        match self.rule(patience) {
            Some(rule) => self.wait(rule.next_wait_s(before)),
            None => (self.stored.ask_again_at, self.stored.ask_wait_s) = (None, 0),
        }
        Ok(())
    }

    /// How long it waits until it asks again; `None`: that was the last time.
    fn rule(&self, patience: RetryPolicy) -> Option<AskAgain> {
        match patience {
            RetryPolicy::Short => Some(self.rules.policy.ask_again),
            RetryPolicy::Long => Some(LONG),
            RetryPolicy::Once => None,
        }
    }

    /// Whether the claim is full (P56). It is told in the log when it is half so.
    fn is_full(&self) -> bool {
        let events = self.stored.events;
        let bytes = self.stored.bytes();
        if events.max(1) == claim_process::EVENTS_MAX / 2 || bytes > claim_process::STATE_MAX / 2 {
            tracing::warn!(claim = %self.claim, events, bytes, "the claim has used half of what it may");
        }
        events >= claim_process::EVENTS_FULL || bytes >= claim_process::STATE_FULL
    }

    /// What has changed.
    pub fn finish(self) -> Change {
        Change {
            claim: self.claim,
            stored: self.stored,
            ledgers: self.ledgers,
            settlements: self.settlements,
            entries: self.entries,
            sums: self.sums,
            asked: self.asked.into_inner(),
            outcome: self.outcome,
        }
    }

    fn moved(&mut self, process: Process, mut commands: Vec<Command>) {
        events::spare(&mut commands);
        let view = View {
            state: claim_process::state(&process),
            waiting_for: claim_process::waits_for(&process),
            round: process.round,
        };
        self.stored.process = process;
        self.queue.extend(commands.into_iter().map(|command| (view, command)));
    }

    fn carry_out(&mut self, view: View, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Grant { job, quantity } => self.grant(*job, *quantity),
            Command::GiveBack { job, quantity } => self.give_back(*job, *quantity),
            Command::Give { job, quantity } => self.give(*job, *quantity),
            Command::TakeBack { job, quantity } => self.take_back(*job, *quantity),
            Command::Settle { job, grant, quantity } => self.settle(*job, *grant, *quantity),
            Command::Announce(fact) => self.announce(view, fact),
            Command::Notify { notice, job } => {
                let settlement = self.settlement_of(*job);
                let (stored, told) = (&self.stored, self.told);
                let about = (*notice, *job);
                let notice =
                    events::notice_for_customer(self.meta, self.claim, stored, told, settlement.as_ref(), about);
                let Some((notice, day)) = notice else { return Ok(()) };
                self.outcome.tell(notice);
                let Some(day) = day else { return Ok(()) };
                self.stored.case.told_days.insert(u32::from(job.line), day);
                // What the customer is told to come later is what the claim shows (A-D7).
                if about.0.moves_promise() { self.tell(&Command::MovePromises) } else { Ok(()) }
            }
            other => self.tell(other),
        }
    }

    fn tell(&mut self, command: &Command) -> Result<(), Refusal> {
        if matches!(command, Command::Assess { .. }) {
            self.refresh_left();
        }
        if let Command::StopClocks { round, kinds } = command {
            let kept = self.kept_at();
            self.stored.case.stopped(*round, kinds, kept);
        }
        // Asked again, it does not begin anew.
        if let (Command::StartFollowUp { .. }, None) = (command, self.stored.due_at) {
            let days = i32::try_from(self.rules.policy.follow_up.days_without_answer).unwrap_or(i32::MAX);
            self.stored.due_at = Some(self.meta.now + day() * days);
        }
        let message = events::message(self.claim, &self.stored, self.meta.now, command).map_err(Refusal::park)?;
        message.into_iter().for_each(|message| self.outcome.tell(message));
        Ok(())
    }

    /// When a promise was kept: when they talked, if a talk was logged.
    fn kept_at(&self) -> Timestamp {
        let logged = match self.told {
            Some(SourceMessage::Intake(intake_event::Kind::ContactLogged(contact))) => contact.at.as_ref(),
            _ => None,
        };
        logged.and_then(from_wire).unwrap_or(self.meta.now)
    }

    /// The customer is reminded of what was asked.
    pub fn remind(&mut self, waiting: Waiting) {
        let waiting = Waiting { reminded: waiting.reminded + 1, ..waiting };
        let answer_by = self.rules.lapses(&waiting, self.meta.now);
        let notice = events::answer_reminder(self.meta, self.claim, &self.stored, waiting.asked, answer_by);
        self.outcome.tell(notice);
        self.stored.due_at = Some(self.rules.due(&waiting, self.meta.now));
        self.stored.case.waiting = Some(waiting);
    }

    /// Remembers what the customer is asked now, and when they are reminded. Also of a claim that has waited since before
    /// anybody was reminded: the days begin now.
    fn wait_for_customer(&mut self) {
        let asked = claim_process::asked(&self.stored.process);
        if self.stored.case.waiting.map(|waiting| waiting.asked) == asked {
            return;
        }
        let now = self.meta.now;
        self.stored.case.waiting = asked.map(|asked| Waiting { asked, since: now, reminded: 0 });
        if let Some(waiting) = self.stored.case.waiting {
            self.stored.due_at = Some(self.rules.due(&waiting, now));
        }
    }

    /// Tells the public, in the transaction that makes it true.
    fn announce(&mut self, view: View, fact: &Fact) -> Result<(), Refusal> {
        let settlement = match fact {
            Fact::SettlementInstructed { job } | Fact::SettlementPaid { job } => self.settlement_of(*job),
            _ => None,
        };
        if let Fact::Consented { plan } = fact {
            self.outcome.tell(events::plan_agreed(self.meta, self.claim, &self.stored, *plan));
        }
        let (now, told) = (self.meta.now, self.told);
        let (policy, stored) = (&self.rules.label, &mut self.stored);
        let event = events::event((fact, view), self.claim, stored, policy, now, told, settlement.as_ref())?;
        event.into_iter().for_each(|event| self.outcome.tell(event));
        Ok(())
    }

    /// Copies what is searched for, and decides when an open question is asked again.
    fn summarize(&mut self) {
        let process = &self.stored.process;
        let (state, waiting_for) = (claim_process::state(process), claim_process::waits_for(process));
        self.stored.summary = Summary {
            state: state as i32,
            waiting_for: waiting_for as i32,
            round: u32::from(process.round),
            parties: claim_process::waits(process).iter().fold(0, |all, waits| all | 1 << waits.party as i32),
            end_reason: match &process.stage {
                claim_process::Stage::Ended { reason, .. } => reason.clone(),
                _ => String::new(),
            },
        };
        // A service answers at once; whoever else answers takes their time, and perhaps has not heard of it (P53).
        let patience = claim_process::retry_policy(process);
        self.wait(self.rule(patience).unwrap_or(LONG).next_wait_s(0));
        self.wait_for_customer();
        if state != ClaimState::FollowingUp && self.stored.case.waiting.is_none() {
            self.stored.due_at = None;
        }
    }

    fn wait(&mut self, seconds: u32) {
        self.stored.ask_wait_s = seconds;
        self.stored.ask_again_at = Some(self.meta.now + SignedDuration::from_secs(i64::from(seconds)));
    }
}

fn numbers(job: Job) -> (u32, u32, u32) {
    (u32::from(job.round), u32::from(job.line), u32::from(job.attempt))
}

fn broken(event: &Event) -> Refusal {
    Refusal::park(format!("no correct sender says this here: {event:?}"))
}
