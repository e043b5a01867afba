//! How rows leave: pipelined, each confirmed by the broker.
//!
//! Services restore the order of what they are told by its numbers, so commands, events and notices of a round leave in
//! one pipeline, those to one receiver together: see [`super::pack`]. Subscribers of the public stream read in its order:
//! of one claim only one row is on its way, so that a lost one is not overtaken by the next. Such a round goes in waves.
//!
//! What is packed otherwise at a second try is on the broker twice; its receiver knows it by its own id and number.

use std::collections::HashMap;
use std::future::IntoFuture;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::publish::PublishAck;
use futures::future::join_all;
use proto::ClaimId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Relay;
use super::backpressure::LONGEST;
use super::cursor::JournalRow;
use super::error::RelayError;
use super::guard::{ExpectedSequence, StreamTails, is_public};
use super::lease::Lease;
use super::pack::{MessageBatch, pack};
use crate::{crash, nats};

/// Where the broker has rows that the cursor is not behind yet: they are not sent again.
#[derive(Default)]
pub(super) struct Acked {
    /// By their numbers in the journal; `None`: the public stream has had it from before.
    rows: HashMap<i64, Option<Kept>>,
    tails: StreamTails,
}

/// Where the broker has a row.
#[derive(Debug)]
struct Kept {
    stream: String,
    sequence: u64,
    /// The message that it is, or is in.
    message: Uuid,
}

impl Acked {
    /// The broker may have lost them, or the cursor is behind them.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.tails.clear();
    }

    /// The cursor is behind them.
    pub(super) fn forget(&mut self, rows: &[i64]) {
        for seq in rows {
            self.rows.remove(seq);
        }
    }

    /// How many of them are there before the first that is not.
    pub(super) fn first_of(&self, rows: &[i64]) -> usize {
        rows.iter().take_while(|seq| self.rows.contains_key(seq)).count()
    }

    pub(super) fn numbers(&self) -> Vec<i64> {
        self.rows.keys().copied().collect()
    }

    /// How many there are.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    fn insert(&mut self, parcel: &MessageBatch<'_>, ack: &PublishAck) {
        let (sequence, message) = (ack.sequence, parcel.id);
        for row in parcel.rows() {
            self.tails.learn(row, sequence);
            self.rows.insert(row.seq, Some(Kept { stream: ack.stream.clone(), sequence, message }));
        }
    }

    /// The newest message of each stream.
    pub(super) fn newest(&self) -> HashMap<&str, (u64, Uuid)> {
        let mut newest: HashMap<&str, (u64, Uuid)> = HashMap::new();
        for Kept { stream, sequence, message } in self.rows.values().flatten() {
            let entry = newest.entry(stream).or_insert((*sequence, *message));
            if *sequence > entry.0 {
                *entry = (*sequence, *message);
            }
        }
        newest
    }
}

/// Cuts a round into waves: of the public events of one claim each waits for the one before.
fn waves<'a>(rows: &[&'a JournalRow]) -> Vec<Vec<&'a JournalRow>> {
    let mut depth: HashMap<Uuid, usize> = HashMap::new();
    let mut waves: Vec<Vec<&JournalRow>> = vec![Vec::new()];
    for &row in rows {
        let at =
            if is_public(row) { *depth.entry(row.aggregate).and_modify(|depth| *depth += 1).or_insert(0) } else { 0 };
        if waves.len() == at {
            waves.push(Vec::new());
        }
        waves[at].push(row);
    }
    waves
}

impl Relay {
    /// Publishes rows; all are on the broker when this succeeds.
    pub(super) async fn publish(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        rows: &[JournalRow],
    ) -> Result<(), RelayError> {
        let rows: Vec<&JournalRow> = rows.iter().filter(|row| !acked.rows.contains_key(&row.seq)).collect();
        let until = Instant::now() + LONGEST;
        for rows in rows.chunks(self.at_once(rows.len())) {
            self.pace(until).await;
            for wave in waves(rows) {
                lead.keep(connection).await?;
                self.wave(connection, lead, acked, wave).await?;
                crash::point("relay.acked");
            }
        }
        Ok(())
    }

