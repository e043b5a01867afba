//! Rules of the orchestrator: which solved claims are followed up, and how patient it is.

use serde::Deserialize;

use super::Problems;
use crate::claim::{Resolution, Severity};

/// Section `[orchestrator]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orchestrator {
    /// Which solved claims are followed up, and what a low score does.
    pub follow_up: FollowUp,
    /// What follows when the customer does not answer.
    pub silence: Silence,
    /// When an open question to a service is asked again.
    pub ask_again: AskAgain,
    /// Up to which sums nobody need approve.
    pub sums: Sums,
}

/// Section `[orchestrator.sums]`: authority counts what somebody got or is promised in all their claims. Amounts are minor
/// units of the pack's currency.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// The most for the lines of one order without a person.
    pub order_max: i64,
    /// Days, today's included, for which the sum of a customer counts.
    pub customer_days: u32,
    /// The most for a customer within these days without a person.
    pub customer_max: i64,
    /// The most that a person gives on one day without another one.
    pub person_day_max: i64,
    /// Days for which it is remembered that a customer was denied an article.
    pub denied_days: u32,
}

/// Section `[orchestrator.silence]`: no claim waits for its customer for ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Which days count.
    pub days: Days,
    /// A question that the customer was asked.
    pub question: NoAnswer,
    /// A plan that was proposed to the customer.
    pub plan: NoAnswer,
}

/// Which days count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Days {
    /// Those of the office calendar that have working time.
    Working,
    /// All.
    Plain,
}

/// What happens while the customer does not answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoAnswer {
    /// Days after which the customer is reminded, in rising order; none: never.
    pub remind_days: Vec<u32>,
    /// Days after which what was asked lapses.
    pub lapse_days: u32,
    /// What follows then.
    pub then: Lapse,
}

/// What follows when the customer has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lapse {
    /// A person decides.
    Person,
    /// The claim ends as withdrawn.
    Withdrawn,
    /// The claim ends as closed.
    Closed,
}

/// Section `[orchestrator.follow_up]` (S1-27, S1-58, S2-19, S4-53).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// A claim of one of these severities is followed up.
    pub severities: Vec<String>,
    /// So is a claim with a line that was solved in one of these ways.
    pub resolutions: Vec<String>,
    /// This satisfaction or less re-opens the claim, 0 to 5; 0: never.
    pub reopen_at_most: u32,
    /// Days after which a claim is closed without an answer.
    pub days_without_answer: u32,
}

/// Section `[orchestrator.ask_again]`: the wait doubles from the first to the longest.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskAgain {
    /// Seconds until a question is asked the second time.
    pub first_s: u32,
    /// Greatest number of seconds between two times.
    pub longest_s: u32,
}

impl FollowUp {
    /// Whether a claim of this severity, solved in these ways, is followed up.
    pub fn wanted(&self, severity: Severity, resolutions: impl IntoIterator<Item = Resolution>) -> bool {
        self.severities.iter().any(|name| severity_named(name) == Some(severity))
            || resolutions
                .into_iter()
                .any(|solved| self.resolutions.iter().any(|name| resolution_named(name) == Some(solved)))
    }
}

impl AskAgain {
    /// The wait after a wait of `before` seconds; 0: there was none.
    pub fn next_wait_s(&self, before: u32) -> u32 {
        if before == 0 { self.first_s } else { before.saturating_mul(2).min(self.longest_s) }
    }
}

impl Orchestrator {
    pub(super) fn check(&self, problems: &mut Problems) {
        for (at, name) in self.follow_up.severities.iter().enumerate() {
            let known = severity_named(name).is_some();
            problems.require(known, format!("orchestrator.follow_up.severities[{at}]"), "is not a severity");
        }
        for (at, name) in self.follow_up.resolutions.iter().enumerate() {
            let known = resolution_named(name).is_some();
            problems.require(known, format!("orchestrator.follow_up.resolutions[{at}]"), "is not a resolution");
        }
        let score = self.follow_up.reopen_at_most;
        problems.require(score <= 5, "orchestrator.follow_up.reopen_at_most", "must be 0 to 5");
        let days = self.follow_up.days_without_answer;
        problems.require((1..=365).contains(&days), "orchestrator.follow_up.days_without_answer", "must be 1 to 365");
        self.silence.question.check("orchestrator.silence.question", problems);
        self.silence.plan.check("orchestrator.silence.plan", problems);
        self.sums.check(problems);
        let AskAgain { first_s, longest_s } = self.ask_again;
        problems.require((1..=3600).contains(&first_s), "orchestrator.ask_again.first_s", "must be 1 to 3600");
        let longest_fits = (first_s..=86_400).contains(&longest_s);
        problems.require(longest_fits, "orchestrator.ask_again.longest_s", "must be first_s to 86400");
    }
}

impl Sums {
    fn check(&self, problems: &mut Problems) {
        let amounts = [
            ("order_max", self.order_max),
            ("customer_max", self.customer_max),
            ("person_day_max", self.person_day_max),
        ];
        for (name, amount) in amounts {
            let fits = (0..=10_000_000_000_000).contains(&amount);
            problems.require(fits, format!("orchestrator.sums.{name}"), "must be 0 to 10000000000000");
        }
        for (name, days) in [("customer_days", self.customer_days), ("denied_days", self.denied_days)] {
            problems.require((1..=730).contains(&days), format!("orchestrator.sums.{name}"), "must be 1 to 730");
        }
    }
}

