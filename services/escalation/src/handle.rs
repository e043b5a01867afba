//! The one path of a command: load the claim, decide, save what has changed, tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chassis::{Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;
use proto::escalation::DecideWorkItemResponse;
use proto::policy::Dated;
use uuid::Uuid;

use crate::domain::{self, Claim, ClockKind, Rules};
use crate::events::{self, Command};
use crate::world::{Memory, World};
use crate::{store, wire};

/// What the lanes of the service need.
pub struct Handle {
    /// The rules of each version of the policy pack: a claim goes by the one that it began with.
    pub rules: Arc<Dated<Rules>>,
    /// Only for how far tests have moved it: the database's clock is the judge.
    pub clock: chassis::Clock,
}

impl chassis::Domain for Handle {
    type Command = Command;
    type World = World;
    type Memory = Memory;

    fn lane(&self, command: &Command) -> Uuid {
        command.claim
    }

    /// Whatever changes of a claim moves its version.
    fn is_optimistic(&self, _: &Command) -> bool {
        true
    }

    /// A claim that is not known yet is made if its number is given.
    async fn load(&self, tx: &mut Tx, lock: Lock, memory: &Memory, commands: &[&Command]) -> Result<World, Fault> {
        let (mut numbers, mut unknown, mut recalled) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        for command in commands {
            match (&command.number, memory.0.get(&command.claim)) {
                // Times are rounded where they are written: what is due is compared with what is read.
                (Some(_), Some(known)) => drop(recalled.insert(command.claim, known.clone())),
                // It is the first that is heard of a claim. If it is not, it cannot be written as a new one.
                (Some(_), None) if lock == Lock::Nothing && begins(&command.what) => {}
                (_, _) => drop(unknown.insert(command.claim)),
            }
            if let Some(number) = &command.number {
                numbers.entry(command.claim).or_insert(number);
            }
        }
        recalled.retain(|claim, _| !unknown.contains(claim));
        let ids: Vec<Uuid> = unknown.into_iter().collect();
        let (mut versions, mut loaded) = store::read(tx, lock, &ids).await?;
        let names = recalled.keys().copied().collect();
        for (id, (version, claim)) in recalled {
            versions.insert(id, version);
            loaded.insert(id, claim);
        }
        let mut claims = loaded.clone();
        for (id, number) in numbers {
            claims.entry(id).or_insert_with(|| Claim::new(id.into(), number));
        }
        Ok(World { loaded, versions, recalled: names, claims, time: store::time_now(tx).await? })
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        // Only the claims of messages are made by loading; a person names a work item of a claim that is there.
        let unknown = || Refusal::not_found("claim", ClaimId(command.claim));
        let claim = world.claims.get_mut(&command.claim).ok_or_else(unknown)?;
        // Whatever the clock of this machine says (P57).
        let now = world.time.now + self.clock.offset();
        let meta = &Meta::new(now, meta.actor.clone(), meta.id);
        let kept = claim.head.policy_version;
        let policy_version = if kept == 0 { command.policy_version } else { kept };
        let rules = self.rules.of_claim(policy_version)?;
        let what = in_our_time(&command.what, world.time.ahead);
        let events = domain::decide(rules, claim, meta, &what)?;
        claim.head.policy_version = policy_version;
        for event in &events {
            domain::evolve(claim, event);
        }
        let outcome = match &command.what {
            domain::Command::DecideWorkItem { item, .. } => Outcome::reply(&DecideWorkItemResponse {
                work_item: claim.items.get(item).map(|item| wire::work_item(claim, item)),
            }),
            domain::Command::Work(asked) => match claim.items.get(&asked.item) {
                Some(item) => Outcome::work(&item.work, wire::labels(claim, item)),
                None => Outcome::none(),
            },
            domain::Command::StartClocks { .. }
            | domain::Command::StopClocks { .. }
            | domain::Command::RetargetClocks { .. }
            | domain::Command::PauseClocks
            | domain::Command::ResumeClocks
            | domain::Command::Due { .. }
            | domain::Command::RequestApproval { .. }
            | domain::Command::CancelApproval(_)
            | domain::Command::OpenTask { .. }
            | domain::Command::CloseTask(_)
            | domain::Command::Reckon
            | domain::Command::Overdue(_) => Outcome::none(),
        };
        let told: Vec<_> = events.iter().flat_map(|event| events::told(claim, meta, event)).collect();
        Ok(outcome.telling(told))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: &World) -> Result<(), Fault> {
        store::save(writes, world)
    }

    fn remember(&self, memory: &mut Memory, world: World) {
        let World { loaded, versions, claims, .. } = world;
        memory.0.learn(claims.into_iter().map(|(id, mut claim)| {
            let moved = i64::from(loaded.get(&id) != Some(&claim));
            claim.raised.clear();
            claim.moved.clear();
            (id, (versions.get(&id).map_or(1, |version| version + moved), claim))
        }));
    }
}

/// Whether it is most often the first command about a claim.
fn begins(command: &domain::Command) -> bool {
    matches!(command, domain::Command::StartClocks { round: 1, .. })
}

/// The times of others, while the database's clock catches up with where it has been: else a promise that was given
/// just now would be used up already.
fn in_our_time(command: &domain::Command, ahead: SignedDuration) -> domain::Command {
    let mut command = command.clone();
    let times: [Option<&mut Timestamp>; 1] = match &mut command {
        domain::Command::StartClocks { from, .. } => [from.as_mut()],
        domain::Command::StopClocks { at, .. } => [at.as_mut()],
        _ => [None],
    };
    times.into_iter().flatten().for_each(|time| *time += ahead);
    command
}

/// Clocks that are due by the clock of the database.
pub async fn due(pool: sqlx::PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    let found = store::due(&pool, offset).await?;
    let command = |(claim, clock, at)| Command {
        claim,
        number: None,
        policy_version: 0,
        what: domain::Command::Due { clock, at },
    };
    Ok(found.into_iter().map(command).collect())
}

/// Work items that nobody has decided in time, by the clock of the database.
pub async fn overdue(pool: sqlx::PgPool, offset: SignedDuration) -> Result<Vec<Command>, Fault> {
    let found = store::overdue(&pool, offset).await?;
    let command =
        |(claim, item)| Command { claim, number: None, policy_version: 0, what: domain::Command::Overdue(item) };
    Ok(found.into_iter().map(command).collect())
}

/// Finds claims with provisional deadlines: each once after the start, since the pack may be another one than before, and
/// those of which one is known by now until it has been reckoned.
pub struct Provisional {
    ends: Vec<(ClockKind, Timestamp)>,
    looked_at: Mutex<Uuid>,
}

impl Provisional {
    /// None has been looked at yet.
    pub fn new(rules: &Dated<Rules>) -> Self {
        // The earliest of all versions: of a claim whose version knows more, nothing is reckoned anew.
        let end = |kind: ClockKind| rules.versions().iter().map(move |it| it.rules.calendar(kind).known_to()).min();
        let ends = ClockKind::ALL.iter().filter_map(|kind| Some((*kind, end(*kind)?))).collect();
        Self { ends, looked_at: Mutex::new(Uuid::nil()) }
    }

    /// The next ones.
    pub async fn next(&self, pool: &sqlx::PgPool) -> Result<Vec<Command>, Fault> {
        let after = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let found = store::provisional(pool, &self.ends, after).await?;
        let last = found.last().copied().unwrap_or(after).max(after);
        *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = last;
        let command = |claim| Command { claim, number: None, policy_version: 0, what: domain::Command::Reckon };
        Ok(found.into_iter().map(command).collect())
    }
}
