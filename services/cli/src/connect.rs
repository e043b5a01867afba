//! Where the services are, and who asks.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use proto::escalation::escalation_service_client::EscalationServiceClient;
use proto::intake::evidence_service_client::EvidenceServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::intake::vault_service_client::VaultServiceClient;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::triage::triage_service_client::TriageServiceClient;
use proto::work::work_service_client::WorkServiceClient;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::exit::Failure;
use crate::global::Global;
pub use crate::identity::{Identity, Minter};
use crate::installation::Installation;
use crate::output::Output;
use crate::trust::Trust;

/// A connection that says who asks.
pub type Wire = InterceptedService<Channel, Identity>;

/// Clients of the services, for one identity. Cheap to clone; connections are shared and made when first used.
#[derive(Clone, Debug)]
pub struct Clients {
    channels: BTreeMap<String, Channel>,
    /// To intake, with the time that a file may take.
    files: Option<Channel>,
    identity: Identity,
    minter: Option<Minter>,
}

macro_rules! clients {
    ($($(#[$doc:meta])* $service:ident: $client:ident;)*) => {$(
        $(#[$doc])*
        pub fn $service(&self) -> Result<$client<Wire>> {
            Ok($client::new(self.wire(stringify!($service))?))
        }
    )*};
}

impl Clients {
    /// Clients of an installation.
    pub fn new(installation: &Installation, identity: Identity, trust: &Trust) -> Result<Self> {
        let endpoint = |address: &String| {
            let endpoint = Endpoint::from_shared(address.clone())
                .map_err(|_| Failure::Malformed(format!("{address:?} is not an address")))?;
            let endpoint = endpoint.connect_timeout(Duration::from_secs(3)).timeout(Duration::from_secs(15));
            trust.on(endpoint.http2_keep_alive_interval(Duration::from_secs(10)).tcp_nodelay(true))
        };
        let channel = |(name, address): (&String, &String)| Ok((name.clone(), endpoint(address)?.connect_lazy()));
        let files = installation.services.get("intake").map(endpoint).transpose()?;
        let files = files.map(|files| files.timeout(Duration::from_secs(150)).connect_lazy());
        let minter = installation.secrets.as_deref().map(Minter::new);
        Ok(Self {
            channels: installation.services.iter().map(channel).collect::<Result<_>>()?,
            files,
            identity,
            minter,
        })
    }

    /// The same connections for somebody else: on an installation of this machine, whose key is here.
    pub fn acting(&self, actor: &str, roles: &str) -> Result<Self> {
        self.as_somebody(|minter| minter.token(actor, roles, None))
    }

    /// The same connections for a customer.
    pub fn acting_customer(&self, customer: &str) -> Result<Self> {
        self.as_somebody(|minter| minter.token("customer", "customer", Some(customer)))
    }

    fn as_somebody(&self, token: impl FnOnce(&Minter) -> Result<String>) -> Result<Self> {
        let token = token(self.minter.as_ref().ok_or_else(Minter::missing)?)?;
        Ok(Self { identity: Identity::of(&token)?, ..self.clone() })
    }

    /// Names of the services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(String::as_str)
    }

    /// A connection to a service, for a client of one's choice.
    pub fn wire(&self, service: &str) -> Result<Wire> {
        let channel = self.channels.get(service);
        let channel = channel.ok_or_else(|| Failure::Unavailable(format!("the address of {service} is not known")))?;
        Ok(InterceptedService::new(channel.clone(), self.identity.clone()))
    }

    clients! {
        /// Intake.
        intake: IntakeServiceClient;
        /// Triage.
        triage: TriageServiceClient;
        /// Inventory.
        inventory: InventoryServiceClient;
        /// Logistics.
        logistics: LogisticsServiceClient;
        /// Escalation.
        escalation: EscalationServiceClient;
        /// Orchestrator.
        orchestrator: OrchestratorServiceClient;
    }

    /// Files of evidence, at intake.
    pub fn evidence(&self) -> Result<EvidenceServiceClient<Wire>> {
        let files = self.files.clone();
        let files = files.ok_or_else(|| Failure::Unavailable("the address of intake is not known".to_owned()))?;
        Ok(EvidenceServiceClient::new(InterceptedService::new(files, self.identity.clone())))
    }

    /// The vault of personal data, at intake.
    pub fn vault(&self) -> Result<VaultServiceClient<Wire>> {
        Ok(VaultServiceClient::new(self.wire("intake")?))
    }

    /// The work list of a service that has one.
    pub fn work(&self, service: &str) -> Result<WorkServiceClient<Wire>> {
        Ok(WorkServiceClient::new(self.wire(service)?))
    }

    /// What every service offers to operators.
    pub fn operations(&self, service: &str) -> Result<OperationsServiceClient<Wire>> {
        Ok(OperationsServiceClient::new(self.wire(service)?))
    }
}

/// What a command works with.
#[derive(Clone, Debug)]
pub struct Session {
    /// The installation.
    pub installation: Installation,
    /// Clients of its services.
    pub clients: Clients,
    /// For whom the answer is.
    pub output: Output,
    request_id: Option<String>,
}

impl Session {
    /// Finds the installation; connects when the first call is made.
    ///
    /// Who asks is in the token that is given; on an installation of this machine one is made for `--actor` with `--roles`,
    /// or else with those that the command needs.
    pub fn open(global: &Global, needed: &str) -> Result<Self> {
        let installation = Installation::find(global.stack.as_deref())?;
        let identity = Identity::find(global, &installation, needed)?;
        let clients = Clients::new(&installation, identity, &global.trust)?;
        Ok(Self { installation, clients, output: global.output, request_id: global.request_id.clone() })
    }

    /// A session with an installation that is known already.
    pub fn with(installation: Installation, clients: Clients, output: Output) -> Self {
        Self { installation, clients, output, request_id: None }
    }

    /// The id of the one changing request of a command: given, or fresh.
    pub fn request_id(&self) -> String {
        self.request_id.clone().unwrap_or_else(fresh_id)
    }

    /// A connection to the broker as one of its users.
    pub async fn nats(&self, user: &str) -> Result<async_nats::Client> {
        nats(&self.installation, user).await
    }
}

/// A connection to the broker of an installation as one of its users. The password is in the installation's secrets, or in
/// the file that `REDRESS_NATS_PASSWORD_FILE` names, for the user that `REDRESS_NATS_USER` names.
pub async fn nats(installation: &Installation, user: &str) -> Result<async_nats::Client> {
    if installation.nats.is_empty() {
        return Err(Failure::Unavailable("the address of the broker is not known".to_owned()).into());
    }
    let user = std::env::var("REDRESS_NATS_USER").unwrap_or_else(|_| user.to_owned());
    let mut options = async_nats::ConnectOptions::new().name("redress").connection_timeout(Duration::from_secs(3));
    options = options.custom_inbox_prefix(chassis::topology::inbox(&user));
    let file = std::env::var_os("REDRESS_NATS_PASSWORD_FILE").map(PathBuf::from);
    let local = || installation.secrets.as_deref().map(|folder| local::Secrets::open(folder).nats_password_file(&user));
    if let Some(file) = file.or_else(local) {
        let password = fs::read_to_string(&file).map_err(|error| {
            Failure::Unavailable(format!("the password for the broker cannot be read: {}: {error}", file.display()))
        })?;
        options = options.user_and_password(user, password.trim_end().to_owned());
    }
    let client = options.connect(&installation.nats).await;
    Ok(client.map_err(|error| Failure::Unavailable(format!("cannot connect to the broker: {error}")))?)
}

/// A request id that was never used: the one place where chance is wanted.
#[expect(
    clippy::disallowed_methods,
    reason = "a client's request id names one try of one person, nothing is derived from it"
)]
pub fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_read_whole_or_as_addresses() {
        let whole =
            r#"{"services":{"intake":"http://127.0.0.1:1"},"nats":"nats://127.0.0.1:2","postgres":{"port":"3"}}"#;
        let whole = Installation::read(whole).unwrap();
        assert_eq!(whole.services["intake"], "http://127.0.0.1:1");
        assert_eq!(whole.prefix, "redress");
        assert_eq!(Installation::read(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
        let bare = Installation::read(r#"{"intake":"http://127.0.0.1:1"}"#).unwrap();
        assert_eq!(bare.services, whole.services);
        assert!(Installation::read("[]").is_err());
    }

    #[test]
    fn request_ids_are_canonical_and_different() {
        let (one, two) = (fresh_id(), fresh_id());
        assert_ne!(one, two);
        assert!(proto::ids::parse(&one).is_ok());
    }
}
