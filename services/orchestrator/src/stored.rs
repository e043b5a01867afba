//! A process with everything that is kept beside it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use prost::Message;
use proto::claim::{LinePlan, Plan};
use proto::intake::ClaimSubmitted;
use proto::triage::triage_event;
use proto::{escalation::escalation_event, intake::intake_event, logistics::logistics_event};
use uuid::Uuid;

use crate::case::{self, Case, Deadline, Grant, RULES};
use crate::claim_process::{Event, Job, Process, Stage};
use crate::command::SourceMessage;
use crate::entitlement::OrderLine;
use crate::sums;

/// A process with everything that is kept beside it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Version of the row, from 1; 0: not stored yet.
    pub version: i64,
    /// What is kept of the claim, for commands and notices.
    pub case: Case,
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
            Kind::VisitArranged(_) | Kind::VisitProposed(_) | Kind::VisitAppointed(_) | Kind::VisitStarted(_) => {}
            Kind::VisitDone(_) | Kind::VisitFailed(_) | Kind::VisitCancelled(_) | Kind::VisitCancelRefused(_) => {}
        }
    }

    /// Keeps what the process does not know and commands will need: the plan, the severity, order and waybill numbers.
    pub fn absorb(&mut self, event: &Event, told: &SourceMessage) {
        let judgement = match told {
            SourceMessage::Triage(triage_event::Kind::ClaimJudged(judged)) => {
                self.plan.clone_from(&judged.plan);
                self.case.approved_by.clear();
                self.case.told_days.clear();
                judged.judgement.as_ref()
            }
            SourceMessage::Triage(triage_event::Kind::ClaimRefused(refused)) => refused.judgement.as_ref(),
            SourceMessage::Triage(triage_event::Kind::PersonNeeded(needed)) => needed.judgement.as_ref(),
            SourceMessage::Intake(intake_event::Kind::CustomerAnswered(answer)) => {
                // What else was asked says nothing about an order.
                if !answer.order_no.is_empty() || self.asked_for_order_no() {
                    self.case.answered(answer.line, &answer.order_no);
                }
                self.case.address_given |= answer.address_given;
                self.case.answered_for_customer(&answer.answered_by);
                None
            }
            SourceMessage::Intake(intake_event::Kind::PlanAnswered(answer)) => {
                self.case.answered_for_customer(&answer.answered_by);
                None
            }
            SourceMessage::Escalation(escalation_event::Kind::ApprovalGranted(granted)) => {
                self.case.approved_by = granted.steps_by.iter().chain([&granted.by]).cloned().collect();
                None
            }
            SourceMessage::Intake(intake_event::Kind::ClaimDuplicate(duplicate)) => {
                self.case.duplicate_of.clone_from(&duplicate.of_claim_id);
                None
            }
            SourceMessage::Logistics(kind) => {
                if let Event::Work { job, .. } = event {
                    self.parcel(*job, kind);
                }
                None
            }
            SourceMessage::Escalation(escalation_event::Kind::DeadlineMoved(moved)) => {
                let at = moved.deadline.as_ref().and_then(proto::from_wire);
                if let (Event::DeadlineMoved { round, clock }, Some(at)) = (event, at) {
                    self.case.deadline_moved(Deadline { clock: *clock, round: *round, at });
                }
                None
            }
            SourceMessage::Triage(triage_event::Kind::AnswerNeeded(_)) => None,
            SourceMessage::Intake(_) | SourceMessage::Inventory(_) | SourceMessage::Escalation(_) => None,
        };
        if let Some(judgement) = judgement {
            self.case.severity = judgement.severity;
        }
    }
}
