//! Does the broker still have what it acknowledged?
//!
//! It acknowledges before it flushes its disk: after a loss of power the tail of a stream may be gone (P01), and later
//! messages get the sequences of the lost ones (P02). So before anything is published under a new lease or a new
//! connection, and every 30 seconds, the newest message of each stream is fetched and its event id compared. A stream
//! loses only its tail: if one message is there, those before it are, too.

use std::time::{Duration, Instant};

use async_nats::StatusCode;
use async_nats::jetstream::stream::DirectGetErrorKind;
use sqlx::PgConnection;
use uuid::Uuid;

use super::cursor::{Cursor, Snapshot, look};
use super::error::RelayError;
use super::lease::Lease;
use super::marks::{self, Mark};
use super::publish::Acked;
use super::{Relay, gauges};
use crate::topology::{STREAMS, stream_name};
use crate::{crash, message};

/// How often a quiet connection is not trusted.
const EVERY: Duration = Duration::from_secs(30);
/// A message that is about to be too old for its stream may be gone with good reason.
const NEARLY: Duration = Duration::from_secs(300);

/// What of a stream is lost.
struct Loss {
    /// The cursor before the first lost message; none: nothing that we remember is left.
    before: Option<Cursor>,
    /// The first slot that is void.
    slot: i64,
    stream: String,
}

impl Relay {
    /// Compares what the broker has with what it acknowledged, if that is due, and moves the cursor back.
    pub(super) async fn read_back(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
    ) -> Result<(), RelayError> {
        let same = self.same_connection(lead);
        if same && lead.checked.is_some_and(|(_, at)| at.elapsed() < EVERY) {
            return Ok(());
        }
        // Counted before the questions: a connection that is renewed meanwhile is asked again.
        let connects = self.connects();
        if !same {
            acked.clear();
        }
        let newest = marks::newest(connection).await?;
        if !crash::bug("relay_skips_read_back") {
            self.compare(connection, lead, acked, &newest).await?;
        }
        if !same {
            lead.learn(&marks::newest(connection).await?);
        }
        lead.checked = Some((connects, Instant::now()));
        marks::trim(connection).await
    }

    async fn compare(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        newest: &[Mark],
    ) -> Result<(), RelayError> {
        let mut losses = Vec::new();
        for mark in newest {
            if let Some(loss) = self.loss(connection, lead, mark).await? {
                losses.push(loss);
            }
        }
        let Some(void) = losses.iter().map(|loss| loss.slot).min() else { return Ok(()) };
        let mut to = look(connection).await?.cursor;
        for loss in losses {
            let before = match loss.before {
                Some(before) => before,
                None => {
                    let held = marks::held(connection, max_age(&self.prefix, &loss.stream)).await?;
                    tracing::error!(
                        service = self.service,
                        stream = loss.stream,
                        "the broker has nothing of what it acknowledged: all that the stream would hold is published again"
                    );
                    held.unwrap_or(to)
                }
            };
            to = to.before(before);
        }
        acked.clear();
        self.rewind(connection, lead, to, void, "the broker lost acknowledged messages").await?;
        lead.learn(&marks::newest(connection).await?);
        Ok(())
    }

    /// Moves the cursor back, and says how much is published again.
    pub(super) async fn rewind(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        to: Cursor,
        void: i64,
        why: &str,
    ) -> Result<(), RelayError> {
        let rows = marks::between(connection, to).await?;
        crash::point("relay.rewinding");
        lead.move_back(connection, to, void).await?;
        crash::point("relay.rewound");
        gauges::republished(self.service, rows);
        tracing::warn!(service = self.service, rows, why, "{rows} events are published again");
        Ok(())
    }

    /// Does what an operator asked for: the cursor goes back.
    pub(super) async fn obey(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        view: &Snapshot,
    ) -> Result<bool, RelayError> {
        let Some(tx) = view.rewind else { return Ok(false) };
        acked.clear();
        // What is marked is still there: the marks stay.
        let to = view.cursor.before(Cursor::at(tx));
        self.rewind(connection, lead, to, i64::MAX, "an operator asked for it").await?;
        Ok(true)
    }

    /// What a stream has lost, going back from its newest mark.
    async fn loss(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        newest: &Mark,
    ) -> Result<Option<Loss>, RelayError> {
        if self.holds(newest).await? {
            return Ok(None);
        }
        let (mut before, mut slot) = (newest.before, newest.slot);
        for mark in marks::older(connection, newest).await? {
            // A long way back takes longer than a lease.
            lead.keep(connection).await?;
            if self.holds(&mark).await? {
                return Ok(Some(Loss { before: Some(before), slot, stream: mark.stream }));
            }
            (before, slot) = (before.before(mark.before), mark.slot);
        }
        Ok(Some(Loss { before: None, slot, stream: newest.stream.clone() }))
    }

    async fn holds(&self, mark: &Mark) -> Result<bool, RelayError> {
        if mark.age + NEARLY > max_age(&self.prefix, &mark.stream) {
            return Ok(true);
        }
        Ok(self.fetch(&mark.stream, mark.sequence).await? == Some(mark.event_id))
    }

    /// Event id of the message at a sequence; none: there is no message, or none of ours.
    pub(super) async fn fetch(&self, stream: &str, sequence: u64) -> Result<Option<Uuid>, RelayError> {
        let handle = self.jetstream.get_stream_no_info(stream).await;
        let handle = handle.map_err(|error| RelayError::Unanswered(format!("{stream} cannot be read: {error}")))?;
        match handle.direct_get(sequence).await {
            Ok(found) => Ok(message::event_id(&found.headers)),
            Err(error) => match error.kind() {
                DirectGetErrorKind::NotFound => Ok(None),
                DirectGetErrorKind::ErrorResponse(StatusCode::NO_RESPONDERS, _) => Err(RelayError::missing(stream)),
                _ => Err(RelayError::Unanswered(format!("{stream} cannot be read back: {error}"))),
            },
        }
    }
}

/// How long a stream holds its messages.
fn max_age(prefix: &str, stream: &str) -> Duration {
    let known = STREAMS.iter().find(|known| stream_name(prefix, known.name) == stream);
    known.map_or(Duration::MAX, |known| known.max_age)
}
