//! The one path: load what a batch is about, let the process decide, save, tell.

mod rules;
#[cfg(test)]
mod tests;
mod turn;
mod world;

use std::borrow::Cow;
use std::collections::BTreeSet;

use chassis::{Domain, Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use proto::claim::{Assessment, Plan, Resolution, Severity};
use proto::intake::ClaimSubmitted;
use proto::orchestrator::ConfirmSettlementResponse;
use proto::policy::Dated;
use proto::triage::{ClaimJudged, triage_event};
use sqlx::PgPool;
use uuid::Uuid;

use crate::case::{self, RULES};
use crate::claim_process::{self, Event, Job, Leg, LegEvent, Money, Stepping};
use crate::command::{Command, Heard, SourceMessage};
use crate::entitlement::{OrderLine, Sale};
use crate::settlement;
use crate::store::{self, ledgers, processes, settlements};
use crate::stored::Stored;
use crate::sums;
use crate::wire;

pub use rules::Rules;
pub use world::{Memory, World};

use turn::Turn;

/// The orchestrator's side of a lane.
#[derive(Clone, Debug)]
pub struct Handle {
    /// The rules of each version of the policy pack: a claim goes by the one that it began with.
    pub rules: Dated<Rules>,
    /// How a claim moves.
    pub step: Stepping,
    /// Newest stored form that is written.
    pub form: i16,
}

impl Command {
    fn claim(&self) -> Option<Uuid> {
        match self {
            Self::Begin { claim, .. } | Self::Learn { claim, .. } => Some(*claim),
            Self::AskAgain { claim, .. } | Self::Lapse { claim, .. } => Some(*claim),
            Self::ConfirmSettlement { .. } => None,
        }
    }

    fn begins(&self) -> Option<Uuid> {
        match self {
            Self::Begin { claim, .. } => Some(*claim),
            Self::Learn { .. } | Self::AskAgain { .. } | Self::Lapse { .. } | Self::ConfirmSettlement { .. } => None,
        }
    }

    fn settlement(&self) -> Option<Uuid> {
        match self {
            Self::ConfirmSettlement { settlement_id, .. } => Some(*settlement_id),
            Self::Begin { .. } | Self::Learn { .. } | Self::AskAgain { .. } | Self::Lapse { .. } => None,
        }
    }

    /// The reference of a payment.
    fn reference(&self) -> Option<&str> {
        match self {
            Self::ConfirmSettlement { said: settlement::Command::ConfirmPaid { reference, .. }, .. } => Some(reference),
            Self::ConfirmSettlement { .. } | Self::Begin { .. } | Self::Learn { .. } => None,
            Self::AskAgain { .. } | Self::Lapse { .. } => None,
        }
    }

    /// A plan in the command.
    fn plan(&self) -> Option<(Uuid, &Plan)> {
        let Self::Learn { claim, told, .. } = self else { return None };
        let SourceMessage::Triage(triage_event::Kind::ClaimJudged(judged)) = told.as_ref() else { return None };
        judged.plan.as_ref().map(|plan| (*claim, plan))
    }

    /// What a plan in the command says was sold.
    fn sales(&self) -> Vec<(OrderLine, Sale)> {
        self.plan().map(|(claim, plan)| case::sales(claim, plan).collect()).unwrap_or_default()
    }

    /// Sums that it is about: of the customer of a claim that begins, and of the person who has made a plan.
    fn scopes(&self) -> Option<String> {
        if let Self::Begin { submitted, .. } = self {
            return Some(sums::of_customer(&submitted.customer_ref));
        }
        let (_, plan) = self.plan()?;
        (plan.proposed_by != RULES).then(|| sums::of_person(&plan.proposed_by))
    }
}

impl Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = Memory;

    fn lane(&self, command: &Command) -> Uuid {
        command.claim().or(command.settlement()).unwrap_or_default()
    }

    /// Every row has its version, or is written only as it was read.
    fn is_optimistic(&self, _: &Command) -> bool {
        true
    }

    /// Processes by claim, then ledgers by order line, then settlements: always in this order.
    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
        let mut world = World::default();
        let confirmed: Vec<Uuid> = commands.iter().filter_map(|command| command.settlement()).collect();
        let mut claims: BTreeSet<Uuid> = commands.iter().filter_map(|command| command.claim()).collect();
        if lock == Lock::Nothing {
            // A claim that begins is not there yet; if it is, it cannot be written as a new one.
            claims.retain(|claim| !commands.iter().any(|command| command.begins() == Some(*claim)));
        }
        claims.extend(settlements::claims_of(tx, &confirmed).await?);
        let unknown = world.recall(memory, claims);
        let read = processes::read(tx, lock, &unknown).await?;
        let granted = read.iter().filter(|(_, stored)| !stored.case.grants.is_empty());
        let granted: Vec<Uuid> = granted.map(|(claim, _)| *claim).collect();
        world.processes.extend(read);

        let sold: Vec<(OrderLine, Sale)> = commands.iter().flat_map(|command| command.sales()).collect();
        let mut lines: BTreeSet<OrderLine> = sold.iter().map(|(line, _)| line.clone()).collect();
        lines.extend(world.processes.iter().flat_map(|(claim, stored)| stored.order_lines(*claim)));
        let (known, unknown) = lines.into_iter().partition(|line| memory.ledgers.get(line).is_some());
        world.before = ledgers::read(tx, lock, &unknown).await?;
        world.before.extend(memory.ledgers_of(known));
        world.open(sold);
        world.settlements.extend(settlements::read(tx, lock, &granted).await?);
        let mut scopes: BTreeSet<String> = commands.iter().flat_map(|command| command.scopes()).collect();
        scopes.extend(world.processes.values().flat_map(Stored::scopes));
        let references: Vec<&str> = commands.iter().filter_map(|command| command.reference()).collect();
        world.payments = store::payments::read(tx, &references).await?;
        let unknown = world.recall_sums(memory, scopes);
        world.sums.extend(store::sums::read(tx, lock, &unknown).await?);
        Ok(world)
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        match command {
            Command::Begin { claim, submitted } => self.begin(world, meta, *claim, submitted),
            Command::Learn { claim, heard, told } => self.learn(world, meta, *claim, heard, told),
            Command::ConfirmSettlement { settlement_id, said } => self.confirm(world, meta, *settlement_id, said),
            Command::AskAgain { claim, at } => self.ask_again(world, meta, *claim, *at),
            Command::Lapse { claim, at } => self.lapse(world, meta, *claim, *at),
        }
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        processes::write(writes, &world.processes, &world.changed)?;
        processes::unchanged(writes, world.recalled.iter().filter(|(claim, _)| !world.changed.contains(claim)));
        ledgers::write(writes, &world.before, &world.ledgers, &world.entries)?;
        ledgers::unchanged(writes, &world.before, &world.ledgers, &world.asked)?;
        settlements::write(writes, &world.settlements, &world.decided)?;
        store::payments::write(writes, &world.paid);
        store::sums::write(writes, &world.sums, &world.counted)
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        memory.learn(world);
    }
}

