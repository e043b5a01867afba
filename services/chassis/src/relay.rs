//! The relay: publishes the journal, at least once, and per aggregate in the order of commit.
//!
//! Which rows may be read? Numbers of a sequence commit out of order, so "all above the last number" would lose rows.
//! A round takes every row whose transaction id is below the horizon (all transactions below it have ended) and not
//! below the last horizon. No row is skipped, however late its transaction commits (P21, P22).
//!
//! In which order? By `seq`. A transaction draws its numbers after it has locked its aggregates, so of two
//! transactions on one aggregate the later one has the higher numbers. Its transaction id may be lower, though: it is
//! drawn at the first lock. Therefore a round that would hold a later row of an aggregate without an earlier one is
//! stretched, or waits until the horizon allows it.
//!
//! What our own lanes commit is published as soon as it is committed, without being read, while nothing waits before it
//! ([`handed`]); the cursor follows a little later, in rounds that find it published.
//!
//! The cursor moves after the acks; after a crash in between, the rows are published again with the same message ids.
//! One relay of a service is active, by a [`lease`]. What the broker acknowledged it may still lose: [`read_back`]. And the
//! database may be older than what the broker has: [`past`].

mod backpressure;
mod cursor;
mod error;
mod gauges;
mod guard;
mod hand_off;
mod lease;
mod marks;
mod pack;
mod past;
mod publish;
mod read_back;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use sqlx::PgConnection;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::database::DatabaseTarget;
use crate::progress::Progress;
use crate::{Fault, crash, metrics};
pub use backpressure::Backpressure;
pub(crate) use cursor::JournalRow;
use cursor::{Cursor, Page, Snapshot};
pub(crate) use error::Backoff;
use error::RelayError;
pub(crate) use hand_off::HandOff;
use lease::Lease;
use publish::Acked;

/// Longest a round may take: a dead connection must not hold the relay up.
const ROUND_LIMIT: Duration = Duration::from_secs(12);
/// Longest wait after trouble, and after a refusal that only somebody else can end.
const WAIT: Duration = Duration::from_secs(2);
const REFUSED_WAIT: Duration = Duration::from_secs(10);
/// What a relay under load waits for each row of its last round, so that the next one is as large.
const GATHER_EACH: Duration = Duration::from_micros(200);
/// How long a relay that is told to stop puts up with trouble, or with a long backlog: the journal keeps it.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// The statements of the relay, for the test that prepares them all.
pub(crate) fn statements() -> Vec<&'static str> {
    [cursor::STATEMENTS, guard::STATEMENTS, lease::STATEMENTS, marks::STATEMENTS, past::STATEMENTS].concat()
}

/// When the next round is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// At once: the round was cut short.
    AtOnce,
    /// Soon: rows are committed above the horizon, which a transaction of somebody else holds back.
    Soon,
    /// When something more is handed over, or the cursor is to follow.
    HandOff,
    /// When something is journalled.
    Idle,
    /// Later: another replica publishes.
    Follow,
    /// When the broker is back.
    Offline,
}

/// The connection of a relay, and what it knows while it leads.
struct Link {
    connection: PgConnection,
    lead: Option<Lease>,
    /// Connections to the broker when this database was last compared with it; none: not yet.
    compared: Option<u64>,
}

/// What a relay remembers between rounds.
#[derive(Default)]
struct State {
    link: Option<Link>,
    holder: Option<String>,
    acked: Acked,
    patience: Backoff,
    /// Rows that the last round published.
    published: usize,
    /// When the cursor is to follow what was handed over; none: it need not.
    due: Option<Instant>,
}

/// Publishes the journal of one service.
pub(crate) struct Relay {
    pub service: &'static str,
    pub prefix: String,
    pub home: DatabaseTarget,
    pub client: async_nats::Client,
    pub jetstream: jetstream::Context,
    pub wake: Arc<Notify>,
    pub handed: Arc<HandOff>,
    pub pace: Arc<OnceLock<Backpressure>>,
    pub progress: Arc<Progress>,
    pub stop: CancellationToken,
    /// Longest that a relay under load gathers rows for its next round.
    pub gather: Duration,
    /// Rows that leave as one message at the most.
    pub batch_max: usize,
}

impl Relay {
    /// Works until the service stops; what is journalled by then is published if the broker is there and it is not too much.
    pub(crate) async fn run(self) {
        let mut state = State::default();
        let mut stopped: Option<Instant> = None;
        loop {
            let stopping = self.stop.is_cancelled();
            if stopping {
                stopped.get_or_insert_with(Instant::now);
            }
            let round = tokio::time::timeout(ROUND_LIMIT, self.round(&mut state)).await;
            let round = round.unwrap_or_else(|_| Err(Fault::Transient("a round took too long".to_owned()).into()));
            let is_late = stopped.is_some_and(|at| at.elapsed() > STOP_LIMIT);
            let wait = match round {
                Ok(next) => {
                    if matches!(next, Next::Follow | Next::Offline) {
                        self.handed.close();
                    }
                    if next != Next::Offline {
                        self.progress.relay_ok_at.mark();
                        state.patience.reset();
                    }
                    if stopping && (is_late || !matches!(next, Next::AtOnce | Next::Soon)) {
                        break;
                    }
                    self.after(next, &state).await;
                    continue;
                }
                Err(trouble) => self.cope(&mut state, trouble).await,
            };
            if is_late {
                break;
            }
            let wait = if stopping { wait.min(STOP_LIMIT) } else { wait };
            tokio::select! { () = tokio::time::sleep(wait) => {}, () = self.stop.cancelled(), if !stopping => {} }
        }
        self.hand_over(state).await;
    }

