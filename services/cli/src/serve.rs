//! `redress serve`: one service in this process, as its own binary would run it.

use std::path::PathBuf;

use anyhow::Result;
use chassis::Settings;
use local::SERVICES;

use crate::exit::Failure;

/// Serve one service in this process, configured by variables as REDRESS_INTAKE__DATABASE__URL.
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// intake, triage, inventory, logistics, escalation or orchestrator.
    pub service: String,
    /// Configuration file (TOML); variables win over it.
    #[arg(long, env = "REDRESS_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Serves until SIGTERM or SIGINT.
pub async fn run(command: Serve) -> Result<()> {
    let service = SERVICES.iter().find(|service| service.name == command.service).ok_or_else(|| {
        let names: Vec<_> = SERVICES.iter().map(|service| service.name).collect();
        Failure::Usage(format!("there is no service {:?}; it is one of {}", command.service, names.join(", ")))
    })?;
    chassis::run(service, Settings::load(service, command.config.as_deref())?).await
}