impl Handle {
    /// The rules of the version that a claim began with.
    fn rules_of(&self, stored: &Stored) -> Result<&Rules, Refusal> {
        Ok(self.rules.of_claim(stored.case.submitted.policy_version)?)
    }

    fn begin(
        &self,
        world: &mut World,
        meta: &Meta,
        claim: Uuid,
        submitted: &ClaimSubmitted,
    ) -> Result<Outcome, Refusal> {
        if world.processes.contains_key(&claim) {
            return Ok(Outcome::none());
        }
        // On some channels a person of ours answers, as where nothing is left in writing (S0-13, S1-08).
        let rules = self.rules.of_claim(submitted.policy_version)?;
        let acknowledge = rules.channels.is_acknowledged(submitted.channel());
        let (process, commands) = claim_process::start(acknowledge);
        let stored = Stored::new(submitted.clone(), process.clone(), meta.now);
        let mut turn = Turn::new(world, self, meta, claim, stored)?;
        turn.go(process, commands)?;
        Ok(turn.finish().apply(world))
    }

    fn learn(
        &self,
        world: &mut World,
        meta: &Meta,
        claim: Uuid,
        heard: &Heard,
        told: &SourceMessage,
    ) -> Result<Outcome, Refusal> {
        let stored = world.processes.get(&claim).cloned();
        let stored = stored.ok_or_else(|| Refusal::park("nothing is known of this claim yet"))?;
        let turn = Turn::new(world, self, meta, claim, stored)?;
        let told = self.within_authority(told, &turn);
        let mut turn = turn.with(&told);
        let event = self.event(heard, &told, &turn)?;
        match turn.learn(&event)? {
            true => Ok(turn.finish().apply(world)),
            false => Ok(Outcome::none()),
        }
    }

