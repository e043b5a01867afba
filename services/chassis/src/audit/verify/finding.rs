//! What is wrong, and where it begins.

use std::fmt;

use serde::Serialize;

use crate::audit::format::Link;

/// What is wrong. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A line of a file of checkpoints cannot be read.
    CheckpointUnreadable,
    /// A checkpoint was not signed by the service, or does not follow the one before it.
    CheckpointForged,
    /// A link is gone.
    LinkMissing,
    /// A link is not what it was, or not where it was.
    LinkChanged,
    /// Two links have changed places, or one row is sealed twice.
    LinkOutOfOrder,
    /// A row is gone.
    RowMissing,
    /// A row is not what it was.
    RowChanged,
    /// The chain was computed anew.
    NotWhatWasSigned,
    /// The end of the chain is gone.
    ChainCut,
    /// A row was put in behind the back of the service.
    RowSkipped,
    /// Nothing seals.
    RowUnsealed,
    /// A row that changes is not what was decided about it.
    NotWhatWasDecided,
    /// Nothing signs, or checkpoints are gone.
    CheckpointLate,
}

/// The first bad record of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// Number of the first bad link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The bad one is not after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Source of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Number of the row in its table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_id: Option<i64>,
    /// In a sentence.
    pub what: String,
}

impl Finding {
    pub(super) fn of(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, number: None, until: None, source: None, row_id: None, what: what.into() }
    }

    pub(super) fn link(kind: Kind, link: &Link, what: &str) -> Self {
        let (number, row_id) = (Some(link.number), Some(link.row_id));
        Self { number, row_id, source: Some(link.source.clone()), ..Self::of(kind, what) }
    }

    pub(super) fn checkpoint(kind: Kind, file: &str, line: u64, what: &str) -> Self {
        Self::of(kind, format!("line {line} of {file}: {what}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number, self.until) {
            (Some(number), Some(until)) if until > number => write!(f, "links {number} to {until}: ")?,
            (Some(number), _) => write!(f, "link {number}: ")?,
            _ => {}
        }
        if let (Some(source), Some(row)) = (&self.source, self.row_id) {
            write!(f, "row {row} of {source}: ")?;
        }
        f.write_str(&self.what)
    }
}
