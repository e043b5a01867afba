//! What makes a pack wrong for triage: every gap, overlap and contradiction, told with its path.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;

use super::{
    ArticleTerms, Authority, Calendars, CategoryRule, EndsOn, Length, PriorityRules, SeverityRules, Term, Triage,
    Windows, Word, WorkItems,
};
use crate::claim::{Category, Resolution, Role, Severity};
use crate::policy::Problems;

/// Greatest amount in minor units, as everywhere in the contract.
const MONEY_MAX: i64 = 10_000_000_000_000;
/// Greatest score.
const SCORE_MAX: u32 = 1000;
/// Greatest term in days: a century is a mistake.
const DAYS_MAX: u32 = 3650;

impl Triage {
    pub(in crate::policy) fn check(&self, problems: &mut Problems, currency: &str, calendars: &Calendars) {
        for (path, skus) in
            [("triage.non_goods", &self.non_goods), ("triage.delivery_fee.skus", &self.delivery_fee.skus)]
        {
            let fits = |sku: &String| (1..=64).contains(&sku.chars().count());
            problems.require(skus.iter().all(fits), path, "an SKU has 1 to 64 characters");
        }
        amount(problems, "triage.value_high", self.value_high);
        amount(problems, "triage.collect_from", self.collect_from);
        amount(problems, "triage.freight.outbound", self.freight.outbound);
        amount(problems, "triage.freight.inbound", self.freight.inbound);
        problems.require(
            self.value_high > self.authority.claim_max,
            "triage.value_high",
            "must be above authority.claim_max: what is automatic needs no person",
        );
        self.rates.check(currency, problems);
        self.severity.check(problems);
        self.priority.check(problems);
        self.check_categories(problems);
        self.check_terms(problems, calendars);
        self.check_promised_days(problems);
        problems.require(
            !self.consent.not_needed.contains(&Word(Resolution::ReturnRefund)),
            "triage.consent.not_needed",
            "nobody sends goods back without being asked",
        );
        self.authority.check(problems);
        self.work_items.check(problems);
    }

    /// The table of categories has no gap (S0-26).
    fn check_categories(&self, problems: &mut Problems) {
        for number in 1.. {
            let Ok(category) = Category::try_from(number) else { break };
            let name = Word(category);
            match self.categories.get(&name) {
                Some(rule) => rule.check(problems, &format!("triage.categories.{name}")),
                None => problems.add(format!("triage.categories.{name}"), "there is no rule for this category"),
            }
        }
    }

    fn check_terms(&self, problems: &mut Problems, calendars: &Calendars) {
        let check = |problems: &mut Problems, path: String, term: &Term| term.check(problems, &path, calendars);
        windows(problems, "triage", &self.windows, &self.warranty, calendars);
        for (category, rule) in &self.categories {
            let own = rule.window.iter().map(|term| ("window", term));
            for (name, term) in own.chain(rule.warranty.iter().map(|term| ("warranty", term))) {
                check(problems, format!("triage.categories.{category}.{name}"), term);
            }
        }
        articles(problems, "triage", &self.articles, calendars);
        for (at, earlier) in self.earlier_terms.iter().enumerate() {
            let path = format!("triage.earlier_terms[{at}]");
            windows(problems, &path, &earlier.windows, &earlier.warranty, calendars);
            for (category, own) in &earlier.categories {
                let terms = own.window.iter().map(|term| ("window", term));
                for (name, term) in terms.chain(own.warranty.iter().map(|term| ("warranty", term))) {
                    check(problems, format!("{path}.categories.{category}.{name}"), term);
                }
            }
            articles(problems, &path, &earlier.articles, calendars);
        }
        for (at, pair) in self.earlier_terms.windows(2).enumerate() {
            let path = format!("triage.earlier_terms[{}].last_day", at + 1);
            problems.require(pair[1].last_day > pair[0].last_day, path, "must be after that of the entry before");
        }
        problems.require(self.delivery_days_max <= DAYS_MAX, "triage.delivery_days_max", "must be 0 to 3650 days");
    }

