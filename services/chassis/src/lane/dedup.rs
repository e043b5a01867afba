//! What the database knows of a batch before it is decided, and what that makes of each command: answered, waiting, or
//! new.
//!
//! Messages of one service to another are numbered within their aggregate. The next number is due, lower ones are
//! known for ever, higher ones wait for those before them: order and effect-once survive replicas, crashes,
//! redelivery, and a journal that is published again from its beginning. Calls, and messages without a number, are
//! known by their id.

use std::collections::{HashMap, HashSet};

use sqlx::Row;
use uuid::Uuid;

use super::memory::{InboxKey, InboxSequences, Last};
use super::{Answer, Origin, Source, Ticket, Tx};
use crate::{Fault, crash};

/// Answers of earlier tries, aggregates with a parked message, last numbers: one round trip.
pub(super) const KNOWN: &str = "\
    SELECT 0 AS kind, i.source AS name, i.id, i.fingerprint, i.answer, NULL::int AS number, NULL::uuid AS event_id \
    FROM inbox i JOIN UNNEST($1::text[], $2::uuid[]) AS k(source, id) ON i.source = k.source AND i.id = k.id \
    UNION ALL \
    SELECT 1, NULL, p.aggregate, NULL, NULL, NULL, NULL \
    FROM (SELECT DISTINCT aggregate FROM parked WHERE aggregate = ANY($3)) p \
    UNION ALL \
    SELECT 2, h.sender, h.aggregate, NULL, NULL, h.number, h.event_id \
    FROM inbox_sequence h JOIN UNNEST($4::uuid[], $5::text[]) AS k(aggregate, sender) \
    ON h.aggregate = k.aggregate AND h.sender = k.sender";

/// A saved answer.
pub(super) struct Saved {
    fingerprint: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
}

impl Saved {
    /// Whether it was another caller who used the id.
    fn is_of_another(&self, source: &Source) -> bool {
        let Source::Call { print, .. } = source else { return false };
        self.fingerprint.as_deref().is_some_and(|kept| print.is_of_another(kept))
    }

