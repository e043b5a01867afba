//! What the tests say to the service, and what they see of it.

use std::collections::BTreeMap;

use chassis::Outgoing;
use proto::claim::{Channel, Job, Leg, LinePlan, Money, Notice, Plan, Resolution, Role, Severity};
use proto::escalation::escalation_command::Kind;
use proto::escalation::escalation_service_client::EscalationServiceClient;
use proto::escalation::*;
use proto::{ClaimId, Subject};
use testkit::TestService;
use tonic::{Response, Status};
use uuid::Uuid;

pub const MINUTE: i64 = 60;
pub const DAY: i64 = 24 * 60 * MINUTE;

/// A claim of a test.
pub struct Case<'a> {
    pub service: &'a TestService,
    pub claim: ClaimId,
}

impl<'a> Case<'a> {
    pub fn new(service: &'a TestService) -> Self {
        Self { service, claim: ClaimId(Uuid::now_v7()) }
    }

    pub fn message(&self, kind: Kind) -> Outgoing {
        let name = match &kind {
            Kind::StartClocks(_) => "start_clocks",
            Kind::StopClocks(_) => "stop_clocks",
            Kind::RetargetClocks(_) => "retarget_clocks",
            Kind::PauseClocks(_) => "pause_clocks",
            Kind::ResumeClocks(_) => "resume_clocks",
            Kind::RequestApproval(_) => "request_approval",
            Kind::CancelApproval(_) => "cancel_approval",
            Kind::OpenTask(_) => "open_task",
            Kind::CloseTask(_) => "close_task",
        };
        let claim_number = "RD-2026-000001".to_owned();
        let command =
            EscalationCommand { claim_id: self.claim.to_string(), claim_number, kind: Some(kind), policy_version: 0 };
        Outgoing::command("escalation", name, self.claim.0, &command)
    }

    /// Tells the service and waits until it has taken it.
    pub async fn tell(&self, kind: Kind) {
        let id = self.service.tell(self.message(kind)).await;
        self.service.settled(id).await;
    }

    pub fn client(&self) -> EscalationServiceClient<testkit::Wire> {
        EscalationServiceClient::new(self.service.channel())
    }

    pub async fn clocks(&self) -> Vec<RunningClock> {
        let request = ListClocksRequest { claim_id: self.claim.to_string(), ..ListClocksRequest::default() };
        self.client().list_clocks(request).await.unwrap().into_inner().clocks
    }

    pub async fn clock(&self, kind: ClockKind) -> RunningClock {
        self.clocks().await.into_iter().find(|clock| clock.kind() == kind).unwrap()
    }

    pub async fn escalations(&self) -> Vec<Escalation> {
        let request = ListEscalationsRequest { claim_id: self.claim.to_string(), ..ListEscalationsRequest::default() };
        self.client().list_escalations(request).await.unwrap().into_inner().escalations
    }

    /// Work items of the claim; those that are open, or all.
    pub async fn items(&self, include_closed: bool) -> Vec<WorkItem> {
        let claim_id = self.claim.to_string();
        let request = ListWorkItemsRequest { claim_id, include_closed, ..ListWorkItemsRequest::default() };
        self.client().list_work_items(request).await.unwrap().into_inner().work_items
    }

    pub async fn item(&self, kind: WorkKind) -> WorkItem {
        self.items(false).await.into_iter().find(|item| item.kind() == kind).unwrap()
    }

    pub async fn decide(
        &self,
        person: &str,
        roles: &[&str],
        request: DecideWorkItemRequest,
    ) -> Result<WorkItem, Status> {
        let answer = self.client().decide_work_item(testkit::actor(request, person, roles)).await;
        answer.map(Response::into_inner).map(|answer| answer.work_item.unwrap())
    }

