//! The task behind a lane: takes all that waits, runs it as one batch, isolates what poisons it, and never gives up on
//! a message.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use jiff::Timestamp;
use sqlx::PgConnection;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::batch::{self, Batch, Done, Mode};
use super::memory::Memory;
use super::{Answer, Domain, LaneConfig, LaneState, OLDER, Source, Ticket};
use crate::database::DatabaseTarget;
use crate::progress::Progress;
use crate::relay::HandOff;
use crate::{Clock, Fault, metrics};

/// Tries after which a call is told that it did not work. Messages are tried until the service stops.
const CALL_TRIES: u32 = 4;
/// Tries after which a batch that fails is run one by one.
const BATCH_TRIES: u32 = 3;
/// Tries after which a message that fails alone, while the database answers, is parked.
const MESSAGE_TRIES: u32 = 12;

/// What a lane waits for each command of its last batch, so that the next one is as large. A transaction costs about as
/// much as ten commands in it.
const GATHER_EACH: Duration = Duration::from_micros(1_000);

/// Longest a transaction may take: a link that swallows everything holds a lane up for no longer.
const TRANSACTION_LIMIT: Duration = Duration::from_secs(8);
/// Longest connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// One lane.
pub(crate) struct Worker<D: Domain> {
    domain: Arc<D>,
    service: &'static str,
    receiver: mpsc::Receiver<Ticket<D::Command>>,
    state: Arc<LaneState>,
    home: DatabaseTarget,
    connection: Option<PgConnection>,
    /// Whether the last try had a connection: what fails without one says nothing about a message.
    connected: bool,
    memory: Memory<D::Memory>,
    clock: Clock,
    progress: Arc<Progress>,
    wake: Arc<Notify>,
    handed: Arc<HandOff>,
    stop: CancellationToken,
    batch_max: usize,
    gather: Duration,
    optimistic: bool,
}

impl<D: Domain> Worker<D> {
    pub(super) fn new(
        domain: Arc<D>,
        receiver: mpsc::Receiver<Ticket<D::Command>>,
        state: Arc<LaneState>,
        config: &LaneConfig,
    ) -> Self {
        Self {
            domain,
            service: config.service,
            receiver,
            state,
            home: config.home.clone(),
            connection: None,
            connected: false,
            memory: Memory::default(),
            clock: config.clock.clone(),
            progress: Arc::clone(&config.progress),
            wake: Arc::clone(&config.wake),
            handed: Arc::clone(&config.handed),
            stop: config.stop.clone(),
            batch_max: config.batch_max,
            gather: config.gather,
            optimistic: config.optimistic,
        }
    }

    /// Works until the service stops and nothing waits any more.
    pub(crate) async fn run(mut self) {
        let mut gather_until = Instant::now();
        loop {
            let mut waiting = Vec::new();
            let mut taken = tokio::select! {
                biased;
                taken = self.receiver.recv_many(&mut waiting, self.batch_max) => taken,
                () = self.stop.cancelled() => {
                    // What was accepted is finished; what comes from now on is not accepted.
                    self.receiver.close();
                    self.receiver.recv_many(&mut waiting, self.batch_max).await
                }
            };
            if taken == 0 {
                return;
            }
            taken += self.fill(&mut waiting, gather_until).await;
            metrics::batch(self.service, taken);
            if let Some(oldest) = waiting.first() {
                self.state.begins(self.receiver.len(), oldest.since);
            }
            self.work(waiting).await;
            self.state.rests(self.receiver.len());
            gather_until = Instant::now() + pause(taken, self.gather);
        }
    }

    /// Under load a batch gathers for a while: what it costs is shared by more. Gives how many came.
    async fn fill(&mut self, waiting: &mut Vec<Ticket<D::Command>>, until: Instant) -> usize {
        let room = self.batch_max - waiting.len();
        if room == 0 || until <= Instant::now() || self.stop.is_cancelled() {
            return 0;
        }
        tokio::select! { () = tokio::time::sleep_until(until.into()) => {}, () = self.stop.cancelled() => {} }
        let before = waiting.len();
        while waiting.len() < self.batch_max
            && let Ok(ticket) = self.receiver.try_recv()
        {
            waiting.push(ticket);
        }
        waiting.len() - before
    }

    /// Runs one batch to its end: all of it is answered when this returns.
    async fn work(&mut self, tickets: Vec<Ticket<D::Command>>) {
        let mut batches = VecDeque::from([tickets]);
        while let Some(mut batch) = batches.pop_front() {
            match self.try_batch(&batch).await {
                Ok((verdicts, lines)) => {
                    // Nobody waits for what tells nobody anything.
                    if !lines.is_empty() {
                        self.handed.put(lines);
                        self.wake.notify_one();
                    }
                    let later = answer(batch, verdicts);
                    if !later.is_empty() {
                        batches.push_front(later);
                    }
                }
                Err(fault) => {
                    // It may be committed all the same.
                    self.handed.close();
                    self.memory = Memory::default();
                    for ticket in &mut batch {
                        ticket.attempts += 1;
                        ticket.failures += u32::from(self.connected);
                        ticket.permanents += u32::from(matches!(fault, Fault::Permanent(_)));
                    }
                    let tries = batch.first().map_or(0, |ticket| ticket.attempts);
                    tracing::warn!(service = self.service, %fault, commands = batch.len(), tries, "a batch failed");
                    metrics::batch_failed(self.service);
                    if self.stop.is_cancelled() && tries > 1 {
                        batch.into_iter().for_each(|ticket| drop(ticket.answer.send(Answer::Failed(fault.clone()))));
                        continue;
                    }
                    if batch.len() > 1 && (matches!(fault, Fault::Permanent(_)) || tries >= BATCH_TRIES) {
                        // Somebody poisons it: alone, each is judged by itself and keeps its place.
                        for ticket in batch.into_iter().rev() {
                            batches.push_front(vec![ticket]);
                        }
                        continue;
                    }
                    if let Some(batch) = self.again(batch, &fault).await {
                        batches.push_front(batch);
                    }
                }
            }
        }
    }

