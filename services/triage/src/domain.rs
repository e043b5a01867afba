//! Triage, pure: what is asked, what happens, what is refused.
//!
//! An assessment has a name, (claim, number), chosen by the orchestrator. The same name again gets the same answer
//! again. Its rows are versions: the rules' judgement first, then a person's, or its end.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod address;
pub mod again;
pub mod ask;
pub mod eligibility;
pub mod fee;
pub mod judge;
pub mod orders;
pub mod person;
pub mod plan;
pub mod rules;
pub mod takes;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chassis::{Meta, work};
use jiff::{SignedDuration, Timestamp};
use prost::Message;
use proto::ClaimId;
use proto::calendar::Calendar;
use proto::claim::words::Role as RoleWord;
use proto::claim::{Assessment, LinePlan, Plan, ReportedLine, Resolution, Role};
use proto::policy::Pack;
use proto::triage::triage_event::Kind as Answer;
use proto::triage::{AnswerNeeded, AssessReason, ClaimJudged, ClaimRefused, PersonNeeded};
use uuid::Uuid;

use ask::Ask;
pub use chassis::work::ItemState;
use orders::{Order, Orders, Recorded};
use person::{Verdict, VerdictKind};
use rules::{Outcome, Ruling};
pub use words::EntryState;

/// Questions to the customer of a claim: intake holds as many.
const QUESTIONS_MAX: usize = 20;
/// Plans of a claim.
const PLANS_MAX: u32 = 50;
/// Bytes of a plan: it travels in several messages, with other things beside it.
const PLAN_BYTES_MAX: usize = proto::EVENT_BYTES_MAX - 8 * 1024;

// Command

/// What triage can be told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Order lines are facts from now on.
    RecordOrders {
        /// The request; calls may run side by side.
        request: Uuid,
        /// The lines, each once. Their versions are not known yet.
        orders: Vec<Order>,
    },
    /// Judge a claim.
    Assess(Box<Ask>),
    /// Take an assessment back.
    Cancel {
        /// The claim.
        claim: ClaimId,
        /// The assessment.
        number: u32,
    },
    /// A work item is to change hands.
    Work(work::Asked),
    /// The database says that a work item is overdue.
    Overdue(Uuid),
    /// A person decides.
    Decide {
        /// The work item.
        item: Uuid,
        /// Version that was read.
        etag: String,
        /// The decision.
        verdict: Verdict,
    },
}

// Event

/// What has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An order line has a new version.
    Recorded(Recorded),
    /// An assessment has a new version.
    Assessed(Box<Entry>),
    /// A work item waits for a person.
    ItemOpened(Box<Item>),
    /// A work item has ended.
    ItemEnded {
        /// The work item.
        item: Uuid,
        /// How.
        state: ItemState,
        /// By whom, why and when.
        ended: work::Ended,
        /// What was decided.
        decision: Decision,
    },
    /// A work item has changed hands.
    ItemMoved(work::Change),
    /// Nobody has decided in time; told once.
    ItemOverdue {
        /// The work item.
        item: Uuid,
        /// Whom it was raised to.
        role: RoleWord,
        /// When.
        at: Timestamp,
    },
    /// The current answer of an assessment is told (again).
    Told(u32),
}

// State

/// What is known of one claim.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Newest version of each assessment.
    pub entries: BTreeMap<u32, Entry>,
    /// Its work items.
    pub items: BTreeMap<Uuid, Item>,
}

impl Case {
    /// What was asked when a work item was opened.
    pub fn asked(&self, item: Uuid) -> Option<&Ask> {
        self.entries.get(&self.items.get(&item)?.number)?.asked.as_ref()
    }
}

/// One version of an assessment.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The claim.
    pub claim: ClaimId,
    /// Number of the assessment within the claim.
    pub number: u32,
    /// Version of the assessment, from 1.
    pub version: u32,
    /// What followed.
    pub state: EntryState,
    /// Reason code of a refusal, a question, or for a person.
    pub reason: String,
    /// A person judged.
    pub by_person: bool,
    /// Who judged or took it back.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The judgement; none if it was taken back before it was asked for.
    pub judgement: Option<Assessment>,
    /// What was asked.
    pub asked: Option<Ask>,
    /// The plan, if there is one.
    pub plan: Option<Plan>,
    /// What the orchestrator is answered; none once it is taken back.
    pub answer: Option<Answer>,
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What every work item has.
    pub work: work::Item,
    /// The claim.
    pub claim: ClaimId,
    /// The assessment.
    pub number: u32,
    /// It was told that it is overdue.
    pub overdue: bool,
    /// What was decided.
    pub decision: Decision,
    /// The number a customer can quote.
    pub claim_number: String,
    /// Lines as reported.
    pub lines: Vec<ReportedLine>,
    /// What the rules think of it.
    pub assessment: Assessment,
    /// What the rules would do.
    pub proposal: Vec<LinePlan>,
}