    /// What the orchestrator was told of the claim, in order.
    pub async fn told(&self) -> Vec<(String, escalation_event::Kind)> {
        let events = self.service.events().await;
        let ours = events.into_iter().filter_map(|(subject, payload)| {
            let Subject::Event { name, .. } = &subject else { return None };
            let event: EscalationEvent = prost::Message::decode(payload.as_slice()).unwrap();
            (event.claim_id == self.claim.to_string()).then(|| (name.clone(), event.kind.unwrap()))
        });
        ours.collect()
    }

    /// How often each thing was told.
    pub async fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (name, _) in self.told().await {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// The notices of the claim: audience, template, and the whole.
    pub async fn notices(&self) -> Vec<(String, String, Notice)> {
        let events = self.service.events().await;
        let ours = events.into_iter().filter_map(|(subject, payload)| {
            let Subject::Notice { audience, name } = &subject else { return None };
            let notice: Notice = serde_json::from_slice(&payload).unwrap();
            (notice.claim_id == self.claim.to_string()).then(|| (audience.clone(), name.clone(), notice))
        });
        ours.collect()
    }

    /// Waits until something was told this often.
    pub async fn wait_told(&self, name: &str, times: usize) {
        testkit::eventually(|| async { (self.counts().await.get(name) == Some(&times)).then_some(()) }).await;
    }
}

/// Starts clocks now.
pub fn start(round: u32, kinds: &[ClockKind]) -> Kind {
    let kinds = kinds.iter().map(|kind| *kind as i32).collect();
    Kind::StartClocks(StartClocks { round, kinds, channel: Channel::Web as i32, ..StartClocks::default() })
}

/// Starts clocks as if this many seconds ago.
pub fn start_ago(service: &TestService, round: u32, kinds: &[ClockKind], seconds: i64) -> Kind {
    let kinds = kinds.iter().map(|kind| *kind as i32).collect();
    let from = service.clock.now() - jiff::SignedDuration::from_secs(seconds);
    let from = Some(proto::to_wire(from));
    Kind::StartClocks(StartClocks { round, kinds, from, channel: Channel::Web as i32, ..StartClocks::default() })
}

pub fn stop(kinds: &[ClockKind]) -> Kind {
    Kind::StopClocks(StopClocks { kinds: kinds.iter().map(|kind| *kind as i32).collect(), ..StopClocks::default() })
}

pub fn plan(number: u32, cost: i64, proposed_by: &str) -> Plan {
    let money = Money { minor_units: cost, currency: "GBP".to_owned() };
    let line = LinePlan {
        line: 1,
        resolution: Resolution::Replace as i32,
        sku: "85123A".to_owned(),
        quantity: 2,
        cost: Some(money.clone()),
        ..LinePlan::default()
    };
    Plan { number, lines: vec![line], cost: Some(money), proposed_by: proposed_by.to_owned(), ..Plan::default() }
}

pub fn request(plan: &Plan) -> Kind {
    Kind::RequestApproval(RequestApproval {
        plan: Some(plan.clone()),
        severity: Severity::General as i32,
        involved: None,
    })
}

pub fn job(claim: ClaimId) -> Job {
    Job { claim_id: claim.to_string(), round: 1, line: 2, attempt: 3 }
}

pub fn open_task(claim: ClaimId, kind: WorkKind) -> Kind {
    Kind::OpenTask(OpenTask {
        involved: None,
        job: Some(job(claim)),
        kind: kind as i32,
        leg: Leg::Shipment as i32,
        reason: "LOST".to_owned(),
        role: Role::Logistics as i32,
    })
}

pub fn close_task(claim: ClaimId) -> Kind {
    Kind::CloseTask(CloseTask { job: Some(job(claim)), leg: Leg::Shipment as i32 })
}

pub fn ruling(item: &WorkItem, ruling: Ruling) -> DecideWorkItemRequest {
    DecideWorkItemRequest {
        request_id: testkit::request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        ruling: ruling as i32,
        note: "seen".to_owned(),
    }
}
