//! The relay: publishes the journal, at least once, and per aggregate in the order of commit.
//!
//! Which rows may be read? Numbers of a sequence commit out of order, so "all above the last number" would lose rows.
//! A round takes every row whose transaction id is below the horizon (all transactions below it have ended) and not
//! below the last horizon. No row is skipped, however late its transaction commits.
//!
//! In which order? By `seq`. A transaction draws its numbers after it has locked its aggregates, so of two
//! transactions on one aggregate the later one has the higher numbers, and a round holds either the earlier or both.
//!
//! A round publishes pipelined and moves the cursor after the acks. After a crash in between, the rows are published
//! again with the same message ids. One relay of a service is active: it holds an advisory lock on its connection.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::context::PublishAckFuture;
use jiff_sqlx::Timestamp;
use proto::Subject;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection, Row};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::message::Envelope;
use crate::{Fault, metrics};

/// Rows published before the cursor moves.
const ROUND: i64 = 500;
/// Key of the advisory lock: "redress".
const LOCK: i64 = 0x0072_6564_7265_7373;

const TAKE_LOCK: &str = "SELECT pg_try_advisory_lock($1)";
const CURSOR: &str = "\
    SELECT from_tx, to_tx, seq, horizon, EXISTS (SELECT FROM journal WHERE tx >= horizon) AS ahead \
    FROM relay, (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon) h";
const ROWS: &str = "\
    SELECT seq, event_id, aggregate, number, subject, payload, trace, at FROM journal \
    WHERE tx >= $1 AND tx < $2 AND seq > $3 ORDER BY seq LIMIT $4";
const MOVE: &str = "UPDATE relay SET from_tx = $1, to_tx = $2, seq = $3";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[TAKE_LOCK, CURSOR, ROWS, MOVE];

/// When the next round is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// At once: the round was cut short.
    AtOnce,
    /// Soon: rows are committed above the horizon, which a transaction of somebody else holds back.
    Soon,
    /// When something is journalled.
    Idle,
}

/// Publishes the journal of one service.
pub(crate) struct Relay {
    pub service: &'static str,
    pub prefix: String,
    pub options: PgConnectOptions,
    pub jetstream: jetstream::Context,
    pub wake: Arc<Notify>,
    pub stop: CancellationToken,
}

impl Relay {
    /// Works until the service stops; what is journalled by then is published if the broker is there.
    pub(crate) async fn run(self) {
        let mut connection = None;
        loop {
            let stopping = self.stop.is_cancelled();
            let next = match self.round(&mut connection).await {
                Ok(next) => next,
                Err(fault) => {
                    tracing::warn!(service = self.service, %fault, "the relay will try again");
                    connection = None;
                    self.rest(Duration::from_millis(300)).await;
                    if stopping {
                        return;
                    }
                    continue;
                }
            };
            match next {
                Next::AtOnce => {}
                Next::Soon => tokio::time::sleep(Duration::from_millis(2)).await,
                Next::Idle if stopping => return,
                // The signal comes from our own commits; the clock finds what a crash or another replica left.
                Next::Idle => self.rest(Duration::from_millis(500)).await,
            }
        }
    }

    async fn rest(&self, limit: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(limit) => {}
            () = self.stop.cancelled(), if !self.stop.is_cancelled() => {}
        }
    }

    /// Publishes up to [`ROUND`] rows.
    async fn round(&self, connection: &mut Option<PgConnection>) -> Result<Next, Fault> {
        if connection.is_none() {
            let mut fresh = self.options.connect().await?;
            let leads: bool = sqlx::query_scalar(TAKE_LOCK).bind(LOCK).fetch_one(&mut fresh).await?;
            if !leads {
                // Another replica publishes.
                return Ok(Next::Idle);
            }
            *connection = Some(fresh);
        }
        let Some(connection) = connection.as_mut() else { return Ok(Next::Idle) };
        let cursor = sqlx::query(CURSOR).fetch_one(&mut *connection).await?;
        let (from, horizon): (i64, i64) = (cursor.try_get("from_tx")?, cursor.try_get("horizon")?);
        let (begun, seq): (i64, i64) = (cursor.try_get("to_tx")?, cursor.try_get("seq")?);
        // A round that was cut short goes on below its own horizon.
        let to = if seq > 0 { begun } else { horizon };
        let idle = if cursor.try_get("ahead")? { Next::Soon } else { Next::Idle };
        if from >= to {
            return Ok(idle);
        }
        let rows = sqlx::query(ROWS).bind(from).bind(to).bind(seq).bind(ROUND).fetch_all(&mut *connection).await?;
        let count = rows.len();
        let last: i64 = rows.last().map_or(Ok(0), |row| row.try_get("seq"))?;
        self.publish(&rows).await?;
        metrics::published(self.service, count);
        let cut = count == usize::try_from(ROUND).unwrap_or(usize::MAX);
        let next = if cut { (from, to, last) } else { (to, to, 0) };
        // An idle cursor is not moved: a write for nothing.
        if count > 0 {
            sqlx::query(MOVE).bind(next.0).bind(next.1).bind(next.2).execute(connection).await?;
        }
        Ok(if cut { Next::AtOnce } else { idle })
    }

    async fn publish(&self, rows: &[sqlx::postgres::PgRow]) -> Result<(), Fault> {
        let mut acks: Vec<PublishAckFuture> = Vec::with_capacity(rows.len());
        for row in rows {
            acks.push(self.send(row).await?);
        }
        for ack in acks {
            ack.await.map_err(|error| Fault::Transient(format!("not acknowledged by the broker: {error}")))?;
        }
        Ok(())
    }

    async fn send(&self, row: &sqlx::postgres::PgRow) -> Result<PublishAckFuture, Fault> {
        let text: String = row.try_get("subject")?;
        let address = format!("{}.v1.{text}", self.prefix);
        let subject = Subject::parse(&self.prefix, &address).map_err(|error| Fault::Permanent(error.to_string()))?;
        let trace: Option<String> = row.try_get("trace")?;
        let headers = Envelope {
            event_id: row.try_get::<Uuid, _>("event_id")?,
            source: self.service,
            subject: &subject,
            aggregate: row.try_get::<Uuid, _>("aggregate")?,
            number: row.try_get::<Option<i32>, _>("number")?,
            at: row.try_get::<Timestamp, _>("at")?.to_jiff(),
            trace: trace.as_deref(),
        }
        .headers();
        let payload: Vec<u8> = row.try_get("payload")?;
        #[expect(clippy::disallowed_methods, reason = "the relay is how messages leave")]
        let sent = self.jetstream.publish_with_headers(address, headers, payload.into()).await;
        sent.map_err(|error| Fault::Transient(format!("not published: {error}")))
    }
}