    async fn try_batch(&mut self, batch: &[Ticket<D::Command>]) -> Result<Done, Fault> {
        self.connected = false;
        if self.progress.older().is_some() {
            return Err(Fault::Transient(OLDER.to_owned()));
        }
        self.connected = self.connection.is_some();
        if !self.connected {
            let connect = tokio::time::timeout(CONNECT_LIMIT, self.home.connect());
            let connection = connect.await.map_err(|_| Fault::Transient("connecting took too long".to_owned()))??;
            self.connection = Some(connection);
            self.connected = true;
        }
        let connection = self.connection.as_mut().expect("it was just made");
        let batch = Batch { domain: &*self.domain, now: micros(self.clock.now()), tickets: batch };
        let (memory, handed, service, optimistic) = (&mut self.memory, &self.handed, self.service, self.optimistic);
        let run = AssertUnwindSafe(async {
            if optimistic && batch.is_optimistic() {
                match batch.run(connection, memory, Mode::Optimistic).await {
                    Ok(Some(done)) => return Ok(done),
                    // What is remembered of it and is not so any more is learnt anew under locks.
                    Ok(None) => {}
                    Err(fault) => {
                        // If the connection is broken it is found out under locks, at its first statement.
                        tracing::debug!(%fault, "a batch is tried again under locks");
                        handed.close();
                    }
                }
                metrics::conflicts(service);
            }
            let done = batch.run(connection, memory, Mode::Pessimistic).await?;
            done.ok_or_else(|| Fault::Permanent("a batch under locks came to nothing".to_owned()))
        });
        let run = run.catch_unwind();
        let (result, usable) = match tokio::time::timeout(TRANSACTION_LIMIT, run).await {
            Ok(Ok(result)) => {
                let usable = !matches!(result, Err(Fault::Transient(_)));
                (result, usable)
            }
            Ok(Err(_)) => (Err(Fault::Permanent("the command made the service panic".to_owned())), false),
            Err(_) => (Err(Fault::Transient("the transaction took too long".to_owned())), false),
        };
        if !usable {
            // Its state is unknown; a new connection is cheap. Dropping it rolls back.
            self.connection = None;
        }
        result
    }

    /// Decides what becomes of a batch that failed and is not to be split; `None`: all is answered.
    async fn again(&mut self, batch: Vec<Ticket<D::Command>>, fault: &Fault) -> Option<Vec<Ticket<D::Command>>> {
        let mut keep = Vec::with_capacity(batch.len());
        let alone = batch.len() == 1;
        for ticket in batch {
            let is_message = matches!(ticket.source, Source::Message { .. });
            let poisoned = matches!(fault, Fault::Permanent(_)) && ticket.permanents > 1;
            if is_message && alone && (poisoned || ticket.failures >= MESSAGE_TRIES) {
                let reason = if poisoned { "PERMANENT_FAULT" } else { "ATTEMPTS_USED_UP" };
                match self.park(&ticket, reason, &fault.to_string()).await {
                    Ok(()) => drop(ticket.answer.send(Answer::Parked)),
                    // It cannot even be kept: it comes again later, and the lane goes on.
                    Err(fault @ Fault::Permanent(_)) => drop(ticket.answer.send(Answer::Failed(fault))),
                    Err(Fault::Transient(_)) => keep.push(ticket),
                }
            } else if !is_message && (poisoned || ticket.attempts >= CALL_TRIES) {
                drop(ticket.answer.send(Answer::Failed(fault.clone())));
            } else {
                keep.push(ticket);
            }
        }
        let tries = keep.iter().map(|ticket| ticket.attempts).max()?;
        let wait = Duration::from_millis(20 << tries.min(7));
        tokio::select! { () = tokio::time::sleep(wait) => {}, () = self.stop.cancelled() => {} }
        Some(keep)
    }

    async fn park(&mut self, ticket: &Ticket<D::Command>, reason: &'static str, detail: &str) -> Result<(), Fault> {
        metrics::parked(self.service, reason);
        let now = self.clock.now();
        let park = async {
            let mut connection = self.home.connect().await?;
            batch::park(&mut connection, now, ticket, reason, detail).await
        };
        let parked = tokio::time::timeout(TRANSACTION_LIMIT, park).await;
        parked.unwrap_or_else(|_| Err(Fault::Transient("parking took too long".to_owned())))
    }
}

/// As the database keeps it, so that what is remembered is what is read.
fn micros(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// How long after a batch the next one gathers. A command that came alone says that there is no load: nobody waits.
fn pause(last: usize, limit: Duration) -> Duration {
    let each = u32::try_from(last).unwrap_or(u32::MAX);
    if last > 1 { GATHER_EACH.saturating_mul(each).min(limit) } else { Duration::ZERO }
}

/// Tells each ticket its verdict; gives back those that wait for the next batch.
fn answer<C>(batch: Vec<Ticket<C>>, verdicts: Vec<batch::Verdict>) -> Vec<Ticket<C>> {
    let mut later = Vec::new();
    for (ticket, verdict) in batch.into_iter().zip(verdicts) {
        match verdict {
            batch::Verdict::Answer(answer) => drop(ticket.answer.send(answer)),
            batch::Verdict::Later => later.push(ticket),
        }
    }
    later
}
