//! What a batch leaves behind besides its effect: inbox rows, journal rows, parked rows. One statement writes them all.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use proto::ids;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::batch::Verdict;
use super::heard::{Last, Place};
use super::known::{Known, key};
use super::writes::NOTHING;
use super::{Answer, Origin, Outcome, Source, Ticket, Tx, Writes};
use crate::relay::Line;
use crate::{Fault, Refusal, crash};

/// Answers to calls, and messages without a number.
const INBOX: &str = "\
    INSERT INTO inbox (source, id, fingerprint, answer, at) \
    SELECT source, id, fingerprint, answer, $1 \
    FROM UNNEST($2::text[], $3::uuid[], $4::bytea[], $5::bytea[]) AS i(source, id, fingerprint, answer)";

/// The first message of a sender about an aggregate. One that is there already was not known: somebody was faster.
const FIRST: &str = "\
    INSERT INTO heard (aggregate, sender, number, event_id) SELECT aggregate, sender, number, event_id \
    FROM UNNEST($1::uuid[], $2::text[], $3::int[], $4::uuid[]) AS h(aggregate, sender, number, event_id) \
    ON CONFLICT DO NOTHING";

/// Later ones: the last number must still be the one that was known.
const NEXT: &str = "\
    UPDATE heard SET number = h.number, event_id = h.event_id \
    FROM UNNEST($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::int[]) AS h(aggregate, sender, number, event_id, known) \
    WHERE heard.aggregate = h.aggregate AND heard.sender = h.sender AND heard.number = h.known";

/// Of the claims of a batch none has a parked message.
const BLOCKED: &str = "SELECT 1 FROM parked WHERE aggregate = ANY($1)";

/// Numbers what is told, in the order of rows that every transaction keeps, and writes it down.
const JOURNAL: &str = "\
    WITH told_now AS ( \
        INSERT INTO told (aggregate, destination, number) SELECT aggregate, destination, count \
        FROM UNNEST($2::uuid[], $3::text[], $4::int[]) AS t(aggregate, destination, count) \
        ON CONFLICT (aggregate, destination) DO UPDATE SET number = told.number + EXCLUDED.number \
        RETURNING aggregate, destination, number \
    ), numbers AS ( \
        SELECT array_agg(number ORDER BY aggregate, destination COLLATE \"C\") AS told FROM told_now \
    ), journalled AS ( \
        INSERT INTO journal (event_id, aggregate, number, subject, payload, trace, actor, cause, at) \
        SELECT event_id, aggregate, COALESCE(number, ((SELECT told FROM numbers))[j.told] - behind), subject, payload, trace, \
            actor, cause, $1 \
        FROM UNNEST($5::uuid[], $6::uuid[], $7::int[], $8::int[], $9::int[], $10::text[], $11::bytea[], $12::text[], \
            $13::text[], $14::uuid[]) WITH ORDINALITY \
            AS j(event_id, aggregate, number, told, behind, subject, payload, trace, actor, cause, place) \
        ORDER BY place RETURNING tx, seq, number \
    ) \
    SELECT '{}'::bigint[] AS wrote, min(tx) AS tx, \
        array_agg(seq ORDER BY seq) AS seqs, array_agg(number ORDER BY seq) AS numbers FROM journalled";

/// What somebody had done of whom nobody is told.
pub(crate) const DECIDED: &str = "\
    INSERT INTO decision (method, request_id, fingerprint, about, actor, trace, at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const PARK: &str = "\
    INSERT INTO parked (aggregate, consumer, event_id, subject, payload, reason, detail, actor, trace, at, sender, number) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT (consumer, event_id) DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail \
    WHERE EXCLUDED.reason <> 'BEHIND_PARKED'";

/// A redriven message that still does not go is parked already, or was given up meanwhile.
const STILL: &str = "UPDATE parked SET reason = $2, detail = $3 WHERE parked_id = $1";

const UNPARK: &str = "DELETE FROM parked WHERE parked_id = ANY($1)";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] =
    &[super::known::KNOWN, INBOX, FIRST, NEXT, BLOCKED, JOURNAL, DECIDED, PARK, STILL, UNPARK];

