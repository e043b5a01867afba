//! What came of a run, for people and for programs.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::fault::Fault;

/// What came of one fault.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its name.
    pub id: &'static str,
    /// What was done.
    pub what: &'static str,
    /// Why it was not done; none: it was.
    pub not_done: Option<&'static str>,
    /// Claims the checker judged.
    pub claims: u64,
    /// What was wrong.
    pub violations: Vec<String>,
    /// All of it, from the start of the rig to the verdict.
    pub seconds: f64,
    /// From the end of the fault until all was ready and every open claim had moved on.
    pub recovery: Option<f64>,
    /// Until the rig was ready.
    pub start: f64,
    /// From the end of the workload until the verdict.
    pub judging: f64,
    /// What the workload says.
    pub summary: String,
    /// Logs, report and evidence; none: removed.
    pub folder: Option<PathBuf>,
}

/// What came of all of them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One by one.
    pub outcomes: Vec<Outcome>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    claims: u64,
    violations: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_done: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

impl Outcome {
    pub(super) fn new(fault: &Fault, folder: PathBuf) -> Self {
        Self {
            id: fault.id,
            what: fault.what,
            not_done: None,
            claims: 0,
            violations: Vec::new(),
            seconds: 0.0,
            recovery: None,
            start: 0.0,
            judging: 0.0,
            summary: String::new(),
            folder: Some(folder),
        }
    }

    pub(super) fn not_done(fault: &Fault, reason: &'static str) -> Self {
        Self { not_done: Some(reason), folder: None, ..Self::new(fault, PathBuf::new()) }
    }

    /// Takes the verdict of the checker over.
    pub(super) fn take(&mut self, report: &Value) {
        self.claims = report["claims"].as_u64().unwrap_or_default();
        for violation in report["violations"].as_array().into_iter().flatten() {
            let text = |name: &str| violation[name].as_str().unwrap_or_default();
            self.violations.push(format!("{} {}: {}", text("check"), text("claim"), text("what")));
        }
    }

    /// Nobody needs to look at what the run left.
    pub fn remove_folder(&mut self) {
        if let Some(folder) = self.folder.take()
            && !folder.as_os_str().is_empty()
        {
            // What cannot be removed is no reason to fail.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = self.not_done {
            return write!(f, "{:<5} not done: {reason} ({})", self.id, self.what);
        }
        let (claims, violations, seconds) = (self.claims, self.violations.len(), self.seconds);
        write!(f, "{:<5} {claims:>4} claims {violations:>3} violations {seconds:>6.1} s", self.id)?;
        match self.recovery {
            Some(recovery) => write!(f, "  whole again in {recovery:>4.1} s")?,
            None => write!(f, "  {:<21}", "")?,
        }
        write!(f, "  {}", self.what)
    }
}

impl Report {
    /// Violations of all faults.
    pub fn violations(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.violations.len()).sum()
    }

    /// The whole as JSON.
    pub fn json(&self) -> Value {
        let rows = self.outcomes.iter().map(|outcome| Row {
            id: outcome.id,
            claims: outcome.claims,
            violations: outcome.violations.len(),
            seconds: (outcome.seconds * 10.0).round() / 10.0,
            recovery_seconds: outcome.recovery.map(|recovery| (recovery * 10.0).round() / 10.0),
            not_done: outcome.not_done,
            report: outcome.folder.as_ref().map(|folder| folder.display().to_string()),
        });
        serde_json::json!({ "faults": rows.collect::<Vec<_>>(), "violations": self.violations() })
    }
}
