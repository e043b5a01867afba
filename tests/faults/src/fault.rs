//! The table of faults: what is done, which promise must hold, and how.
//!
//! A fault that cannot be done on this machine or on this state of the product is in the table, too, with the reason;
//! the runner says so. `F05k` is a variant of `F05`.

mod backup;
mod broker;
mod crash;
mod credentials;
mod database;
mod disk;
mod links;
mod messages;
mod not_done;
mod permissions;
mod processes;
mod schema;
mod subscriber;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::sync::watch;

use crate::log::Phase;
use crate::random::Random;
use crate::rig::{Rig, RigOptions};

pub use crash::points as crash_points;

/// A fault.
pub struct Fault {
    /// Its name, as `F05`.
    pub id: &'static str,
    /// What is done.
    pub what: &'static str,
    /// The promises that must hold.
    pub promise: &'static str,
    /// Claims of a run at the least.
    pub claims: u32,
    /// Sets it belongs to.
    pub sets: Sets,
    /// How the rig is to be.
    pub prepare: fn(&mut RigOptions),
    /// What is done to it.
    pub act: Act,
    /// What must be true of the log afterwards; gives what is not.
    pub judge: fn(&[Value]) -> Vec<String>,
}

/// Sets of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sets {
    /// Only where all or this one are asked for.
    All,
    /// Run for every change.
    Every,
    /// Run for every change and with the tests.
    Quick,
}

/// What is being done while it goes on.
pub type Acting<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// How a fault is done.
#[derive(Clone, Copy)]
pub enum Act {
    /// So.
    Do(for<'a> fn(&'a mut Stage) -> Acting<'a>),
    /// So, but only by root with mounts of its own.
    OnSmallDisk(for<'a> fn(&'a mut Stage) -> Acting<'a>),
    /// It is not done, because.
    Not(&'static str),
}

/// Where a fault acts.
pub struct Stage {
    /// What it breaks.
    pub rig: Arc<Rig>,
    /// Its random numbers.
    pub random: Random,
    /// Name of the fault.
    pub id: &'static str,
    /// Whether the workload is over.
    pub over: watch::Receiver<bool>,
}

impl Stage {
    /// Whether the workload is over: there is nothing to be broken any more.
    pub fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Lets so much time pass.
    pub async fn pass(&self, milliseconds: u64) {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }

    /// Writes down that something begins.
    pub fn begin(&self, what: &str) -> Result<()> {
        self.rig.note(self.id, what, Phase::Begin)
    }

    /// Writes down that something has ended.
    pub fn end(&self, what: &str) -> Result<()> {
        self.rig.note(self.id, what, Phase::End)
    }

    /// Whether a fault that is repeated goes on: for so long, unless the workload is over.
    pub fn goes_on(&self, begun: Instant, seconds: u64) -> bool {
        !self.is_over() && begun.elapsed() < Duration::from_secs(seconds)
    }
}

impl Fault {
    const fn new(id: &'static str, what: &'static str, promise: &'static str, act: Act) -> Self {
        Self { id, what, promise, claims: 300, sets: Sets::All, prepare: |_| {}, act, judge: |_| Vec::new() }
    }

    const fn in_every(mut self) -> Self {
        self.sets = Sets::Every;
        self
    }

    const fn in_quick(mut self) -> Self {
        self.sets = Sets::Quick;
        self
    }

    const fn prepared(mut self, prepare: fn(&mut RigOptions)) -> Self {
        self.prepare = prepare;
        self
    }

    const fn judged(mut self, judge: fn(&[Value]) -> Vec<String>) -> Self {
        self.judge = judge;
        self
    }

    /// Why it is not done here; none: it is.
    pub fn obstacle(&self) -> Option<&'static str> {
        match self.act {
            Act::Do(_) => None,
            Act::OnSmallDisk(_) => crate::rig::disk::obstacle(),
            Act::Not(reason) => Some(reason),
        }
    }
}

/// No fault: what is wrong here is wrong without one.
const NONE: Fault = Fault::new("F00", "no fault", "all", Act::Do(|_| Box::pin(async { Ok(()) })));

/// Every fault, in the order of the matrix.
pub fn table() -> Vec<Fault> {
    let mut table = vec![NONE];
    table.extend(processes::FAULTS);
    table.extend(crash::FAULTS);
    table.extend(database::FAULTS);
    table.extend(broker::FAULTS);
    table.extend(links::FAULTS);
    table.extend(disk::FAULTS);
    table.extend(messages::FAULTS);
    table.extend(subscriber::FAULTS);
    table.extend(schema::FAULTS);
    table.extend(backup::FAULTS);
    table.extend(permissions::FAULTS);
    table.extend(credentials::FAULTS);
    table.extend(not_done::FAULTS);
    table.sort_by_key(|fault| fault.id);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_complete_and_every_name_is_taken_once() {
        let table = table();
        for number in 1..=24 {
            let name = format!("F{number:02}");
            assert!(table.iter().any(|fault| fault.id.starts_with(&name)), "{name} is not even mentioned");
        }
        let mut ids: Vec<_> = table.iter().map(|fault| fault.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), table.len());
    }
}
