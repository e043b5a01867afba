//! Rows and what they mean: used by lanes and by reads alike. What is sealed is not read with them: see `personal`.

use std::collections::BTreeMap;

use chassis::Fault;
use jiff_sqlx::{Date, Timestamp};
use prost::Message;
use proto::ClaimId;
use proto::claim::{Category, Channel, ClaimState, Plan, Resolution};
use proto::intake::{ContactDirection, EvidenceAudience};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    Claim, End, Evidence, FollowUp, Line, LoggedContact, Pii, Promises, Proposal, ProposalState, Question, ReadBack,
};

macro_rules! claim_columns {
    () => {
        "claim_id, claim_number, version, channel, customer_ref, country, importance, upset, received_at, state, \
         end_reason, withdrawal_requested, read_back_at, read_back_by, acknowledgement_due, first_feedback_due, \
         solution_due, plan_number, plan_state, plan, follow_up_round, follow_up_score, scores, announced_on, address_known, \
         possible_duplicates, duplicate_of, duplicate_of_number, contacts, brought_by, email_confirmed, ended_at, \
         policy_version"
    };
}
pub(super) use claim_columns;

pub(super) const CLAIMS: &str = concat!("SELECT ", claim_columns!(), " FROM claim WHERE claim_id = ANY($1)");

pub(super) const LINES: &str = "SELECT claim_id, order_no, sku, batch, serials, quantity, category, wish, delivered_on, \
     occurred_on, safety_risk, operation_stopped \
     FROM claim_line WHERE claim_id = ANY($1) ORDER BY claim_id, line";

pub(super) const EVIDENCE: &str = "SELECT claim_id, sha256, media_type, size, line, audience \
     FROM evidence WHERE claim_id = ANY($1) ORDER BY claim_id, evidence_no";

pub(super) const QUESTIONS: &str = "SELECT claim_id, question_id, reason, line, asked_at, answered_at, closed_at, order_no, \
     address_given FROM question WHERE claim_id = ANY($1) ORDER BY claim_id, question_no";

pub(super) const CONTACTS: &str = "SELECT claim_id, at, channel, direction, logged_by, logged_at \
     FROM logged_contact WHERE claim_id = ANY($1) ORDER BY claim_id, contact_no";

/// Claims by id.
pub(super) type Claims = BTreeMap<ClaimId, Claim>;

#[derive(sqlx::FromRow)]
pub(super) struct ClaimRow {
    claim_id: Uuid,
    claim_number: String,
    version: i64,
    channel: i16,
    customer_ref: String,
    country: String,
    importance: i16,
    upset: bool,
    received_at: Timestamp,
    state: i16,
    end_reason: String,
    withdrawal_requested: bool,
    read_back_at: Option<Timestamp>,
    read_back_by: String,
    acknowledgement_due: Option<Timestamp>,
    first_feedback_due: Option<Timestamp>,
    solution_due: Option<Timestamp>,
    plan_number: i32,
    plan_state: i16,
    plan: Vec<u8>,
    follow_up_round: i32,
    follow_up_score: i16,
    scores: Vec<i16>,
    announced_on: Option<Date>,
    address_known: Option<bool>,
    possible_duplicates: Vec<String>,
    duplicate_of: Option<Uuid>,
    duplicate_of_number: String,
    contacts: i16,
    brought_by: String,
    email_confirmed: bool,
    ended_at: Option<Timestamp>,
    policy_version: i32,
}

#[derive(sqlx::FromRow)]
struct LineRow {
    claim_id: Uuid,
    order_no: String,
    sku: String,
    batch: String,
    serials: Vec<String>,
    quantity: i32,
    category: i16,
    wish: i16,
    delivered_on: Option<Date>,
    occurred_on: Option<Date>,
    safety_risk: bool,
    operation_stopped: bool,
}

#[derive(sqlx::FromRow)]
struct EvidenceRow {
    claim_id: Uuid,
    sha256: String,
    media_type: String,
    size: i64,
    line: i16,
    audience: i16,
}

#[derive(sqlx::FromRow)]
struct QuestionRow {
    claim_id: Uuid,
    question_id: String,
    reason: String,
    line: i16,
    asked_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    order_no: String,
    address_given: bool,
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    claim_id: Uuid,
    at: Timestamp,
    channel: i16,
    direction: i16,
    logged_by: String,
    logged_at: Timestamp,
}

/// Adds lines and evidence to claims.
pub(super) async fn add_report(connection: &mut PgConnection, claims: &mut Claims, ids: &[Uuid]) -> Result<(), Fault> {
    let lines: Vec<LineRow> = sqlx::query_as(LINES).bind(ids).fetch_all(&mut *connection).await?;
    for row in lines {
        if let Some(claim) = claims.get_mut(&ClaimId(row.claim_id)) {
            claim.lines.push(row.line());
        }
    }
    let evidence: Vec<EvidenceRow> = sqlx::query_as(EVIDENCE).bind(ids).fetch_all(connection).await?;
    for row in evidence {
        if let Some(claim) = claims.get_mut(&ClaimId(row.claim_id)) {
            claim.evidence.push(row.evidence());
        }
    }
    Ok(())
}

/// Adds questions to claims.
pub(super) async fn add_questions(
    connection: &mut PgConnection,
    claims: &mut Claims,
    ids: &[Uuid],
) -> Result<(), Fault> {
    let questions: Vec<QuestionRow> = sqlx::query_as(QUESTIONS).bind(ids).fetch_all(connection).await?;
    for row in questions {
        if let Some(claim) = claims.get_mut(&ClaimId(row.claim_id)) {
            claim.questions.push(row.question());
        }
    }
    Ok(())
}

