//! Settings of the vault of personal data.

use std::path::PathBuf;

use serde::Deserialize;

/// The vault of personal data; of intake only.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// File with the keys that wrap the keys of customers: one a line, its name and 64 hexadecimal digits, as
    /// `2026a 9f…`. The first wraps, all unwrap. Nothing works without it.
    pub key_file: Option<PathBuf>,
}

impl Vault {
    pub(super) fn check(&self, service: &str) -> anyhow::Result<()> {
        anyhow::ensure!(
            service == "intake" || self.key_file.is_none(),
            "vault.key_file is a setting of intake, which keeps the personal data"
        );
        Ok(())
    }
}