    async fn wave(
        &self,
        connection: &mut PgConnection,
        lead: &mut Lease,
        acked: &mut Acked,
        wave: Vec<&JournalRow>,
    ) -> Result<(), RelayError> {
        let places = self.places(connection, lead, &mut acked.tails, &wave).await?;
        let is_there = |(_, place): &(&JournalRow, ExpectedSequence)| *place == ExpectedSequence::There;
        let (there, wave): (Vec<_>, Vec<_>) = wave.into_iter().zip(places).partition(is_there);
        acked.rows.extend(there.into_iter().map(|(row, _)| (row.seq, None)));
        let public = wave.iter().any(|(row, _)| is_public(row));
        let parcels = pack(wave, self.batch_max);
        let mut answers = Vec::with_capacity(parcels.len());
        for parcel in &parcels {
            if !lead.valid() {
                return Err(RelayError::Stale);
            }
            answers.push(self.send(parcel, None).await?.into_future());
        }
        crash::point("relay.published");
        let answers = tokio::select! {
            answers = join_all(answers) => answers,
            trouble = self.disconnected(lead) => return Err(trouble),
        };
        let (mut trouble, mut known) = (None, Vec::new());
        for (parcel, answer) in parcels.into_iter().zip(answers) {
            match answer {
                Ok(ack) if ack.duplicate => known.push((parcel, ack)),
                Ok(ack) => self.stored(lead, acked, &parcel, ack)?,
                Err(error) => {
                    if error.kind() == PublishErrorKind::WrongLastSequence {
                        // Where its claim ends is asked again: it may be there already.
                        acked.tails.ask(parcel.first.aggregate);
                    }
                    trouble = Some(trouble.unwrap_or_else(|| RelayError::of(&error, &parcel.first.subject)));
                }
            }
        }
        self.known(lead, acked, known).await?;
        if public {
            self.progress.public.notify_one();
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Notes an acknowledgement. A sequence that was given before means that the broker lost its tail (P02).
    fn stored(
        &self,
        lead: &mut Lease,
        acked: &mut Acked,
        parcel: &MessageBatch<'_>,
        ack: PublishAck,
    ) -> Result<(), RelayError> {
        let newest = lead.newest.get(&ack.stream).copied().unwrap_or(0);
        if ack.sequence <= newest && !crash::bug("relay_skips_read_back") {
            let PublishAck { stream, sequence, .. } = ack;
            return Err(RelayError::Broken(format!(
                "{stream} gave {sequence} after {newest}: the broker lost its tail"
            )));
        }
        if let Some(pace) = self.pace.get() {
            parcel.rows().for_each(|row| (pace.told)(ClaimId(row.aggregate)));
        }
        acked.insert(parcel, &ack);
        lead.newest.insert(ack.stream, ack.sequence);
        Ok(())
    }

    /// Stores one row, and gives its sequence.
    pub(super) async fn store(
        &self,
        lead: &mut Lease,
        row: &JournalRow,
        place: ExpectedSequence,
    ) -> Result<u64, RelayError> {
        let parcel = MessageBatch::of(row, place);
        let ack = self.send(&parcel, None).await?.await.map_err(|error| RelayError::of(&error, &row.subject))?;
        if ack.duplicate && self.fetch(&ack.stream, ack.sequence).await? != Some(parcel.id) {
            return Ok(self.send_again(lead, &parcel, &ack).await?.sequence);
        }
        Ok(ack.sequence)
    }

    /// The broker says that it has these already. It is believed only if the message is really there (P08); one that is
    /// not is sent under another id, which nothing but the broker's own filter looks at.
    async fn known(
        &self,
        lead: &mut Lease,
        acked: &mut Acked,
        known: Vec<(MessageBatch<'_>, PublishAck)>,
    ) -> Result<(), RelayError> {
        let mut looked = Vec::with_capacity(known.len());
        for some in known.chunks(32) {
            looked.extend(join_all(some.iter().map(|(_, ack)| self.fetch(&ack.stream, ack.sequence))).await);
        }
        for ((parcel, ack), found) in known.into_iter().zip(looked) {
            if found? == Some(parcel.id) {
                acked.insert(&parcel, &ack);
                continue;
            }
            let ack = self.send_again(lead, &parcel, &ack).await?;
            self.stored(lead, acked, &parcel, ack)?;
        }
        Ok(())
    }

    /// Sends a message that the broker mistakes for one it has lost.
    async fn send_again(
        &self,
        lead: &mut Lease,
        parcel: &MessageBatch<'_>,
        mistaken: &PublishAck,
    ) -> Result<PublishAck, RelayError> {
        tracing::warn!(
            service = self.service,
            event_id = %parcel.id,
            stream = mistaken.stream,
            sequence = mistaken.sequence,
            "the broker knows the id of a message that it does not have"
        );
        let again = self.send(parcel, Some(lead.second_id(parcel.id))).await?;
        again.await.map_err(|error| RelayError::of(&error, &parcel.first.subject))
    }

    async fn send(&self, parcel: &MessageBatch<'_>, second_id: Option<String>) -> Result<PublishAckFuture, RelayError> {
        let (address, mut headers, payload) = self.message(parcel)?;
        if let Some(id) = second_id {
            headers.insert("Nats-Msg-Id", id);
        }
        #[expect(clippy::disallowed_methods, reason = "the relay is how messages leave")]
        let sent = self.jetstream.publish_with_headers(address, headers, payload.into()).await;
        sent.map_err(|error| RelayError::of(&error, &parcel.first.subject))
    }

    /// Times that a connection to the broker was made.
    pub(super) fn connects(&self) -> u64 {
        nats::connects(&self.client)
    }

    /// Whether the broker can be reached, as far as the client knows.
    pub(super) fn connected(&self) -> bool {
        nats::is_connected(&self.client)
    }

    /// Whether it is still the connection under which the broker was read back.
    pub(super) fn same_connection(&self, lead: &Lease) -> bool {
        self.connected() && lead.checked.is_some_and(|(connects, _)| connects == self.connects())
    }

    /// Waits until the connection is lost or another one. Acknowledgements from before are worth nothing then: what they
    /// told of may be gone, and its numbers may be given to others.
    async fn disconnected(&self, lead: &Lease) -> RelayError {
        while self.same_connection(lead) || crash::bug("relay_skips_read_back") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        RelayError::Broken("the connection to the broker broke".to_owned())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::relay) fn line(seq: i64, subject: &str, aggregate: u128) -> JournalRow {
        JournalRow {
            tx: 1,
            seq,
            event_id: Uuid::from_u128(1_000 + u128::from(seq.unsigned_abs())),
            aggregate: Uuid::from_u128(aggregate),
            number: None,
            subject: subject.to_owned(),
            payload: Vec::new(),
            trace: None,
            at: jiff::Timestamp::UNIX_EPOCH,
            age: 0.0,
        }
    }

    #[test]
    fn only_public_events_of_one_claim_wait_for_each_other() {
        let rows = [
            line(1, "claim.a.submitted", 1),
            line(2, "command.triage.assess", 1),
            line(3, "claim.a.triaged", 1),
            line(4, "command.inventory.reserve", 1),
            line(5, "claim.b.submitted", 2),
            line(6, "claim.a.decided", 1),
        ];
        let waves: Vec<Vec<i64>> = waves(&rows.iter().collect::<Vec<_>>())
            .iter()
            .map(|wave| wave.iter().map(|row| row.seq).collect())
            .collect();
        assert_eq!(waves, [vec![1, 2, 4, 5], vec![3], vec![6]]);
    }
}
