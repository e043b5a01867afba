//! Sweeps: what is due is found by one scan, judged by the database's clock. The scan after downtime is the same scan.

use std::future::Future;
use std::time::Duration;

use jiff::SignedDuration;
use sqlx::PgPool;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::lane::{Domain, Lanes, Source, Ticket};
use crate::{Actor, Clock, Fault};

/// A sweep of one service.
pub(crate) struct Sweep<D: Domain> {
    pub service: &'static str,
    pub name: &'static str,
    pub every: Duration,
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
        while !self.stop.is_cancelled() {
            let found = match due(self.pool.clone(), self.clock.offset()).await {
                Ok(commands) => self.handle(commands).await,
                Err(fault) => {
                    tracing::warn!(service = self.service, sweep = self.name, %fault, "a sweep failed");
                    0
                }
            };
            if found == 0 {
                tokio::select! { () = tokio::time::sleep(self.every) => {}, () = self.stop.cancelled() => {} }
            }
        }
    }

    async fn handle(&self, commands: Vec<D::Command>) -> usize {
        let mut done = 0;
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            let (answer, answered) = oneshot::channel();
            // The name of a sweep's command only colours the ids that are made from it.
            let id = proto::ids::derived(self.clock.now(), &[self.name, &format!("{command:?}")]);
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