/// What a person decided; nothing, where a work item waits or was taken back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What was decided for each line, refused ones too.
    pub lines: Vec<LinePlan>,
    /// What the customer was asked instead.
    pub question: String,
}

// Refusal

/// Why triage says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// By the rules of all work items.
    #[error(transparent)]
    Work(#[from] work::Refusal),
    /// Nobody decides on a claim that they have a hand in.
    #[error(
        "who reported a claim, answered for the customer or is the customer does not decide what gives money or goods"
    )]
    OwnClaim,
    /// The claim has had so many plans or questions, or is so long, that it can only be refused (P56).
    #[error("the claim has had too many plans or questions, or is too long; it can only be refused")]
    TooLarge,
    /// The decision does not fit the claim.
    #[error("the decision does not fit the claim")]
    PlanInvalid(person::Misfits),
}

// decide

/// Decides one command about a claim.
pub fn decide(
    pack: &Pack,
    case: &Case,
    orders: &Orders,
    meta: &Meta,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::RecordOrders { orders: said, .. } => {
            let changed = said.iter().filter_map(|said| orders.next(said));
            let recorded = |order| Recorded { order, by: meta.actor.subject.clone(), at: meta.now };
            Ok(changed.map(recorded).map(Event::Recorded).collect())
        }
        Command::Assess(ask) => Ok(assess(pack, case, orders, meta, ask)),
        Command::Cancel { claim, number } => Ok(cancel(case, meta, *claim, *number)),
        Command::Work(asked) => {
            let change = work::Rules::new(pack).change(&known(case, asked.item)?.work, meta, asked)?;
            Ok(change.map(Event::ItemMoved).into_iter().collect())
        }
        Command::Overdue(item) => {
            let item = known(case, *item)?;
            let role = work::Rules::new(pack).raise(&item.work).filter(|_| !item.overdue);
            let raised = |role| Event::ItemOverdue { item: item.work.id, role, at: meta.now };
            Ok(role.map(raised).into_iter().collect())
        }
        Command::Decide { item, etag, verdict } => {
            decided(pack, case, orders, meta, known(case, *item)?, etag, verdict)
        }
    }
}

fn known(case: &Case, item: Uuid) -> Result<&Item, Refusal> {
    case.items.get(&item).ok_or(Refusal::Work(work::Refusal::Unknown(item)))
}

fn assess(pack: &Pack, case: &Case, orders: &Orders, meta: &Meta, ask: &Ask) -> Vec<Event> {
    if let Some(known) = case.entries.get(&ask.assessment()) {
        // Taken back: a late command does nothing. Otherwise the answer of the same name is the same.
        return if known.answer.is_some() { vec![Event::Told(known.number)] } else { Vec::new() };
    }
    let kept = address::kept(&pack.triage, case, ask, meta.now).map(|kept| (kept, true));
    let (mut ruling, by_person) = kept.unwrap_or_else(|| ruled(pack, case, orders, meta, ask));
    ruling.outcome = address::of_rules(&pack.triage, case, ask, ruling.outcome);
    // Who has answered so often is not asked again (P56).
    if matches!(ruling.outcome, Outcome::Question { .. }) && questions(case) >= QUESTIONS_MAX {
        ruling.outcome = rules::unanswered(&pack.triage);
    }
    if matches!(&ruling.outcome, Outcome::Plan(plan) if plan.encoded_len() > PLAN_BYTES_MAX) {
        ruling.outcome = rules::too_large(&pack.triage);
    }
    let number = ask.assessment();
    let mut events = Vec::new();
    if let Outcome::Person { reason, role, proposal } = &ruling.outcome {
        events.push(Event::ItemOpened(Box::new(item(pack, ask, meta, &ruling.assessment, reason, *role, proposal))));
    }
    events.insert(0, Event::Assessed(Box::new(entry(ask, 1, ruling, by_person, meta))));
    events.push(Event::Told(number));
    events
}

/// What the rules say; or a plan of a person, with what it rests on now, and whether it is one.
fn ruled(pack: &Pack, case: &Case, orders: &Orders, meta: &Meta, ask: &Ask) -> (Ruling, bool) {
    let ruling = rules::rule(pack, ask, orders, returns_to(case, ask), meta.now);
    let before = case.entries.range(..ask.assessment()).next_back().map(|(_, before)| before);
    let before = before.filter(|before| ask.reason == AssessReason::Basis && before.by_person);
    let Some((before, planned)) = before.and_then(|before| Some((before, before.plan.as_ref()?))) else {
        return (ruling, false);
    };
    let outcome = again::plan(pack, ask, orders, planned, round(case, ask.assessment()), meta.now);
    if matches!(outcome, Outcome::Person { .. }) {
        return (Ruling { outcome, ..ruling }, false);
    }
    let judged = before.judgement.clone().unwrap_or_default();
    (Ruling { assessment: Assessment { number: ask.assessment(), ..judged }, outcome }, true)
}

