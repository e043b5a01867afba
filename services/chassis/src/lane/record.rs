//! What a batch leaves behind besides its effect: inbox rows, journal rows, parked rows. One statement writes them all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

use super::batch::Verdict;
use super::dedup::Dedup;
use super::journal::Journal;
use super::memory::{InboxKey, Last};
use super::{Answer, Origin, Outcome, Source, Ticket, Tx, Writes};
use crate::relay::JournalRow;
use crate::{Fault, Refusal, crash};

/// Answers to calls, and messages without a number.
const INBOX: &str = "\
    INSERT INTO inbox (source, id, fingerprint, answer, at) \
    SELECT source, id, fingerprint, answer, $1 \
    FROM UNNEST($2::text[], $3::uuid[], $4::bytea[], $5::bytea[]) AS i(source, id, fingerprint, answer)";

/// The first message of a sender about an aggregate. One that is there already was not known: somebody was faster.
const FIRST: &str = "\
    INSERT INTO inbox_sequence (aggregate, sender, number, event_id) SELECT aggregate, sender, number, event_id \
    FROM UNNEST($1::uuid[], $2::text[], $3::int[], $4::uuid[]) AS h(aggregate, sender, number, event_id) \
    ON CONFLICT DO NOTHING";

/// Later ones: the last number must still be the one that was known.
const NEXT: &str = "\
    UPDATE inbox_sequence SET number = h.number, event_id = h.event_id \
    FROM UNNEST($1::uuid[], $2::text[], $3::int[], $4::uuid[], $5::int[]) AS h(aggregate, sender, number, event_id, known) \
    WHERE inbox_sequence.aggregate = h.aggregate AND inbox_sequence.sender = h.sender AND inbox_sequence.number = h.known";

/// Of the claims of a batch none has a parked message.
const BLOCKED: &str = "SELECT 1 FROM parked WHERE aggregate = ANY($1)";

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
    &[super::dedup::KNOWN, INBOX, FIRST, NEXT, BLOCKED, DECIDED, PARK, STILL, UNPARK];

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

/// Gathers the rows of a batch.
pub(super) struct Record {
    now: Timestamp,
    inbox: Inbox,
    heard: BTreeMap<InboxKey, Advance>,
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
            journal: Journal::default(),
            decided: Vec::new(),
            parked: Vec::new(),
            unparked: Vec::new(),
            unsure: false,
        }
    }

    pub(super) fn done<C>(&mut self, ticket: &Ticket<C>, outcome: &Outcome, known: &Dedup) -> Result<(), Fault> {
        let calls = matches!(ticket.source, Source::Call { .. });
        self.processed(ticket, calls.then(|| [&[0], outcome.reply.as_slice()].concat()), known)?;
        if outcome.messages.is_empty() {
            self.decided(ticket, known);
        }
        self.journal.tell(self.now, ticket, &outcome.messages);
        Ok(())
    }

    pub(super) fn refused<C>(&mut self, ticket: &Ticket<C>, refusal: &Refusal, known: &Dedup) -> Result<(), Fault> {
        let calls = matches!(ticket.source, Source::Call { .. });
        let refusal = serde_json::to_vec(refusal).expect("a refusal of ours is always JSON");
        self.processed(ticket, calls.then(|| [&[1], refusal.as_slice()].concat()), known)
    }

    /// What people decide is told in the journal; if nobody is told it is told here.
    fn decided<C>(&mut self, ticket: &Ticket<C>, known: &Dedup) {
        let Source::Call { method, print, .. } = ticket.source else { return };
        let (id, fingerprint) = (known.id(&ticket.source), print.bytes);
        if !ticket.actor.is_service() {
            let (about, actor, trace) = (ticket.aggregate, ticket.actor.subject.clone(), ticket.trace.clone());
            self.decided.push(Decided { method, id, fingerprint, about, actor, trace });
        }
    }

    fn processed<C>(&mut self, ticket: &Ticket<C>, answer: Option<Vec<u8>>, known: &Dedup) -> Result<(), Fault> {
        let source = &ticket.source;
        self.redriven(source);
        if let Some(origin) = source.origin() {
            return self.heard(ticket.aggregate, origin, source.id(), known);
        }
        let Some((name, id)) = known.key(source).filter(|_| !crash::bug("forget_answers")) else { return Ok(()) };
        self.inbox.source.push(name);
        self.inbox.id.push(id);
        self.inbox.fingerprint.push(match source {
            Source::Call { print, .. } => Some(print.bytes.to_vec()),
            Source::Message { .. } | Source::Sweep { .. } => None,
        });
        self.inbox.answer.push(answer);
        Ok(())
    }

    /// A numbered message was processed: the next one is due.
    fn heard(&mut self, aggregate: Uuid, origin: &Origin, event_id: Uuid, known: &Dedup) -> Result<(), Fault> {
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
    pub(super) fn advances(&self) -> impl Iterator<Item = (InboxKey, Last)> + '_ {
        let moved = self.heard.iter().filter(|(_, advance)| advance.number > advance.known);
        moved.map(|(place, advance)| (place.clone(), (advance.number, advance.event_id)))
    }

    /// Writes all of it, with what the batch writes besides, in the transaction of the connection; gives what is journalled.
    pub(super) async fn write(mut self, tx: &mut Tx, mut writes: Writes) -> Result<Vec<JournalRow>, Fault> {
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

    /// The same as one statement, which is a transaction by itself. `None`: nothing is written.
    pub(super) async fn write_alone(
        mut self,
        connection: &mut Tx,
        mut writes: Writes,
    ) -> Result<Option<Vec<JournalRow>>, Fault> {
        let journal = self.gather(&mut writes);
        let written = writes.run_alone(connection).await?;
        written.map(|written| journal.lines(self.now, &written)).transpose()
    }

    /// Adds inbox, numbers and journal to what the batch writes.
    fn gather(&mut self, writes: &mut Writes) -> Journal {
        let (inbox, mut journal) = (std::mem::take(&mut self.inbox), std::mem::take(&mut self.journal));
        if !inbox.id.is_empty() {
            writes.exactly(inbox.id.len(), INBOX).bind(self.now.to_sqlx());
            writes.bind(inbox.source).bind(inbox.id).bind(inbox.fingerprint).bind(inbox.answer);
        }
        let heard = std::mem::take(&mut self.heard).into_iter();
        let moved = heard.filter(|(_, advance)| advance.number > advance.known);
        let (first, next): (Vec<_>, Vec<_>) = moved.partition(|(_, advance)| advance.known == 0);
        gather_heard(writes, FIRST, first);
        gather_heard(writes, NEXT, next);
        journal.gather(self.now, writes);
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

fn gather_heard(writes: &mut Writes, sql: &'static str, rows: Vec<(InboxKey, Advance)>) {
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
