//! The rules of the policy pack that are the orchestrator's own: silence, follow-ups, patience.

use chassis::day;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::calendar::Calendar;
use proto::claim::Money;
use proto::policy::four_eyes::FourEyes;
use proto::policy::intake;
use proto::policy::orchestrator::{Days, Lapse, NoAnswer, Orchestrator, Sums};
use proto::policy::triage::Rates;
use proto::policy::{Dated, Pack, Packs};

use crate::case::Waiting;
use crate::claim_process::{Asked, Outcome, Silence};

#[derive(Clone, Debug)]
pub struct Rules {
    /// Section `[orchestrator]` of the policy pack.
    pub policy: Orchestrator,
    /// What differs on single channels.
    pub channels: intake::Promises,
    /// Who may not do what another did.
    pub four_eyes: FourEyes,
    /// Name and number of the version, as `supply-chain@1`.
    pub label: String,
    /// How long sums are remembered: a customer's next claim may go by another version, so it is the longest of all.
    pub remembered: Sums,
    office: Calendar,
    zone: TimeZone,
    rates: Rates,
    currency: String,
}

impl Rules {
    /// The rules of each version.
    pub fn dated(packs: &Packs) -> Dated<Self> {
        let all = || packs.versions().iter().map(|version| version.rules.orchestrator.sums);
        let customer_days = all().map(|sums| sums.customer_days).max();
        let denied_days = all().map(|sums| sums.denied_days).max();
        packs.map(|pack| {
            let mut rules = Self::new(pack);
            rules.remembered.customer_days = customer_days.unwrap_or(rules.remembered.customer_days);
            rules.remembered.denied_days = denied_days.unwrap_or(rules.remembered.denied_days);
            rules
        })
    }

    /// The rules of a pack that was validated.
    pub fn new(pack: &Pack) -> Self {
        let office = pack.escalation.calendars.get(&pack.escalation.calendar);
        let office = office.expect("the pack was validated: every calendar that is named is there");
        let (policy, channels) = (pack.orchestrator.clone(), pack.intake.promises.clone());
        Self {
            label: pack.label(),
            remembered: policy.sums,
            policy,
            channels,
            four_eyes: pack.four_eyes.clone(),
            office: Calendar::new(office.clone()),
            zone: pack.triage.time_zone.clone(),
            rates: pack.triage.rates.clone(),
            currency: pack.currency.clone(),
        }
    }

