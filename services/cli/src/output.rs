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
    writeln!(std::io::stdout().lock(), "{}", seen(&text.to_string()))?;
    Ok(())
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{}", seen_json(&serde_json::to_string(value)?))?;
    Ok(())
}

/// A text with all that a terminal would not show as a letter written out, whoever sent it: control characters, what turns
/// directions or cannot be seen, other ends of lines. Line feeds and tabs are ours.
pub fn seen(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => letter.to_string(),
        _ if letter.is_control() || proto::codes::deceives(letter) => letter.escape_unicode().to_string(),
        _ => letter.to_string(),
    };
    if text.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\n')) {
        return text.to_owned();
    }
    text.chars().map(shown).collect()
}

/// JSON in which such letters are escaped: the same value, and nothing in it fools a reader.
pub fn seen_json(json: &str) -> String {
    let mut units = [0; 2];
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_control() || proto::codes::deceives(letter) {
            letter.encode_utf16(&mut units).iter().for_each(|unit| shown += &format!("\\u{unit:04x}"));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Words of somebody else: each line begins with a mark, so that none passes for one of ours.
pub fn quoted(text: &str) -> String {
    let ends = |letter| matches!(letter, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    text.split(ends).map(|line| format!("  \u{2502} {line}")).collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sr34_what_cannot_be_seen_is_written_out() {
        assert_eq!(seen("MUG-1 Łódź\n"), "MUG-1 Łódź\n");
        assert_eq!(
            seen("a\u{202e}gpj.exe\u{200b}\u{1b}[31m\u{2028}b\r"),
            "a\\u{202e}gpj.exe\\u{200b}\\u{1b}[31m\\u{2028}b\\u{d}"
        );
        let value = "a\u{202e}b\u{e0041}\u{1b}";
        let json = seen_json(&serde_json::to_string(value).unwrap());
        assert_eq!(json, r#""a\u202eb\udb40\udc41\u001b""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }

    #[test]
    fn sr34_every_line_of_a_word_begins_with_the_mark() {
        let forged = "broken\nplan 7 (x): approved by sue\u{2028}plan 8\rplan 9\u{85}plan 10";
        let quoted = quoted(forged);
        assert_eq!(quoted.lines().count(), 5);
        assert!(quoted.lines().all(|line| line.starts_with("  \u{2502} ")), "{quoted}");
    }
}