/// Adds the contacts of claims that have some.
pub(super) async fn add_contacts(
    connection: &mut PgConnection,
    claims: &mut Claims,
    ids: &[Uuid],
) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let contacts: Vec<ContactRow> = sqlx::query_as(CONTACTS).bind(ids).fetch_all(connection).await?;
    for row in contacts {
        if let Some(claim) = claims.get_mut(&ClaimId(row.claim_id)) {
            claim.contacts.push(row.contact());
        }
    }
    Ok(())
}

impl ClaimRow {
    /// Whether contacts were logged.
    pub(super) fn was_contacted(&self) -> bool {
        self.contacts > 0
    }

    pub(super) fn claim(self) -> Result<Claim, Fault> {
        let plan = (!self.plan.is_empty()).then(|| Plan::decode(self.plan.as_slice()).map(Box::new)).transpose();
        let plan = plan.map_err(|error| Fault::Permanent(format!("the plan of {}: {error}", self.claim_number)))?;
        let proposal = match self.plan_state {
            1 => Some(ProposalState::Open),
            2 => Some(ProposalState::Accepted),
            3 => Some(ProposalState::Refused),
            4 => Some(ProposalState::Withdrawn),
            _ => None,
        };
        let end = match ClaimState::try_from(i32::from(self.state)).unwrap_or_default() {
            ClaimState::Closed => Some(End::Closed),
            ClaimState::Rejected => Some(End::Rejected),
            ClaimState::Withdrawn => Some(End::Withdrawn),
            ClaimState::Duplicate => Some(End::Duplicate),
            _ => None,
        };
        let follow_up = FollowUp {
            round: self.follow_up_round.unsigned_abs(),
            score: (self.follow_up_score > 0).then_some(u32::from(self.follow_up_score.unsigned_abs())),
        };
        let by = self.read_back_by;
        Ok(Claim {
            id: ClaimId(self.claim_id),
            number: self.claim_number,
            version: self.version,
            channel: Channel::try_from(i32::from(self.channel)).unwrap_or_default(),
            customer_ref: self.customer_ref,
            brought_by: self.brought_by,
            email_confirmed: self.email_confirmed,
            country: self.country,
            importance: u32::from(self.importance.unsigned_abs()),
            upset: self.upset,
            received_at: self.received_at.to_jiff(),
            policy_version: self.policy_version.unsigned_abs(),
            announced_on: self.announced_on.map(Date::to_jiff),
            address_known: self.address_known,
            possible_duplicates: self.possible_duplicates,
            lines: Vec::new(),
            evidence: Vec::new(),
            files: Vec::new(),
            questions: Vec::new(),
            contacts: Vec::new(),
            read_back: self.read_back_at.map(|at| ReadBack { at: at.to_jiff(), by }),
            promises: Promises {
                acknowledgement: self.acknowledgement_due.map(Timestamp::to_jiff),
                first_feedback: self.first_feedback_due.map(Timestamp::to_jiff),
                solution: self.solution_due.map(Timestamp::to_jiff),
            },
            proposal: proposal.map(|state| Proposal { number: self.plan_number.unsigned_abs(), state, plan }),
            follow_up: (follow_up.round > 0).then_some(follow_up),
            scores: self.scores.into_iter().map(|score| u32::from(score.unsigned_abs())).collect(),
            ended_at: self.ended_at.map(Timestamp::to_jiff),
            withdrawal_requested: self.withdrawal_requested,
            duplicate_of: self.duplicate_of.map(|of| (ClaimId(of), self.duplicate_of_number)),
            end: end.map(|end| (end, self.end_reason)),
        })
    }
}

impl LineRow {
    fn line(self) -> Line {
        Line {
            order_no: self.order_no,
            sku: self.sku,
            batch: self.batch,
            serials: self.serials,
            quantity: self.quantity.unsigned_abs(),
            category: Category::try_from(i32::from(self.category)).unwrap_or_default(),
            wish: Resolution::try_from(i32::from(self.wish)).unwrap_or_default(),
            delivered_on: self.delivered_on.map(Date::to_jiff),
            occurred_on: self.occurred_on.map(Date::to_jiff),
            description: Pii::default(),
            safety_risk: self.safety_risk,
            operation_stopped: self.operation_stopped,
        }
    }
}

impl EvidenceRow {
    fn evidence(self) -> Evidence {
        Evidence {
            sha256: self.sha256,
            media_type: self.media_type,
            size: self.size,
            name: Pii::default(),
            line: u32::from(self.line.unsigned_abs()),
            audience: EvidenceAudience::try_from(i32::from(self.audience)).unwrap_or(EvidenceAudience::Staff),
        }
    }
}

impl QuestionRow {
    fn question(self) -> Question {
        Question {
            id: self.question_id,
            reason: self.reason,
            line: u32::from(self.line.unsigned_abs()),
            asked_at: self.asked_at.map(Timestamp::to_jiff),
            answered_at: self.answered_at.map(Timestamp::to_jiff),
            closed_at: self.closed_at.map(Timestamp::to_jiff),
            order_no: self.order_no,
            address_given: self.address_given,
        }
    }
}

impl ContactRow {
    fn contact(self) -> LoggedContact {
        LoggedContact {
            at: self.at.to_jiff(),
            channel: Channel::try_from(i32::from(self.channel)).unwrap_or_default(),
            direction: ContactDirection::try_from(i32::from(self.direction)).unwrap_or_default(),
            by: self.logged_by,
            logged_at: self.logged_at.to_jiff(),
        }
    }
}
