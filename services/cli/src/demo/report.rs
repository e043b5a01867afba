//! What came of the demo, and whether it is right.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use proto::claim::{ClaimState, WaitingFor};
use proto::orchestrator::Process;
use serde::Serialize;

use super::credits::Credits;
use super::data::CURRENCY;
use super::finish::{is_ended, is_stuck};
use super::measure::Counted;
use super::world::Log;
use crate::money;
use crate::output::{self, Output, table};
use crate::words::plain;

/// How long it took.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until the installation was ready.
    pub start: Duration,
    /// From then to the end.
    pub all: Duration,
    /// From the first claim to the end.
    pub claims: Duration,
}

/// What came of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Claims that were submitted.
    pub claims: usize,
    /// Ended: solved.
    pub closed: usize,
    /// Ended: refused with a reason.
    pub rejected: usize,
    /// Ended: withdrawn by the customer.
    pub withdrawn: usize,
    /// Open claims by the party they wait for.
    pub waiting: BTreeMap<String, usize>,
    /// Open claims that wait for nobody but Redress: must be 0.
    pub stuck: usize,
    /// Ended claims by state and reason.
    pub outcomes: BTreeMap<String, usize>,
    /// What became of each credit line of the file.
    pub credits: Credits,
    /// Currency of the amounts.
    pub currency: &'static str,
    /// What finance has paid.
    pub refunded_minor_units: i64,
    /// Kept of it for freight that customers bear.
    pub freight_kept_minor_units: i64,
    /// What the outside world says is owed: accepted returned units at the price paid. Must be the same, with the freight.
    pub owed_minor_units: i64,
    /// Units by what the warehouse found.
    pub counted_units: BTreeMap<&'static str, u64>,
    /// Settlements paid.
    pub settlements: usize,
    /// Parcels that the carrier has lost: a person decided to try again.
    pub lost_parcels: usize,
    /// Work items decided by people.
    pub work_items: u64,
    /// Transactions that recorded something about claims.
    pub commits: i64,
    /// The same for each claim.
    pub commits_per_claim: f64,
    /// Journalled messages.
    pub messages: i64,
    /// The same for each claim.
    pub messages_per_claim: f64,
    /// Public events of all claims.
    pub public_events: u64,
    /// Days by which every date of the data was moved.
    pub days_moved: i64,
    /// Seconds until the installation was ready.
    pub start_seconds: f64,
    /// Seconds from then to the end, imports included.
    pub seconds: f64,
    /// Seconds from the first claim to the end.
    pub claims_seconds: f64,
    /// What went wrong in the outside world or in the streams: must be empty.
    pub problems: Vec<String>,
}

impl Summary {
    /// Adds everything up.
    pub fn new(
        log: &Log,
        processes: &[Process],
        claims: usize,
        counted: Counted,
        times: Times,
        days_moved: i64,
    ) -> Self {
        let in_state = |state: ClaimState| processes.iter().filter(|process| process.state() == state).count();
        let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for process in processes {
            if is_ended(process.state()) {
                let state = plain::<ClaimState>(process.state);
                let reason = &process.end_reason;
                let outcome = if reason.is_empty() { state } else { format!("{state}: {reason}") };
                *outcomes.entry(outcome).or_default() += 1;
            } else if !is_stuck(process) {
                *waiting.entry(plain::<WaitingFor>(process.waiting_for)).or_default() += 1;
            }
        }
        // A claim whose process nobody knows is as stuck as one that does not move.
        let stuck =
            processes.iter().filter(|process| is_stuck(process)).count() + claims.saturating_sub(processes.len());
        #[expect(clippy::cast_precision_loss, reason = "counts of a demo are small")]
        let each = |count: i64| round(count as f64 / claims.max(1) as f64);
        Self {
            claims,
            closed: in_state(ClaimState::Closed),
            rejected: in_state(ClaimState::Rejected),
            withdrawn: in_state(ClaimState::Withdrawn),
            waiting,
            stuck,
            outcomes,
            credits: Credits::default(),
            currency: CURRENCY,
            refunded_minor_units: log.paid.values().map(|paid| paid.minor_units).sum(),
            freight_kept_minor_units: log.paid.values().map(|paid| paid.kept).sum(),
            owed_minor_units: log.owed.values().sum(),
            counted_units: log.counted.clone(),
            settlements: log.paid.len(),
            lost_parcels: log.lost.len(),
            work_items: log.decided,
            commits: counted.commits,
            commits_per_claim: each(counted.commits),
            messages: counted.messages,
            messages_per_claim: each(counted.messages),
            public_events: log.claims.values().map(|seen| u64::from(seen.number)).sum(),
            days_moved,
            start_seconds: round(times.start.as_secs_f64()),
            seconds: round(times.all.as_secs_f64()),
            claims_seconds: round(times.claims.as_secs_f64()),
            problems: log.problems.clone(),
        }
    }

