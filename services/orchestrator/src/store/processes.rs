//! Processes and their timelines in the database.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Fault, Lock, Tx, Writes, row};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use prost::Message;
use proto::claim::LinePlan;
use proto::claim::Plan;
use proto::intake::ClaimSubmitted;
use proto::triage::triage_event;
use proto::{escalation::escalation_event, intake::intake_event, logistics::logistics_event};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{count, int};
use crate::case::{self, Case, Deadline, Grant, RULES};
use crate::claim_process::{Event, FORMAT, Job, Process, Stage};
use crate::entitlement::OrderLine;
use crate::events::Told;
use crate::sums;

/// A process with everything that is kept beside it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Version of the row, from 1; 0: not stored yet.
    pub version: i64,
    /// What is kept of the claim, for commands and notices.
    pub case: Case,
    /// The process.
    pub process: Process,
    /// The plan in force.
    pub plan: Option<Plan>,
    /// State, party it waits for and round: a copy for searches.
    pub summary: Summary,
    /// Number of the last public event.
    pub events: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When an open question is asked again.
    pub ask_again_at: Option<Timestamp>,
    /// The last wait for that in seconds.
    pub ask_wait_s: u32,
    /// When the customer, who is asked something, is reminded, or it ends without an answer.
    pub due_at: Option<Timestamp>,
}

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// State of the claim, a number of the contract.
    pub state: i32,
    /// Whom it waits for, a number of the contract.
    pub waiting_for: i32,
    /// Round, from 1.
    pub round: u32,
    /// All parties it waits for, as bits numbered as in the contract.
    pub parties: u32,
    /// Stable reason code of the end.
    pub end_reason: String,
}

impl Stored {
    /// A new claim, not stored yet.
    pub fn new(submitted: ClaimSubmitted, process: Process, now: Timestamp) -> Self {
        Self {
            version: 0,
            case: Case::new(submitted),
            process,
            plan: None,
            summary: Summary::default(),
            events: 0,
            changed_at: now,
            ask_again_at: None,
            ask_wait_s: 0,
            due_at: None,
        }
    }

    /// About how many bytes are kept of the claim. What has changed little cannot be large.
    pub fn bytes(&self) -> usize {
        if self.version < 50 {
            return 0;
        }
        let json = |text: Result<Vec<u8>, serde_json::Error>| text.map_or(0, |text| text.len());
        let plan = self.plan.as_ref().map_or(0, Message::encoded_len);
        json(serde_json::to_vec(&self.case)) + json(serde_json::to_vec(&self.process)) + plan
    }

    /// Whether the open question is about an order number.
    fn asked_for_order_no(&self) -> bool {
        matches!(&self.process.stage, Stage::AwaitingCustomer { reason, .. } if reason.starts_with("ORDER_NUMBER"))
    }

    /// A line of the plan in force.
    pub fn line(&self, line: u16) -> Option<&LinePlan> {
        self.plan.iter().flat_map(|plan| &plan.lines).find(|planned| planned.line == u32::from(line))
    }

    /// The day on which the customer was told last to expect the goods of a line, YYYY-MM-DD; empty: none.
    pub fn told_day(&self, line: u16) -> String {
        let told = self.case.told_days.get(&u32::from(line)).cloned();
        told.or_else(|| self.line(line).map(|line| line.promised_on.clone())).unwrap_or_default()
    }

    /// Order lines whose ledgers a step may touch: those of the plan, and those that something was granted from.
    pub fn order_lines(&self, claim: Uuid) -> Vec<OrderLine> {
        let planned = self.plan.iter().flat_map(|plan| case::sales(claim, plan)).map(|(line, _)| line);
        let granted = self.case.grants.iter().flat_map(|grant| &grant.parts).map(|part| part.line.clone());
        planned.chain(granted).chain(self.case.left.iter().map(|left| left.line.clone())).collect()
    }

    /// Sums in which the claim counts, or may count after its next step.
    pub fn scopes(&self) -> BTreeSet<String> {
        let customer = sums::of_customer(&self.case.submitted.customer_ref);
        let alone = self.plan.as_ref().filter(|plan| plan.automatic && plan.proposed_by != RULES);
        let counted = self.case.counted.iter().map(|counted| counted.scope.clone());
        counted.chain([customer]).chain(alone.map(|plan| sums::of_person(&plan.proposed_by))).collect()
    }

