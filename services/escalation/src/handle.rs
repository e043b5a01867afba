//! The one path of a command: load the claim, decide, save what has changed, tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::{Fault, Lock, Meta, Outcome, Refusal, Tx, Writes};
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;
use proto::escalation::DecideWorkItemResponse;
use uuid::Uuid;

use crate::domain::{self, Claim, Rules};
use crate::events::{self, Command};
use crate::{grpc, store};

/// What the lanes of the service need.
pub struct Handle {
    /// The rules of the policy pack.
    pub rules: Arc<Rules>,
    /// Only for how far tests have moved it: the database's clock is the judge.
    pub clock: chassis::Clock,
}

/// The claims of a batch, as they were and as they are.
pub struct World {
    loaded: BTreeMap<Uuid, Claim>,
    claims: BTreeMap<Uuid, Claim>,
    time: store::Time,
}

impl chassis::Domain for Handle {
    type Command = Command;
    type World = World;

    fn lane(&self, command: &Command) -> Uuid {
        command.claim
    }

    /// Always under locks, so it is not told how to read.
    async fn load(&self, tx: &mut Tx, _: Lock, commands: &[&Command]) -> Result<World, Fault> {
        let mut numbers = BTreeMap::new();
        for command in commands {
            let number: &mut Option<&str> = numbers.entry(command.claim).or_default();
            *number = number.or(command.number.as_deref());
        }
        let (loaded, time) = store::load(tx, &numbers).await?;
        Ok(World { claims: loaded.clone(), loaded, time })
    }

    fn decide(&self, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, Refusal> {
        // Only the claims of messages are made by loading; a person names a work item of a claim that is there.
        let unknown = || Refusal::not_found("claim", ClaimId(command.claim));
        let claim = world.claims.get_mut(&command.claim).ok_or_else(unknown)?;
        // Whatever the clock of this machine says (P57).
        let now = world.time.now + self.clock.offset();
        let meta = &Meta::new(now, meta.actor.clone(), meta.id);
        let what = in_our_time(&command.what, world.time.ahead);
        let events = domain::decide(&self.rules, claim, meta, &what)?;
        for event in &events {
            domain::evolve(claim, event);
        }
        let outcome = match &command.what {
            domain::Command::DecideWorkItem { item, .. } => Outcome::reply(&DecideWorkItemResponse {
                work_item: claim.items.get(item).map(|item| grpc::work_item(claim, item)),
            }),
            domain::Command::StartClocks { .. }
            | domain::Command::StopClocks { .. }
            | domain::Command::PauseClocks
            | domain::Command::ResumeClocks
            | domain::Command::Due { .. }
            | domain::Command::RequestApproval { .. }
            | domain::Command::CancelApproval(_)
            | domain::Command::OpenTask { .. }
            | domain::Command::CloseTask(_) => Outcome::none(),
        };
        let told: Vec<_> = events.iter().flat_map(|event| events::told(claim, meta, event)).collect();
        Ok(outcome.telling(told))
    }

    async fn save(&self, _: &mut Tx, writes: &mut Writes, world: World) -> Result<(), Fault> {
        store::save(writes, &world.loaded, &world.claims)
    }
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
    let command = |(claim, clock, at)| Command { claim, number: None, what: domain::Command::Due { clock, at } };
    Ok(found.into_iter().map(command).collect())
}
