//! The public APIs, read with patience: services may be restarting while a run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use proto::escalation::escalation_service_client::EscalationServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::intake::vault_service_client::VaultServiceClient;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::triage::triage_service_client::TriageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// A read that fails for so long is itself a violation (C9).
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows of a page: claims may be large.
pub const PAGE: i32 = 100;
/// No list of a run is longer: more means that paging does not end.
const PAGES_MAX: usize = 100_000;
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Every service.
pub const SERVICES: [&str; 6] = ["intake", "triage", "inventory", "logistics", "escalation", "orchestrator"];

/// The token that the rig has handed over.
#[derive(Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A connection on which every call has the token.
pub type Wire = InterceptedService<Channel, Bearer>;

/// Clients of all services.
pub struct Api {
    channels: BTreeMap<String, Channel>,
    bearer: Bearer,
    unread: Mutex<Vec<String>>,
    dead: Mutex<BTreeSet<String>>,
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident: $client:ident at $service:literal;)*) => {
        impl Api {$(
            $(#[$doc])*
            pub fn $name(&self) -> $client<Wire> {
                $client::new(self.channel($service)).max_decoding_message_size(ANSWER_BYTES_MAX)
            }
        )*}
    };
}

clients! {
    /// Intake.
    intake: IntakeServiceClient at "intake";
    /// The vault of personal data, at intake.
    vault: VaultServiceClient at "intake";
    /// Triage.
    triage: TriageServiceClient at "triage";
    /// Inventory.
    inventory: InventoryServiceClient at "inventory";
    /// Logistics.
    logistics: LogisticsServiceClient at "logistics";
    /// Escalation.
    escalation: EscalationServiceClient at "escalation";
    /// Orchestrator.
    orchestrator: OrchestratorServiceClient at "orchestrator";
}

impl Api {
    /// Clients that connect when they are used.
    pub fn new(endpoints: &BTreeMap<String, String>, token: &str) -> Result<Self> {
        let bearer = Bearer(format!("Bearer {token}").parse().context("the token is not one")?);
        let mut channels = BTreeMap::new();
        for service in SERVICES {
            let address = endpoints.get(service).with_context(|| format!("no address of {service}"))?;
            let endpoint = Endpoint::from_shared(address.clone())?
                .connect_timeout(Duration::from_secs(2))
                .timeout(Duration::from_secs(5))
                .http2_keep_alive_interval(Duration::from_secs(5))
                .keep_alive_timeout(Duration::from_secs(5))
                .keep_alive_while_idle(true);
            channels.insert(service.to_owned(), endpoint.connect_lazy());
        }
        Ok(Self { channels, bearer, unread: Mutex::default(), dead: Mutex::default() })
    }

    fn channel(&self, service: &str) -> Wire {
        let channel = self.channels.get(service).expect("every service has a channel since `new`").clone();
        InterceptedService::new(channel, self.bearer.clone())
    }

    /// The operations of a service.
    pub fn operations(&self, service: &str) -> OperationsServiceClient<Wire> {
        OperationsServiceClient::new(self.channel(service)).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// What could not be read so far; it is forgotten then, and dead services are tried again.
    pub fn take_unread(&self) -> Vec<String> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clear();
        std::mem::take(&mut *self.unread.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks until there is an answer; `None`: there is no such thing, or it cannot be read, which is remembered.
    pub async fn ask<T>(
        &self,
        service: &str,
        what: &str,
        call: impl Fn() -> BoxFuture<'static, Result<Response<T>, Status>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            if self.dead.lock().unwrap_or_else(PoisonError::into_inner).contains(service) {
                return None;
            }
            let status = match call().await {
                Ok(response) => return Some(response.into_inner()),
                Err(status) => status,
            };
            if status.code() == Code::NotFound {
                return None;
            }
            let may_pass = matches!(
                status.code(),
                Code::Unavailable
                    | Code::DeadlineExceeded
                    | Code::Cancelled
                    | Code::Unknown
                    | Code::Internal
                    | Code::ResourceExhausted
                    | Code::Aborted
            );
            if !may_pass || begun.elapsed() > PATIENCE {
                if may_pass {
                    self.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned());
                }
                let text = format!("{service} {what}: {:?} {}", status.code(), status.message());
                self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Reads a whole list, page by page.
    pub async fn list<R, T, P>(
        &self,
        service: &str,
        what: &str,
        call: impl Fn(String) -> BoxFuture<'static, Result<Response<P>, Status>>,
        rows: impl Fn(P) -> (Vec<R>, String),
        keep: impl Fn(R) -> T,
    ) -> Vec<T> {
        let mut all = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES_MAX {
            let Some(page) = self.ask(service, what, || call(token.clone())).await else { return all };
            let (found, next) = rows(page);
            all.extend(found.into_iter().map(&keep));
            if next.is_empty() {
                return all;
            }
            token = next;
        }
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{service} {what}: endless pages"));
        all
    }
}

/// A request by the checker.
pub fn request<T>(body: T) -> Request<T> {
    let mut request = Request::new(body);
    request.set_timeout(Duration::from_secs(5));
    request
}

/// Reads a whole list: `pages!(api, intake, list_claims, ListClaimsRequest { .. }, claims)`.
#[macro_export]
macro_rules! pages {
    ($api:expr, $service:ident, $method:ident, $request:expr, $field:ident) => {{
        #[allow(clippy::field_reassign_with_default, reason = "the type of the request is not known here")]
        let call = |page_token: String| -> futures::future::BoxFuture<'static, _> {
            let mut client = $api.$service();
            let mut body = $request;
            body.page_size = $crate::api::PAGE;
            body.page_token = page_token;
            Box::pin(async move { client.$method($crate::api::request(body)).await })
        };
        let name = stringify!($service);
        $api.list(name, stringify!($method), call, |page| (page.$field, page.next_page_token), |row| row).await
    }};
}

/// Reads one thing: `one!(api, intake, get_claim, GetClaimRequest { .. })`.
#[macro_export]
macro_rules! one {
    ($api:expr, $service:ident, $method:ident, $request:expr) => {{
        let call = || -> futures::future::BoxFuture<'static, _> {
            let mut client = $api.$service();
            let body = $request;
            Box::pin(async move { client.$method($crate::api::request(body)).await })
        };
        $api.ask(stringify!($service), stringify!($method), call).await
    }};
}
