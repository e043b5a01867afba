//! One intake, and what a test says to it.

use chassis::Outgoing;
use prost::Message;
use proto::claim::{Category, Channel, ClaimState, LinePlan, Notice, Plan, Resolution};
use proto::intake::intake_command::Kind;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::intake::{
    AskCustomer, Claim, CloseQuestion, Contact, EndClaim, Evidence, GetClaimRequest, IntakeCommand, IntakeEvent,
    NewLine, ProposePlan, StartFollowUp, SubmitClaimRequest, WithdrawPlan, intake_event,
};
use testkit::{TestService, actor, request_id};
use uuid::Uuid;

/// One intake with its client.
pub struct World {
    pub service: TestService,
    pub client: IntakeServiceClient<testkit::Wire>,
}

impl World {
    pub async fn start() -> Self {
        Self::of(testkit::start(&intake::SERVICE).await)
    }

    /// Of a service that runs.
    pub fn of(service: TestService) -> Self {
        let client = IntakeServiceClient::new(service.channel());
        Self { service, client }
    }

    /// Records an ordinary claim.
    pub async fn submit(&self) -> Claim {
        let request = actor(submit_request(), "anna", &["specialist"]);
        self.client.clone().submit_claim(request).await.unwrap().into_inner().claim.unwrap()
    }

    pub async fn get(&self, claim: &str) -> Claim {
        let request = GetClaimRequest { claim_id: claim.to_owned(), ..Default::default() };
        self.client.clone().get_claim(request).await.unwrap().into_inner().claim.unwrap()
    }

    /// Tells a command of the orchestrator and waits until it is processed.
    pub async fn tell(&self, claim: &str, kind: Kind) -> Uuid {
        let event_id = self.service.tell(command(claim, kind)).await;
        self.service.settled(event_id).await;
        event_id
    }

    /// What the orchestrator was told of a claim, in order.
    pub async fn told(&self, claim: &str) -> Vec<intake_event::Kind> {
        let mut told = Vec::new();
        for (subject, payload) in self.service.events().await {
            if subject.to_string().starts_with("event.intake.") {
                let event = IntakeEvent::decode(payload.as_slice()).unwrap();
                if event.claim_id == claim {
                    told.push(event.kind.unwrap());
                }
            }
        }
        told
    }

    /// The notices of a claim, in order.
    pub async fn notices(&self, claim: &str) -> Vec<Notice> {
        let events = self.service.events().await;
        let notices = events.iter().filter(|(subject, _)| subject.to_string().starts_with("notice.customer."));
        let notices = notices.map(|(_, payload)| serde_json::from_slice::<Notice>(payload).unwrap());
        notices.filter(|notice| notice.claim_id == claim).collect()
    }

    pub async fn templates(&self, claim: &str) -> Vec<String> {
        self.notices(claim).await.into_iter().map(|notice| notice.template).collect()
    }

    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.service.pool()).await.unwrap()
    }

    /// Why messages were parked, oldest first.
    pub async fn parked(&self) -> Vec<String> {
        let query = sqlx::query_scalar("SELECT reason FROM parked ORDER BY parked_id");
        query.fetch_all(self.service.pool()).await.unwrap()
    }
}

pub fn command(claim: &str, kind: Kind) -> Outgoing {
    let name = match &kind {
        Kind::AskCustomer(_) => "ask_customer",
        Kind::CloseQuestion(_) => "close_question",
        Kind::ProposePlan(_) => "propose_plan",
        Kind::WithdrawPlan(_) => "withdraw_plan",
        Kind::StartFollowUp(_) => "start_follow_up",
        Kind::EndClaim(_) => "end_claim",
        Kind::MovePromises(_) => "move_promises",
    };
    let message = IntakeCommand { claim_id: claim.to_owned(), kind: Some(kind) };
    Outgoing::command("intake", name, claim.parse().unwrap(), &message)
}

pub fn ask(question_id: &str) -> Kind {
    let reason = "ORDER_NUMBER_NEEDED".to_owned();
    Kind::AskCustomer(AskCustomer { question_id: question_id.to_owned(), reason, line: 1 })
}

pub fn close(question_id: &str) -> Kind {
    Kind::CloseQuestion(CloseQuestion { question_id: question_id.to_owned() })
}

pub fn propose(number: u32) -> Kind {
    let line = LinePlan { line: 1, promised_on: "2026-12-01".to_owned(), ..Default::default() };
    Kind::ProposePlan(ProposePlan { plan: Some(Plan { number, lines: vec![line], ..Default::default() }) })
}

pub fn withdraw_plan(plan_number: u32) -> Kind {
    Kind::WithdrawPlan(WithdrawPlan { plan_number })
}

pub fn follow_up(round: u32) -> Kind {
    Kind::StartFollowUp(StartFollowUp { round })
}

pub fn end(outcome: ClaimState) -> Kind {
    let reason = if outcome == ClaimState::Closed { "" } else { "OUTSIDE_WINDOW" };
    Kind::EndClaim(EndClaim { outcome: outcome.into(), reason: reason.to_owned() })
}

pub fn contact() -> Contact {
    Contact {
        customer_name: "Ada Lovelace".to_owned(),
        contact_person: "Charles Babbage".to_owned(),
        company: "Analytical Engines Ltd".to_owned(),
        phone: "+44 20 7946 0958".to_owned(),
        email: "ada@engines.example".to_owned(),
        address: "12 St James's Square\nLondon".to_owned(),
    }
}

pub fn evidence(line: u32) -> Evidence {
    let (sha256, media_type) = ("0F".repeat(32), "image/jpeg".to_owned());
    Evidence { sha256, media_type, size: 4711, name: "cup-of-ada.jpg".to_owned(), line, audience: 0 }
}

pub fn line() -> NewLine {
    NewLine {
        order_no: "536365".to_owned(),
        sku: "85123A".to_owned(),
        batch: "B7".to_owned(),
        serials: vec!["S-1".to_owned(), "S-2".to_owned()],
        quantity: 6,
        category: Category::QualityColour.into(),
        wish: Resolution::Replace.into(),
        delivered_on: "2026-11-01".to_owned(),
        occurred_on: "2026-11-05".to_owned(),
        description: "Ada says the cup is green.\nIt was ordered in white.".to_owned(),
        safety_risk: true,
        operation_stopped: false,
    }
}

pub fn submit_request() -> SubmitClaimRequest {
    let unknown_order = NewLine { sku: "BANK CHARGES".to_owned(), quantity: 1, ..Default::default() };
    SubmitClaimRequest {
        request_id: request_id(),
        channel: Channel::Phone.into(),
        customer_ref: "17850".to_owned(),
        contact: Some(contact()),
        lines: vec![line(), unknown_order],
        evidence: vec![evidence(0), evidence(1)],
        country: "GB".to_owned(),
        attested: true,
        importance: 2,
        upset: true,
        announced_on: String::new(),
    }
}