impl NoAnswer {
    /// The day on which something happens that has happened `before` times: a reminder, or the lapse.
    pub fn day(&self, before: usize) -> u32 {
        self.remind_days.get(before).copied().unwrap_or(self.lapse_days)
    }

    fn check(&self, path: &str, problems: &mut Problems) {
        let lapse = self.lapse_days;
        problems.require((1..=365).contains(&lapse), format!("{path}.lapse_days"), "must be 1 to 365");
        problems.require(self.remind_days.len() <= 10, format!("{path}.remind_days"), "must be at most 10");
        let mut before = 0;
        for (at, day) in self.remind_days.iter().copied().enumerate() {
            let fits = before < day && day < lapse;
            let why = "must rise, and be after the day itself and before lapse_days";
            problems.require(fits, format!("{path}.remind_days[{at}]"), why);
            before = day;
        }
    }
}

fn severity_named(name: &str) -> Option<Severity> {
    let known = Severity::from_str_name(&format!("SEVERITY_{}", name.to_uppercase()))?;
    (known != Severity::Unspecified).then_some(known)
}

fn resolution_named(name: &str) -> Option<Resolution> {
    let known = Resolution::from_str_name(&format!("RESOLUTION_{}", name.to_uppercase()))?;
    (known != Resolution::Unspecified).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::super::{Pack, SUPPLY_CHAIN};
    use super::*;

    #[test]
    fn severity_or_resolution_decides_who_is_followed_up() {
        let rules = Pack::load(None).unwrap().orchestrator.follow_up;
        assert!(rules.wanted(Severity::Urgent, [Resolution::Replace]));
        assert!(rules.wanted(Severity::Minor, [Resolution::Resend, Resolution::TechnicalSupport]));
        assert!(!rules.wanted(Severity::General, [Resolution::Resend]));
    }

    #[test]
    fn the_wait_doubles_up_to_the_longest() {
        let rules = AskAgain { first_s: 30, longest_s: 100 };
        assert_eq!([0, 30, 60, 100].map(|before| rules.next_wait_s(before)), [30, 60, 100, 100]);
    }

    #[test]
    fn wrong_values_are_told() {
        let (before, ours) = SUPPLY_CHAIN.split_once("[orchestrator.follow_up]").unwrap();
        let ours =
            ours.replacen("[\"serious\"", "[\"terrible\"", 1).replacen("reopen_at_most = 2", "reopen_at_most = 6", 1);
        let text = format!("{before}[orchestrator.follow_up]{ours}");
        let error = Pack::parse("pack.toml", &text).unwrap_err().to_string();
        assert!(error.contains("orchestrator.follow_up.severities[0]: is not a severity"), "{error}");
        assert!(error.contains("orchestrator.follow_up.reopen_at_most: must be 0 to 5"), "{error}");
    }

    #[test]
    fn sums_are_amounts_and_days() {
        let text = SUPPLY_CHAIN.replacen("customer_days = 30", "customer_days = 0", 1);
        let text = text.replacen("order_max = 10_000", "order_max = -1", 1);
        let error = Pack::parse("pack.toml", &text).unwrap_err().to_string();
        assert!(error.contains("orchestrator.sums.customer_days: must be 1 to 730"), "{error}");
        assert!(error.contains("orchestrator.sums.order_max: must be 0 to"), "{error}");
    }

    #[test]
    fn a_reminder_after_the_lapse_is_told_with_its_line() {
        let error = |old: &str, new: &str| {
            let text = SUPPLY_CHAIN.replacen(old, new, 1);
            assert!(text != SUPPLY_CHAIN, "{old}");
            Pack::parse("pack.toml", &text).unwrap_err().to_string()
        };
        let line = 1 + SUPPLY_CHAIN.lines().position(|line| line.starts_with("question = { remind_days")).unwrap();
        let told = error("question = { remind_days = [3, 7]", "question = { remind_days = [3, 3, 15]");
        let why = "must rise, and be after the day itself and before lapse_days";
        for at in [1, 2] {
            let told_so = format!("pack.toml:{line}: orchestrator.silence.question.remind_days[{at}]: {why}");
            assert!(told.contains(&told_so), "{told}");
        }
        let told = error("lapse_days = 15", "lapse_days = 0");
        assert!(told.contains("orchestrator.silence.question.lapse_days: must be 1 to 365"), "{told}");
        assert!(error("then = \"withdrawn\"", "then = \"forgotten\"").contains("forgotten"));
        assert!(error("days = \"working\"", "days = \"bank\"").contains("bank"));
    }

    #[test]
    fn reminders_come_before_the_lapse() {
        let rule = &Pack::load(None).unwrap().orchestrator.silence.question;
        assert_eq!([0, 1, 2, 3].map(|before| rule.day(before)), [3, 7, 15, 15]);
    }
}