struct Parking {
    parked_id: Option<i64>,
    aggregate: Uuid,
    consumer: String,
    event_id: Uuid,
    subject: String,
    payload: Vec<u8>,
    reason: &'static str,
    detail: String,
    actor: String,
    trace: Option<String>,
    origin: Option<Origin>,
}

/// A decision of which nobody is told.
struct Decided {
    method: &'static str,
    id: Uuid,
    fingerprint: [u8; 32],
    about: Uuid,
    actor: String,
    trace: Option<String>,
}

/// How far a batch gets in what a sender told about an aggregate.
struct Advance {
    known: i32,
    number: i32,
    event_id: Uuid,
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
    fn lines(self, now: Timestamp, written: &PgRow) -> Result<Vec<Line>, Fault> {
        if self.event_id.is_empty() {
            return Ok(Vec::new());
        }
        let tx: i64 = written.try_get("tx")?;
        let (seqs, numbers): (Vec<i64>, Vec<Option<i32>>) = (written.try_get("seqs")?, written.try_get("numbers")?);
        // The database keeps microseconds.
        let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let rows = self.event_id.into_iter().zip(self.aggregate).zip(self.subject).zip(self.payload).zip(self.trace);
        let lines = rows.zip(seqs).zip(numbers);
        let line = |((((((event_id, aggregate), subject), payload), trace), seq), number)| Line {
            tx,
            seq,
            event_id,
            aggregate,
            number,
            subject,
            payload,
            trace,
            at,
            age: 0.0,
        };
        Ok(lines.map(line).collect())
    }
}

/// Gathers the rows of a batch.
pub(super) struct Record {
    now: Timestamp,
    inbox: Inbox,
    heard: BTreeMap<Place, Advance>,
    told: BTreeMap<(Uuid, String), i32>,
    journal: Journal,
    decided: Vec<Decided>,
    parked: Vec<Parking>,
    unparked: Vec<i64>,
    /// Something was decided that depends on whether the same was decided before, and writes nothing that would tell.
    unsure: bool,
}

