//! The rules of the policy pack, in the words of this service.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proto::claim::{self, Channel, Plan};
use proto::policy::Pack;
use proto::policy::escalation::Escalation;
use proto::policy::four_eyes::FourEyes;
use proto::policy::triage::Word;
use proto::promise::Reckoning;

use super::{ClockKind, Role, Severity, WorkKind};
use proto::calendar::Calendar;

/// The rules.
#[derive(Clone, Debug)]
pub struct Rules {
    policy: Escalation,
    currency: String,
    reckoning: Reckoning,
    /// Who may not do what another did.
    pub four_eyes: FourEyes,
    /// Who may do what waits for a person.
    pub work: chassis::work::Rules,
}

/// A level of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whom it goes to.
    pub role: Role,
    /// Working time that the level before has.
    pub after: SignedDuration,
}

impl Rules {
    /// The rules of a pack that was validated.
    pub fn new(pack: &Pack) -> Self {
        let (policy, four_eyes) = (pack.escalation.clone(), pack.four_eyes.clone());
        let (reckoning, work) = (Reckoning::new(pack), chassis::work::Rules::new(pack));
        Self { policy, currency: pack.currency.clone(), reckoning, four_eyes, work }
    }

    /// The calendar of a kind of clock.
    pub fn calendar(&self, kind: ClockKind) -> &Calendar {
        self.reckoning.calendar(kind.into())
    }

    /// The calendar of work items and ladders.
    pub fn office(&self) -> &Calendar {
        self.reckoning.named(&self.policy.calendar)
    }

    /// Working time that a clock has.
    pub fn target(&self, kind: ClockKind, channel: Channel, severity: Severity) -> SignedDuration {
        self.reckoning.target(kind.into(), channel, severity.into())
    }

    /// Who has a role, or management for one that nobody has.
    pub fn present(&self, role: Role) -> Role {
        if self.policy.absent_roles.contains(&Word(role.into())) { Role::Management } else { role }
    }

    /// A level of the ladder, from 1; `None` above its end.
    pub fn level(&self, severity: Severity, level: u32) -> Option<Level> {
        let at = usize::try_from(level).ok()?.checked_sub(1)?;
        let found = self.policy.ladder.of(severity.into()).get(at)?;
        let role = Role::try_from(found.role.0).ok()?;
        Some(Level { role: self.present(role), after: SignedDuration::from_mins(i64::from(found.after_minutes)) })
    }

    /// When a work item that is opened now is due.
    pub fn due(&self, kind: WorkKind, now: Timestamp) -> Timestamp {
        let hours = *self.policy.due_hours.get(&kind).expect("the pack was validated: every kind of work has hours");
        self.office().add_working(now, SignedDuration::from_hours(i64::from(hours)))
    }

    /// Those who approve a plan, in order: the longest chain of its resolutions, then whoever is missing of the others.
    /// Where the sum of customer, order or proposer counts, it says who. A cost in another currency than the pack's counts
    /// as the greatest: nobody approves what cannot be compared.
    pub fn chain(&self, plan: &Plan, severity: Severity) -> Vec<Role> {
        let of_pack = |amount: &claim::Money| (amount.currency == self.currency).then_some(amount.minor_units);
        let cost = plan.cost.as_ref().and_then(of_pack);
        let cost = cost.map(|cost| plan.counted.as_ref().and_then(of_pack).map_or(cost, |counted| counted.max(cost)));
        let resolutions: BTreeSet<claim::Resolution> = plan.lines.iter().map(claim::LinePlan::resolution).collect();
        let mut chains: Vec<Vec<Role>> = resolutions
            .into_iter()
            .map(|resolution| {
                let roles = self.policy.chain(resolution, severity.into(), cost);
                roles.iter().filter_map(|role| Role::try_from(role.0).ok()).collect()
            })
            .collect();
        chains.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
        // A price that somebody made up is looked at by another person, whatever it comes to; so is what was denied before.
        if (plan.own_price || !plan.beyond.is_empty()) && chains.iter().all(Vec::is_empty) {
            chains.push(vec![Role::Supervisor]);
        }
        let mut seen = BTreeSet::new();
        chains.into_iter().flatten().map(|role| self.present(role)).filter(|role| seen.insert(*role)).collect()
    }
}
