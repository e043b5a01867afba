//! Where the services of an installation are.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

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
    /// Folder of the secrets, on this machine: signing key, passwords of the broker's users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<PathBuf>,
    /// Where the clock of a rehearsal is asked and moved, on this machine; none: it goes by the real clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<PathBuf>,
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

    /// Address of a service's database for the role that serves, with its password.
    pub fn database(&self, service: &str) -> Result<String> {
        let secrets = self.secrets.as_deref().context("the secrets of the installation are not on this machine")?;
        let (host, port) = self.postgres.get("host").zip(self.postgres.get("port")).context("there is no database")?;
        local::Secrets::open(secrets).postgres_url(&format!("{host}:{port}"), service, service)
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