/// What was said of a claim until an assessment.
fn round(case: &Case, number: u32) -> person::Round {
    let entries = case.entries.range(..=number).rev();
    person::Round::of(entries.filter_map(|(_, entry)| Some(entry.asked.as_ref()?.reason)))
}

/// A question that a person asked returns to that person, not to the rules that did not decide.
fn returns_to(case: &Case, ask: &Ask) -> Option<(String, Role)> {
    if ask.reason != AssessReason::Answered {
        return None;
    }
    let (_, before) = case.entries.range(..ask.assessment()).next_back()?;
    if before.state != EntryState::Question || !before.by_person {
        return None;
    }
    case.items
        .values()
        .find(|item| item.number == before.number)
        .map(|item| (item.work.reason.clone(), item.work.role.into()))
}

fn item(
    pack: &Pack,
    ask: &Ask,
    meta: &Meta,
    assessment: &Assessment,
    reason: &str,
    role: Role,
    proposal: &[LinePlan],
) -> Item {
    let hours = *pack.triage.work_items.due_hours.of(assessment.severity());
    let office = Calendar::new(pack.escalation.calendars[&pack.escalation.calendar].clone());
    let due_at = office.add_working(meta.now, SignedDuration::from_hours(i64::from(hours)));
    let role = role.said().unwrap_or(RoleWord::Specialist);
    Item {
        work: work::Item::open(meta.new_id(), role, reason, meta.now, due_at),
        claim: ask.claim,
        number: ask.assessment(),
        overdue: false,
        decision: Decision::default(),
        claim_number: ask.message.claim_number.clone(),
        lines: ask.message.lines.clone(),
        assessment: assessment.clone(),
        proposal: proposal.to_vec(),
    }
}

fn cancel(case: &Case, meta: &Meta, claim: ClaimId, number: u32) -> Vec<Event> {
    let known = case.entries.get(&number);
    if known.is_some_and(|known| known.state == EntryState::Cancelled) {
        return Vec::new();
    }
    let cancelled = Entry {
        claim,
        number,
        version: known.map_or(1, |known| known.version + 1),
        state: EntryState::Cancelled,
        reason: String::new(),
        by_person: false,
        by: meta.actor.subject.clone(),
        at: meta.now,
        judgement: None,
        asked: None,
        plan: None,
        answer: None,
    };
    let open = case.items.values().filter(|item| item.number == number && item.work.is_open());
    let ends = open.map(|item| Event::ItemEnded {
        item: item.work.id,
        state: ItemState::Closed,
        ended: work::Ended { by: meta.actor.subject.clone(), note: String::new(), at: meta.now },
        decision: Decision::default(),
    });
    [Event::Assessed(Box::new(cancelled))].into_iter().chain(ends).collect()
}

fn decided(
    pack: &Pack,
    case: &Case,
    orders: &Orders,
    meta: &Meta,
    item: &Item,
    etag: &str,
    verdict: &Verdict,
) -> Result<Vec<Event>, Refusal> {
    let entry_before = case.entries.get(&item.number).filter(|entry| entry.state == EntryState::Person);
    let rules = work::Rules::new(pack);
    rules.is_current(&item.work, etag)?;
    let Some((entry_before, ask)) = entry_before.and_then(|entry| Some((entry, entry.asked.as_ref()?))) else {
        return Err(work::Refusal::Closed(item.work.id).into());
    };
    rules.may_decide(&item.work, &meta.actor)?;
    let mut decision = Decision::default();
    let ruling = match &verdict.kind {
        VerdictKind::Ask(_) if questions(case) >= QUESTIONS_MAX => return Err(Refusal::TooLarge),
        VerdictKind::Ask(reason) => Ruling {
            assessment: asked_by(meta, item, verdict),
            outcome: {
                decision.question.clone_from(reason);
                Outcome::Question { reason: reason.clone(), line: 0 }
            },
        },
        VerdictKind::Lines(decisions) => {
            let round = round(case, item.number);
            let decided = person::plan(pack, ask, orders, decisions, verdict.liability, round, meta);
            let (assessment, plan) = decided.map_err(Refusal::PlanInvalid)?;
            let refused = plan.lines.iter().all(|line| line.resolution() == Resolution::Reject);
            let gives = plan.lines.iter().any(|line| plan::gives(line.resolution()));
            if gives && pack.four_eyes.reporter && ask.is_of(&meta.actor) {
                return Err(Refusal::OwnClaim);
            }
            if !refused && (plan.number > PLANS_MAX || plan.encoded_len() > PLAN_BYTES_MAX) {
                return Err(Refusal::TooLarge);
            }
            let first = plan.lines.first().map(|line| line.reason.clone()).unwrap_or_default();
            decision.lines.clone_from(&plan.lines);
            let outcome = if refused {
                Outcome::Refused(first)
            } else {
                address::of_person(case, ask, plan).map_err(Refusal::PlanInvalid)?
            };
            Ruling { assessment, outcome }
        }
    };
    Ok(vec![
        Event::Assessed(Box::new(entry(ask, entry_before.version + 1, ruling, true, meta))),
        Event::ItemEnded {
            item: item.work.id,
            state: ItemState::Decided,
            ended: work::Ended { by: meta.actor.subject.clone(), note: verdict.note.clone(), at: meta.now },
            decision,
        },
        Event::Told(item.number),
    ])
}

