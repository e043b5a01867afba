//! A claim in the making: what the other services tell, and what they are told.

use chassis::Outgoing;
use prost::Message;
use proto::claim::{
    Assessment, Channel, ClaimEvent, ClaimState, Job, LinePlan, Money, Notice, Plan, ReportedLine, Resolution, Severity,
};
use proto::escalation::{EscalationCommand, EscalationEvent, escalation_event};
use proto::intake::{ClaimSubmitted, IntakeCommand, IntakeEvent, intake_event};
use proto::inventory::{InventoryCommand, InventoryEvent, inventory_event};
use proto::logistics::{Direction, LogisticsCommand, LogisticsEvent, logistics_event};
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::orchestrator::{
    GetEntitlementRequest, GetEntitlementResponse, GetProcessRequest, GetTimelineRequest, Process,
};
use proto::triage::{ClaimJudged, TriageCommand, TriageEvent, triage_event};
use proto::{Subject, WireTime};
use testkit::TestService;
use uuid::Uuid;

pub const ORDER: &str = "536365";
pub const SKU: &str = "85123A";
pub const PRICE: i64 = 255;

/// The service under test.
pub struct World {
    pub service: TestService,
}

/// One claim.
pub struct Story<'a> {
    pub world: &'a World,
    pub claim: Uuid,
}

/// A message that is told.
#[derive(Clone)]
pub struct Tale {
    service: &'static str,
    name: String,
    claim: Uuid,
    bytes: Vec<u8>,
}

impl World {
    pub async fn start() -> Self {
        Self { service: testkit::start(&orchestrator::SERVICE).await }
    }

    pub fn api(&self) -> OrchestratorServiceClient<testkit::Wire> {
        OrchestratorServiceClient::new(self.service.channel())
    }

    /// A claim of which nobody has heard yet.
    pub fn story(&self) -> Story<'_> {
        Story { world: self, claim: Uuid::now_v7() }
    }

    /// A claim that was submitted.
    pub async fn submitted(&self) -> Story<'_> {
        let story = self.story();
        story.tell(story.submit(Channel::Web)).await;
        story
    }

    /// A claim that was submitted and judged: one line, no person asked.
    pub async fn judged(&self, resolution: Resolution, quantity: u32) -> Story<'_> {
        let story = self.submitted().await;
        story.tell(story.judge(1, plan(1, resolution, quantity))).await;
        story
    }

    /// Messages journalled so far on subjects of a kind and name.
    pub async fn heard(&self, pick: impl Fn(&Subject) -> bool) -> Vec<Vec<u8>> {
        self.service.events().await.into_iter().filter(|(subject, _)| pick(subject)).map(|(_, bytes)| bytes).collect()
    }

    /// Nothing is parked.
    pub async fn nothing_is_parked(&self) {
        let query = "SELECT reason || ': ' || detail FROM parked ORDER BY parked_id";
        let parked: Vec<String> = sqlx::query_scalar(query).fetch_all(self.service.pool()).await.unwrap();
        assert!(parked.is_empty(), "{parked:?}");
    }

    /// Messages parked so far: their reasons.
    pub async fn parked(&self) -> Vec<String> {
        let query = "SELECT reason FROM parked ORDER BY parked_id";
        sqlx::query_scalar(query).fetch_all(self.service.pool()).await.unwrap()
    }

    pub async fn entitlement(&self, order_no: &str, sku: &str) -> Result<GetEntitlementResponse, tonic::Status> {
        let request =
            GetEntitlementRequest { order_no: order_no.to_owned(), sku: sku.to_owned(), line_id: String::new() };
        self.api().get_entitlement(request).await.map(tonic::Response::into_inner)
    }

    /// Held and given units, and what was compensated for them, of the order line of the stories.
    pub async fn ledger(&self) -> (u32, u32, i64) {
        let line = self.entitlement(ORDER, SKU).await.unwrap();
        (line.held, line.given, line.compensated.unwrap().minor_units)
    }
}

/// The name of a kind of message: `ClaimJudged(..)` is told on `claim_judged`.
fn name_of(kind: &impl std::fmt::Debug) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

