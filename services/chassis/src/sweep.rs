//! Sweeps: what is due is found by one scan, judged by the database's clock. The scan after downtime is the same scan.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::lane::{Answer, Domain, Lanes, Source, Ticket};
use crate::progress::Moment;
use crate::{Actor, Clock, Fault};

/// Longest a scan may take.
const SCAN_LIMIT: Duration = Duration::from_secs(8);

/// One sweep, as seen from outside.
#[derive(Debug)]
pub(crate) struct SweepState {
    pub name: &'static str,
    pub every: Duration,
    /// When a round ended well.
    scanned: Moment,
    /// When a scan left nothing behind.
    clean: Moment,
}

impl SweepState {
    pub(crate) fn new(name: &'static str, every: Duration) -> Self {
        Self { name, every, scanned: Moment::now(), clean: Moment::now() }
    }

    /// How long ago a round ended well.
    pub(crate) fn silent(&self) -> Duration {
        self.scanned.age()
    }

    /// How long what is due may have waited at the most.
    pub(crate) fn lag(&self) -> Duration {
        self.clean.age()
    }

    fn scanned(&self, left: usize) {
        self.scanned.mark();
        if left == 0 {
            self.clean.mark();
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
            let moved = self.clock.moved();
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
                tokio::select! { () = tokio::time::sleep(every) => {}, () = moved => {}, () = self.stop.cancelled() => {} }
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
            let actor = Actor::service(self.service);
            let ticket = Ticket::new(Ok(command), Uuid::nil(), actor, None, Source::Sweep { id }, answer);
            if self.lanes.send(ticket).await.is_ok() {
                answers.push(answered);
            }
        }
        for answered in answers {
            done += usize::from(matches!(answered.await, Ok(Answer::Done(_))));
        }
        done
    }
}
