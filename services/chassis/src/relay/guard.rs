//! The public stream of a claim is 1, 2, 3 …, whatever happens: each event is stored only directly after the one before.
//!
//! The broker checks it (expected last sequence of the claim's subjects). Otherwise an event that still lies in a buffer
//! while the broker loses its tail, or that a relay sends after it was paused, would be stored in the wrong place.

use std::collections::{HashMap, HashSet};

use async_nats::HeaderMap;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use futures::future::try_join_all;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Relay;
use super::cursor::{self, JournalRow};
use super::error::RelayError;
use super::lease::Lease;
use crate::message;
use crate::topology::stream_name;

/// Claims whose last event is remembered; with more, the broker is asked again.
const REMEMBERED: usize = 50_000;
/// Whether an event of a claim is one of ours, with this number.
const GENUINE: &str = "SELECT EXISTS (SELECT FROM journal WHERE aggregate = $1 AND event_id = $2 AND number = $3)";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[GENUINE];

/// Questions to the broker at once.
const AT_ONCE: usize = 32;

/// The last public event of each claim, as far as it is known: its number and its place in the stream.
#[derive(Debug, Default)]
pub(super) struct StreamTails {
    known: HashMap<Uuid, (i32, u64)>,
    /// Claims of which the broker has more or less than was expected: it is asked, also about a first event.
    ask: HashSet<Uuid>,
}

/// Where a row is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedSequence {
    /// Anywhere.
    Free,
    /// Directly after this sequence of its claim; 0: as its first.
    After(u64),
    /// It is there already, or another one after it.
    There,
}

impl StreamTails {
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    /// The event of this number has this place.
    pub(super) fn learn(&mut self, row: &JournalRow, sequence: u64) {
        let Some(number) = row.number.filter(|_| is_public(row)) else { return };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        let tail = self.known.entry(row.aggregate).or_insert((number, sequence));
        if number >= tail.0 {
            *tail = (number, sequence);
        }
    }

    /// What was expected of a claim is wrong.
    pub(super) fn ask(&mut self, claim: Uuid) {
        self.known.remove(&claim);
        self.ask.insert(claim);
    }

    fn place(&self, row: &JournalRow, number: i32) -> Option<ExpectedSequence> {
        match self.known.get(&row.aggregate) {
            Some((last, sequence)) if last + 1 == number => Some(ExpectedSequence::After(*sequence)),
            Some((last, _)) if *last >= number => Some(ExpectedSequence::There),
            Some(_) | None => None,
        }
    }
}

/// Whether a row is a public event of a claim.
pub(super) fn is_public(row: &JournalRow) -> bool {
    row.subject.starts_with("claim.")
}

impl Relay {
    /// The places of the rows of a wave. What the broker lacks before them is stored first.
    pub(super) async fn places(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        tails: &mut StreamTails,
        wave: &[&JournalRow],
    ) -> Result<Vec<ExpectedSequence>, RelayError> {
        let unknown: Vec<&JournalRow> = (wave.iter().copied())
            .filter(|row| is_public(row))
            // A first event is simply expected to be the first: most often it is.
            .filter(|row| row.number.is_some_and(|number| number > 1 || tails.ask.contains(&row.aggregate)))
            .filter(|row| row.number.is_some_and(|number| tails.place(row, number).is_none()))
            .collect();
        for some in unknown.chunks(AT_ONCE) {
            let found = try_join_all(some.iter().map(|row| self.tail(row.aggregate))).await?;
            for (row, found) in some.iter().zip(found) {
                tails.ask.remove(&row.aggregate);
                if let Some(last) = found {
                    let before = row.number.unwrap_or(1) - 1;
                    let number = last.genuine(connection, row.aggregate).await?.unwrap_or_else(|| {
                        tracing::warn!(claim = %row.aggregate, "somebody else has written into the public stream");
                        before
                    });
                    tails.known.insert(row.aggregate, (number, last.sequence));
                }
            }
        }
        let mut places = Vec::with_capacity(wave.len());
        for row in wave {
            places.push(self.place(connection, lead, tails, row).await?);
        }
        Ok(places)
    }

    async fn place(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        tails: &mut StreamTails,
        row: &JournalRow,
    ) -> Result<ExpectedSequence, RelayError> {
        let Some(number) = row.number.filter(|_| is_public(row)) else { return Ok(ExpectedSequence::Free) };
        if let Some(place) = tails.place(row, number) {
            return Ok(place);
        }
        let Some((last, sequence)) = tails.known.get(&row.aggregate).copied() else {
            // Nothing of this claim is there: it is the first, or those before it were too old for the stream.
            return Ok(ExpectedSequence::After(0));
        };
        // The broker has lost some of this claim: they go before it.
        let mut after = sequence;
        for missing in cursor::public(connection, row.aggregate, last, number).await? {
            after = self.store(lead, &missing, ExpectedSequence::After(after)).await?;
            tails.learn(&missing, after);
        }
        Ok(ExpectedSequence::After(after))
    }

    /// The last message about a claim that the public stream has.
    async fn tail(&self, claim: Uuid) -> Result<Option<Last>, RelayError> {
        let name = stream_name(&self.prefix, "CLAIMS");
        let stream = self.jetstream.get_stream_no_info(&name).await;
        let stream = stream.map_err(|error| RelayError::Unanswered(format!("{name} cannot be read: {error}")))?;
        match stream.get_last_raw_message_by_subject(&subjects(&self.prefix, claim)).await {
            Ok(message) => {
                let number = message.headers.get("ce-sequence").and_then(|number| number.as_str().parse().ok());
                let told = message::event_id(&message.headers).zip(number);
                Ok(Some(Last { told, sequence: message.sequence }))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(RelayError::Unanswered(format!("{name} does not tell its last events: {error}"))),
        }
    }
}

/// The last message about a claim, whoever sent it.
struct Last {
    /// The event that it says it is, and its number.
    told: Option<(Uuid, i32)>,
    sequence: u64,
}

impl Last {
    /// The number of our event; none: it is not ours. The broker can be made to write what others want, and what they
    /// write must neither stop the claim nor pass for its next events: ours go behind it.
    async fn genuine(&self, connection: &mut PgConnection, claim: Uuid) -> Result<Option<i32>, RelayError> {
        let Some((event_id, number)) = self.told else { return Ok(None) };
        let known = sqlx::query_scalar(GENUINE).bind(claim).bind(event_id).bind(number);
        let known: bool = known.fetch_one(connection).await?;
        Ok(known.then_some(number))
    }
}

/// Every subject of a claim.
fn subjects(prefix: &str, claim: Uuid) -> String {
    format!("{prefix}.v1.claim.{claim}.>")
}

/// Tells the broker the place of a row.
pub(super) fn expect(headers: &mut HeaderMap, prefix: &str, claim: Uuid, place: ExpectedSequence) {
    if let ExpectedSequence::After(sequence) = place {
        headers.insert("Nats-Expected-Last-Subject-Sequence", sequence.to_string());
        headers.insert("Nats-Expected-Last-Subject-Sequence-Subject", subjects(prefix, claim));
    }
}