    fn check_promised_days(&self, problems: &mut Problems) {
        let days = &self.promised_days;
        for (name, days) in [
            ("replace", days.replace),
            ("resend", days.resend),
            ("return_refund", days.return_refund),
            ("refund_only", days.refund_only),
            ("technical_support", days.technical_support),
        ] {
            let path = format!("triage.promised_days.{name}");
            problems.require((1..=365).contains(&days), path, "must be 1 to 365 days");
        }
    }
}

impl SeverityRules {
    fn check(&self, problems: &mut Problems) {
        problems.require(self.batch_wide_units > 0, "triage.severity.batch_wide_units", "begins at 1");
        match self.value.first() {
            None => problems.add("triage.severity.value", "must have a band"),
            Some(first) => {
                problems.require(first.from == 0, "triage.severity.value[0].from", "the first band begins at 0");
            }
        }
        for (at, pair) in self.value.windows(2).enumerate() {
            let path = format!("triage.severity.value[{}]", at + 1);
            problems.require(
                pair[1].from > pair[0].from,
                format!("{path}.from"),
                "must be above the band before: bands do not overlap",
            );
            problems.require(
                pair[1].severity > pair[0].severity,
                format!("{path}.severity"),
                "must be worse than in the band before",
            );
        }
        for (at, band) in self.value.iter().enumerate() {
            amount(problems, &format!("triage.severity.value[{at}].from"), band.from);
        }
    }
}

impl PriorityRules {
    fn check(&self, problems: &mut Problems) {
        let weights = &self.weights;
        let sum = u64::from(weights.severity) + u64::from(weights.urgency) + u64::from(weights.importance);
        problems.require(
            sum == u64::from(SCORE_MAX),
            "triage.priority.weights",
            format!("must add up to 1000, not {sum}"),
        );
        score(problems, "triage.priority.operation_stopped", self.operation_stopped);
        let scores = self.severity.rising();
        problems.require(
            scores.is_sorted() && *scores[3] <= SCORE_MAX,
            "triage.priority.severity",
            "scores must rise with severity, to at most 1000",
        );
        problems.require(
            self.importance.is_sorted() && self.importance[3] <= SCORE_MAX,
            "triage.priority.importance",
            "scores must rise with importance, to at most 1000",
        );
    }
}

impl CategoryRule {
    fn check(&self, problems: &mut Problems, path: &str) {
        score(problems, &format!("{path}.urgency"), self.urgency);
        let distinct: BTreeSet<_> = self.resolutions.iter().collect();
        let list = format!("{path}.resolutions");
        problems.require(distinct.len() == self.resolutions.len(), list.as_str(), "names a resolution twice");
        problems.require(!self.allows(Resolution::Reject), list, "refusing is no candidate: windows refuse");
        problems.require(
            self.allows(self.default.0),
            format!("{path}.default"),
            format!("{} is not among the resolutions", self.default),
        );
    }
}

impl Authority {
    fn check(&self, problems: &mut Problems) {
        amount(problems, "triage.authority.claim_max", self.claim_max);
        for severity in [Severity::Minor, Severity::General, Severity::Serious, Severity::Urgent].map(Word) {
            let path = format!("triage.authority.line_max.{severity}");
            match (self.line_max.get(&severity), self.excluded.contains(&severity)) {
                (None, false) => problems.add(path, "must be given, or the severity excluded"),
                (Some(_), true) => problems.add(path, "must not be given: the severity is excluded"),
                (None, true) => {}
                (Some(max), false) => {
                    for (name, limit) in [
                        ("replace", max.replace),
                        ("resend", max.resend),
                        ("return_refund", max.return_refund),
                        ("refund_only", max.refund_only),
                    ] {
                        let path = format!("{path}.{name}");
                        amount(problems, &path, limit);
                        problems.require(limit <= self.claim_max, path, "must not be above authority.claim_max");
                    }
                }
            }
        }
        for role in [Role::Specialist, Role::Supervisor, Role::Quality].map(Word) {
            let path = format!("triage.authority.person_max.{role}");
            problems.require(self.person_max.contains_key(&role), path, "must be given");
        }
        for (role, limit) in &self.person_max {
            amount(problems, &format!("triage.authority.person_max.{role}"), *limit);
        }
    }
}