/// Questions that were asked about a claim.
fn questions(case: &Case) -> usize {
    case.entries.values().filter(|entry| entry.state == EntryState::Question).count()
}

/// The judgement that goes with a person's question: as it was, by that person.
fn asked_by(meta: &Meta, item: &Item, verdict: &Verdict) -> Assessment {
    let mut assessment = item.assessment.clone();
    assessment.judged_by = meta.actor.subject.clone();
    assessment.judged_at = Some(proto::to_wire(meta.now));
    if let Some(liability) = verdict.liability {
        assessment.set_liability(liability);
    }
    assessment
}

// evolve

/// What a claim is after an event.
pub fn evolve(case: &mut Case, event: &Event) {
    match event {
        Event::Recorded(_) | Event::Told(_) => {}
        Event::Assessed(entry) => {
            case.entries.insert(entry.number, (**entry).clone());
        }
        Event::ItemOpened(item) => {
            case.items.insert(item.work.id, (**item).clone());
        }
        Event::ItemEnded { item, state, ended, decision } => {
            if let Some(item) = case.items.get_mut(item) {
                item.work.end(*state, ended.clone());
                item.decision = decision.clone();
            }
        }
        Event::ItemMoved(change) => {
            if let Some(item) = case.items.get_mut(&change.item) {
                item.work.apply(change);
            }
        }
        // Who has read it may still decide: its version stays.
        Event::ItemOverdue { item, role, at } => {
            if let Some(item) = case.items.get_mut(item) {
                item.overdue = true;
                item.work.raised = Some((*role, *at));
            }
        }
    }
}

// Helpers

/// The row of a ruling, with the answer that it gives.
fn entry(ask: &Ask, version: u32, ruling: Ruling, by_person: bool, meta: &Meta) -> Entry {
    let assessment = ask.assessment();
    let by = ruling.assessment.judged_by.clone();
    let judgement = Some(ruling.assessment);
    let (state, reason, plan, answer) = match ruling.outcome {
        Outcome::Plan(plan) => {
            let answer = ClaimJudged { assessment, judgement: judgement.clone(), plan: Some(plan.clone()) };
            (EntryState::Judged, String::new(), Some(plan), Answer::ClaimJudged(answer))
        }
        Outcome::Refused(reason) => {
            let answer = ClaimRefused { assessment, judgement: judgement.clone(), reason: reason.clone() };
            (EntryState::Refused, reason, None, Answer::ClaimRefused(answer))
        }
        Outcome::Person { reason, role, .. } => {
            let role = role.into();
            let answer = PersonNeeded { assessment, judgement: judgement.clone(), reason: reason.clone(), role };
            (EntryState::Person, reason, None, Answer::PersonNeeded(answer))
        }
        Outcome::Question { reason, line } => {
            let answer = AnswerNeeded { assessment, reason: reason.clone(), line };
            (EntryState::Question, reason, None, Answer::AnswerNeeded(answer))
        }
        Outcome::AddressFor(plan) => {
            let reason = rules::ADDRESS_NEEDED.to_owned();
            let answer = AnswerNeeded { assessment, reason: reason.clone(), line: 0 };
            (EntryState::Question, reason, Some(plan), Answer::AnswerNeeded(answer))
        }
    };
    Entry {
        claim: ask.claim,
        number: assessment,
        version,
        state,
        reason,
        by_person,
        by,
        at: meta.now,
        judgement,
        asked: Some(ask.clone()),
        plan,
        answer: Some(answer),
    }
}
