//! What is wrong with a pack, with file and line.

use std::fmt;

use super::sources::Sources;

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub struct PolicyError {
    /// All that is wrong.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, and the file that said it: the pack, or one that it extends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line (0: unknown).
    pub line: usize,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { file, line, reason }) in self.problems.iter().enumerate() {
            let end = if at + 1 < self.problems.len() { "\n" } else { "" };
            write!(f, "{file}:{line}: {reason}{end}")?;
        }
        Ok(())
    }
}

impl PolicyError {
    pub(super) fn one(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { problems: vec![Problem { file: file.to_owned(), line, reason: reason.into() }] }
    }

    /// Line and reason of each problem.
    pub fn lines(self) -> Vec<(usize, String)> {
        self.problems.into_iter().map(|problem| (problem.line, problem.reason)).collect()
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

    /// Fails if anything was added; looks for the places in the files.
    pub(super) fn finish(self, sources: &Sources) -> Result<(), PolicyError> {
        if self.0.is_empty() { Ok(()) } else { Err(sources.placed(self.0)) }
    }
}
