//! What is known at the end of a run, from the log, the public APIs and the public streams. Checks read nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use proto::WireTime;
use proto::claim::{ClaimEvent, ClaimState, Job, LinePlan, Plan, claim_event};
use proto::escalation::{self, Escalation, RunningClock};
use proto::intake::{self, Contact};
use proto::inventory::{GetAvailabilityResponse, Movement, Reservation, Return};
use proto::logistics::Shipment;
use proto::operations::Parked;
use proto::orchestrator::{GetEntitlementResponse, Process, Settlement};
use proto::policy::Pack;
use proto::triage;
use serde::Serialize;

use crate::feed::{Feed, Notices};
use crate::log::Log;

/// What is known at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The policy that was in force; none: it is not known.
    pub policy: Option<Pack>,
    /// When it was read, in milliseconds since 1970.
    pub now_ms: u64,
    /// The log of the workload and of the rig.
    pub log: Log,
    /// Claims of intake, with the canaries that had their time.
    pub claims: BTreeMap<String, intake::Claim>,
    /// Contact data of acknowledged claims, where they may be read.
    pub contacts: BTreeMap<String, Contact>,
    /// What customers wrote about each line of a claim, where it may be read.
    pub descriptions: BTreeMap<String, BTreeMap<u32, String>>,
    /// Processes of the orchestrator.
    pub processes: BTreeMap<String, Process>,
    /// Timelines of the orchestrator.
    pub timelines: BTreeMap<String, Vec<ClaimEvent>>,
    /// The public stream as it was received during the run.
    pub live: Feed,
    /// The public stream read from its start at the end.
    pub fresh: Feed,
    /// The feed, many events in one message, read from its start at the end.
    pub bulk: Feed,
    /// Notices.
    pub notices: Notices,
    /// Settlements.
    pub settlements: Vec<Settlement>,
    /// Reservations.
    pub reservations: Vec<Reservation>,
    /// Returns.
    pub returns: Vec<Return>,
    /// Shipments and pick-ups.
    pub shipments: Vec<Shipment>,
    /// Stock by SKU.
    pub stock: BTreeMap<String, GetAvailabilityResponse>,
    /// Movements by SKU, newest first.
    pub movements: BTreeMap<String, Vec<Movement>>,
    /// Stock, movements and reservations were read while none of them changed, so that they must add up.
    pub stock_is_still: bool,
    /// What was wrong with stock at some moment of the run.
    pub stock_samples: BTreeSet<String>,
    /// Entitlement by order number and SKU.
    pub entitlements: BTreeMap<(String, String), GetEntitlementResponse>,
    /// Work items of triage, open and closed.
    pub judging: Vec<triage::WorkItem>,
    /// Work items of escalation, open and closed.
    pub tasks: Vec<escalation::WorkItem>,
    /// Clocks by claim.
    pub clocks: BTreeMap<String, Vec<RunningClock>>,
    /// Escalations.
    pub escalations: Vec<Escalation>,
    /// Parked messages, with the service.
    pub parked: Vec<(String, Parked)>,
    /// Service and event id of messages that were seen parked at some moment of the run.
    pub parked_before: BTreeSet<(String, String)>,
    /// Claims behind a parked message may wait.
    pub expect_parked: bool,
    /// Milliseconds of a day that customers have to answer.
    pub day_ms: u64,
    /// When the subscription began, in milliseconds since 1970.
    pub started_ms: u64,
    /// Reads that kept failing.
    pub unread: Vec<String>,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The check, as `C5`.
    pub check: &'static str,
    /// The claim, if it is about one.
    pub claim: Option<String>,
    /// What is wrong.
    pub what: String,
    /// It counts only if it is still so at this moment, in milliseconds since 1970.
    #[serde(skip)]
    pub until_ms: u64,
}

impl Violation {
    /// Something is wrong with a claim.
    pub fn of(check: &'static str, claim: &str, what: impl Into<String>) -> Self {
        let claim = Some(claim.to_owned()).filter(|claim| !claim.is_empty());
        Self { check, claim, what: what.into(), until_ms: 0 }
    }

    /// Something is wrong in general.
    pub fn general(check: &'static str, what: impl Into<String>) -> Self {
        Self::of(check, "", what)
    }

    /// The promise leaves time until then.
    pub fn unless_mended_by(self, until_ms: u64) -> Self {
        Self { until_ms, ..self }
    }
}

