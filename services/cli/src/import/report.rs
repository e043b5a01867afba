//! What an import tells about rows that were not taken as they stand.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::output::{self, Output, table};

/// Rows that people see; the rest is in the report file and in the JSON.
const SHOWN: usize = 20;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It could not be taken: somebody should look.
    Refused,
    /// It is not what is imported, by the rules of the format.
    Skipped,
    /// It was taken, in another way than it stands.
    Noted,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Line of the file, the headings being 1.
    pub row: u64,
    /// What became of it.
    pub kind: Kind,
    /// Stable reason, UPPER_SNAKE.
    pub reason: &'static str,
    /// The same in words.
    pub text: String,
}

/// A text that no spreadsheet takes for a formula: it may come from a file of somebody else (S12).
fn harmless(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

/// The report of an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What was imported: orders, stock or claims.
    pub what: &'static str,
    /// Rows of the file, without the headings.
    pub read: u64,
    /// Rows that were taken.
    pub taken: u64,
    /// What was made of them: order lines, stock lines, claims.
    pub made: u64,
    /// Days by which every date was moved.
    pub days_moved: i64,
    /// About the file as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Rows that were not taken as they stand.
    pub rows: Vec<Row>,
}

impl Report {
    /// Nothing yet.
    pub fn new(what: &'static str) -> Self {
        Self { what, ..Self::default() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: u64, kind: Kind, reason: &'static str, text: impl Into<String>) {
        self.rows.push(Row { row, kind, reason, text: text.into() });
    }

    /// Adds several rows with the same fate.
    pub fn rows_add(&mut self, rows: &[u64], kind: Kind, reason: &'static str, text: &str) {
        rows.iter().for_each(|row| self.add(*row, kind, reason, text));
    }

    /// Number of rows of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.rows.iter().filter(|row| row.kind == kind).count()
    }

    /// In one sentence.
    pub fn summary(&self) -> String {
        let Self { what, read, taken, made, .. } = self;
        let (skipped, refused) = (self.count(Kind::Skipped), self.count(Kind::Refused));
        format!("{what}: {read} rows read, {taken} taken into {made}, {skipped} skipped, {refused} refused")
    }

    /// Prints the report.
    pub fn print(&self, output: Output) -> Result<()> {
        if output.is_json() {
            return output::json(self);
        }
        output::line(self.summary())?;
        if self.days_moved != 0 {
            output::line(format!("every date was moved by {} days", self.days_moved))?;
        }
        self.notes.iter().try_for_each(output::line)?;
        let mut reasons: BTreeMap<(Kind, &str), u64> = BTreeMap::new();
        self.rows.iter().for_each(|row| *reasons.entry((row.kind, row.reason)).or_default() += 1);
        if reasons.is_empty() {
            return Ok(());
        }
        let mut summary = table(["rows", "what", "reason"]);
        for ((kind, reason), rows) in reasons {
            summary.add_row([rows.to_string(), format!("{kind:?}").to_lowercase(), reason.to_owned()]);
        }
        output::line(summary)?;
        let mut refused: Vec<&Row> = self.rows.iter().filter(|row| row.kind == Kind::Refused).collect();
        refused.sort_by_key(|row| row.row);
        for row in refused.iter().take(SHOWN) {
            output::line(format!("row {}: {}: {}", row.row, row.reason, row.text))?;
        }
        if refused.len() > SHOWN {
            output::line(format!("and {} more: see --report or --output json", refused.len() - SHOWN))?;
        }
        Ok(())
    }

    /// Writes every row to a CSV file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut writer = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| row.row);
        for row in &mut rows {
            row.text = harmless(&row.text);
        }
        rows.iter().try_for_each(|row| writer.serialize(row))?;
        Ok(writer.flush()?)
    }
}
