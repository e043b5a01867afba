//! How much one customer may bring; of intake only.

use serde::Deserialize;

/// How much one customer may bring within 24 hours by own calls; of intake only. What staff and systems of the shop report
/// or upload on behalf of a customer is neither limited nor counted.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Customers {
    /// Claims that a customer may report within 24 hours, whatever becomes of them.
    pub claims_per_day: u32,
    /// Bytes of evidence files that a customer may upload within 24 hours, as they are stored.
    pub evidence_bytes_per_day: u64,
    /// Reads of own personal data within 24 hours: each is on record for ever.
    pub reads_per_day: u32,
    /// Calls within 24 hours that change something, or try to: what is answered is kept for a month.
    pub changes_per_day: u32,
}

impl Default for Customers {
    fn default() -> Self {
        Self { claims_per_day: 20, evidence_bytes_per_day: 200 << 20, reads_per_day: 200, changes_per_day: 1_000 }
    }
}

impl Customers {
    pub(super) fn check(&self, service: &str, file_bytes: u64) -> anyhow::Result<()> {
        if service != "intake" {
            let given = *self != Self::default();
            anyhow::ensure!(!given, "customers.* are settings of intake, which takes what customers bring");
            return Ok(());
        }
        let claims = (1..=1_000_000).contains(&self.claims_per_day);
        anyhow::ensure!(claims, "customers.claims_per_day must be 1 to 1000000");
        for (key, value) in [("reads_per_day", self.reads_per_day), ("changes_per_day", self.changes_per_day)] {
            anyhow::ensure!((1..=1_000_000).contains(&value), "customers.{key} must be 1 to 1000000");
        }
        let bytes = (file_bytes..=1 << 40).contains(&self.evidence_bytes_per_day);
        anyhow::ensure!(
            bytes,
            "customers.evidence_bytes_per_day must hold one file at least, and be 1 TiB at the most"
        );
        Ok(())
    }
}
