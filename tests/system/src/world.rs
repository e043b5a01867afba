//! The world: a running stack, a clock that is moved by hand, and clients of the six services.

use std::time::Duration;

use chassis::Clock;
use jiff::SignedDuration;
use local::{Stack, StackOptions};
use proto::claim::{ClaimEvent, ClaimState, WaitingFor};
use proto::escalation::escalation_service_client::EscalationServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::orchestrator::{GetProcessRequest, GetTimelineRequest, Process};
use proto::triage::triage_service_client::TriageServiceClient;
use testkit::{Bearer, Wire, eventually};
use tonic::transport::Channel;

/// The whole of Redress, and everybody around it.
pub struct World {
    /// The running stack.
    pub stack: Stack,
    /// The clock of all services.
    pub clock: Clock,
    options: StackOptions,
    bearer: Bearer,
}

impl World {
    /// A fresh world.
    pub async fn new() -> Self {
        let clock = Clock::default();
        let log = std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned());
        Self::with(StackOptions { durable: false, clock, log, ..StackOptions::default() }).await
    }

    /// A fresh world with a stack of one's choice.
    pub async fn with(options: StackOptions) -> Self {
        let clock = options.clock.clone();
        let options = StackOptions { operator: true, ..options };
        let stack = Stack::start(options.clone()).await.expect("the stack starts");
        let bearer = Bearer::new(stack.secrets());
        let world = Self { stack, clock, options, bearer };
        world.open_warehouse().await;
        world
    }

    /// Address of the broker for the user who may do everything.
    pub fn nats_url(&self) -> String {
        self.stack.nats_url_as(chassis::topology::OPERATOR).expect("there is a password")
    }

    /// A channel to a service, on which every call has a token.
    pub async fn channel(&self, service: &str) -> Wire {
        self.bearer.on(self.connection(service).await)
    }

    /// A channel to a service on which calls have what the caller gives them.
    pub async fn bare_channel(&self, service: &str) -> Wire {
        Bearer::none().on(self.connection(service).await)
    }

    async fn connection(&self, service: &str) -> Channel {
        let address = self.stack.endpoints()[service].clone();
        Channel::from_shared(address).expect("an address").connect().await.expect("the service answers")
    }

    /// Intake.
    pub async fn intake(&self) -> IntakeServiceClient<Wire> {
        IntakeServiceClient::new(self.channel("intake").await)
    }

    /// Triage.
    pub async fn triage(&self) -> TriageServiceClient<Wire> {
        TriageServiceClient::new(self.channel("triage").await)
    }

    /// Inventory.
    pub async fn inventory(&self) -> InventoryServiceClient<Wire> {
        InventoryServiceClient::new(self.channel("inventory").await)
    }

    /// Logistics.
    pub async fn logistics(&self) -> LogisticsServiceClient<Wire> {
        LogisticsServiceClient::new(self.channel("logistics").await)
    }

    /// Escalation.
    pub async fn escalation(&self) -> EscalationServiceClient<Wire> {
        EscalationServiceClient::new(self.channel("escalation").await)
    }

    /// Orchestrator.
    pub async fn orchestrator(&self) -> OrchestratorServiceClient<Wire> {
        OrchestratorServiceClient::new(self.channel("orchestrator").await)
    }

    /// The process of a claim, once there is one.
    pub async fn process(&self, claim: &str) -> Option<Process> {
        let ask = GetProcessRequest { claim_id: claim.to_owned() };
        self.orchestrator().await.get_process(ask).await.ok()?.into_inner().process
    }

    /// Waits until the process of a claim is as wanted.
    pub async fn until(&self, claim: &str, what: &str, wanted: impl Fn(&Process) -> bool) -> Process {
        let look = async || self.process(claim).await.filter(|process| wanted(process));
        match tokio::time::timeout(Duration::from_secs(15), eventually(look)).await {
            Ok(process) => process,
            Err(_) => panic!("not {what}: {:#?}\n{:#?}", self.process(claim).await, self.parked().await),
        }
    }

    /// Waits until a claim is in a state.
    pub async fn until_state(&self, claim: &str, state: ClaimState) -> Process {
        self.until(claim, state.as_str_name(), |process| process.state() == state).await
    }

    /// Waits until a claim waits for a party.
    pub async fn until_waiting(&self, claim: &str, party: WaitingFor) -> Process {
        self.until(claim, party.as_str_name(), |process| process.waiting_for() == party).await
    }

    /// The public events of a claim.
    pub async fn timeline(&self, claim: &str) -> Vec<ClaimEvent> {
        let ask = GetTimelineRequest { claim_id: claim.to_owned(), page_size: 500, page_token: String::new() };
        self.orchestrator().await.get_timeline(ask).await.expect("there is a timeline").into_inner().events
    }

    /// Moves the clock of all services.
    pub fn wait(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    /// Stops one service in order.
    pub async fn stop_service(&mut self, name: &str) {
        self.stack.stop_service(name).await.expect("it stops");
    }

    /// Starts a stopped service.
    pub async fn start_service(&mut self, name: &str) {
        let options = self.options.clone();
        self.stack.start_service(name, &options).await.expect("it starts");
    }

    /// Parked messages of all services: there should be none.
    pub async fn parked(&self) -> Vec<String> {
        let mut all = Vec::new();
        for service in local::SERVICES {
            let mut client = OperationsServiceClient::new(self.channel(service.name).await);
            let parked =
                client.list_parked(ListParkedRequest::default()).await.expect("it can be listed").into_inner().parked;
            all.extend(
                parked.into_iter().map(|row| format!("{} {} {} {}", service.name, row.subject, row.reason, row.detail)),
            );
        }
        all
    }
}