impl Story<'_> {
    /// Tells it and waits until it is processed or parked.
    pub async fn tell(&self, tale: Tale) -> Uuid {
        let event_id = Uuid::now_v7();
        self.tell_as(event_id, tale).await;
        event_id
    }

    pub async fn tell_as(&self, event_id: Uuid, tale: Tale) {
        let subject = Subject::Event { service: tale.service.to_owned(), name: tale.name.clone() };
        let (jetstream, prefix) = (self.world.service.jetstream(), &self.world.service.home.prefix);
        testkit::publish(jetstream, prefix, event_id, &subject, tale.claim, &tale.bytes).await;
        self.world.service.settled(event_id).await;
    }

    pub fn submit(&self, channel: Channel) -> Tale {
        let line = |line| ReportedLine { line, sku: SKU.to_owned(), quantity: 2, ..ReportedLine::default() };
        self.intake(intake_event::Kind::ClaimSubmitted(ClaimSubmitted {
            claim_number: "RD-2026-000123".to_owned(),
            channel: channel as i32,
            customer_ref: "c-17".to_owned(),
            country: "GB".to_owned(),
            lines: vec![line(1), line(2)],
            importance: 1,
            received_at: Some(WireTime { seconds: 1_800_000_000, nanos: 0 }),
            address_known: Some(true),
            ..ClaimSubmitted::default()
        }))
    }

    pub fn judge(&self, assessment: u32, plan: Plan) -> Tale {
        self.judge_as(assessment, plan, Severity::General)
    }

    pub fn judge_as(&self, assessment: u32, plan: Plan, severity: Severity) -> Tale {
        let judgement = Assessment { number: assessment, severity: severity as i32, ..Assessment::default() };
        let judged = ClaimJudged { assessment, judgement: Some(judgement), plan: Some(plan) };
        self.triage(triage_event::Kind::ClaimJudged(judged))
    }

    pub fn intake(&self, kind: intake_event::Kind) -> Tale {
        let name = name_of(&kind);
        let event = IntakeEvent { claim_id: self.claim.to_string(), kind: Some(kind) };
        self.tale("intake", name, &event)
    }

    pub fn triage(&self, kind: triage_event::Kind) -> Tale {
        let name = name_of(&kind);
        let event = TriageEvent { claim_id: self.claim.to_string(), kind: Some(kind) };
        self.tale("triage", name, &event)
    }

    pub fn inventory(&self, job: &Job, kind: inventory_event::Kind) -> Tale {
        self.tale("inventory", name_of(&kind), &InventoryEvent { job: Some(job.clone()), kind: Some(kind) })
    }

    pub fn logistics(&self, job: &Job, direction: Direction, kind: logistics_event::Kind) -> Tale {
        let name = name_of(&kind);
        let event = LogisticsEvent { job: Some(job.clone()), direction: direction as i32, kind: Some(kind) };
        self.tale("logistics", name, &event)
    }

    pub fn escalation(&self, kind: escalation_event::Kind) -> Tale {
        let name = name_of(&kind);
        let event = EscalationEvent { claim_id: self.claim.to_string(), kind: Some(kind) };
        self.tale("escalation", name, &event)
    }

    fn tale(&self, service: &'static str, name: String, message: &impl Message) -> Tale {
        Tale { service, name, claim: self.claim, bytes: message.encode_to_vec() }
    }

    /// Commands to a service under a name, about this claim, in order.
    async fn asked<M: Message + Default>(&self, of: &str, what: &str, claim: impl Fn(&M) -> String) -> Vec<M> {
        let pick =
            |subject: &Subject| matches!(subject, Subject::Command { service, name } if service == of && name == what);
        let all = self.world.heard(pick).await.into_iter().map(|bytes| M::decode(bytes.as_slice()).unwrap());
        all.filter(|message| claim(message) == self.claim.to_string()).collect()
    }

    pub async fn asked_intake(&self, what: &str) -> Vec<IntakeCommand> {
        self.asked("intake", what, |message: &IntakeCommand| message.claim_id.clone()).await
    }

    pub async fn asked_triage(&self, what: &str) -> Vec<TriageCommand> {
        self.asked("triage", what, |message: &TriageCommand| message.claim_id.clone()).await
    }

    pub async fn asked_inventory(&self, what: &str) -> Vec<InventoryCommand> {
        self.asked("inventory", what, |message: &InventoryCommand| message.job.clone().unwrap().claim_id).await
    }

    pub async fn asked_logistics(&self, what: &str) -> Vec<LogisticsCommand> {
        self.asked("logistics", what, |message: &LogisticsCommand| message.job.clone().unwrap().claim_id).await
    }

    pub async fn asked_escalation(&self, what: &str) -> Vec<EscalationCommand> {
        self.asked("escalation", what, |message: &EscalationCommand| message.claim_id.clone()).await
    }

    /// Notices to an audience under a template, about this claim.
    pub async fn notices(&self, to: &str, template: &str) -> Vec<Notice> {
        let pick = |subject: &Subject| matches!(subject, Subject::Notice { audience, name } if audience == to && name == template);
        let all =
            self.world.heard(pick).await.into_iter().map(|bytes| serde_json::from_slice::<Notice>(&bytes).unwrap());
        all.filter(|notice| notice.claim_id == self.claim.to_string()).collect()
    }

    pub async fn process(&self) -> Process {
        let request = GetProcessRequest { claim_id: self.claim.to_string() };
        self.world.api().get_process(request).await.unwrap().into_inner().process.unwrap()
    }

    pub async fn state(&self) -> ClaimState {
        self.process().await.state()
    }

    /// The public life of the claim; checks that it is dense and is what was published.
    pub async fn timeline(&self) -> Vec<ClaimEvent> {
        let request =
            GetTimelineRequest { claim_id: self.claim.to_string(), page_size: 500, page_token: String::new() };
        let events = self.world.api().get_timeline(request).await.unwrap().into_inner().events;
        let numbers: Vec<u32> = events.iter().map(|event| event.number).collect();
        assert_eq!(numbers, (1..=u32::try_from(events.len()).unwrap()).collect::<Vec<_>>());
        let pick = |subject: &Subject| matches!(subject, Subject::Claim { claim, .. } if claim.0 == self.claim);
        let published = self.world.heard(pick).await;
        let published: Vec<ClaimEvent> = published.iter().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect();
        assert_eq!(published, events);
        events
    }

    /// Names of the public events.
    pub async fn names(&self) -> Vec<String> {
        self.timeline().await;
        let mut names = Vec::new();
        for (subject, _) in self.world.service.events().await {
            if let Subject::Claim { claim, name } = subject
                && claim.0 == self.claim
            {
                names.push(name);
            }
        }
        names
    }

    /// The settlement that finance was told about last, and its amount.
    pub async fn settlement(&self) -> (String, i64) {
        let notices = self.notices("finance", "settlement_instructed").await;
        let told = &notices.last().expect("finance was told").parameters;
        (told["settlement_id"].clone(), told["amount_minor"].parse().unwrap())
    }
}

pub fn line(line: u32, resolution: Resolution, quantity: u32) -> LinePlan {
    let money = |minor_units| Some(Money { minor_units, currency: "GBP".to_owned() });
    LinePlan {
        line,
        resolution: resolution as i32,
        sku: SKU.to_owned(),
        quantity,
        order_no: ORDER.to_owned(),
        sold_quantity: 6,
        unit_price: money(PRICE),
        cost: money(PRICE * i64::from(quantity)),
        promised_on: "2026-12-01".to_owned(),
        ..LinePlan::default()
    }
}

/// A plan of one line that nobody need allow.
pub fn plan(number: u32, resolution: Resolution, quantity: u32) -> Plan {
    Plan {
        number,
        lines: vec![line(1, resolution, quantity)],
        automatic: true,
        consented: true,
        proposed_by: "rules".to_owned(),
        policy: "supply-chain@1".to_owned(),
        ..Plan::default()
    }
}

/// A message as its service would send it, for what the stories do not say.
pub fn outgoing(service: &str, claim: Uuid, message: &impl Message) -> Outgoing {
    Outgoing::event(service, "told", claim, message)
}
