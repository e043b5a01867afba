//! Tables for people, JSON for scripts. Progress and notes go to standard error, answers to standard output.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// For whom the answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tables for people.
    #[default]
    Table,
    /// One JSON document for scripts.
    Json,
}

impl Output {
    /// Whether a script reads it.
    pub fn is_json(self) -> bool {
        self == Self::Json
    }

    /// Says something to people; scripts do not hear it.
    pub fn tell(self, text: impl Display) -> Result<()> {
        if self.is_json() { Ok(()) } else { line(text) }
    }

    /// A progress bar for people; it hides where nobody sees it move.
    pub fn progress(self, length: u64, what: &'static str) -> ProgressBar {
        let target = if self.is_json() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(length), target).with_prefix(what);
        let style = ProgressStyle::with_template("{prefix:>14} [{bar:32}] {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Prints one line. A reader that has gone is an error like any other, which ends the command quietly.
pub fn line(text: impl Display) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(())
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// A table with these headings.
pub fn table<const N: usize>(headings: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled).set_header(headings);
    table
}

/// Text of at most so many characters.
pub fn short(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

/// A point in time for people, to the second, in UTC.
pub fn time(at: Option<&proto::WireTime>) -> String {
    let at = at.and_then(proto::from_wire);
    at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}