    /// Whether somebody reported the claim, or answered for the customer.
    pub fn is_involved(&self, who: &str) -> bool {
        self.case.involved().contains(who)
    }

    /// Whether somebody has a hand in what is paid: proposed or approved the plan in force, or is involved.
    pub fn has_decided(&self, who: &str) -> bool {
        let proposed = self.plan.as_ref().is_some_and(|plan| plan.proposed_by == who);
        proposed || self.case.approved_by.contains(who) || self.is_involved(who)
    }

    /// What was granted for a piece of work.
    pub fn grant(&self, job: Job) -> Option<&Grant> {
        self.case.grants.iter().find(|grant| grant.job == job)
    }

    /// Remembers a change of what was granted.
    pub fn set_grant(&mut self, changed: Grant) {
        if let Some(grant) = self.case.grants.iter_mut().find(|grant| grant.job == changed.job) {
            *grant = changed;
        }
    }

    /// What logistics says of numbers and days of a parcel.
    fn parcel(&mut self, job: Job, told: &logistics_event::Kind) {
        use logistics_event::Kind;
        match told {
            Kind::Booked(booked) => {
                self.case.booked(job, &booked.tracking_no, &booked.carrier, &booked.promised_on);
            }
            Kind::BookingConfirmed(confirmed) => {
                self.case.changed(job, &confirmed.tracking_no, &confirmed.promised_on);
            }
            Kind::Exception(exception) => self.case.changed(job, "", &exception.expected_on),
            Kind::BookingFailed(_) | Kind::HandedOver(_) | Kind::Delivered(_) | Kind::Incident(_) => {}
            Kind::Cancelled(_) | Kind::CancelRefused(_) => {}
        }
    }

    /// Keeps what the process does not know and commands will need: the plan, the severity, order and waybill numbers.
    pub fn absorb(&mut self, event: &Event, told: &Told) {
        let judgement = match told {
            Told::Triage(triage_event::Kind::ClaimJudged(judged)) => {
                self.plan.clone_from(&judged.plan);
                self.case.approved_by.clear();
                self.case.told_days.clear();
                judged.judgement.as_ref()
            }
            Told::Triage(triage_event::Kind::ClaimRefused(refused)) => refused.judgement.as_ref(),
            Told::Triage(triage_event::Kind::PersonNeeded(needed)) => needed.judgement.as_ref(),
            Told::Intake(intake_event::Kind::CustomerAnswered(answer)) => {
                // What else was asked says nothing about an order.
                if !answer.order_no.is_empty() || self.asked_for_order_no() {
                    self.case.answered(answer.line, &answer.order_no);
                }
                self.case.address_given |= answer.address_given;
                self.case.answered_for_customer(&answer.answered_by);
                None
            }
            Told::Intake(intake_event::Kind::PlanAnswered(answer)) => {
                self.case.answered_for_customer(&answer.answered_by);
                None
            }
            Told::Escalation(escalation_event::Kind::ApprovalGranted(granted)) => {
                self.case.approved_by = granted.steps_by.iter().chain([&granted.by]).cloned().collect();
                None
            }
            Told::Intake(intake_event::Kind::ClaimDuplicate(duplicate)) => {
                self.case.duplicate_of.clone_from(&duplicate.of_claim_id);
                None
            }
            Told::Logistics(kind) => {
                if let Event::Work { job, .. } = event {
                    self.parcel(*job, kind);
                }
                None
            }
            Told::Escalation(escalation_event::Kind::DeadlineMoved(moved)) => {
                let at = moved.deadline.as_ref().and_then(proto::from_wire);
                if let (Event::DeadlineMoved { round, clock }, Some(at)) = (event, at) {
                    self.case.deadline_moved(Deadline { clock: *clock, round: *round, at });
                }
                None
            }
            Told::Triage(triage_event::Kind::AnswerNeeded(_)) => None,
            Told::Intake(_) | Told::Inventory(_) | Told::Escalation(_) => None,
        };
        if let Some(judgement) = judgement {
            self.case.severity = judgement.severity;
        }
    }
}

