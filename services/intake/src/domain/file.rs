//! Files of evidence: which a claim keeps. The bytes are in the file store; here is what is known of them.

use jiff::Timestamp;
use proto::intake::{EvidenceAudience, EvidenceKind, EvidenceMetadata};
use uuid::Uuid;

use super::{Claim, EVIDENCE_MAX, Event, Evidence, Refusal};

/// A file that waits in the store for its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its id, should it be kept.
    pub id: Uuid,
    /// What was received: hash, type and size are those of the bytes that came.
    pub received: Evidence,
    /// What it shows.
    pub kind: EvidenceKind,
    /// Where it is in the store.
    pub key: String,
    /// SHA-256 of what is stored.
    pub stored_sha256: String,
    /// Bytes stored.
    pub stored_size: u64,
    /// What became of the metadata in it.
    pub metadata: EvidenceMetadata,
    /// From then on it may be swept away as an orphan at any time.
    pub fresh_until: Timestamp,
    /// Bytes of all files of a claim at the most.
    pub quota: u64,
    /// The customer who uploads it, and nobody on behalf of the customer: it counts for the customer's day.
    pub own: Option<String>,
}

/// A file of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub id: Uuid,
    /// The piece of evidence that it is: its place in the claim's evidence, from 1.
    pub number: usize,
    /// SHA-256 of what was received.
    pub received_sha256: String,
    /// Bytes received.
    pub received_size: i64,
    /// Media type, as found in the content.
    pub content_type: String,
    /// What it shows.
    pub kind: EvidenceKind,
    /// Where it is in the store.
    pub key: String,
    /// SHA-256 of what is stored.
    pub stored_sha256: String,
    /// Bytes stored.
    pub stored_size: u64,
    /// What became of the metadata in it.
    pub metadata: EvidenceMetadata,
    /// Who uploaded it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// For whom it is.
    pub audience: EvidenceAudience,
    /// When it was removed because the customer was forgotten.
    pub forgotten_at: Option<Timestamp>,
}

/// Whether what is for one audience may stand for what was meant for another.
fn is_for(has: EvidenceAudience, meant: EvidenceAudience) -> bool {
    has == EvidenceAudience::Customer || has == meant
}

impl Claim {
    /// The file that these bytes are, if the claim has it for that audience: what is for the customer is for staff, too, and
    /// a customer does not learn of what staff have.
    pub fn file(&self, received_sha256: &str, audience: EvidenceAudience) -> Option<&File> {
        let same = |file: &&File| file.received_sha256 == received_sha256 && is_for(file.audience, audience);
        self.files.iter().find(same)
    }

    /// Whether a file of this size may still come: what will be refused for sure is refused before its bytes come.
    pub fn has_room(&self, received_size: i64, quota: u64) -> Result<(), Refusal> {
        // Perhaps it is there already; then it is answered as it was.
        if self.files.iter().any(|file| file.received_size == received_size) {
            return Ok(());
        }
        self.going()?;
        let held = self.held();
        if held >= quota { Err(Refusal::EvidenceQuota { held }) } else { Ok(()) }
    }

    /// Bytes that are stored.
    fn held(&self) -> u64 {
        self.files.iter().map(|file| file.stored_size).sum()
    }

    pub(super) fn keep_file(&self, now: Timestamp, by: &str, new: &NewFile) -> Result<Vec<Event>, Refusal> {
        // The same bytes twice are one piece of evidence, whoever sends them.
        if self.file(&new.received.sha256, new.received.audience).is_some() {
            return Ok(Vec::new());
        }
        self.going()?;
        if new.received.line > u32::try_from(self.lines.len()).unwrap_or(u32::MAX) {
            return Err(Refusal::NoSuchLine { line: new.received.line });
        }
        let free = |number: usize| self.files.iter().all(|file| file.number != number);
        let announced = (1..).zip(&self.evidence).find(|(number, piece)| {
            let same = piece.sha256 == new.received.sha256 && is_for(piece.audience, new.received.audience);
            same && free(*number)
        });
        if announced.is_none() && self.evidence.len() >= EVIDENCE_MAX {
            return Err(Refusal::TooMuchEvidence { held: self.evidence.len() });
        }
        let held = self.held();
        if held.saturating_add(new.stored_size) > new.quota {
            return Err(Refusal::EvidenceQuota { held });
        }
        // What is past that may be gone from the store before the row is there.
        if now > new.fresh_until {
            return Err(Refusal::UploadExpired);
        }
        let file = File {
            id: new.id,
            number: announced.map_or(self.evidence.len() + 1, |(number, _)| number),
            received_sha256: new.received.sha256.clone(),
            received_size: new.received.size,
            content_type: new.received.media_type.clone(),
            kind: new.kind,
            key: new.key.clone(),
            stored_sha256: new.stored_sha256.clone(),
            stored_size: new.stored_size,
            metadata: new.metadata,
            by: by.to_owned(),
            at: now,
            audience: announced.map_or(new.received.audience, |(_, piece)| piece.audience),
            forgotten_at: None,
        };
        let piece = announced.is_none().then(|| new.received.clone());
        Ok(vec![Event::FileKept { file: Box::new(file), piece }])
    }
}
