//! Sweeps: what is due is found by one scan, judged by the database's clock. The scan after downtime is the same scan.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::lane::{Domain, Lanes, Source, Ticket};
use crate::{Actor, Clock, Fault};

/// Longest a scan may take.
const SCAN_LIMIT: Duration = Duration::from_secs(8);

/// One sweep, as seen from outside.
#[derive(Debug)]
pub(crate) struct SweepState {
    pub name: &'static str,
    pub every: Duration,
    begun: Instant,
    /// When a round ended well, and when a scan left nothing behind: in milliseconds after `begun`.
    scanned: AtomicU64,
    clean: AtomicU64,
}

impl SweepState {
    pub(crate) fn new(name: &'static str, every: Duration) -> Self {
        Self { name, every, begun: Instant::now(), scanned: AtomicU64::new(0), clean: AtomicU64::new(0) }
    }

    /// How long ago a round ended well.
    pub(crate) fn silent(&self) -> Duration {
        self.since(&self.scanned)
    }

    /// How long what is due may have waited at the most.
    pub(crate) fn lag(&self) -> Duration {
        self.since(&self.clean)
    }

    fn since(&self, moment: &AtomicU64) -> Duration {
        self.begun.elapsed().saturating_sub(Duration::from_millis(moment.load(Ordering::Relaxed)))
    }

    fn scanned(&self, left: usize) {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.scanned.store(now, Ordering::Relaxed);
        if left == 0 {
            self.clean.store(now, Ordering::Relaxed);
        }
    }
}

/// A sweep of one service.
pub(crate) struct Sweep<D: Domain> {
    pub service: &'static str,
    pub state: Arc<SweepState>,
    pub lanes: Lanes<D>,
    pub pool: PgPool,
    pub clock: Clock,
    pub stop: CancellationToken,
}

impl<D: Domain> Sweep<D> {
    /// Scans until the service stops; at once again while something is found.
    pub(crate) async fn run<F, Due>(self, due: F)
    where
        F: Fn(PgPool, SignedDuration) -> Due + Send + Sync + 'static,
        Due: Future<Output = Result<Vec<D::Command>, Fault>> + Send,
    {
        let SweepState { name, every, .. } = *self.state;
        while !self.stop.is_cancelled() {
            let scan = tokio::time::timeout(SCAN_LIMIT, due(self.pool.clone(), self.clock.offset())).await;
            let scan = scan.unwrap_or_else(|_| Err(Fault::Transient("the scan took too long".to_owned())));
            let done = match scan {
                Ok(commands) => {
                    let found = commands.len();
                    let done = self.handle(commands).await;
                    self.state.scanned(found);
                    done
                }
                Err(fault) => {
                    tracing::warn!(service = self.service, sweep = name, %fault, "a sweep failed");
                    0
                }
            };
            if done == 0 {
                tokio::select! { () = tokio::time::sleep(every) => {}, () = self.stop.cancelled() => {} }
            }
        }
    }

    async fn handle(&self, commands: Vec<D::Command>) -> usize {
        let mut done = 0;
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            let (answer, answered) = oneshot::channel();
            // The name of a sweep's command only colours the ids that are made from it.
            let id = proto::ids::derived(self.clock.now(), &[self.state.name, &format!("{command:?}")]);
            let ticket = Ticket {
                command: Ok(command),
                aggregate: uuid::Uuid::nil(),
                actor: Actor::service(self.service),
                trace: None,
                source: Source::Sweep { id },
                since: std::time::Instant::now(),
                attempts: 0,
                failures: 0,
                permanents: 0,
                answer,
            };
            if self.lanes.send(ticket).await.is_ok() {
                answers.push(answered);
            }
        }
        for answered in answers {
            done += usize::from(matches!(answered.await, Ok(crate::lane::Answer::Done(_))));
        }
        done
    }
}
