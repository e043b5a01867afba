//! Walks and examples. Time is told, never asked for.

mod approvals;
mod clocks;
mod provisional;
mod retarget;
mod tasks;
mod walk;

use chassis::{Actor, Meta};
use jiff::Timestamp;
use proto::policy::Pack;
use uuid::Uuid;

use super::*;

/// A claim under test: commands go in, events come out, the claim evolves.
pub(super) struct Case {
    pub rules: Rules,
    pub claim: Claim,
    pub now: Timestamp,
    count: u128,
}

impl Case {
    pub fn new() -> Self {
        Self::with(&Pack::load(None).unwrap())
    }

    /// A Monday morning, as the office opens.
    pub fn with(pack: &Pack) -> Self {
        let now = "2026-11-23T09:00:00Z".parse().unwrap();
        let claim = Claim::new(ClaimId(Uuid::from_u128(7)), "RD-2026-000007");
        Self { rules: Rules::new(pack), claim, now, count: 0 }
    }

    pub fn at(&mut self, now: &str) {
        self.now = now.parse().unwrap();
    }

    pub fn try_as(&mut self, person: &str, roles: &[Role], command: &Command) -> Result<Vec<Event>, Refusal> {
        self.count += 1;
        let roles = roles.iter().map(|role| role.word().to_owned()).collect();
        let actor =
            Actor { subject: person.to_owned(), roles, customer: None, own: None, email: None, bound: Vec::new() };
        let meta = Meta::new(self.now, actor, Uuid::from_u128(self.count));
        let events = decide(&self.rules, &self.claim, &meta, command)?;
        for event in &events {
            evolve(&mut self.claim, event);
        }
        Ok(events)
    }

    /// The orchestrator asks.
    pub fn tell(&mut self, command: &Command) -> Vec<Event> {
        self.try_as("service:orchestrator", &[], command).unwrap()
    }

    /// The sweep finds every clock that is due.
    pub fn sweep(&mut self) -> Vec<Event> {
        let now = self.now;
        let due: Vec<_> = self
            .claim
            .clocks
            .values()
            .filter_map(|clock| Some((clock.key, clock.next_at.filter(|at| *at <= now)?)))
            .collect();
        due.into_iter().flat_map(|(clock, at)| self.tell(&Command::Due { clock, at })).collect()
    }

    pub fn decide(&mut self, person: &str, roles: &[Role], item: Uuid, ruling: Ruling) -> Result<Vec<Event>, Refusal> {
        let etag =
            self.claim.items.get(&item).map_or_else(|| "\"1\"".to_owned(), |item| chassis::etag(item.work.version));
        self.try_as(person, roles, &Command::DecideWorkItem { item, etag, ruling, note: String::new() })
    }

    pub fn open_items(&self) -> Vec<&Item> {
        self.claim.items.values().filter(|item| item.work.is_open()).collect()
    }

    pub fn clock(&self, kind: ClockKind, round: u32) -> &Clock {
        &self.claim.clocks[&ClockKey { kind, round }]
    }
}

pub(super) fn start(round: u32, kinds: &[ClockKind]) -> Command {
    start_as(round, kinds, None)
}

pub(super) fn start_as(round: u32, kinds: &[ClockKind], severity: Option<Severity>) -> Command {
    let kinds = kinds.iter().copied().collect();
    Command::StartClocks { round, kinds, severity, channel: Channel::Web, from: None }
}

pub(super) fn stop(kinds: &[ClockKind]) -> Command {
    Command::StopClocks { kinds: kinds.iter().copied().collect(), round: None, at: None, severity: None }
}

pub(super) fn stop_all() -> Command {
    stop(ClockKind::ALL)
}
