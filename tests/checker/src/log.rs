//! The log of a run: what the workload called and got, which faults acted, what happened to the processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the caller knows of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Acknowledged.
    Ok,
    /// Refused: it has no effect.
    Refused,
    /// It may have happened or not.
    #[default]
    Unknown,
}

/// One attempt of a call.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
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
    /// What the caller knows.
    pub outcome: Outcome,
    /// Name of the gRPC code.
    pub code: String,
    /// `ErrorInfo.reason`, or empty.
    pub reason: String,
    /// Who called.
    pub actor: String,
    /// The request in canonical proto JSON.
    pub request: Value,
    /// The response in canonical proto JSON, where there is one.
    pub response: Option<Value>,
}

impl Call {
    /// The request as a message of the contract.
    pub fn asked<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.request).ok()
    }

    /// The response as a message of the contract.
    pub fn answered<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.response.as_ref()?).ok()
    }

    /// Acknowledged call of this method.
    pub fn is_ok(&self, method: &str) -> bool {
        self.outcome == Outcome::Ok && self.method == method
    }
}

/// A fault begins or ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fault {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Name of the fault, as `F05`.
    pub id: String,
    /// What is done.
    pub what: String,
    /// `begin` or `end`.
    pub phase: String,
}

/// A bad message that was published on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Poison {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Its event id.
    pub event_id: String,
    /// Its subject.
    pub subject: String,
    /// The claim it pretends to be about; empty: none.
    pub claim: String,
    /// The service that must find it.
    pub service: String,
    /// What must become of it, as `parked`.
    pub expect: String,
}

/// Something happened to a process.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The service.
    pub service: String,
    /// Number of the replica, from 0.
    pub replica: usize,
    /// `started`, `killed`, `exited`, `ready` or `unready`.
    pub event: String,
    /// Exit code, where it exited.
    pub code: Option<i32>,
    /// Seconds from SIGTERM to the end; 0: nobody asked it to end.
    pub seconds: f64,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Call(Box<Call>),
    Fault(Fault),
    Poison(Poison),
    Process(Process),
    Done {
        at_ms: u64,
    },
    /// Something that this checker does not judge.
    #[serde(other)]
    Other,
}

/// Everything that was logged so far.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Calls, one entry per attempt, in the order in which they were logged.
    pub calls: Vec<Call>,
    /// Faults.
    pub faults: Vec<Fault>,
    /// Bad messages.
    pub poison: Vec<Poison>,
    /// Processes.
    pub processes: Vec<Process>,
    /// When all was over; unset: it is not.
    pub done_ms: Option<u64>,
    /// Lines that cannot be read.
    pub unreadable: Vec<String>,
}

impl Log {
    /// Takes one line.
    pub fn take(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Line::Call(call)) => self.calls.push(*call),
            Ok(Line::Fault(fault)) => self.faults.push(fault),
            Ok(Line::Poison(poison)) => self.poison.push(poison),
            Ok(Line::Process(process)) => self.processes.push(process),
            Ok(Line::Done { at_ms }) => self.done_ms = Some(at_ms),
            Ok(Line::Other) => {}
            Err(error) => self.unreadable.push(format!("{error}: {}", line.chars().take(200).collect::<String>())),
        }
    }

    /// Acknowledged claims, with the call that acknowledged each first.
    pub fn acknowledged(&self) -> BTreeMap<String, &Call> {
        let mut found = BTreeMap::new();
        for call in self.calls.iter().filter(|call| call.is_ok("SubmitClaim")) {
            if let Some(id) = call.response.as_ref().and_then(|told| told["claim"]["claimId"].as_str()) {
                found.entry(id.to_owned()).or_insert(call);
            }
        }
        found
    }

    /// When the last fault ended; 0: there was none.
    pub fn calm_since(&self) -> u64 {
        self.windows().into_iter().map(|(_, end)| end).max().unwrap_or(0)
    }

    /// Begin and end of each fault. A fault that was not ended lasts until all was over.
    pub fn windows(&self) -> Vec<(u64, u64)> {
        let mut open: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
        let mut windows = Vec::new();
        for fault in &self.faults {
            let begun = open.entry((&fault.id, &fault.what)).or_default();
            if fault.phase == "begin" {
                begun.push(fault.at_ms);
            } else if let Some(begin) = begun.pop() {
                windows.push((begin, fault.at_ms));
            } else if let Some(begin) =
                open.iter_mut().filter(|((id, _), _)| *id == fault.id).find_map(|(_, b)| b.pop())
            {
                windows.push((begin, fault.at_ms));
            } else {
                windows.push((fault.at_ms, fault.at_ms));
            }
        }
        let over = self.done_ms.unwrap_or_else(|| self.faults.last().map_or(0, |fault| fault.at_ms));
        windows.extend(open.into_values().flatten().map(|begin| (begin, over.max(begin))));
        windows.sort_unstable();
        windows
    }

    /// Event ids of the bad messages.
    pub fn poisonous(&self) -> BTreeSet<&str> {
        self.poison.iter().map(|poison| poison.event_id.as_str()).collect()
    }
}

