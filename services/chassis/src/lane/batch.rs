//! One batch: what is known, load, decide, save, journal, one commit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::dedup::{Dedup, Delivery};
use super::memory::{InboxKey, Last, Memory};
use super::record::{self, Record};
use super::{Answer, Domain, Lock, Origin, Outcome, Source, Ticket, Tx, Writes};
use crate::meta::Meta;
use crate::relay::JournalRow;
use crate::{Fault, Refusal, crash};

const BEHIND: &str = "an earlier message of the same claim is parked";
const CONFLICT: &str =
    "another message came under this number before: was the sender's database restored from a backup?";

/// What came of a ticket in a batch.
pub(super) enum Verdict {
    /// It is answered.
    Answer(Answer),
    /// The same request is in this batch already: it gets the saved answer in the next one.
    Later,
}

/// What became of each command of a batch, and what is journalled.
pub(super) type Done = (Vec<Verdict>, Vec<JournalRow>);

/// How a batch runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Without locks, most often as a single statement: what was read, or only remembered, is looked at again by what is
    /// written.
    Optimistic,
    /// As one transaction that locks what it reads.
    Pessimistic,
}

/// The connection of a batch, before its transaction or in it.
enum Session<'c> {
    Plain(&'c mut PgConnection),
    Begun(Transaction<'c, Postgres>),
}

impl<'c> Session<'c> {
    async fn begin(self) -> Result<Self, Fault> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one transaction of a batch")]
            Self::Plain(connection) => Ok(Self::Begun(connection.begin().await?)),
            begun @ Self::Begun(_) => Ok(begun),
        }
    }

    fn tx(&mut self) -> &mut Tx {
        match self {
            Self::Plain(connection) => connection,
            Self::Begun(transaction) => transaction,
        }
    }

    async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Begun(transaction) => Ok(transaction.commit().await?),
        }
    }
}

/// A batch on its way.
pub(super) struct Batch<'a, D: Domain> {
    pub domain: &'a D,
    pub now: Timestamp,
    pub tickets: &'a [Ticket<D::Command>],
}

/// What was decided on a batch, and is to be written.
struct Decided<W> {
    verdicts: Vec<Option<Verdict>>,
    record: Record,
    writes: Writes,
    world: Option<W>,
}

impl<D: Domain> Batch<'_, D> {
    /// Whether it can be tried without locks.
    pub(super) fn is_optimistic(&self) -> bool {
        self.tickets.iter().all(|ticket| {
            let redriven = matches!(ticket.source, Source::Message { parked_id: Some(_), .. });
            let command = ticket.command.as_ref();
            let guarded = command.is_ok_and(|command| self.domain.is_optimistic(command));
            guarded && ticket.attempts == 0 && !ticket.refused && !redriven
        })
    }

    /// Runs it. `None`, without locks only: nothing has happened, since somebody was faster or something is not as usual;
    /// under locks it is told what. On `Err` under locks nothing has happened either; without them it is not known.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
        memory: &mut Memory<D::Memory>,
        mode: Mode,
    ) -> Result<Option<Done>, Fault> {
        let (optimistic, nothing) = (mode == Mode::Optimistic, D::Memory::default());
        let mut session = Session::Plain(connection);
        if !optimistic {
            session = session.begin().await?;
        }
        let remembered = if optimistic { Dedup::remembered(self.tickets, &memory.heard) } else { None };
        let known = match remembered {
            Some(known) => known,
            None => Dedup::of(session.tx(), self.tickets).await?,
        };
        if optimistic && !known.blocked.is_empty() {
            return Ok(None);
        }
        let basis = if optimistic { (Lock::Nothing, &memory.rows) } else { (Lock::Rows, &nothing) };
        let Decided { verdicts, record, mut writes, world } = self.decide(session.tx(), known, basis).await?;
        if optimistic {
            if !record.is_sure() {
                return Ok(None);
            }
            record::unblocked(&mut writes, self.tickets);
        }
        let advances: Vec<_> = record.advances().collect();
        crash::point("lane.before_record");
        let lines = if optimistic && record.is_one(&writes) {
            crash::point("lane.before_commit");
            let Some(lines) = record.write_alone(session.tx(), writes).await? else { return Ok(None) };
            lines
        } else {
            session = session.begin().await?;
            let lines = record.write(session.tx(), writes).await?;
            crash::point("lane.before_commit");
            session.commit().await?;
            lines
        };
        crash::point("lane.after_commit");
        self.remember(memory, advances, world);
        Ok(Some((answered(verdicts), lines)))
    }

    /// Decides what is new of it.
    async fn decide(
        &self,
        tx: &mut Tx,
        mut known: Dedup,
        (lock, memory): (Lock, &D::Memory),
    ) -> Result<Decided<D::World>, Fault> {
        let Self { domain, now, tickets } = *self;
        let mut record = Record::new(now);
        let mut verdicts: Vec<Option<Verdict>> = tickets.iter().map(|_| None).collect();
        let fresh = sort(tickets, &mut known, &mut record, &mut verdicts);

        let commands: Vec<&D::Command> = fresh.iter().filter_map(|at| tickets[*at].command.as_ref().ok()).collect();
        let mut world = if commands.is_empty() { None } else { Some(domain.load(tx, lock, memory, &commands).await?) };
        let mut changed = false;
        // One pass in order: what comes before a message that is parked is not held up by it.
        for at in fresh {
            let ticket = &tickets[at];
            let verdict = match (&ticket.command, &mut world) {
                _ if known.is_behind(ticket) => record.park(ticket, "BEHIND_PARKED", BEHIND),
                (Ok(command), Some(world)) => {
                    let decided = decide(domain, world, (now, known.id(&ticket.source)), ticket, command)?;
                    changed |= decided.is_ok();
                    settle(ticket, decided, &mut record, &mut known)?
                }
                (Err(why), _) if ticket.refused => record.park(ticket, "WRONG_ORIGIN", &why.to_string()),
                (Err(malformed), _) => {
                    known.blocked.insert(ticket.aggregate);
                    record.park(ticket, "UNDECODABLE", &malformed.to_string())
                }
                (Ok(_), None) => return Err(Fault::Permanent("a command was not loaded".to_owned())),
            };
            verdicts[at] = Some(verdict);
        }
        let mut writes = Writes::default();
        // What was only remembered is looked at again, whatever was decided on it.
        if let Some(world) = world.as_ref().filter(|_| changed || lock == Lock::Nothing) {
            domain.save(tx, &mut writes, world).await?;
        }
        Ok(Decided { verdicts, record, writes, world })
    }

    fn remember(
        &self,
        memory: &mut Memory<D::Memory>,
        advances: impl IntoIterator<Item = (InboxKey, Last)>,
        world: Option<D::World>,
    ) {
        memory.heard.learn(advances);
        if let Some(world) = world {
            self.domain.remember(&mut memory.rows, world);
        }
    }
}