    async fn after(&self, next: Next, state: &State) {
        // What a round has left goes on.
        if self.handed.holds_more() && !matches!(next, Next::Follow | Next::Offline) {
            return;
        }
        // A row that came alone says that there is no load: nobody waits. What is handed over has been gathered.
        let open = self.handed.is_open();
        let each = if state.published > 1 && !open { u32::try_from(state.published).unwrap_or(u32::MAX) } else { 0 };
        let gather = GATHER_EACH.saturating_mul(each).min(self.gather);
        let wait = match next {
            Next::AtOnce => return,
            // What is above the horizon was handed over: only the cursor waits.
            Next::HandOff | Next::Soon if open && !self.stop.is_cancelled() => {
                let follow = state.due.map_or(hand_off::FOLLOW, |due| due.saturating_duration_since(Instant::now()));
                return tokio::select! {
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(follow) => {}
                    () = self.stop.cancelled() => {}
                };
            }
            Next::HandOff | Next::Soon => return tokio::time::sleep(gather.max(Duration::from_millis(1))).await,
            // The signal comes from our own commits; the clock finds what a crash or another replica left.
            Next::Idle => {
                return tokio::select! {
                    () = self.wake.notified() => tokio::time::sleep(gather).await,
                    () = tokio::time::sleep(Duration::from_millis(500)) => {}
                    () = self.stop.cancelled() => {}
                };
            }
            // Our own commits are no reason to ask.
            Next::Follow => Duration::from_millis(500),
            Next::Offline => Duration::from_millis(200),
        };
        tokio::select! { () = tokio::time::sleep(wait) => {}, () = self.stop.cancelled() => {} }
    }

    /// What trouble means for the next round, and how long until then.
    async fn cope(&self, state: &mut State, trouble: RelayError) -> Duration {
        self.handed.close();
        let State { link, patience, .. } = state;
        if !matches!(trouble, RelayError::Stale | RelayError::Other(_)) {
            self.look_at_backlog(link).await;
        }
        let lead = link.as_mut().map(|link| &mut link.lead);
        match trouble {
            RelayError::Stale => {
                tracing::warn!(service = self.service, "the lease of the relay is over: it looks again who leads");
                if let Some(lead) = lead {
                    *lead = None;
                }
                Duration::ZERO
            }
            RelayError::Broken(what) => {
                tracing::warn!(service = self.service, what, "the relay reads back what the broker has");
                if let Some(Some(lead)) = lead {
                    lead.checked = None;
                }
                patience.next(WAIT)
            }
            RelayError::Refused(what) => {
                if patience.speak() {
                    tracing::warn!(service = self.service, what, "the journal keeps what the broker does not take");
                }
                patience.next(REFUSED_WAIT)
            }
            RelayError::Older(why) => {
                if patience.speak() {
                    tracing::error!(
                        service = self.service,
                        why,
                        "the service stands still: see `redress rebuild --help`"
                    );
                }
                patience.next(WAIT)
            }
            RelayError::Unanswered(what) => {
                tracing::warn!(service = self.service, what, "the broker does not answer: the relay will try again");
                patience.next(WAIT)
            }
            RelayError::Other(fault) => {
                tracing::warn!(service = self.service, %fault, "the relay will try again");
                *link = None;
                patience.next(WAIT)
            }
        }
    }

    /// What the broker does not take is measured, too.
    async fn look_at_backlog(&self, link: &mut Option<Link>) {
        let Some(Link { connection, .. }) = link else { return };
        match tokio::time::timeout(Duration::from_secs(3), cursor::backlog(connection)).await {
            Ok(Ok((rows, age))) => self.waits(rows, age),
            // A connection that was left in the middle of an answer cannot be used again.
            Ok(Err(_)) | Err(_) => *link = None,
        }
    }

    /// Gives the lease back: a roll-out does not wait for its end.
    async fn hand_over(&self, state: State) {
        if let Some(Link { mut connection, lead: Some(lead), .. }) = state.link {
            let released = tokio::time::timeout(Duration::from_secs(2), lead.release(&mut connection)).await;
            if !matches!(released, Ok(Ok(()))) {
                tracing::warn!(service = self.service, "the lease of the relay could not be given back: it runs out");
            }
        }
    }