impl WorkItems {
    fn check(&self, problems: &mut Problems) {
        let hours = self.due_hours.rising();
        problems.require(
            hours.iter().all(|hours| (1..=720).contains(*hours)),
            "triage.work_items.due_hours",
            "must be 1 to 720 working hours",
        );
        problems.require(
            hours.is_sorted_by(|milder, worse| milder >= worse),
            "triage.work_items.due_hours",
            "what is worse must not be due later",
        );
    }
}

fn amount(problems: &mut Problems, path: &str, amount: i64) {
    problems.require((0..=MONEY_MAX).contains(&amount), path, "must be an amount from 0 to 10^13 minor units");
}

fn score(problems: &mut Problems, path: &str, score: u32) {
    problems.require(score <= SCORE_MAX, path, "must be 0 to 1000");
}

/// Terms by kind. Warranty goes on where the window for refunds ends.
fn windows(problems: &mut Problems, path: &str, windows: &Windows, warranty: &Term, calendars: &Calendars) {
    for (name, term) in [
        ("windows.quality", &windows.quality),
        ("windows.change_of_mind", &windows.change_of_mind),
        ("windows.fulfilment", &windows.fulfilment),
        ("warranty", warranty),
    ] {
        term.check(problems, &format!("{path}.{name}"), calendars);
    }
    let last = |term: &Term| term.last_day(date(2026, 1, 1), None, calendars);
    problems.require(
        warranty.from != windows.quality.from || last(warranty) >= last(&windows.quality),
        format!("{path}.warranty"),
        "must not end before windows.quality",
    );
}

fn articles(problems: &mut Problems, path: &str, articles: &BTreeMap<String, ArticleTerms>, calendars: &Calendars) {
    for (sku, own) in articles {
        let path = format!("{path}.articles.{sku}");
        problems.require((1..=64).contains(&sku.chars().count()), path.as_str(), "an SKU has 1 to 64 characters");
        for (name, term) in [
            ("quality", &own.quality),
            ("change_of_mind", &own.change_of_mind),
            ("fulfilment", &own.fulfilment),
            ("warranty", &own.warranty),
        ] {
            term.iter().for_each(|term| term.check(problems, &format!("{path}.{name}"), calendars));
        }
    }
}

impl Term {
    fn check(&self, problems: &mut Problems, path: &str, calendars: &Calendars) {
        self.length().check(problems, path);
        match (self.ends_on, &self.calendar) {
            (EndsOn::WorkingDay, None) => {
                problems.add(format!("{path}.ends_on"), "needs the name of a calendar of [escalation]: calendar = ...");
            }
            (EndsOn::WorkingDay, Some(name)) if !calendars.contains_key(name) => {
                problems.add(format!("{path}.calendar"), format!("there is no calendar `{name}`"));
            }
            (EndsOn::AnyDay, Some(_)) => {
                problems.add(format!("{path}.calendar"), "is for ends_on = \"working_day\" only");
            }
            (EndsOn::WorkingDay, Some(_)) | (EndsOn::AnyDay, None) => {}
        }
        if let Some(longer) = &self.after_repair {
            longer.check(problems, &format!("{path}.after_repair"));
        }
    }
}

impl Length {
    fn check(self, problems: &mut Problems, path: &str) {
        let given = [("days", self.days, DAYS_MAX), ("months", self.months, 360), ("years", self.years, 30)];
        let given: Vec<_> = given.into_iter().filter_map(|(unit, number, max)| Some((unit, number?, max))).collect();
        let [(unit, number, max)] = given[..] else {
            problems.add(path, "must have exactly one of days, months and years");
            return;
        };
        let why = format!("must be 1 to {max} {unit}");
        problems.require((1..=max).contains(&number), format!("{path}.{unit}"), why);
    }
}