fn answered(verdicts: Vec<Option<Verdict>>) -> Vec<Verdict> {
    verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Later)).collect()
}

/// Finds what is answered already, what is in the batch twice, what waits, and what is new: gives the latter.
fn sort<C>(
    tickets: &[Ticket<C>],
    known: &mut Dedup,
    record: &mut Record,
    verdicts: &mut [Option<Verdict>],
) -> Vec<usize> {
    let mut fresh = Vec::new();
    for (at, ticket) in tickets.iter().enumerate() {
        verdicts[at] = match known.standing(ticket) {
            Delivery::Duplicate(answer) => {
                record.redriven(&ticket.source);
                Some(Verdict::Answer(answer))
            }
            Delivery::Deferred => Some(Verdict::Later),
            Delivery::BlockedByDeadLetter => Some(record.park(ticket, "BEHIND_PARKED", BEHIND)),
            Delivery::OutOfOrder => Some(Verdict::Answer(Answer::Ahead)),
            Delivery::Conflict => {
                known.blocked.insert(ticket.aggregate);
                Some(record.park(ticket, "BROKEN", CONFLICT))
            }
            Delivery::New => {
                fresh.push(at);
                None
            }
        };
    }
    fresh
}

fn decide<D: Domain>(
    domain: &D,
    world: &mut D::World,
    (now, id): (Timestamp, Uuid),
    ticket: &Ticket<D::Command>,
    command: &D::Command,
) -> Result<Result<Outcome, Refusal>, Fault> {
    let meta = Meta::scoped(now, ticket.actor.clone(), id, ticket.source.name());
    // A world that a panic left half-changed is not saved: the whole batch is rolled back.
    catch_unwind(AssertUnwindSafe(|| domain.decide(world, &meta, command)))
        .map_err(|_| Fault::Permanent("the command made the service panic".to_owned()))
}

fn settle<C>(
    ticket: &Ticket<C>,
    decided: Result<Outcome, Refusal>,
    record: &mut Record,
    known: &mut Dedup,
) -> Result<Verdict, Fault> {
    match decided {
        Ok(outcome) => {
            outcome.messages.iter().try_for_each(|message| message.check())?;
            record.done(ticket, &outcome, known)?;
            Ok(Verdict::Answer(Answer::Done(outcome.reply)))
        }
        Err(refusal) => match (refusal.parked(), &ticket.source) {
            (Some((reason, why)), Source::Message { .. }) => {
                known.blocked.insert(ticket.aggregate);
                Ok(record.park(ticket, reason, why))
            }
            // What is only lacking can be asked again.
            (Some((_, why)), Source::Call { .. } | Source::Sweep { .. }) if !refusal.is_passing() => {
                Err(Fault::Permanent(why.to_owned()))
            }
            (Some(_), Source::Sweep { .. }) => Ok(Verdict::Answer(Answer::Refused(refusal))),
            // What time takes away is not kept, or the same request would be refused for as long as answers are kept. Nor is what
            // was refused to a customer: it has no effect, and anybody can become one.
            (_, Source::Call { .. }) if refusal.is_passing() || ticket.actor.customer.is_some() => {
                record.passing();
                Ok(Verdict::Answer(Answer::Refused(refusal)))
            }
            _ => {
                record.refused(ticket, &refusal, known)?;
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
    record.write(&mut transaction, Writes::default()).await?;
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

    /// The place of a numbered message.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Message { origin, .. } => origin.as_ref(),
            Self::Call { .. } | Self::Sweep { .. } => None,
        }
    }
}
