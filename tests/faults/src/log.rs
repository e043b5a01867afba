//! The log of a run: one JSON object per line, written at once, read by the checker.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::Serialize;

/// One line of the log.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// One attempt of a call of the workload.
    Call(Call),
    /// A fault begins or ends.
    Fault {
        /// Milliseconds since 1970.
        at_ms: u64,
        /// Name of the fault, as `F05`.
        id: String,
        /// What is done, as `kill nats`.
        what: String,
        /// Begin or end.
        phase: Phase,
    },
    /// A bad message that was published on purpose.
    Poison {
        /// Milliseconds since 1970.
        at_ms: u64,
        /// Its event id.
        event_id: String,
        /// Its subject.
        subject: String,
        /// The claim it pretends to be about; empty: none.
        claim: String,
        /// The service that must find it.
        service: String,
        /// What must become of it, as `parked`.
        expect: String,
    },
    /// Something happened to a process.
    Process {
        /// Milliseconds since 1970.
        at_ms: u64,
        /// The service.
        service: String,
        /// Number of the replica, from 0.
        replica: usize,
        /// `started`, `killed`, `exited`, `ready` or `unready`.
        event: String,
        /// Exit code, where it exited.
        code: Option<i32>,
        /// How long it took.
        seconds: f64,
    },
    /// The workload is over, and all faults have ended.
    Done {
        /// Milliseconds since 1970.
        at_ms: u64,
    },
}

/// Begin or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The fault begins.
    Begin,
    /// The fault ends.
    End,
}

/// One attempt of a call.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// Method, as `SubmitClaim`.
    pub method: String,
    /// Service, as `intake`.
    pub service: String,
    /// The idempotency key; empty where the method has none.
    pub request_id: String,
    /// The claim it is about, where it is known.
    pub claim: Option<String>,
    /// What the workload wants to remember.
    pub tag: String,
    /// Milliseconds since 1970.
    pub begun_ms: u64,
    /// Milliseconds since 1970.
    pub ended_ms: u64,
    /// `ok`, `refused`, or `unknown`: it may have happened or not.
    pub outcome: Outcome,
    /// Name of the gRPC code.
    pub code: String,
    /// `ErrorInfo.reason`, or empty.
    pub reason: String,
    /// Who called.
    pub actor: String,
    /// The request in canonical proto JSON.
    pub request: serde_json::Value,
    /// The response in canonical proto JSON, where there is one.
    pub response: Option<serde_json::Value>,
}

/// What the caller knows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// Refused: it has no effect.
    Refused,
    /// It may have happened or not.
    Unknown,
}

/// The log; clones write to the same file.
#[derive(Clone, Debug)]
pub struct Log(Arc<Mutex<File>>);

impl Log {
    /// Opens the log of a run.
    pub fn open(file: &Path) -> Result<Self> {
        let opened = OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.with_context(|| format!("cannot open {}", file.display()))?;
        Ok(Self(Arc::new(Mutex::new(opened))))
    }

    /// Writes a line, at once.
    pub fn write(&self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&text).context("the log cannot be written")
    }
}

/// Milliseconds since 1970, of this machine's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
