//! The checks: each refutes a promise by what it finds, and knows nothing of how the services are made.

mod c01;
mod c02;
mod c03;
mod c04;
mod c05;
mod c06;
mod c07;
mod c08;
mod c09;
mod c10;
mod c13;
mod c14;
mod c15;

pub use c09::is_named;
pub use c13::latency;

use crate::evidence::{Evidence, Violation};

/// One check.
pub struct Check {
    /// Name, as `C5`.
    pub id: &'static str,
    /// Promises that it refutes, as `G7`.
    pub promises: &'static str,
    /// The promise in a sentence.
    pub says: &'static str,
    /// Looks for violations. Pure.
    pub run: fn(&Evidence) -> Vec<Violation>,
}

/// Every check.
pub const CHECKS: [Check; 13] = [
    Check {
        id: "C1",
        promises: "G1",
        says: "What was acknowledged can be read back with the content that was acknowledged.",
        run: c01::check,
    },
    Check {
        id: "C2",
        promises: "G2",
        says: "One request id has one effect and one answer; with another request it is refused.",
        run: c02::check,
    },
    Check {
        id: "C3",
        promises: "G4 G5 G6",
        says: "Stock and money add up, nothing is promised twice, and an ended claim holds neither stock nor a booking.",
        run: c03::check,
    },
    Check {
        id: "C4",
        promises: "G3",
        says: "A claim ends at most once, nothing follows its end, and everybody names the same outcome.",
        run: c04::check,
    },
    Check {
        id: "C5",
        promises: "G7 G15",
        says: "Every subscriber sees the events of a claim as 1, 2, 3 … without gaps, and all see the same.",
        run: c05::check,
    },
    Check {
        id: "C6",
        promises: "G6",
        says: "Each shipment, settlement, notice, escalation and work item is there exactly once.",
        run: c06::check,
    },
    Check {
        id: "C7",
        promises: "G8",
        says: "The events of a claim tell the state that the services tell.",
        run: c07::check,
    },
    Check {
        id: "C8",
        promises: "G9",
        says: "Of racing decisions one wins, and what callers were told about a claim fits one order.",
        run: c08::check,
    },
    Check {
        id: "C9",
        promises: "G12 G16",
        says: "Every claim has ended or waits for somebody named, 30 s after the last fault.",
        run: c09::check,
    },
    Check {
        id: "C10",
        promises: "G13",
        says: "A deadline that passes is escalated exactly once, not early, at most 10 s late (15 s after an outage); \
               what a customer does not answer is reminded and lapses.",
        run: c10::check,
    },
    Check {
        id: "C13",
        promises: "G14",
        says: "The parked messages are exactly the bad ones, each with its reason, within 60 s.",
        run: c13::check,
    },
    Check {
        id: "C14",
        promises: "G19 G20",
        says: "SIGTERM ends a process in 25 s with exit code 0; after a fault it is ready within 15 s.",
        run: c14::check,
    },
    Check {
        id: "C15",
        promises: "G5",
        says: "What is given without a person is no more than the policy lets rules give to an order and a customer, and who \
               confirms a payment had no hand in it.",
        run: c15::check,
    },
];

/// All violations. What cannot be read makes every other check blind: then only that is told (C9).
pub fn run(evidence: &Evidence) -> Vec<Violation> {
    if !evidence.unread.is_empty() {
        return c09::check(evidence);
    }
    CHECKS.iter().flat_map(|check| (check.run)(evidence)).collect()
}

#[cfg(test)]
mod tests {
    use crate::sample;

    #[test]
    fn a_good_run_has_no_violation() {
        assert_eq!(super::run(&sample::good()), Vec::new());
    }

    #[test]
    fn a_read_that_fails_is_told_alone() {
        let mut evidence = sample::good();
        evidence.claims.clear();
        evidence.unread.push("intake list_claims: Unavailable".to_owned());
        let found = super::run(&evidence);
        assert_eq!(found.iter().map(|violation| violation.check).collect::<Vec<_>>(), ["C9"]);
    }
}
