//! What the stand has done so far: commits, messages, CPU. Two readings make a cost.

use std::time::Instant;

use anyhow::Result;
use async_nats::jetstream;
use chassis::topology::{STREAMS, stream_name};
use local::SERVICES;

use crate::processes::{self, Cpu};
use crate::stand::Stand;

const COMMITS: &str = "SELECT coalesce(sum(xact_commit), 0)::bigint FROM pg_stat_database WHERE datname = ANY($1)";
/// Only a transaction that writes has an id, and nobody else writes to this server during a point.
const WRITES: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";

/// One reading.
#[derive(Clone, Debug)]
pub struct Reading {
    /// When.
    pub at: Instant,
    commits: i64,
    writes: i64,
    messages: u64,
    cpu: Cpu,
}

/// What happened between two readings.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Committed transactions of the six databases, reads included.
    pub commits: f64,
    /// Transactions that wrote.
    pub writes: f64,
    /// Messages that the broker took.
    pub messages: f64,
    /// CPU in milliseconds.
    pub cpu: Cpu,
}

impl Reading {
    /// Reads everything now.
    pub async fn take(stand: &Stand) -> Result<Self> {
        let mut postgres = stand.database("postgres").await?;
        let names: Vec<&str> = SERVICES.iter().map(|service| service.name).collect();
        let commits = sqlx::query_scalar(COMMITS).bind(names).fetch_one(&mut postgres).await?;
        let writes = sqlx::query_scalar(WRITES).fetch_one(&mut postgres).await?;
        let jetstream = jetstream::new(stand.nats.clone());
        let mut messages = 0;
        for stream in STREAMS {
            let stream = jetstream.get_stream(stream_name(stand.stack.prefix(), stream.name)).await?;
            messages += stream.cached_info().state.last_sequence;
        }
        Ok(Self { at: Instant::now(), commits, writes, messages, cpu: processes::cpu() })
    }

    /// What happened since `before`, for each of so many claims.
    pub fn since(&self, before: &Self, claims: f64) -> Cost {
        Cost {
            commits: (self.commits - before.commits) as f64 / claims,
            writes: (self.writes - before.writes) as f64 / claims,
            messages: (self.messages - before.messages) as f64 / claims,
            cpu: self.cpu.since(&before.cpu, claims),
        }
    }
}
