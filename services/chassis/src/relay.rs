//! The relay: publishes the journal, at least once, and per aggregate in the order of commit.
//!
//! Which rows may be read? Numbers of a sequence commit out of order, so "all above the last number" would lose rows.
//! A round takes every row whose transaction id is below the horizon (all transactions below it have ended) and not
//! below the last horizon. No row is skipped, however late its transaction commits.
//!
//! In which order? By `seq`. A transaction draws its numbers after it has locked its aggregates, so of two
//! transactions on one aggregate the later one has the higher numbers. Its transaction id may be lower, though: it is
//! drawn at the first lock. Therefore a round that would hold a later row of an aggregate without an earlier one is
//! stretched, or waits until the horizon allows it.
//!
//! A round publishes in waves, each pipelined: of one aggregate only one row is on its way to a stream, so that a lost
//! one is not overtaken by the next. The cursor moves after the acks; after a crash in between, the rows are published
//! again with the same message ids. One relay of a service is active: it holds an advisory lock on its connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::context::PublishAckFuture;
use jiff_sqlx::Timestamp;
use proto::Subject;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, PgConnection, Row};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::message::Envelope;
use crate::{Fault, metrics};

/// Rows published before the cursor moves.
const ROUND: i64 = 500;
/// Rows a round is planned for: a long backlog is cut into rounds by transaction id.
const PLANNED: i64 = 5_000;
/// Longest a round may take: a dead connection must not hold the relay up.
const ROUND_LIMIT: Duration = Duration::from_secs(30);
/// Key of the advisory lock: "redress".
const LOCK: i64 = 0x0072_6564_7265_7373;

const TAKE_LOCK: &str = "SELECT pg_try_advisory_lock($1)";
const CURSOR: &str = "\
    SELECT from_tx, to_tx, seq, horizon, EXISTS (SELECT FROM journal WHERE tx >= horizon) AS ahead \
    FROM relay, (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon) h";
const ROWS: &str = "\
    SELECT seq, event_id, aggregate, number, subject, payload, trace, at FROM journal \
    WHERE tx >= $1 AND tx < $2 AND seq > $3 ORDER BY seq LIMIT $4";
/// Where a long backlog is cut.
const CUT: &str = "SELECT tx FROM journal WHERE tx >= $1 AND tx < $2 ORDER BY tx, seq OFFSET $3 LIMIT 1";
/// The latest transaction outside of a round that must go before a row inside it.
const OUTSIDE: &str = "\
    SELECT max(a.tx) FROM journal b JOIN journal a ON a.aggregate = b.aggregate AND a.seq < b.seq \
    WHERE b.tx >= $1 AND b.tx < $2 AND a.tx >= $2";
const MOVE: &str = "UPDATE relay SET from_tx = $1, to_tx = $2, seq = $3";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[TAKE_LOCK, CURSOR, ROWS, CUT, OUTSIDE, MOVE];

/// When the next round is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// At once: the round was cut short.
    AtOnce,
    /// Soon: rows are committed above the horizon, which a transaction of somebody else holds back.
    Soon,
    /// When something is journalled.
    Idle,
    /// Later: another replica publishes.
    Follow,
}