    /// Finance confirms (S1-36). Paid once: the state says so, whatever request id the second confirmation has.
    fn confirm(
        &self,
        world: &mut World,
        meta: &Meta,
        settlement_id: Uuid,
        said: &settlement::Command,
    ) -> Result<Outcome, Refusal> {
        let no_such = || Refusal::not_found("settlement", settlement_id);
        let mut settlement = world.settlements.get(&settlement_id).cloned().ok_or_else(no_such)?;
        // A system of finance has those in its currencies.
        if meta.actor.currencies().is_some_and(|own| !own.contains(&settlement.currency)) {
            return Err(no_such());
        }
        let mut stored = world.processes.get(&settlement.claim).cloned().ok_or_else(no_such)?;
        self.may_confirm(&stored, meta, said)?;
        let decided = settlement::decide(&settlement, meta.now, said).map_err(|refusal| {
            let refusal = Refusal::from(refusal).with("settlement_id", settlement_id);
            refusal.with("amount_minor", settlement.amount).with("currency", &settlement.currency)
        })?;
        settlement::evolve(&mut settlement, decided);
        settlement.confirmed_by.clone_from(&meta.actor.subject);
        let paid = if settlement.state == settlement::State::Paid { Some(settlement.reference.clone()) } else { None };
        if paid.as_ref().is_some_and(|reference| world.payments.contains_key(reference)) {
            let used = Refusal::from(settlement::Refusal::ReferenceUsed);
            return Err(used.with("settlement_id", settlement_id).with("reference", &settlement.reference));
        }
        let news = if settlement.state == settlement::State::Paid { Money::Paid } else { Money::NotPaid };
        let event = Event::Work { job: settlement_job(settlement.job)?, news: LegEvent::Money(news) };

        if settlement.state == settlement::State::Failed {
            stored.case.failed_by.insert(meta.actor.subject.clone());
        }
        let mut turn = Turn::new(world, self, meta, settlement.claim, stored)?;
        turn.settled(settlement.clone());
        turn.learn(&event)?;
        let reply = ConfirmSettlementResponse { settlement: Some(wire::settlement(&settlement)) };
        let told = turn.finish().apply(world);
        if let Some(reference) = paid {
            world.payments.insert(reference.clone(), settlement_id);
            world.paid.insert(reference, settlement_id);
        }
        Ok(Outcome::reply(&reply).telling(told.messages().iter().cloned()))
    }

    /// Whoever had a hand in a claim does not pay it to its end.
    fn may_confirm(&self, stored: &Stored, meta: &Meta, said: &settlement::Command) -> Result<(), Refusal> {
        let (who, eyes) = (&meta.actor, &self.rules_of(stored)?.four_eyes);
        if !matches!(said, settlement::Command::ConfirmPaid { .. }) {
            return Ok(());
        }
        if eyes.reporter && who.is_customer(&stored.case.submitted.customer_ref) {
            return Err(Refusal::forbidden("OWN_CLAIM", "nobody pays their own claim"));
        }
        if eyes.payment && stored.has_decided(&who.subject) {
            return Err(Refusal::forbidden(
                "OWN_PROPOSAL",
                "another person confirms what somebody reported or decided",
            ));
        }
        Ok(())
    }

    fn ask_again(&self, world: &mut World, meta: &Meta, claim: Uuid, at: Timestamp) -> Result<Outcome, Refusal> {
        let stored = world.processes.get(&claim).filter(|stored| stored.ask_again_at == Some(at));
        let Some(stored) = stored.cloned() else { return Ok(Outcome::none()) };
        let mut turn = Turn::new(world, self, meta, claim, stored)?;
        turn.ask_again()?;
        Ok(turn.finish().apply(world))
    }