    /// What must not be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.stuck > 0 {
            faults.push(format!("{} claims are stuck", self.stuck));
        }
        let (paid, kept, owed) = (self.refunded_minor_units, self.freight_kept_minor_units, self.owed_minor_units);
        if paid + kept != owed {
            faults.push(format!(
                "{paid} minor units were refunded and {kept} kept for freight, but accepted units at the price paid are {owed}"
            ));
        }
        let accounted =
            self.closed + self.rejected + self.withdrawn + self.stuck + self.waiting.values().sum::<usize>();
        if accounted != self.claims {
            faults.push(format!("{} claims, but {accounted} outcomes", self.claims));
        }
        faults.extend(self.problems.iter().cloned());
        faults
    }

    /// Prints it.
    pub fn print(&self, output: Output) -> Result<()> {
        if output.is_json() {
            return output::json(self);
        }
        let mut outcomes = table(["claims", "outcome"]);
        for (outcome, claims) in &self.outcomes {
            outcomes.add_row([claims.to_string(), outcome.clone()]);
        }
        for (party, claims) in &self.waiting {
            outcomes.add_row([claims.to_string(), format!("open, waits for {party}")]);
        }
        outcomes.add_row([self.stuck.to_string(), "stuck".to_owned()]);
        outcomes.add_row([self.claims.to_string(), "claims in all".to_owned()]);
        output::line(format!("\n{outcomes}"))?;
        let mut credits = table(["lines", "of the file"]);
        for (lines, what) in self.credits.rows() {
            credits.add_row([lines.to_string(), what]);
        }
        output::line(credits)?;
        let mut facts = table(["what", "how much"]);
        let units: Vec<String> = self.counted_units.iter().map(|(what, units)| format!("{units} {what}")).collect();
        for (what, how_much) in [
            ("refunded", format!("{} {CURRENCY}", money::amount(self.refunded_minor_units, CURRENCY))),
            ("kept for freight", format!("{} {CURRENCY}", money::amount(self.freight_kept_minor_units, CURRENCY))),
            ("owed for accepted units", format!("{} {CURRENCY}", money::amount(self.owed_minor_units, CURRENCY))),
            ("returned units", units.join(", ")),
            ("lost by the carrier", format!("{} parcel(s)", self.lost_parcels)),
            ("decided by people", format!("{} work item(s)", self.work_items)),
            ("messages", format!("{}, {} a claim", self.messages, self.messages_per_claim)),
            ("commits", format!("{}, {} a claim", self.commits, self.commits_per_claim)),
            ("public events", self.public_events.to_string()),
            ("seconds", format!("{} with imports, {} for the claims", self.seconds, self.claims_seconds)),
        ] {
            facts.add_row([what.to_owned(), how_much]);
        }
        output::line(facts)
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::super::world::Paid;
    use super::*;

    fn summary(log: &Log, processes: &[Process]) -> Summary {
        let times = Times { start: Duration::ZERO, all: Duration::from_millis(1234), claims: Duration::ZERO };
        Summary::new(log, processes, 2, Counted { commits: 7, messages: 9 }, times, 0)
    }

    #[test]
    fn a_right_demo_has_no_faults() {
        let closed = Process { state: ClaimState::Closed.into(), ..Process::default() };
        let waits = Process {
            state: ClaimState::AwaitingCustomer.into(),
            waiting_for: WaitingFor::Customer.into(),
            ..Process::default()
        };
        let mut log = Log::default();
        log.paid.insert("s".to_owned(), Paid { minor_units: 240, kept: 10, ..Paid::default() });
        log.owed.insert("c".to_owned(), 250);
        let summary = summary(&log, &[closed, waits]);
        assert_eq!(summary.faults(), Vec::<String>::new());
        assert_eq!((summary.closed, summary.waiting["customer"], summary.stuck), (1, 1, 0));
        assert_eq!((summary.commits_per_claim, summary.seconds), (3.5, 1.23));
    }

    #[test]
    fn wrong_money_lost_claims_and_problems_are_faults() {
        let mut log = Log::default();
        log.paid.insert("s".to_owned(), Paid { minor_units: 251, ..Paid::default() });
        log.owed.insert("c".to_owned(), 250);
        log.problems.push("a stream has a gap".to_owned());
        let summary = summary(&log, &[]);
        assert_eq!(summary.stuck, 2);
        assert_eq!(summary.faults().len(), 3);
    }
}
