//! Verification: what was signed, against what is there now. It needs no service and no database, only what they gave.

mod finding;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use proto::operations::AuditLink;
use serde::Serialize;

use super::checkpoint::{Checkpoint, NONE};
use super::format::{self, Field, Hash, Link, hex, unhex};
pub use finding::{Finding, Kind};

/// What was signed of a number.
struct Signed {
    hash: Hash,
    at: String,
}

/// Walks along the chain of a service, from its first link.
pub struct Verifier {
    signed: BTreeMap<u64, Vec<Signed>>,
    checkpoints: u64,
    grace: SignedDuration,
    number: u64,
    hash: Hash,
    /// Last row of each source.
    last: HashMap<String, (i64, i64)>,
    /// Number and time of the last checkpoint that was passed.
    good: Option<(u64, String)>,
    /// When the first link after it was sealed.
    newer: Option<i64>,
    waiting: u64,
}

/// A chain that is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Links.
    pub links: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Number of the link that was signed last.
    pub signed: u64,
    /// When.
    pub signed_at: Option<String>,
    /// Links after it: they could be cut unnoticed.
    pub newer: u64,
    /// Rows that are not sealed yet.
    pub waiting: u64,
}

impl Verifier {
    /// With the checkpoints of a service: one or more files, as name and text. They must be read before the chain is.
    /// `grace` is how long a row may wait to be sealed, and a link to be signed.
    pub fn new(
        service: &str,
        keys: &[Vec<u8>],
        files: &[(String, String)],
        grace: SignedDuration,
    ) -> Result<Self, Finding> {
        let mut verifier = Self {
            signed: BTreeMap::new(),
            checkpoints: 0,
            grace,
            number: 0,
            hash: format::genesis(service),
            last: HashMap::new(),
            good: None,
            newer: None,
            waiting: 0,
        };
        for (name, text) in files {
            verifier.file(service, keys, name, text)?;
        }
        Ok(verifier)
    }

    /// A file of checkpoints. What a crash has left unfinished is no line.
    fn file(&mut self, service: &str, keys: &[Vec<u8>], name: &str, text: &str) -> Result<(), Finding> {
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let (mut previous, mut number) = (hex(&NONE), 0);
        for (at, line) in (1..).zip(whole.lines()) {
            let wrong = |what: &str| Finding::checkpoint(Kind::CheckpointForged, name, at, what);
            let checkpoint: Checkpoint = serde_json::from_str(line)
                .map_err(|_| Finding::checkpoint(Kind::CheckpointUnreadable, name, at, "it is not a checkpoint"))?;
            if checkpoint.service != service {
                return Err(wrong("it is of another service"));
            }
            if !checkpoint.is_signed(keys) {
                return Err(wrong("none of the public keys has signed it"));
            }
            if checkpoint.previous != previous || checkpoint.number <= number {
                return Err(wrong("it does not follow the checkpoint before it"));
            }
            let hash = unhex(&checkpoint.chain_hash).ok_or_else(|| wrong("it has no hash"))?;
            (previous, number) = (hex(&checkpoint.hash()), checkpoint.number);
            self.checkpoints += 1;
            self.signed.entry(number).or_default().push(Signed { hash, at: checkpoint.at });
        }
        Ok(())
    }

    /// The next link, as a service tells it.
    pub fn wire_link(&mut self, told: &AuditLink) -> Result<(), Finding> {
        let fields: Option<Vec<Field<'_>>> = told
            .row
            .as_ref()
            .map(|row| row.fields.iter().map(|field| (field.name.as_str(), field.value.as_deref())).collect());
        let link = Link {
            number: told.number,
            source: told.source.clone(),
            tx: told.tx,
            row_id: told.row_id,
            // Of another length it fits nothing.
            row_hash: told.row_hash.as_slice().try_into().unwrap_or_default(),
            sealed_at: told.sealed_at_micros,
        };
        self.link(&link, &told.chain_hash, fields.as_deref())
    }