    /// The answer that the same request gets again.
    fn answer(&self, source: &Source) -> Answer {
        if let Source::Call { print, .. } = source
            && !self.fingerprint.as_deref().is_some_and(|kept| print.is(kept))
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

/// What is to be done with a command of a batch.
pub(super) enum Delivery {
    /// It is answered already.
    Duplicate(Answer),
    /// The same request is in this batch already: it gets the saved answer in the next one.
    Deferred,
    /// It waits behind a parked message.
    BlockedByDeadLetter,
    /// An earlier message has not come yet.
    OutOfOrder,
    /// Its number was processed under another event id.
    Conflict,
    /// It is new, and due.
    New,
}

/// What the database knows of a batch.
#[derive(Default)]
pub(super) struct Dedup {
    answers: HashMap<(String, Uuid), Saved>,
    /// Aggregates with a parked message.
    pub blocked: HashSet<Uuid>,
    heard: HashMap<InboxKey, Last>,
    /// Requests of this batch so far.
    here: HashSet<(String, Uuid)>,
    /// The number that is due next, with those of this batch so far.
    due: HashMap<InboxKey, i32>,
}

impl Dedup {
    /// What is remembered of a batch, if that is enough: each message is the next one, or one that was processed. Whether a
    /// call is new, and a first message the first, is found out by what is written.
    pub(super) fn remembered<C>(tickets: &[Ticket<C>], heard: &InboxSequences) -> Option<Self> {
        let (mut known, mut due) = (Self::default(), HashMap::new());
        for ticket in tickets {
            let Some(origin) = ticket.source.origin() else { continue };
            let place = (ticket.aggregate, origin.sender.clone());
            let due = due.entry(place.clone()).or_insert_with(|| {
                let last = heard.get(&place).copied();
                known.heard.extend(last.map(|last| (place, last)));
                last.map_or(1, |(number, _)| number + 1)
            });
            if origin.number > *due {
                return None;
            }
            *due += i32::from(origin.number == *due);
        }
        Some(known)
    }

    /// Asks the database about all commands of a batch.
    pub(super) async fn of<C>(tx: &mut Tx, tickets: &[Ticket<C>]) -> Result<Self, Fault> {
        let mut known = Self::default();
        let keys = tickets.iter().flat_map(|ticket| [key(&ticket.source), own_key(&ticket.source)]).flatten();
        let (sources, ids): (Vec<String>, Vec<Uuid>) = keys.unzip();
        let messages = || tickets.iter().filter(|ticket| matches!(ticket.source, Source::Message { .. }));
        let aggregates: Vec<Uuid> = messages().map(|ticket| ticket.aggregate).collect();
        if sources.is_empty() && aggregates.is_empty() {
            return Ok(known);
        }
        let places: HashSet<(Uuid, &str)> =
            messages().filter_map(|ticket| Some((ticket.aggregate, ticket.source.origin()?.sender.as_str()))).collect();
        let (about, senders): (Vec<Uuid>, Vec<&str>) = places.into_iter().unzip();
        let query = sqlx::query(KNOWN).bind(sources).bind(ids).bind(aggregates).bind(about).bind(senders);
        for row in query.fetch_all(tx).await? {
            let id: Uuid = row.try_get("id")?;
            match row.try_get::<i32, _>("kind")? {
                0 => {
                    let saved = Saved { fingerprint: row.try_get("fingerprint")?, answer: row.try_get("answer")? };
                    known.answers.insert((row.try_get("name")?, id), saved);
                }
                1 => drop(known.blocked.insert(id)),
                _ => {
                    let last = (row.try_get("number")?, row.try_get("event_id")?);
                    known.heard.insert((id, row.try_get("name")?), last);
                }
            }
        }
        Ok(known)
    }

    /// What is to be done with the next command of the batch.
    pub(super) fn standing<C>(&mut self, ticket: &Ticket<C>) -> Delivery {
        if let Some(origin) = ticket.source.origin() {
            return self.by_number(ticket, origin);
        }
        let key = self.key(&ticket.source);
        if let Some(saved) = key.as_ref().and_then(|key| self.answers.get(key)) {
            return Delivery::Duplicate(saved.answer(&ticket.source));
        }
        if key.is_some_and(|key| !self.here.insert(key)) {
            Delivery::Deferred
        } else if self.is_behind(ticket) {
            Delivery::BlockedByDeadLetter
        } else {
            Delivery::New
        }
    }

    fn by_number<C>(&mut self, ticket: &Ticket<C>, origin: &Origin) -> Delivery {
        let behind = self.is_behind(ticket);
        let key = (ticket.aggregate, origin.sender.clone());
        let last = self.heard.get(&key).copied();
        let heard = last.map_or(0, |(number, _)| number);
        if origin.number <= heard {
            let alien = last.is_some_and(|(number, id)| number == origin.number && id != ticket.source.id());
            return if alien { Delivery::Conflict } else { Delivery::Duplicate(Answer::Done(Vec::new())) };
        }
        let due = self.due.entry(key).or_insert(heard + 1);
        if origin.number < *due {
            Delivery::Deferred
        } else if behind {
            Delivery::BlockedByDeadLetter
        } else if origin.number > *due && !crash::bug("any_order") {
            Delivery::OutOfOrder
        } else {
            *due = origin.number + 1;
            Delivery::New
        }
    }

    /// Whether a message waits behind a parked one of its claim; a redriven message does not.
    pub(super) fn is_behind<C>(&self, ticket: &Ticket<C>) -> bool {
        let fresh = matches!(ticket.source, Source::Message { parked_id: None, .. }) && !ticket.refused;
        fresh && self.blocked.contains(&ticket.aggregate)
    }

    /// The key under which a command is known: where another caller has used the id of a request, that of the caller alone.
    pub(super) fn key(&self, source: &Source) -> Option<(String, Uuid)> {
        let key = key(source)?;
        let taken = self.answers.get(&key).is_some_and(|saved| saved.is_of_another(source));
        if taken { own_key(source) } else { Some(key) }
    }

    /// What a command is called: by its key, if it has one.
    pub(super) fn id(&self, source: &Source) -> Uuid {
        self.key(source).map_or_else(|| source.id(), |(_, id)| id)
    }

    /// The number that was processed last, before this batch.
    pub(super) fn heard(&self, aggregate: Uuid, sender: &str) -> i32 {
        self.heard.get(&(aggregate, sender.to_owned())).map_or(0, |(number, _)| *number)
    }
}

/// The key of a call where another caller has used the id of its request.
fn own_key(source: &Source) -> Option<(String, Uuid)> {
    let Source::Call { method, id, print } = source else { return None };
    Some(((*method).to_owned(), print.own_id(*id)))
}

/// The key in the inbox: of calls, and of messages without a number.
fn key(source: &Source) -> Option<(String, Uuid)> {
    match source {
        Source::Message { origin: Some(_), .. } | Source::Sweep { .. } => None,
        Source::Call { .. } | Source::Message { origin: None, .. } => Some((source.name().to_owned(), source.id())),
    }
}