impl Record {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            inbox: Inbox::default(),
            heard: BTreeMap::new(),
            told: BTreeMap::new(),
            journal: Journal::default(),
            decided: Vec::new(),
            parked: Vec::new(),
            unparked: Vec::new(),
            unsure: false,
        }
    }

    pub(super) fn done<C>(&mut self, ticket: &Ticket<C>, outcome: &Outcome, known: &Known) -> Result<(), Fault> {
        let calls = matches!(ticket.source, Source::Call { .. });
        self.processed(ticket, calls.then(|| [&[0], outcome.reply.as_slice()].concat()), known)?;
        if outcome.messages.is_empty() {
            self.decided(ticket);
        }
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
            let destination = message.destination().map(str::to_owned);
            journal.count.push(destination.clone().map_or(0, |destination| {
                let count = self.told.entry((message.aggregate, destination)).or_default();
                *count += 1;
                *count
            }));
            journal.destination.push(destination);
            journal.subject.push(message.subject.to_string());
            journal.payload.push(message.payload.clone());
            journal.trace.push(ticket.trace.clone());
            journal.actor.push(ticket.actor.subject.clone());
            journal.cause.push(cause);
        }
        Ok(())
    }

    pub(super) fn refused<C>(&mut self, ticket: &Ticket<C>, refusal: &Refusal, known: &Known) -> Result<(), Fault> {
        let calls = matches!(ticket.source, Source::Call { .. });
        let refusal = serde_json::to_vec(refusal).expect("a refusal of ours is always JSON");
        self.processed(ticket, calls.then(|| [&[1], refusal.as_slice()].concat()), known)
    }

    /// What people decide is told in the journal; if nobody is told it is told here.
    fn decided<C>(&mut self, ticket: &Ticket<C>) {
        let Source::Call { method, id, fingerprint } = ticket.source else { return };
        if !ticket.actor.is_service() {
            let (about, actor, trace) = (ticket.aggregate, ticket.actor.subject.clone(), ticket.trace.clone());
            self.decided.push(Decided { method, id, fingerprint, about, actor, trace });
        }
    }

    fn processed<C>(&mut self, ticket: &Ticket<C>, answer: Option<Vec<u8>>, known: &Known) -> Result<(), Fault> {
        let source = &ticket.source;
        self.redriven(source);
        if let Some(origin) = source.origin() {
            return self.heard(ticket.aggregate, origin, source.id(), known);
        }
        let Some((name, id)) = key(source).filter(|_| !crash::bug("forget_answers")) else { return Ok(()) };
        self.inbox.source.push(name);
        self.inbox.id.push(id);
        self.inbox.fingerprint.push(match source {
            Source::Call { fingerprint, .. } => Some(fingerprint.to_vec()),
            Source::Message { .. } | Source::Sweep { .. } => None,
        });
        self.inbox.answer.push(answer);
        Ok(())
    }

    /// A numbered message was processed: the next one is due.
    fn heard(&mut self, aggregate: Uuid, origin: &Origin, event_id: Uuid, known: &Known) -> Result<(), Fault> {
        let known = known.heard(aggregate, &origin.sender);
        let advance = self.heard.entry((aggregate, origin.sender.clone()));
        let advance = advance.or_insert(Advance { known, number: known, event_id });
        if origin.number != advance.number + 1 {
            if crash::bug("any_order") {
                advance.number = advance.number.max(origin.number);
                return Ok(());
            }
            return Err(Fault::Transient("a message is not the next one".to_owned()));
        }
        *advance = Advance { known, number: origin.number, event_id };
        Ok(())
    }

    /// A parked message that is processed is parked no more.
    pub(super) fn redriven(&mut self, source: &Source) {
        if let Source::Message { parked_id: Some(parked_id), .. } = source {
            self.unparked.push(*parked_id);
        }
    }

    pub(super) fn park<C>(&mut self, ticket: &Ticket<C>, reason: &'static str, detail: &str) -> Verdict {
        if let Source::Message { consumer, id, subject, payload, parked_id, .. } = &ticket.source {
            self.parked.push(Parking {
                parked_id: *parked_id,
                aggregate: ticket.aggregate,
                consumer: consumer.clone(),
                event_id: *id,
                subject: subject.clone(),
                payload: payload.clone(),
                reason,
                detail: detail.chars().filter(|letter| !letter.is_control()).take(500).collect(),
                actor: ticket.actor.subject.clone(),
                trace: ticket.trace.clone(),
                origin: ticket.source.origin().cloned(),
            });
        }
        Verdict::Answer(Answer::Parked)
    }

    /// A refusal that is not kept: the same request may have another answer that is.
    pub(super) fn passing(&mut self) {
        self.unsure = true;
    }

    /// Whether it can be written without looking first: what was there before makes the writing fail.
    pub(super) fn is_sure(&self) -> bool {
        !self.unsure && self.parked.is_empty() && self.unparked.is_empty()
    }

    /// How far the batch has got in what others told.
    pub(super) fn advances(&self) -> impl Iterator<Item = (Place, Last)> + '_ {
        let moved = self.heard.iter().filter(|(_, advance)| advance.number > advance.known);
        moved.map(|(place, advance)| (place.clone(), (advance.number, advance.event_id)))
    }

    /// Writes all of it, with what the batch writes besides, in the transaction of the connection; gives what is journalled.
    pub(super) async fn write(mut self, tx: &mut Tx, mut writes: Writes) -> Result<Vec<Line>, Fault> {
        let journal = self.gather(&mut writes);
        let lines = journal.lines(self.now, &writes.run(tx).await?)?;
        let Self { now, decided, parked, unparked, .. } = self;
        // These, and parking, are rare: a statement each.
        for row in decided {
            let query = sqlx::query(DECIDED).bind(row.method).bind(row.id).bind(row.fingerprint).bind(row.about);
            query.bind(row.actor).bind(row.trace).bind(now.to_sqlx()).execute(&mut *tx).await?;
        }
        for row in parked {
            if let Some(parked_id) = row.parked_id {
                let query = sqlx::query(STILL).bind(parked_id).bind(row.reason).bind(row.detail);
                query.execute(&mut *tx).await?;
                continue;
            }
            let query = sqlx::query(PARK).bind(row.aggregate).bind(row.consumer).bind(row.event_id).bind(row.subject);
            let query = query.bind(row.payload).bind(row.reason).bind(row.detail).bind(row.actor).bind(row.trace);
            let (sender, number) = row.origin.map(|origin| (origin.sender, origin.number)).unzip();
            query.bind(now.to_sqlx()).bind(sender).bind(number).execute(&mut *tx).await?;
        }
        if !unparked.is_empty() {
            sqlx::query(UNPARK).bind(unparked).execute(tx).await?;
        }
        Ok(lines)
    }

    /// Whether all of it, with what the batch writes besides, is one statement.
    pub(super) fn is_one(&self, writes: &Writes) -> bool {
        writes.is_one() && self.decided.is_empty() && self.parked.is_empty() && self.unparked.is_empty()
    }

    /// The same as one statement, which is a transaction by itself.
    pub(super) async fn write_alone(mut self, connection: &mut Tx, mut writes: Writes) -> Result<Vec<Line>, Fault> {
        let journal = self.gather(&mut writes);
        journal.lines(self.now, &writes.run_alone(connection).await?)
    }

    /// For each message the place of its destination among those that are told, from 1, and how many messages to it follow
    /// in this batch: it is numbered from the last one backwards.
    fn places(&self, journal: &Journal) -> (Vec<Option<i32>>, Vec<i32>) {
        let places: HashMap<&(Uuid, String), i32> = self.told.keys().zip(1..).collect();
        let rows = journal.aggregate.iter().zip(&journal.destination).zip(&journal.count);
        rows.map(|((aggregate, destination), count)| {
            let Some(destination) = destination else { return (None, 0) };
            let key = (*aggregate, destination.clone());
            (places.get(&key).copied(), self.told.get(&key).map_or(0, |last| last - count))
        })
        .unzip()
    }

    /// Adds inbox, numbers and journal to what the batch writes.
    fn gather(&mut self, writes: &mut Writes) -> Journal {
        let (inbox, journal) = (std::mem::take(&mut self.inbox), std::mem::take(&mut self.journal));
        if !inbox.id.is_empty() {
            writes.exactly(inbox.id.len(), INBOX).bind(self.now.to_sqlx());
            writes.bind(inbox.source).bind(inbox.id).bind(inbox.fingerprint).bind(inbox.answer);
        }
        let heard = std::mem::take(&mut self.heard).into_iter();
        let moved = heard.filter(|(_, advance)| advance.number > advance.known);
        let (first, next): (Vec<_>, Vec<_>) = moved.partition(|(_, advance)| advance.known == 0);
        gather_heard(writes, FIRST, first);
        gather_heard(writes, NEXT, next);
        if journal.event_id.is_empty() {
            writes.add(NOTHING);
            return journal;
        }
        let (at, behind) = self.places(&journal);
        let (told, counts): (Vec<_>, Vec<i32>) = std::mem::take(&mut self.told).into_iter().unzip();
        let (told, destinations): (Vec<Uuid>, Vec<String>) = told.into_iter().unzip();
        writes.add(JOURNAL).bind(self.now.to_sqlx()).bind(told).bind(destinations).bind(counts);
        writes.bind(&journal.event_id).bind(&journal.aggregate).bind(&journal.number).bind(at).bind(behind);
        writes.bind(&journal.subject).bind(&journal.payload).bind(&journal.trace).bind(&journal.actor);
        writes.bind(&journal.cause);
        journal
    }
}

/// What is written must not be behind a parked message: nobody has looked before.
pub(super) fn unblocked<C>(writes: &mut Writes, tickets: &[Ticket<C>]) {
    let messages = tickets.iter().filter(|ticket| matches!(ticket.source, Source::Message { .. }));
    let about: Vec<Uuid> = messages.map(|ticket| ticket.aggregate).collect();
    if !about.is_empty() {
        writes.finds(0, BLOCKED).bind(about);
    }
}

fn gather_heard(writes: &mut Writes, sql: &'static str, rows: Vec<(Place, Advance)>) {
    if rows.is_empty() {
        return;
    }
    let (places, advances): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let (about, senders): (Vec<Uuid>, Vec<String>) = places.into_iter().unzip();
    writes.exactly(about.len(), sql).bind(about).bind(senders);
    writes.bind(advances.iter().map(|advance| advance.number).collect::<Vec<_>>());
    writes.bind(advances.iter().map(|advance| advance.event_id).collect::<Vec<_>>());
    if sql == NEXT {
        writes.bind(advances.iter().map(|advance| advance.known).collect::<Vec<_>>());
    }
}