    /// The day on which something happens.
    pub fn today(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now).date()
    }

    /// An amount in minor units of the pack's currency, by the rate of a day; none: the pack has none.
    pub fn in_pack(&self, amount: &Money, on: Date) -> Option<i64> {
        self.rates.convert(amount, &self.currency, on)
    }

    /// The same, named.
    pub fn of_pack(&self, minor_units: i64) -> Money {
        Money { minor_units, currency: self.currency.clone() }
    }

    /// When the customer is reminded next, or what was asked lapses. A reminder that came late takes nothing from the days
    /// that are left for an answer.
    pub fn due(&self, waiting: &Waiting, now: Timestamp) -> Timestamp {
        let rule = self.of(waiting.asked);
        let next = rule.day(waiting.reminded);
        let planned = self.days_later(waiting.since, next);
        match waiting.reminded.checked_sub(1) {
            None => planned,
            Some(last) => planned.max(self.days_later(now, next - rule.day(last))),
        }
    }

    /// When what was asked lapses, if nothing comes late.
    pub fn lapses(&self, waiting: &Waiting, now: Timestamp) -> Timestamp {
        let rule = self.of(waiting.asked);
        let left = rule.lapse_days - rule.day(waiting.reminded).min(rule.lapse_days);
        self.days_later(self.due(waiting, now), left)
    }

    /// Whether all reminders were sent.
    pub fn has_lapsed(&self, waiting: &Waiting) -> bool {
        waiting.reminded >= self.of(waiting.asked).remind_days.len()
    }

    /// What follows when there is no answer.
    pub fn then(&self, asked: Asked) -> Silence {
        match self.of(asked).then {
            Lapse::Person => Silence::Person,
            Lapse::Withdrawn => Silence::End(Outcome::Withdrawn),
            Lapse::Closed => Silence::End(Outcome::Closed),
        }
    }

    fn of(&self, asked: Asked) -> &NoAnswer {
        match asked {
            Asked::Question(_) => &self.policy.silence.question,
            Asked::Plan(_) => &self.policy.silence.plan,
        }
    }

    fn days_later(&self, from: Timestamp, days: u32) -> Timestamp {
        match self.policy.silence.days {
            Days::Working => self.office.add_working_days(from, days),
            Days::Plain => from + day() * i32::try_from(days).unwrap_or(i32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn stamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn reminders_come_on_working_days_and_what_comes_late_leaves_the_days_for_an_answer() {
        let rules = Rules::new(&Pack::load(None).unwrap());
        // A Friday.
        let since = stamp("2026-11-27T12:00:00Z");
        let waiting = |reminded| Waiting { asked: Asked::Plan(1), since, reminded };
        assert_eq!(rules.due(&waiting(0), since), stamp("2026-12-02T12:00:00Z"));
        assert_eq!(rules.due(&waiting(1), stamp("2026-12-02T12:00:00Z")), stamp("2026-12-08T12:00:00Z"));
        assert_eq!(rules.due(&waiting(2), stamp("2026-12-08T12:00:00Z")), stamp("2026-12-17T12:00:00Z"));
        assert_eq!(rules.lapses(&waiting(0), since), stamp("2026-12-17T12:00:00Z"));
        assert_eq!(rules.lapses(&waiting(1), stamp("2026-12-02T12:00:00Z")), stamp("2026-12-17T12:00:00Z"));
        // The service was away: the second reminder came ten days late.
        let late = stamp("2026-12-18T12:00:00Z");
        assert!(rules.due(&waiting(2), late) > stamp("2026-12-29T00:00:00Z"));
        assert_eq!([0, 1, 2].map(|reminded| rules.has_lapsed(&waiting(reminded))), [false, false, true]);
    }

    #[test]
    fn plain_days_and_every_end_are_the_packs() {
        let mut pack = Pack::load(None).unwrap();
        pack.orchestrator.silence.days = Days::Plain;
        pack.orchestrator.silence.question.then = Lapse::Person;
        pack.orchestrator.silence.plan.then = Lapse::Closed;
        let rules = Rules::new(&pack);
        let since = stamp("2026-11-27T12:00:00Z");
        let waiting = Waiting { asked: Asked::Question(1), since, reminded: 0 };
        assert_eq!(rules.due(&waiting, since), stamp("2026-11-30T12:00:00Z"));
        assert_eq!(rules.then(Asked::Question(1)), Silence::Person);
        assert_eq!(rules.then(Asked::Plan(1)), Silence::End(Outcome::Closed));
    }

    #[test]
    fn sums_are_remembered_as_long_as_any_version_asks_for_them() {
        let one = Pack::load(None).unwrap();
        let mut two = one.clone();
        (two.version, two.orchestrator.sums.customer_days, two.orchestrator.sums.denied_days) = (2, 7, 400);
        let (zone, day) = (one.time_zone().clone(), |text: &str| text.parse().unwrap());
        let days = one.orchestrator.sums.customer_days;
        let versions = [(1, day("2026-01-01"), Arc::new(one)), (2, day("2026-06-01"), Arc::new(two))];
        let rules = Rules::dated(&Dated::of("supply-chain", zone, versions));
        for version in rules.versions() {
            let kept = version.rules.remembered;
            assert_eq!((kept.customer_days, kept.denied_days), (days, 400));
        }
        assert_eq!(rules.of_claim(2).unwrap().policy.sums.customer_days, 7);
        assert_eq!(rules.of_claim(2).unwrap().label, "supply-chain@2");
    }
}