/// Reads a log that is still being written.
pub struct Tail {
    file: File,
    at: u64,
    rest: Vec<u8>,
}

impl Tail {
    /// Opens the log of a run.
    pub fn open(file: &Path) -> Result<Self> {
        let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        Ok(Self { file: opened, at: 0, rest: Vec::new() })
    }

    /// Reads what is new; false: nothing is. A line without its end waits for it.
    pub fn read(&mut self, log: &mut Log) -> Result<bool> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = self.file.read_to_end(&mut self.rest)?;
        self.at += read as u64;
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Ok(read > 0) };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        String::from_utf8_lossy(&whole).lines().filter(|line| !line.trim().is_empty()).for_each(|line| log.take(line));
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let mut log = Log::default();
        log.take(r#"{"kind":"call","method":"SubmitClaim","service":"intake","request_id":"r","claim":null,"tag":"","begun_ms":1,"ended_ms":2,"outcome":"ok","code":"OK","reason":"","actor":"anna","request":{},"response":{"claim":{"claimId":"c"}}}"#);
        log.take(r#"{"kind":"fault","at_ms":5,"id":"F05","what":"kill nats","phase":"begin"}"#);
        log.take(r#"{"kind":"fault","at_ms":9,"id":"F05","what":"kill nats","phase":"end"}"#);
        log.take(
            r#"{"kind":"process","at_ms":6,"service":"intake","replica":0,"event":"exited","code":0,"seconds":1.2}"#,
        );
        log.take(r#"{"kind":"poison","at_ms":7,"event_id":"e","subject":"s","claim":"","service":"triage","expect":"parked"}"#);
        log.take(r#"{"kind":"remark","text":"not judged"}"#);
        log.take(r#"{"kind":"done","at_ms":10}"#);
        assert_eq!(log.unreadable, Vec::<String>::new());
        assert_eq!(log.acknowledged().keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!((log.windows(), log.done_ms, log.processes.len()), (vec![(5, 9)], Some(10), 1));
        log.take("{");
        assert_eq!(log.unreadable.len(), 1);
    }

    #[test]
    fn half_a_line_waits_for_its_end() {
        let path = std::env::temp_dir().join(format!("checker-tail-{}", std::process::id()));
        std::fs::write(&path, "{\"kind\":\"do").unwrap();
        let (mut tail, mut log) = (Tail::open(&path).unwrap(), Log::default());
        assert!(tail.read(&mut log).unwrap());
        assert_eq!(log.done_ms, None);
        std::fs::write(&path, "{\"kind\":\"done\",\"at_ms\":3}\n").unwrap();
        assert!(tail.read(&mut log).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!((log.done_ms, log.unreadable.len()), (Some(3), 0));
        assert!(!tail.read(&mut log).unwrap());
    }
}