macro_rules! processes {
    () => {
        "SELECT claim_id, version, claim, format, process, plan, state, waiting_for, parties, round, events, end_reason, \
             changed_at, ask_again_at, ask_wait_s, due_at \
         FROM process WHERE claim_id = ANY($1) ORDER BY claim_id"
    };
}

pub(super) const READ: &str = processes!();
pub(super) const LOCK: &str = concat!(processes!(), " FOR UPDATE");

/// Inserts version 1 and otherwise follows the version before: of two replicas that begin a claim, one is too late.
pub(super) const WRITE: &str = "\
    INSERT INTO process (claim_id, version, claim, format, process, plan, state, waiting_for, round, events, end_reason, \
        changed_at, ask_again_at, ask_wait_s, due_at, parties) \
    SELECT claim_id, version, claim::json, format, process::json, plan, state, waiting_for, round, events, end_reason, \
        changed_at, ask_again_at, ask_wait_s, due_at, parties \
    FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::smallint[], $5::text[], $6::bytea[], $7::smallint[], \
            $8::smallint[], $9::int[], $10::int[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::int[], \
            $15::timestamptz[], $16::int[]) \
        AS p(claim_id, version, claim, format, process, plan, state, waiting_for, round, events, end_reason, \
            changed_at, ask_again_at, ask_wait_s, due_at, parties) \
    ON CONFLICT (claim_id) DO UPDATE \
    SET version = EXCLUDED.version, claim = EXCLUDED.claim, format = EXCLUDED.format, process = EXCLUDED.process, \
        plan = EXCLUDED.plan, state = EXCLUDED.state, waiting_for = EXCLUDED.waiting_for, round = EXCLUDED.round, \
        events = EXCLUDED.events, end_reason = EXCLUDED.end_reason, changed_at = EXCLUDED.changed_at, \
        ask_again_at = EXCLUDED.ask_again_at, ask_wait_s = EXCLUDED.ask_wait_s, due_at = EXCLUDED.due_at, \
        parties = EXCLUDED.parties \
    WHERE process.version = EXCLUDED.version - 1";

/// What was only remembered is still so.
pub(super) const UNCHANGED: &str = "\
    SELECT 1 FROM process p JOIN UNNEST($1::uuid[], $2::bigint[]) AS k(claim_id, version) \
        ON p.claim_id = k.claim_id AND p.version = k.version";

pub(super) const ASK_AGAIN: &str = "\
    SELECT claim_id, ask_again_at FROM process \
    WHERE ask_again_at <= now() + $1::text::interval ORDER BY ask_again_at LIMIT 500";

pub(super) const DUE: &str = "\
    SELECT claim_id, due_at FROM process \
    WHERE due_at <= now() + $1::text::interval ORDER BY due_at LIMIT 500";

/// Reads processes.
pub async fn read(tx: &mut Tx, lock: Lock, claims: &[Uuid]) -> Result<BTreeMap<Uuid, Stored>, Fault> {
    if claims.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(lock.pick(LOCK, READ)).bind(claims).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("claim_id")?, stored(row)?))).collect()
}

