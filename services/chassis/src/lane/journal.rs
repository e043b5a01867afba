//! The journal of a batch: what it tells, numbered for each destination, in the order in which it was decided.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::ids;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::writes::End;
use super::{Ticket, Writes};
use crate::relay::JournalRow;
use crate::{Fault, Outgoing};

/// Numbers what is told, in the order of rows that every transaction keeps, and writes it down. `gate` is joined to both.
pub(super) fn with(gate: &str) -> String {
    format!(
        "told_now AS ( \
            INSERT INTO outbox_sequence (aggregate, destination, number) SELECT aggregate, destination, count \
            FROM UNNEST($2::uuid[], $3::text[], $4::int[]) AS t(aggregate, destination, count) {gate} \
            ON CONFLICT (aggregate, destination) DO UPDATE SET number = outbox_sequence.number + EXCLUDED.number \
            RETURNING aggregate, destination, number \
        ), numbers AS ( \
            SELECT array_agg(number ORDER BY aggregate, destination COLLATE \"C\") AS told FROM told_now \
        ), journalled AS ( \
            INSERT INTO journal (event_id, aggregate, number, subject, payload, trace, actor, cause, at) \
            SELECT event_id, aggregate, COALESCE(number, ((SELECT told FROM numbers))[j.told] - behind), subject, payload, \
                trace, actor, cause, $1 \
            FROM UNNEST($5::uuid[], $6::uuid[], $7::int[], $8::int[], $9::int[], $10::text[], $11::bytea[], $12::text[], \
                $13::text[], $14::uuid[]) WITH ORDINALITY \
                AS j(event_id, aggregate, number, told, behind, subject, payload, trace, actor, cause, place) {gate} \
            ORDER BY place RETURNING tx, seq, number \
        )"
    )
}

/// What a statement that ends with the journal gives.
pub(super) const GIVES: &str = ", min(tx) AS tx, array_agg(seq ORDER BY seq) AS seqs, \
    array_agg(number ORDER BY seq) AS numbers FROM journalled";

/// The statement as it is when nothing comes before it, for the test that prepares them all.
pub(crate) fn statement() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| format!("WITH {} SELECT '{{}}'::bigint[] AS wrote{GIVES}", with("")));
    &TEXT
}

/// The rows of a batch, column by column.
#[derive(Default)]
pub(super) struct Journal {
    /// How many messages of this batch tell each destination about each aggregate.
    told: BTreeMap<(Uuid, String), i32>,
    event_id: Vec<Uuid>,
    aggregate: Vec<Uuid>,
    number: Vec<Option<i32>>,
    destination: Vec<Option<String>>,
    /// Messages of this batch to the same destination about the same aggregate, up to this one.
    count: Vec<i32>,
    subject: Vec<String>,
    payload: Vec<Vec<u8>>,
    trace: Vec<Option<String>>,
    actor: Vec<String>,
    cause: Vec<Uuid>,
}

impl Journal {
    /// The rows as the relay would read them.
    pub(super) fn lines(self, now: Timestamp, written: &PgRow) -> Result<Vec<JournalRow>, Fault> {
        if self.event_id.is_empty() {
            return Ok(Vec::new());
        }
        let tx: i64 = written.try_get("tx")?;
        let (seqs, numbers): (Vec<i64>, Vec<Option<i32>>) = (written.try_get("seqs")?, written.try_get("numbers")?);
        let rows = self.event_id.into_iter().zip(self.aggregate).zip(self.subject).zip(self.payload).zip(self.trace);
        let lines = rows.zip(seqs).zip(numbers);
        let line = |((((((event_id, aggregate), subject), payload), trace), seq), number)| JournalRow {
            tx,
            seq,
            event_id,
            aggregate,
            number,
            subject,
            payload,
            trace,
            at: now,
            age: 0.0,
        };
        Ok(lines.map(line).collect())
    }
    /// Adds what a ticket tells.
    pub(super) fn tell<C>(&mut self, now: Timestamp, ticket: &Ticket<C>, messages: &[Outgoing]) {
        let cause = ticket.source.id();
        for (at, message) in messages.iter().enumerate() {
            let source = ticket.source.name().to_owned();
            let name =
                [cause.to_string(), source, ticket.actor.subject.clone(), message.subject.to_string(), at.to_string()];
            let name: Vec<&str> = name.iter().map(String::as_str).collect();
            self.event_id.push(ids::derived(now, &name));
            self.aggregate.push(message.aggregate);
            self.number.push(message.number.and_then(|number| i32::try_from(number).ok()));
            let destination = message.destination().map(str::to_owned);
            self.count.push(destination.clone().map_or(0, |destination| {
                let count = self.told.entry((message.aggregate, destination)).or_default();
                *count += 1;
                *count
            }));
            self.destination.push(destination);
            self.subject.push(message.subject.to_string());
            self.payload.push(message.payload.clone());
            self.trace.push(ticket.trace.clone());
            self.actor.push(ticket.actor.subject.clone());
            self.cause.push(cause);
        }
    }

    /// For each message the place of its destination among those that are told, from 1, and how many messages to it follow
    /// in this batch: it is numbered from the last one backwards.
    fn places(&self) -> (Vec<Option<i32>>, Vec<i32>) {
        let places: HashMap<&(Uuid, String), i32> = self.told.keys().zip(1..).collect();
        let rows = self.aggregate.iter().zip(&self.destination).zip(&self.count);
        rows.map(|((aggregate, destination), count)| {
            let Some(destination) = destination else { return (None, 0) };
            let key = (*aggregate, destination.clone());
            (places.get(&key).copied(), self.told.get(&key).map_or(0, |last| last - count))
        })
        .unzip()
    }

    /// Adds its rows to what the batch writes, as the part that ends the statement.
    pub(super) fn gather(&mut self, now: Timestamp, writes: &mut Writes) {
        if self.event_id.is_empty() {
            return;
        }
        let (at, behind) = self.places();
        let (told, counts): (Vec<_>, Vec<i32>) = std::mem::take(&mut self.told).into_iter().unzip();
        let (told, destinations): (Vec<Uuid>, Vec<String>) = told.into_iter().unzip();
        writes.end(End::Journal).bind(now.to_sqlx()).bind(told).bind(destinations).bind(counts);
        writes.bind(&self.event_id).bind(&self.aggregate).bind(&self.number).bind(at).bind(behind);
        writes.bind(&self.subject).bind(&self.payload).bind(&self.trace).bind(&self.actor);
        writes.bind(&self.cause);
    }
}