/// The connection of a relay, and whether it holds the lock.
struct Link {
    connection: PgConnection,
    leads: bool,
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
        let mut link = None;
        loop {
            let stopping = self.stop.is_cancelled();
            let round = tokio::time::timeout(ROUND_LIMIT, self.round(&mut link)).await;
            match round.unwrap_or_else(|_| Err(Fault::Transient("a round took too long".to_owned()))) {
                Ok(Next::AtOnce) => {}
                Ok(Next::Soon) => tokio::time::sleep(Duration::from_millis(2)).await,
                Ok(Next::Idle | Next::Follow) if stopping => return,
                // The signal comes from our own commits; the clock finds what a crash or another replica left.
                Ok(Next::Idle) => self.rest(Duration::from_millis(500)).await,
                // Another replica publishes: our own commits are no reason to ask.
                Ok(Next::Follow) => {
                    tokio::select! { () = tokio::time::sleep(Duration::from_millis(500)) => {}, () = self.stop.cancelled() => {} }
                }
                Err(fault) => {
                    tracing::warn!(service = self.service, %fault, "the relay will try again");
                    link = None;
                    self.rest(Duration::from_millis(300)).await;
                    if stopping {
                        return;
                    }
                }
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
    async fn round(&self, link: &mut Option<Link>) -> Result<Next, Fault> {
        if link.is_none() {
            *link = Some(Link { connection: self.options.connect().await?, leads: false });
        }
        let Some(Link { connection, leads }) = link.as_mut() else { return Ok(Next::Idle) };
        if !*leads {
            *leads = sqlx::query_scalar(TAKE_LOCK).bind(LOCK).fetch_one(&mut *connection).await?;
            if !*leads {
                return Ok(Next::Follow);
            }
        }
        let cursor = sqlx::query(CURSOR).fetch_one(&mut *connection).await?;
        let (from, horizon): (i64, i64) = (cursor.try_get("from_tx")?, cursor.try_get("horizon")?);
        let (begun, seq): (i64, i64) = (cursor.try_get("to_tx")?, cursor.try_get("seq")?);
        let ahead: bool = cursor.try_get("ahead")?;
        let idle = if ahead { Next::Soon } else { Next::Idle };
        if from > horizon {
            tracing::error!(
                service = self.service,
                from,
                horizon,
                "the cursor is of another cluster: nothing is published"
            );
            return Ok(Next::Idle);
        }
        // A round that was cut short goes on below its own end.
        let to = if seq > 0 { Some(begun) } else { plan(connection, from, horizon, ahead).await? };
        let Some(to) = to.filter(|to| *to > from) else { return Ok(idle) };
        let rows = sqlx::query(ROWS).bind(from).bind(to).bind(seq).bind(ROUND).fetch_all(&mut *connection).await?;
        let last: i64 = rows.last().map_or(Ok(0), |row| row.try_get("seq"))?;
        self.publish(&rows).await?;
        metrics::published(self.service, rows.len());
        let cut = rows.len() == usize::try_from(ROUND).unwrap_or(usize::MAX);
        let next = if cut { (from, to, last) } else { (to, to, 0) };
        // An idle cursor is not moved: a write for nothing.
        if !rows.is_empty() {
            sqlx::query(MOVE).bind(next.0).bind(next.1).bind(next.2).execute(connection).await?;
        }
        Ok(if cut || to < horizon { Next::AtOnce } else { idle })
    }

    /// Publishes rows in waves: a wave has at most one row of an aggregate for each stream and service.
    async fn publish(&self, rows: &[PgRow]) -> Result<(), Fault> {
        let mut depth: HashMap<(String, Uuid), usize> = HashMap::new();
        let mut waves: Vec<Vec<&PgRow>> = Vec::new();
        for row in rows {
            let subject: String = row.try_get("subject")?;
            let kind = subject.split('.').take(2).collect::<Vec<_>>().join(".");
            let at = depth.entry((kind, row.try_get("aggregate")?)).and_modify(|depth| *depth += 1).or_insert(0);
            if waves.len() == *at {
                waves.push(Vec::new());
            }
            waves[*at].push(row);
        }
        for wave in waves {
            let mut acks: Vec<PublishAckFuture> = Vec::with_capacity(wave.len());
            for row in wave {
                acks.push(self.send(row).await?);
            }
            for ack in acks {
                ack.await.map_err(|error| Fault::Transient(format!("not acknowledged by the broker: {error}")))?;
            }
        }
        Ok(())
    }

    async fn send(&self, row: &PgRow) -> Result<PublishAckFuture, Fault> {
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

/// The transaction id up to which a round goes; `None`: the horizon does not allow a round yet.
async fn plan(connection: &mut PgConnection, from: i64, horizon: i64, ahead: bool) -> Result<Option<i64>, Fault> {
    let cut: Option<i64> =
        sqlx::query_scalar(CUT).bind(from).bind(horizon).bind(PLANNED).fetch_optional(&mut *connection).await?;
    let mut to = cut.map_or(horizon, |cut| cut.max(from + 1));
    // Without rows beyond its end a round leaves nothing out.
    if !ahead && to == horizon {
        return Ok(Some(to));
    }
    loop {
        let outside: Option<i64> = sqlx::query_scalar(OUTSIDE).bind(from).bind(to).fetch_one(&mut *connection).await?;
        match outside {
            None => return Ok(Some(to)),
            Some(tx) if tx >= horizon => return Ok(None),
            Some(tx) => to = tx + 1,
        }
    }
}
