//! Where the services are, and who asks.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use proto::escalation::escalation_service_client::EscalationServiceClient;
use proto::intake::intake_service_client::IntakeServiceClient;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::logistics::logistics_service_client::LogisticsServiceClient;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::orchestrator::orchestrator_service_client::OrchestratorServiceClient;
use proto::triage::triage_service_client::TriageServiceClient;
use serde::{Deserialize, Serialize};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;

/// An installation, as `redress up` prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// gRPC address of each service.
    pub services: BTreeMap<String, String>,
    /// Address of probes and metrics of each service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub admin: BTreeMap<String, String>,
    /// Address of the broker; empty: not known.
    #[serde(default)]
    pub nats: String,
    /// First token of every subject.
    #[serde(default = "prefix")]
    pub prefix: String,
    /// Host, port and the address of each service's database.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub postgres: BTreeMap<String, String>,
}

fn prefix() -> String {
    "redress".to_owned()
}

impl Installation {
    /// Reads the JSON of an installation, or only the addresses of its services.
    pub fn read(json: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Whole(Installation),
            Services(BTreeMap<String, String>),
        }
        let either = serde_json::from_str(json).map_err(|_| {
            Failure::Malformed("the addresses are not the JSON that `redress up --output json` prints".to_owned())
        })?;
        Ok(match either {
            Either::Whole(installation) => installation,
            Either::Services(services) => Self { services, prefix: prefix(), ..Self::default() },
        })
    }

    /// The installation a command is about.
    pub fn find(stack: Option<&Path>) -> Result<Self> {
        if let Some(path) = stack {
            let json = fs::read_to_string(path)
                .map_err(|error| Failure::Unavailable(format!("cannot read {}: {error}", path.display())))?;
            return Self::read(&json);
        }
        if let Ok(json) = std::env::var("REDRESS_ENDPOINTS") {
            return Self::read(&json);
        }
        let none = || {
            Failure::Unavailable(
                "no installation is known: start one with `redress up`, or name one by --stack or REDRESS_ENDPOINTS"
                    .to_owned(),
            )
        };
        let path = state_file();
        let json = fs::read_to_string(&path).map_err(|_| none())?;
        let owner = fs::metadata(&path).map_err(|_| none())?.uid();
        if owner != nix::unistd::geteuid().as_raw() {
            return Err(none().into());
        }
        Self::read(&json)
    }

    /// Leaves the installation behind for other commands of this user.
    pub fn leave(&self) -> Result<()> {
        let path = state_file();
        if let Some(folder) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("cannot make {}", folder.display()))?;
            // In a shared folder somebody else may have been there first.
            let owner = fs::metadata(folder)?.uid();
            anyhow::ensure!(owner == nix::unistd::geteuid().as_raw(), "{} belongs to somebody else", folder.display());
        }
        let draft = path.with_extension(format!("{}.draft", std::process::id()));
        fs::write(&draft, serde_json::to_string(self)?)?;
        fs::rename(&draft, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes it back, unless another installation has been left since.
    pub fn take_back(&self) {
        let path = state_file();
        let mine = fs::read_to_string(&path).ok().and_then(|json| Self::read(&json).ok()).as_ref() == Some(self);
        if mine {
            let _ = fs::remove_file(&path);
            // Only an empty folder can be removed this way.
            let _ = path.parent().map(fs::remove_dir);
        }
    }
}

/// Where `redress up` leaves its addresses: a folder of this user.
pub fn state_file() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("redress/stack.json"),
        None => std::env::temp_dir().join(format!("redress-stack-{}", nix::unistd::geteuid())).join("stack.json"),
    }
}

/// Who asks: metadata of every call.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    actor: Option<MetadataValue<Ascii>>,
    roles: Option<MetadataValue<Ascii>>,
}

impl Identity {
    /// Somebody with roles.
    pub fn new(actor: Option<&str>, roles: Option<&str>) -> Result<Self> {
        let value = |text: Option<&str>| {
            let parsed = text.map(str::parse::<MetadataValue<Ascii>>).transpose();
            parsed.map_err(|_| Failure::Malformed("actor and roles must be printable ASCII".to_owned()))
        };
        Ok(Self { actor: value(actor)?, roles: value(roles)? })
    }
}

impl Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(actor) = &self.actor {
            request.metadata_mut().insert("redress-actor", actor.clone());
        }
        if let Some(roles) = &self.roles {
            request.metadata_mut().insert("redress-roles", roles.clone());
        }
        Ok(request)
    }
}

/// A connection that says who asks.
pub type Wire = InterceptedService<Channel, Identity>;

/// Clients of the services, for one identity. Cheap to clone; connections are shared and made when first used.
#[derive(Clone, Debug)]
pub struct Clients {
    channels: BTreeMap<String, Channel>,
    identity: Identity,
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
    pub fn new(installation: &Installation, identity: Identity) -> Result<Self> {
        let channel = |(name, address): (&String, &String)| {
            let endpoint = Endpoint::from_shared(address.clone())
                .map_err(|_| Failure::Malformed(format!("{address:?} is not an address")))?
                .connect_timeout(Duration::from_secs(3))
                .timeout(Duration::from_secs(15))
                .http2_keep_alive_interval(Duration::from_secs(10))
                .tcp_nodelay(true);
            Ok((name.clone(), endpoint.connect_lazy()))
        };
        Ok(Self { channels: installation.services.iter().map(channel).collect::<Result<_>>()?, identity })
    }

    /// The same connections for somebody else.
    pub fn acting(&self, actor: &str, roles: &str) -> Result<Self> {
        Ok(Self { channels: self.channels.clone(), identity: Identity::new(Some(actor), Some(roles))? })
    }

    /// Names of the services.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.channels.keys().map(String::as_str)
    }

    fn wire(&self, service: &str) -> Result<Wire> {
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
    pub fn open(global: &Global) -> Result<Self> {
        let installation = Installation::find(global.stack.as_deref())?;
        let identity = Identity::new(global.actor.as_deref(), global.roles.as_deref())?;
        let clients = Clients::new(&installation, identity)?;
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

    /// A connection to the broker.
    pub async fn nats(&self) -> Result<async_nats::Client> {
        nats(&self.installation).await
    }
}

/// A connection to the broker of an installation.
pub async fn nats(installation: &Installation) -> Result<async_nats::Client> {
    if installation.nats.is_empty() {
        return Err(Failure::Unavailable("the address of the broker is not known".to_owned()).into());
    }
    let options = async_nats::ConnectOptions::new().name("redress").connection_timeout(Duration::from_secs(3));
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
    fn names_that_cannot_be_sent_are_refused() {
        assert!(Identity::new(Some("anna"), Some("supervisor,finance")).is_ok());
        assert!(Identity::new(Some("an\nna"), None).is_err());
    }

    #[test]
    fn request_ids_are_canonical_and_different() {
        let (one, two) = (fresh_id(), fresh_id());
        assert_ne!(one, two);
        assert!(proto::ids::parse(&one).is_ok());
    }
}
