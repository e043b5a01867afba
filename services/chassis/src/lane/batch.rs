//! One batch: inbox, load, decide, save, journal, one commit.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::record::{self, Record, Saved};
use super::{Answer, Domain, Outcome, Source, Ticket};
use crate::meta::Meta;
use crate::{Fault, Refusal};

const BEHIND: &str = "an earlier message of the same claim is parked";

/// What came of a ticket in a batch.
pub(super) enum Verdict {
    /// It is answered.
    Answer(Answer),
    /// The same request is in this batch already: it gets the saved answer in the next one.
    Later,
}

/// Runs a batch as one transaction. On `Err` nothing has happened.
pub(super) async fn run<D: Domain>(
    connection: &mut PgConnection,
    domain: &D,
    now: Timestamp,
    tickets: &[Ticket<D::Command>],
) -> Result<Vec<Verdict>, Fault> {
    #[expect(clippy::disallowed_methods, reason = "this is the one transaction of a batch")]
    let mut transaction = connection.begin().await?;
    let tx = &mut *transaction;
    let (seen, mut blocked) = record::seen(tx, &keys(tickets), &aggregates(tickets)).await?;

    let mut record = Record::new(now);
    let mut verdicts: Vec<Option<Verdict>> = tickets.iter().map(|_| None).collect();
    let mut fresh = Vec::new();
    sort(tickets, &seen, &blocked, &mut record, &mut verdicts, &mut fresh);

    let commands: Vec<&D::Command> = fresh.iter().filter_map(|at| tickets[*at].command.as_ref().ok()).collect();
    let mut world = if commands.is_empty() { None } else { Some(domain.load(tx, &commands).await?) };
    let mut changed = false;
    // One pass in order: what comes before a message that is parked is not held up by it.
    for at in fresh {
        let ticket = &tickets[at];
        let verdict = match (&ticket.command, &mut world) {
            _ if behind_parked(ticket, &blocked) => record.park(ticket, "BEHIND_PARKED", BEHIND),
            (Ok(command), Some(world)) => {
                let decided = decide(domain, world, now, ticket, command)?;
                changed |= decided.is_ok();
                settle(ticket, decided, &mut record, &mut blocked)?
            }
            (Err(malformed), _) => {
                blocked.insert(ticket.aggregate);
                record.park(ticket, "UNDECODABLE", &malformed.to_string())
            }
            (Ok(_), None) => return Err(Fault::Permanent("a command was not loaded".to_owned())),
        };
        verdicts[at] = Some(verdict);
    }
    if changed && let Some(world) = world {
        domain.save(tx, world).await?;
    }
    record.write(tx).await?;
    transaction.commit().await?;
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Later)).collect())
}

/// Finds what is answered already, what is in the batch twice, what waits behind a message that was parked before, and
/// what is new.
fn sort<C>(
    tickets: &[Ticket<C>],
    seen: &HashMap<(String, Uuid), Saved>,
    blocked: &HashSet<Uuid>,
    record: &mut Record,
    verdicts: &mut [Option<Verdict>],
    fresh: &mut Vec<usize>,
) {
    let mut here = HashSet::new();
    for (at, ticket) in tickets.iter().enumerate() {
        let key = key(&ticket.source);
        if let Some(saved) = key.as_ref().and_then(|key| seen.get(key)) {
            verdicts[at] = Some(Verdict::Answer(saved.answer(&ticket.source)));
            record.redriven(&ticket.source);
        } else if key.is_some_and(|key| !here.insert(key)) {
            verdicts[at] = Some(Verdict::Later);
        } else if behind_parked(ticket, blocked) {
            verdicts[at] = Some(record.park(ticket, "BEHIND_PARKED", BEHIND));
        } else {
            fresh.push(at);
        }
    }
}

/// Whether a message waits behind a parked one of its claim; a redriven message does not.
fn behind_parked<C>(ticket: &Ticket<C>, blocked: &HashSet<Uuid>) -> bool {
    matches!(ticket.source, Source::Message { parked_id: None, .. }) && blocked.contains(&ticket.aggregate)
}

fn decide<D: Domain>(
    domain: &D,
    world: &mut D::World,
    now: Timestamp,
    ticket: &Ticket<D::Command>,
    command: &D::Command,
) -> Result<Result<Outcome, Refusal>, Fault> {
    let meta = Meta::scoped(now, ticket.actor.clone(), ticket.source.id(), ticket.source.name());
    // A world that a panic left half-changed is not saved: the whole batch is rolled back.
    catch_unwind(AssertUnwindSafe(|| domain.decide(world, &meta, command)))
        .map_err(|_| Fault::Permanent("the command made the service panic".to_owned()))
}

fn settle<C>(
    ticket: &Ticket<C>,
    decided: Result<Outcome, Refusal>,
    record: &mut Record,
    blocked: &mut HashSet<Uuid>,
) -> Result<Verdict, Fault> {
    match decided {
        Ok(outcome) => {
            outcome.messages.iter().try_for_each(|message| message.check())?;
            record.done(ticket, &outcome);
            Ok(Verdict::Answer(Answer::Done(outcome.reply)))
        }
        Err(refusal) => match (refusal.parked(), &ticket.source) {
            (Some(why), Source::Message { .. }) => {
                blocked.insert(ticket.aggregate);
                Ok(record.park(ticket, "BROKEN", why))
            }
            (Some(why), Source::Call { .. } | Source::Sweep { .. }) => Err(Fault::Permanent(why.to_owned())),
            (None, _) => {
                record.refused(ticket, &refusal);
                Ok(Verdict::Answer(Answer::Refused(refusal)))
            }
        },
    }
}

/// Parks one message in a transaction of its own.
pub(super) async fn park<C>(
    connection: &mut PgConnection,
    now: Timestamp,
    ticket: &Ticket<C>,
    reason: &'static str,
    detail: &str,
) -> Result<(), Fault> {
    let mut record = Record::new(now);
    record.park(ticket, reason, detail);
    #[expect(clippy::disallowed_methods, reason = "this is the one transaction of a parked message")]
    let mut transaction = connection.begin().await?;
    record.write(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

impl Source {
    /// Request id, event id or id of the sweep.
    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::Call { id, .. } | Self::Message { id, .. } | Self::Sweep { id } => *id,
        }
    }

    /// Method, consumer, or the word for a sweep: an id names something only together with it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Call { method, .. } => method,
            Self::Message { consumer, .. } => consumer,
            Self::Sweep { .. } => "sweep",
        }
    }
}

/// The key in the inbox.
pub(super) fn key(source: &Source) -> Option<(String, Uuid)> {
    match source {
        Source::Call { .. } | Source::Message { .. } => Some((source.name().to_owned(), source.id())),
        Source::Sweep { .. } => None,
    }
}

fn keys<C>(tickets: &[Ticket<C>]) -> Vec<(String, Uuid)> {
    tickets.iter().filter_map(|ticket| key(&ticket.source)).collect()
}

fn aggregates<C>(tickets: &[Ticket<C>]) -> Vec<Uuid> {
    let messages = tickets.iter().filter(|ticket| matches!(ticket.source, Source::Message { .. }));
    messages.map(|ticket| ticket.aggregate).collect()
}
