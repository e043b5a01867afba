//! Settings of the audit chain.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;

/// The audit chain and its checkpoints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The key that signs checkpoints: Ed25519, PKCS #8 as DER. The service does not start without. Replicas have the same
    /// one: fingerprints of requests are made with it, too, so a request that is repeated after it was changed is refused.
    pub key_file: Option<PathBuf>,
    /// Folder of the checkpoints, outside of the database and out of reach of its owner. The service does not start without.
    pub checkpoints: Option<PathBuf>,
    /// Links after which a checkpoint is due.
    pub links: u64,
    /// Time after a new link when a checkpoint is due: what is newer could be cut unnoticed.
    pub every: SignedDuration,
}

impl Default for Audit {
    fn default() -> Self {
        Self { key_file: None, checkpoints: None, links: 1_000, every: SignedDuration::from_secs(10) }
    }
}

impl Audit {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=1_000_000).contains(&self.links), "audit.links must be 1 to 1000000");
        let times = SignedDuration::from_millis(100)..=SignedDuration::from_hours(1);
        anyhow::ensure!(times.contains(&self.every), "audit.every must be 100 ms to 1 h");
        Ok(())
    }
}
