//! What a batch leaves behind besides its effect: inbox rows, journal rows, parked rows. One statement writes them all.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::ids;
use sqlx::Row;
use uuid::Uuid;

use super::batch::{Verdict, key};
use super::{Answer, Outcome, Source, Ticket, Tx};
use crate::{Fault, Refusal};

/// Answers of earlier tries, and claims with a parked message: one round trip.
const SEEN: &str = "\
    SELECT i.source, i.id, i.fingerprint, i.answer, NULL::uuid AS blocked \
    FROM inbox i JOIN UNNEST($1::text[], $2::uuid[]) AS k(source, id) ON i.source = k.source AND i.id = k.id \
    UNION ALL \
    SELECT NULL, NULL, NULL, NULL, p.aggregate \
    FROM (SELECT DISTINCT aggregate FROM parked WHERE aggregate = ANY($3)) p";

const WRITE: &str = "\
    WITH inboxed AS ( \
        INSERT INTO inbox (source, id, fingerprint, answer, at) \
        SELECT source, id, fingerprint, answer, $1 \
        FROM UNNEST($2::text[], $3::uuid[], $4::bytea[], $5::bytea[]) AS i(source, id, fingerprint, answer) \
    ) \
    INSERT INTO journal (event_id, aggregate, number, subject, payload, trace, actor, cause, at) \
    SELECT event_id, aggregate, number, subject, payload, trace, actor, cause, $1 \
    FROM UNNEST($6::uuid[], $7::uuid[], $8::int[], $9::text[], $10::bytea[], $11::text[], $12::text[], $13::uuid[]) \
        WITH ORDINALITY AS j(event_id, aggregate, number, subject, payload, trace, actor, cause, place) \
    ORDER BY place";

const PARK: &str = "\
    INSERT INTO parked (aggregate, consumer, event_id, subject, payload, reason, detail, actor, trace, at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (consumer, event_id) DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail \
    WHERE EXCLUDED.reason <> 'BEHIND_PARKED'";

const UNPARK: &str = "DELETE FROM parked WHERE parked_id = ANY($1)";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[SEEN, WRITE, PARK, UNPARK];

/// A saved answer.
pub(super) struct Saved {
    fingerprint: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
}

impl Saved {
    /// The answer that the same request gets again.
    pub(super) fn answer(&self, source: &Source) -> Answer {
        if let Source::Call { fingerprint, .. } = source
            && self.fingerprint.as_deref() != Some(&fingerprint[..])
        {
            return Answer::Reused;
        }
        match self.answer.as_deref() {
            Some([0, reply @ ..]) => Answer::Done(reply.to_vec()),
            Some([1, refusal @ ..]) => serde_json::from_slice(refusal).map_or_else(
                |error| Answer::Failed(Fault::Permanent(format!("a saved refusal cannot be read: {error}"))),
                Answer::Refused,
            ),
            Some(_) | None => Answer::Done(Vec::new()),
        }
    }
}

/// Looks up what was processed before, and which claims have a parked message.
pub(super) async fn seen(
    tx: &mut Tx,
    keys: &[(String, Uuid)],
    aggregates: &[Uuid],
) -> Result<(HashMap<(String, Uuid), Saved>, HashSet<Uuid>), Fault> {
    let mut seen = HashMap::new();
    let mut blocked = HashSet::new();
    if keys.is_empty() {
        return Ok((seen, blocked));
    }
    let (sources, ids): (Vec<&str>, Vec<Uuid>) = keys.iter().map(|(source, id)| (source.as_str(), *id)).unzip();
    for row in sqlx::query(SEEN).bind(sources).bind(ids).bind(aggregates).fetch_all(tx).await? {
        if let Some(aggregate) = row.try_get::<Option<Uuid>, _>("blocked")? {
            blocked.insert(aggregate);
        } else {
            let saved = Saved { fingerprint: row.try_get("fingerprint")?, answer: row.try_get("answer")? };
            seen.insert((row.try_get("source")?, row.try_get("id")?), saved);
        }
    }
    Ok((seen, blocked))
}

struct Parking {
    aggregate: Uuid,
    consumer: String,
    event_id: Uuid,
    subject: String,
    payload: Vec<u8>,
    reason: &'static str,
    detail: String,
    actor: String,
    trace: Option<String>,
}

#[derive(Default)]
struct Inbox {
    source: Vec<String>,
    id: Vec<Uuid>,
    fingerprint: Vec<Option<Vec<u8>>>,
    answer: Vec<Option<Vec<u8>>>,
}