/// Writes what has changed.
pub fn write(writes: &mut Writes, processes: &BTreeMap<Uuid, Stored>, changed: &BTreeSet<Uuid>) -> Result<(), Fault> {
    let rows: Vec<(Uuid, &Stored)> = changed.iter().filter_map(|id| Some((*id, processes.get(id)?))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let small =
        |of: fn(&Stored) -> i32| rows.iter().map(|(_, row)| i16::try_from(of(row)).unwrap_or(-1)).collect::<Vec<_>>();
    let number = |of: fn(&Stored) -> u32| rows.iter().map(|(_, row)| int(of(row))).collect::<Result<Vec<i32>, Fault>>();
    let time = |of: fn(&Stored) -> Option<Timestamp>| {
        rows.iter().map(|(_, row)| of(row).map(Timestamp::to_sqlx)).collect::<Vec<_>>()
    };
    writes
        .exactly(rows.len(), WRITE)
        .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, row)| row.version + 1).collect::<Vec<_>>())
        .bind(text(&rows, |row| serde_json::to_string(&row.case))?)
        .bind(vec![FORMAT; rows.len()])
        .bind(text(&rows, |row| serde_json::to_string(&row.process))?)
        .bind(rows.iter().map(|(_, row)| row.plan.as_ref().map(Message::encode_to_vec)).collect::<Vec<_>>())
        .bind(small(|row| row.summary.state))
        .bind(small(|row| row.summary.waiting_for))
        .bind(number(|row| row.summary.round)?)
        .bind(number(|row| row.events)?)
        .bind(rows.iter().map(|(_, row)| row.summary.end_reason.clone()).collect::<Vec<_>>())
        .bind(time(|row| Some(row.changed_at)))
        .bind(time(|row| row.ask_again_at))
        .bind(number(|row| row.ask_wait_s)?)
        .bind(time(|row| row.due_at))
        .bind(number(|row| row.summary.parties)?);
    Ok(())
}

/// What was decided on rests on processes that have not changed.
pub fn unchanged<'a>(writes: &mut Writes, processes: impl Iterator<Item = (&'a Uuid, &'a i64)>) {
    let (claims, versions): (Vec<Uuid>, Vec<i64>) = processes.unzip();
    if !claims.is_empty() {
        writes.finds(claims.len(), UNCHANGED).bind(claims).bind(versions);
    }
}

fn text(rows: &[(Uuid, &Stored)], of: fn(&Stored) -> serde_json::Result<String>) -> Result<Vec<String>, Fault> {
    let text = rows.iter().map(|(_, row)| of(row)).collect::<serde_json::Result<_>>();
    text.map_err(|error| Fault::Permanent(format!("a process cannot be written: {error}")))
}

/// Claims whose open question is to be asked again, each with the time that says so.
pub async fn to_ask_again(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, Timestamp)>, Fault> {
    let rows = sqlx::query(ASK_AGAIN).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| found(row, "ask_again_at")).collect()
}

/// Claims whose customer is reminded, or has not answered in time, each with the time that says so.
pub async fn due(pool: &PgPool, offset: SignedDuration) -> Result<Vec<(Uuid, Timestamp)>, Fault> {
    let rows = sqlx::query(DUE).bind(interval(offset)).fetch_all(pool).await?;
    rows.iter().map(|row| found(row, "due_at")).collect()
}

fn found(row: &PgRow, column: &str) -> Result<(Uuid, Timestamp), Fault> {
    Ok((row.try_get("claim_id")?, row::time(row, column)?))
}

fn interval(offset: SignedDuration) -> String {
    format!("{} milliseconds", offset.as_millis())
}

/// The process in a row.
pub(super) fn stored(row: &PgRow) -> Result<Stored, Fault> {
    let format: i16 = row.try_get("format")?;
    if format != FORMAT {
        return Err(Fault::Permanent(format!("a process in format {format} cannot be read")));
    }
    let plan: Option<Vec<u8>> = row.try_get("plan")?;
    let plan = plan.map(|bytes| Plan::decode(bytes.as_slice())).transpose();
    Ok(Stored {
        version: row.try_get("version")?,
        case: row.try_get::<Json<Case>, _>("claim")?.0,
        process: row.try_get::<Json<Process>, _>("process")?.0,
        plan: plan.map_err(|error| Fault::Permanent(format!("a plan cannot be read: {error}")))?,
        summary: Summary {
            state: i32::from(row.try_get::<i16, _>("state")?),
            waiting_for: i32::from(row.try_get::<i16, _>("waiting_for")?),
            round: count(row.try_get("round")?)?,
            parties: count(row.try_get("parties")?)?,
            end_reason: row.try_get("end_reason")?,
        },
        events: count(row.try_get("events")?)?,
        changed_at: row::time(row, "changed_at")?,
        ask_again_at: row::optional_time(row, "ask_again_at")?,
        ask_wait_s: count(row.try_get("ask_wait_s")?)?,
        due_at: row::optional_time(row, "due_at")?,
    })
}
