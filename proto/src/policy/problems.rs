//! What is wrong with a pack, with file and line.

use std::fmt;

use toml::de::{DeTable, DeValue};

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub struct PolicyError {
    /// The file.
    pub file: String,
    /// Line (0: unknown) and reason of each problem.
    pub problems: Vec<(usize, String)>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (line, reason)) in self.problems.iter().enumerate() {
            let end = if at + 1 < self.problems.len() { "\n" } else { "" };
            write!(f, "{}:{line}: {reason}{end}", self.file)?;
        }
        Ok(())
    }
}

impl PolicyError {
    pub(super) fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        Self { file: file.to_owned(), problems: vec![(line, error.message().to_owned())] }
    }
}

/// Collects every problem of a pack, so that all are told at once.
#[derive(Debug, Default)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    /// Adds a problem at a path such as `triage.windows[2].days`.
    pub fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push((path.into(), reason.into()));
    }

    /// Adds a problem unless `holds`.
    pub fn require(&mut self, holds: bool, path: impl Into<String>, reason: impl Into<String>) {
        if !holds {
            self.add(path, reason);
        }
    }

    /// Fails if anything was added; looks the lines up in the text.
    pub fn finish(self, file: &str, text: &str) -> Result<(), PolicyError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let problems =
            self.0.into_iter().map(|(path, reason)| (find(text, &path), format!("{path}: {reason}"))).collect();
        Err(PolicyError { file: file.to_owned(), problems })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

/// Line of the deepest part of `path` that is in the text.
fn find(text: &str, path: &str) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 0 };
    let mut line = 0;
    let mut value = DeValue::Table(root.into_inner());
    for part in path.split(['.', '[']) {
        let index = part.strip_suffix(']').and_then(|index| index.parse::<usize>().ok());
        let next = match (value, index) {
            (DeValue::Table(mut table), None) => table.remove(part),
            (DeValue::Array(array), Some(index)) => array.into_iter().nth(index),
            _ => None,
        };
        let Some(next) = next else { return line };
        line = line_of(text, next.span().start);
        value = next.into_inner();
    }
    line
}