    fn lapse(&self, world: &mut World, meta: &Meta, claim: Uuid, at: Timestamp) -> Result<Outcome, Refusal> {
        let stored = world.processes.get(&claim).filter(|stored| stored.due_at == Some(at));
        let Some(mut stored) = stored.cloned() else { return Ok(Outcome::none()) };
        // Whatever the process says to it, this day has come and does not come again.
        stored.due_at = None;
        let (round, waiting) = (stored.process.round, stored.case.waiting);
        let rules = self.rules_of(&stored)?;
        let mut turn = Turn::new(world, self, meta, claim, stored)?;
        match waiting {
            None => drop(turn.learn(&Event::FollowUpLapsed { round })?),
            Some(waiting) if rules.has_lapsed(&waiting) => {
                let then = rules.then(waiting.asked);
                turn.learn(&Event::NoAnswer { asked: waiting.asked, then })?;
            }
            Some(waiting) => turn.remind(waiting),
        }
        Ok(turn.finish().apply(world))
    }

    /// A plan that is beyond what its customer, order or proposer may get without a person is approved by one.
    fn within_authority<'t>(&self, told: &'t SourceMessage, turn: &Turn<'_>) -> Cow<'t, SourceMessage> {
        let SourceMessage::Triage(triage_event::Kind::ClaimJudged(judged)) = told else { return Cow::Borrowed(told) };
        let beyond = judged.plan.as_ref().and_then(|plan| turn.beyond(plan));
        let Some(beyond) = beyond else { return Cow::Borrowed(told) };
        let mut judged = judged.clone();
        if let Some(plan) = &mut judged.plan {
            plan.automatic = false;
            plan.counted = Some(turn.rules().of_pack(beyond.counted));
            plan.beyond = beyond.reason.to_owned();
        }
        Cow::Owned(SourceMessage::Triage(triage_event::Kind::ClaimJudged(judged)))
    }

    /// What the process hears: what policy and ledgers have a say in is decided here, namely which plans fit what is left
    /// and need approval, who is followed up (S1-27, S2-19), and which score is low (S2-28).
    fn event(&self, heard: &Heard, told: &SourceMessage, turn: &Turn<'_>) -> Result<Event, Refusal> {
        match heard {
            Heard::Plainly(event) => Ok(event.clone()),
            Heard::FollowUpAnswered { round, score } => {
                let low = *score <= turn.rules().policy.follow_up.reopen_at_most;
                Ok(Event::FollowUpAnswered { round: *round, score: *score, low })
            }
            Heard::Judged { assessment, lines } => {
                let SourceMessage::Triage(triage_event::Kind::ClaimJudged(ClaimJudged {
                    plan: Some(made),
                    judgement,
                    ..
                })) = told
                else {
                    return Err(Refusal::park("a plan is in another message"));
                };
                let severity = judgement.as_ref().map_or(Severity::Unspecified, Assessment::severity);
                let resolutions: Vec<Resolution> = made.lines.iter().map(proto::claim::LinePlan::resolution).collect();
                let plan = claim_process::Plan {
                    number: made.number,
                    automatic: made.automatic,
                    consented: made.consented,
                    follow_up: turn.rules().policy.follow_up.wanted(severity, resolutions),
                    lines: lines.clone(),
                };
                if plan.has_legs_of_its_own() && self.form < claim_process::FORMAT {
                    return Err(Refusal::park(
                        "a line has legs of its own: set process.form = 2 when all replicas run this version",
                    ));
                }
                Ok(Event::Judged { assessment: *assessment, plan, fits: turn.fits(made) })
            }
        }
    }
}

fn settlement_job((round, line, attempt): (u32, u32, u32)) -> Result<Job, Refusal> {
    let small = |number: u32| u16::try_from(number).map_err(|_| Refusal::park("a settlement of no work of ours"));
    Ok(Job { round: small(round)?, line: small(line)?, leg: Leg::Settlement, attempt: small(attempt)? })
}

/// Sweep: open questions that were not answered in time are asked again.
pub async fn unanswered(pool: PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    let found = processes::to_ask_again(&pool, offset).await?;
    Ok(found.into_iter().map(|(claim, at)| Command::AskAgain { claim, at }).collect())
}

/// Sweep: customers who have not answered in the days of the policy.
pub async fn lapsed(pool: PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    let found = processes::due(&pool, offset).await?;
    Ok(found.into_iter().map(|(claim, at)| Command::Lapse { claim, at }).collect())
}