impl Evidence {
    /// Claims that the workload or intake knows.
    pub fn known_claims(&self) -> BTreeSet<&str> {
        let acknowledged = self.log.acknowledged().into_values();
        let told = acknowledged.filter_map(|call| call.response.as_ref()?["claim"]["claimId"].as_str());
        told.chain(self.claims.keys().map(String::as_str)).collect()
    }

    /// The service has submitted the claim itself.
    pub fn is_canary(&self, claim: &str) -> bool {
        self.claims.get(claim).is_some_and(|claim| proto::canary::is_marked(&claim.customer_ref))
    }

    /// The claim has a parked message, and that is expected.
    pub fn is_blocked(&self, claim: &str) -> bool {
        self.expect_parked && self.parked.iter().any(|(_, row)| row.aggregate_id == claim)
    }

    /// The claim has ended, by its process.
    pub fn has_ended(&self, claim: &str) -> bool {
        self.processes.get(claim).is_some_and(|process| is_terminal(process.state()))
    }

    /// When the claim ended, by its timeline.
    pub fn ended_ms(&self, claim: &str) -> Option<u64> {
        let ended = |event: &&ClaimEvent| matches!(event.kind, Some(claim_event::Kind::Ended(_)));
        self.timeline(claim).iter().find(ended).map(|event| ms(event.occurred_at.as_ref()))
    }

    /// The timeline of a claim.
    pub fn timeline(&self, claim: &str) -> &[ClaimEvent] {
        self.timelines.get(claim).map_or(&[], Vec::as_slice)
    }

    /// What happens between the services must have happened this long after it began, and after the last fault.
    pub fn soon(&self, since_ms: u64) -> u64 {
        since_ms.max(self.log.calm_since()) + 30_000
    }

    /// The newest plan for a line of a round, by the public events.
    pub fn planned(&self, job: &Job) -> Option<&LinePlan> {
        self.plans(job).last()
    }

    /// What the plans of a round say for a line, oldest first.
    pub fn plans(&self, job: &Job) -> impl Iterator<Item = &LinePlan> {
        let (line, plans) = (job.line, self.whole_plans(job));
        plans.flat_map(|plan| &plan.lines).filter(move |planned| planned.line == line)
    }

    fn whole_plans(&self, job: &Job) -> impl Iterator<Item = &Plan> {
        let round = job.round;
        let events = self.timeline(&job.claim_id).iter().filter(move |event| event.round == round);
        events.filter_map(plan_told)
    }

    /// A person made the newest plan of a round.
    pub fn proposed_by_person(&self, job: &Job) -> bool {
        self.whole_plans(job).last().is_some_and(|plan| plan.proposed_by != "rules")
    }

    /// The most that any plan of a round gave to a line: what an earlier plan began is not reserved again by a later one.
    pub fn planned_most(&self, job: &Job) -> Option<u32> {
        self.plans(job).map(|line| line.quantity).max()
    }

    /// The carrier had given this parcel up as lost, damaged or refused, and another one may have been sent in its place: if
    /// it is delivered after all, the customer has more than was decided, which nobody can prevent.
    pub fn was_lost(&self, claim: &str, tracking_no: &str) -> bool {
        self.timeline(claim).iter().any(|event| match &event.kind {
            Some(claim_event::Kind::LegMoved(moved)) => {
                matches!(moved.detail.as_str(), "LOST" | "REFUSED" | "TURNED_UP") && moved.tracking_no == tracking_no
            }
            _ => false,
        })
    }

    /// Something was undone in this claim, or had to be tried again by a person.
    pub fn was_undone(&self, claim: &str) -> bool {
        let undone = |event: &ClaimEvent| matches!(event.kind, Some(claim_event::Kind::CompensationStarted(_)));
        self.timeline(claim).iter().any(undone)
    }
}

/// The plan that an event tells of.
pub fn plan_told(event: &ClaimEvent) -> Option<&Plan> {
    match &event.kind {
        Some(claim_event::Kind::Planned(planned)) => planned.plan.as_ref(),
        _ => None,
    }
}

/// Whether nothing follows this state.
pub fn is_terminal(state: ClaimState) -> bool {
    state.has_ended()
}

/// Milliseconds since 1970; 0: not given.
pub fn ms(at: Option<&WireTime>) -> u64 {
    let at = at.and_then(proto::from_wire);
    at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).unwrap_or(0)
}

/// Milliseconds since 1970, of this machine's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The work of a job in few words.
pub fn job_text(job: &Job) -> String {
    format!("round {} line {} attempt {}", job.round, job.line, job.attempt)
}