    /// The next link, with its hash and its row as they are now.
    pub fn link(&mut self, link: &Link, chain_hash: &[u8], row: Option<&[Field<'_>]>) -> Result<(), Finding> {
        let wrong = |kind: Kind, what: &str| Err(Finding::link(kind, link, what));
        let expected = self.number + 1;
        if link.number != expected {
            let what = format!("there is no such link: {} follows {}", link.number, self.number);
            return Err(Finding { number: Some(expected), ..Finding::of(Kind::LinkMissing, what) });
        }
        let hash = format::chain(&self.hash, link);
        if hash != *chain_hash {
            return wrong(Kind::LinkChanged, "its hash does not follow from the link before it and from what it says");
        }
        let place = (link.tx, link.row_id);
        if self.last.get(&link.source).is_some_and(|last| *last >= place) {
            return wrong(Kind::LinkOutOfOrder, "its row comes before, or is, that of an earlier link");
        }
        let Some(row) = row else { return wrong(Kind::RowMissing, "the row that it seals is gone") };
        if format::row(&link.source, row) != link.row_hash {
            return wrong(Kind::RowChanged, "the row is not what was sealed");
        }
        if let Some(signed) = self.signed.get(&link.number) {
            if signed.iter().any(|signed| signed.hash != hash) {
                let from = self.good.as_ref().map_or(1, |(number, _)| number + 1);
                let what = format!(
                    "links {from} to {} are not those that were signed at {}: the chain was computed anew, or the \
                     database was restored from a backup",
                    link.number,
                    signed.iter().map(|signed| signed.at.as_str()).max().unwrap_or_default()
                );
                let place = (Some(from), Some(link.number));
                return Err(Finding { number: place.0, until: place.1, ..Finding::of(Kind::NotWhatWasSigned, what) });
            }
            self.good = Some((link.number, signed.iter().map(|signed| signed.at.clone()).max().unwrap_or_default()));
            self.newer = None;
        } else {
            self.newer.get_or_insert(link.sealed_at);
        }
        (self.number, self.hash) = (link.number, hash);
        self.last.insert(link.source.clone(), place);
        Ok(())
    }

    /// There are no more links.
    pub fn end(&mut self, now: Timestamp) -> Result<(), Finding> {
        let after = self.signed.range(self.number + 1..).next_back();
        if let Some((number, signed)) = after {
            let what = format!(
                "the chain ends with {}, and {number} was signed at {}: it was cut, or the database was restored from a backup",
                self.number,
                signed.iter().map(|signed| signed.at.as_str()).max().unwrap_or_default()
            );
            let first = Some(self.number + 1);
            return Err(Finding { number: first, until: Some(*number), ..Finding::of(Kind::ChainCut, what) });
        }
        let since = self.newer.and_then(|sealed_at| Timestamp::from_microsecond(sealed_at).ok());
        if since.is_some_and(|since| now.duration_since(since) > self.grace) {
            let from = self.good.as_ref().map_or(1, |(number, _)| number + 1);
            let what =
                format!("links {from} to {} were not signed in time, or their checkpoints are gone", self.number);
            let until = Some(self.number);
            return Err(Finding { number: Some(from), until, ..Finding::of(Kind::CheckpointLate, what) });
        }
        Ok(())
    }

    /// A row that is not sealed: after the last link was read.
    pub fn unsealed(&mut self, source: &str, tx: i64, row_id: i64, age_ms: i64) -> Result<(), Finding> {
        // Transactions are numbered from 1.
        let skipped = tx < 1 || self.last.get(source).is_some_and(|last| (tx, row_id) <= *last);
        let (kind, what) = if skipped {
            (Kind::RowSkipped, "the row was put in among rows that are sealed, or its link was taken out")
        } else if i128::from(age_ms) < -self.grace.as_millis() {
            (Kind::RowUnsealed, "the row is of the future: it was put in")
        } else if i128::from(age_ms) > self.grace.as_millis() {
            (Kind::RowUnsealed, "the row was not sealed in time")
        } else {
            self.waiting += 1;
            return Ok(());
        };
        Err(Finding { source: Some(source.to_owned()), row_id: Some(row_id), ..Finding::of(kind, what) })
    }

    /// A row that is not what was decided: after all that is sealed was found to be valid.
    pub fn differs(&self, source: &str, row_id: i64, what: &str) -> Finding {
        let row_id = (row_id > 0).then_some(row_id);
        Finding { source: Some(source.to_owned()), row_id, ..Finding::of(Kind::NotWhatWasDecided, what) }
    }

    /// What is valid, when everything was looked at.
    pub fn summary(self) -> Summary {
        let (signed, signed_at) = self.good.map_or((0, None), |(number, at)| (number, Some(at)));
        Summary {
            links: self.number,
            checkpoints: self.checkpoints,
            signed,
            signed_at,
            newer: self.number - signed,
            waiting: self.waiting,
        }
    }
}
