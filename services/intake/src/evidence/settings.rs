//! Where evidence files are kept, and how much of them is taken.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

/// Longest time an upload may be given: the gRPC edge lets no call go on for longer.
pub const UPLOAD_MAX: SignedDuration = SignedDuration::from_mins(2);
/// Longest life of a reference (S16).
const REFERENCE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Where evidence files are kept, and how much of them is taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The file store: `file:///var/lib/redress/evidence` or `s3://bucket/prefix`. Intake does not start without.
    pub url: Option<String>,
    /// Options of an S3-compatible store, as `region`, `endpoint`, `access_key_id`, `secret_access_key`, `allow_http`.
    pub options: BTreeMap<String, SecretString>,
    /// File with the key that signs references: 64 hexadecimal digits a line. The first line signs, all are accepted.
    /// Intake does not start without.
    pub key_file: Option<PathBuf>,
    /// Bytes of one file at the most.
    pub file_bytes: u64,
    /// Bytes of all files of a claim at the most.
    pub claim_bytes: u64,
    /// Pixels of a picture at the most.
    pub pixels: u64,
    /// Time for one upload.
    pub upload: SignedDuration,
    /// Uploads at once; each holds its file in memory.
    pub uploads: usize,
    /// Downloads at once.
    pub downloads: usize,
    /// Life of a reference.
    pub reference: SignedDuration,
    /// Time between two looks for files that belong to nothing.
    pub sweep: SignedDuration,
    /// Age at which a file without a row in the database is removed.
    pub orphan: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: None,
            options: BTreeMap::new(),
            key_file: None,
            file_bytes: 20 << 20,
            claim_bytes: 200 << 20,
            pixels: 100_000_000,
            upload: SignedDuration::from_mins(1),
            uploads: 8,
            downloads: 32,
            reference: SignedDuration::from_mins(2),
            sweep: SignedDuration::from_mins(10),
            orphan: SignedDuration::from_hours(1),
        }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=256 << 20).contains(&self.file_bytes), "evidence.file_bytes must be 1 to 256 MiB");
        anyhow::ensure!(self.claim_bytes >= self.file_bytes, "evidence.claim_bytes must hold one file at least");
        anyhow::ensure!((1..=1_000_000_000).contains(&self.pixels), "evidence.pixels must be 1 to 1000000000");
        anyhow::ensure!((1..=1024).contains(&self.uploads), "evidence.uploads must be 1 to 1024");
        anyhow::ensure!((1..=4096).contains(&self.downloads), "evidence.downloads must be 1 to 4096");
        let second = SignedDuration::from_secs(1);
        anyhow::ensure!((second..=UPLOAD_MAX).contains(&self.upload), "evidence.upload must be 1 s to 2 min");
        anyhow::ensure!((second..=REFERENCE_MAX).contains(&self.reference), "evidence.reference must be 1 s to 5 min");
        let day = SignedDuration::from_hours(24);
        anyhow::ensure!((second..=day).contains(&self.sweep), "evidence.sweep must be 1 s to 24 h");
        // What an upload left behind is gone within a day, also after an erasure.
        anyhow::ensure!((second..=day / 2).contains(&self.orphan), "evidence.orphan must be 1 s to 12 h");
        Ok(())
    }
}