    /// Publishes what was handed over, or the next rows.
    async fn round(&self, state: &mut State) -> Result<Next, RelayError> {
        let State { link, holder, acked, published, due, .. } = state;
        *published = 0;
        let Link { connection, lead, compared } = match link {
            Some(link) => link,
            None => {
                let connection = self.home.connect().await?;
                link.insert(Link { connection, lead: None, compared: None })
            }
        };
        if !self.connected() {
            // Nothing is held on to: a replica that reaches the broker may lead when the lease is over.
            let (rows, age) = cursor::backlog(connection).await?;
            self.waits(rows, age);
            return Ok(Next::Offline);
        }
        // Whoever leads: a replica on an older database may not even stand by.
        let connects = self.connects();
        if *compared != Some(connects) {
            self.look_at_past(connection).await?;
            *compared = Some(connects);
        }
        let holder = match holder {
            Some(holder) => holder,
            None => holder.insert(lease::name(connection).await?),
        };
        let lead = match lead {
            Some(lead) => lead,
            None => {
                let Some(taken) = Lease::take(connection, holder).await? else {
                    self.waits(0, 0.0);
                    return Ok(Next::Follow);
                };
                acked.clear();
                lead.insert(taken)
            }
        };
        lead.keep(connection).await?;
        self.read_back(connection, lead, acked).await?;
        if self.publish_handed(connection, lead, acked, due).await? {
            return Ok(Next::HandOff);
        }
        *due = None;
        let view = cursor::look(connection).await?;
        if lead.epoch() != view.epoch {
            return Err(RelayError::Stale);
        }
        if self.obey(connection, lead, acked, &view).await? {
            return Ok(Next::AtOnce);
        }
        let next = self.advance(connection, lead, (acked, published), &view).await?;
        if next == Next::AtOnce {
            // What is handed over meanwhile does not put it off.
            *due = Some(Instant::now());
        } else if self.catch_up(connection, lead, acked).await? {
            return Ok(Next::AtOnce);
        }
        Ok(next)
    }

    /// Publishes the next rows and moves the cursor.
    async fn advance(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        (acked, published): (&mut Acked, &mut usize),
        view: &Snapshot,
    ) -> Result<Next, RelayError> {
        let idle = if view.ahead.is_some() { Next::Soon } else { Next::Idle };
        let Cursor { from, .. } = view.cursor;
        if from > view.horizon {
            tracing::error!(
                service = self.service,
                from,
                horizon = view.horizon,
                "the cursor is of another cluster: nothing is published"
            );
            return Ok(Next::Idle);
        }
        let planned = match view.cursor {
            // The planted mistake: numbers, whatever their transactions do.
            cursor if crash::bug("relay_cursor_by_max_id") => Some(Cursor { from: 0, to: i64::MAX, seq: cursor.seq }),
            // A round that was cut short goes on below its own end.
            cursor if cursor.seq > 0 => Some(cursor),
            _ => cursor::plan(connection, view).await?,
        };
        let Some(round) = planned.filter(|round| round.to > round.from) else {
            self.waits(u64::from(view.ahead.is_some()), view.ahead.unwrap_or(0.0));
            return Ok(idle);
        };
        let handed = self.handed.holds_more();
        let Page { numbers, rows, oldest, cut, waits } = Page::of(connection, acked, round, handed).await?;
        let oldest = view.ahead.unwrap_or(0.0).max(oldest);
        self.waits(numbers.len() as u64 + u64::from(view.ahead.is_some()), oldest);
        // An idle cursor is not moved: a write for nothing. But a round that was cut may have ended exactly at its cut.
        if !numbers.is_empty() || round.seq > 0 {
            self.publish_under(connection, lead, acked, &rows).await?;
            let last = numbers.last().copied().unwrap_or(round.seq);
            let max_id = crash::bug("relay_cursor_by_max_id");
            let next = if cut || max_id { Cursor { seq: last, ..round } } else { Cursor::at(round.to) };
            if next != view.cursor {
                lead.move_to(connection, view.cursor, next, acked).await?;
                crash::point("relay.moved");
            }
            metrics::published(self.service, numbers.len());
            *published = numbers.len();
            acked.forget(&numbers);
            self.handed.forget(&numbers);
        }
        if !cut {
            self.waits(u64::from(view.ahead.is_some()), view.ahead.unwrap_or(0.0));
        }
        // What was handed over goes first; the end waits for it.
        let waits = waits && !self.stop.is_cancelled();
        let behind = !waits && (cut || (round.to < view.horizon && !crash::bug("relay_cursor_by_max_id")));
        Ok(if behind { Next::AtOnce } else { idle })
    }

    fn waits(&self, rows: u64, seconds: f64) {
        let seconds = seconds.max(0.0);
        self.progress.relay_waits(rows, Duration::try_from_secs_f64(seconds).unwrap_or_default());
        gauges::waits(self.service, rows, if rows == 0 { 0.0 } else { seconds });
    }
}