#[derive(Default)]
struct Journal {
    event_id: Vec<Uuid>,
    aggregate: Vec<Uuid>,
    number: Vec<Option<i32>>,
    subject: Vec<String>,
    payload: Vec<Vec<u8>>,
    trace: Vec<Option<String>>,
    actor: Vec<String>,
    cause: Vec<Uuid>,
}

/// Gathers the rows of a batch.
pub(super) struct Record {
    now: Timestamp,
    inbox: Inbox,
    journal: Journal,
    parked: Vec<Parking>,
    unparked: Vec<i64>,
}

impl Record {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, inbox: Inbox::default(), journal: Journal::default(), parked: Vec::new(), unparked: Vec::new() }
    }

    pub(super) fn done<C>(&mut self, ticket: &Ticket<C>, outcome: &Outcome) {
        let calls = matches!(ticket.source, Source::Call { .. });
        self.processed(&ticket.source, calls.then(|| [&[0], outcome.reply.as_slice()].concat()));
        let cause = ticket.source.id();
        for (at, message) in outcome.messages.iter().enumerate() {
            let journal = &mut self.journal;
            let source = ticket.source.name().to_owned();
            let name =
                [cause.to_string(), source, ticket.actor.subject.clone(), message.subject.to_string(), at.to_string()];
            let name: Vec<&str> = name.iter().map(String::as_str).collect();
            journal.event_id.push(ids::derived(self.now, &name));
            journal.aggregate.push(message.aggregate);
            journal.number.push(message.number.and_then(|number| i32::try_from(number).ok()));
            journal.subject.push(message.subject.to_string());
            journal.payload.push(message.payload.clone());
            journal.trace.push(ticket.trace.clone());
            journal.actor.push(ticket.actor.subject.clone());
            journal.cause.push(cause);
        }
    }

    pub(super) fn refused<C>(&mut self, ticket: &Ticket<C>, refusal: &Refusal) {
        let calls = matches!(ticket.source, Source::Call { .. });
        let refusal = serde_json::to_vec(refusal).expect("a refusal of ours is always JSON");
        self.processed(&ticket.source, calls.then(|| [&[1], refusal.as_slice()].concat()));
    }

    fn processed(&mut self, source: &Source, answer: Option<Vec<u8>>) {
        self.redriven(source);
        let Some((name, id)) = key(source) else { return };
        self.inbox.source.push(name);
        self.inbox.id.push(id);
        self.inbox.fingerprint.push(match source {
            Source::Call { fingerprint, .. } => Some(fingerprint.to_vec()),
            Source::Message { .. } | Source::Sweep { .. } => None,
        });
        self.inbox.answer.push(answer);
    }

    /// A parked message that is processed is parked no more.
    pub(super) fn redriven(&mut self, source: &Source) {
        if let Source::Message { parked_id: Some(parked_id), .. } = source {
            self.unparked.push(*parked_id);
        }
    }

    pub(super) fn park<C>(&mut self, ticket: &Ticket<C>, reason: &'static str, detail: &str) -> Verdict {
        if let Source::Message { consumer, id, subject, payload, .. } = &ticket.source {
            self.parked.push(Parking {
                aggregate: ticket.aggregate,
                consumer: consumer.clone(),
                event_id: *id,
                subject: subject.clone(),
                payload: payload.clone(),
                reason,
                detail: detail.chars().filter(|letter| !letter.is_control()).take(500).collect(),
                actor: ticket.actor.subject.clone(),
                trace: ticket.trace.clone(),
            });
        }
        Verdict::Answer(Answer::Parked)
    }

    pub(super) async fn write(self, tx: &mut Tx) -> Result<(), Fault> {
        let Self { now, inbox, journal, parked, unparked } = self;
        if !inbox.id.is_empty() || !journal.event_id.is_empty() {
            sqlx::query(WRITE)
                .bind(now.to_sqlx())
                .bind(inbox.source)
                .bind(inbox.id)
                .bind(inbox.fingerprint)
                .bind(inbox.answer)
                .bind(journal.event_id)
                .bind(journal.aggregate)
                .bind(journal.number)
                .bind(journal.subject)
                .bind(journal.payload)
                .bind(journal.trace)
                .bind(journal.actor)
                .bind(journal.cause)
                .execute(&mut *tx)
                .await?;
        }
        // Parking is rare: a statement each.
        for row in parked {
            let query = sqlx::query(PARK).bind(row.aggregate).bind(row.consumer).bind(row.event_id).bind(row.subject);
            let query = query.bind(row.payload).bind(row.reason).bind(row.detail).bind(row.actor).bind(row.trace);
            query.bind(now.to_sqlx()).execute(&mut *tx).await?;
        }
        if !unparked.is_empty() {
            sqlx::query(UNPARK).bind(unparked).execute(tx).await?;
        }
        Ok(())
    }
}
