//! The test of the checker: known mistakes, planted one at a time into every service, each of which the named check must
//! find. A checker that has never failed proves nothing.

use crate::fault::{Fault, table};
use crate::run::{self, RunOptions};

/// Runs in which a mistake must be found.
const RUNS: u64 = 3;

/// A mistake.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name, as [`crate::spoiled`] knows it, or in the engine `crash::bug`.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The fault under which it shows.
    pub fault: &'static str,
    /// The checks of which one must find it.
    pub checks: &'static [&'static str],
    /// Settings of every service without which it cannot show; see `RigOptions`.
    pub settings: &'static [(&'static str, &'static str)],
    /// The database that makes the mistake, and what is planted in it.
    pub spoil: Option<(&'static str, &'static str)>,
}

impl Bug {
    const fn new(name: &'static str, what: &'static str, fault: &'static str, checks: &'static [&'static str]) -> Self {
        Self { name, what, fault, checks, settings: &[], spoil: None }
    }

    /// The mistake with this name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn named(name: &str) -> Result<Self, String> {
        BUGS.iter().find(|bug| bug.name == name).copied().ok_or_else(|| {
            let names: Vec<_> = BUGS.iter().map(|bug| bug.name).collect();
            format!("there is no such mistake; there are {}", names.join(", "))
        })
    }
}

/// Every mistake.
pub const BUGS: &[Bug] = &[
    Bug::new("forget_answers", "a repeated request is not recognised", "F00", &["C2"]),
    Bug::new("lose_order_text", "a description is stored changed", "F00", &["C1"]),
    Bug::new("forget_release", "a withdrawn claim keeps its reservation", "F00", &["C3", "C9"]),
    Bug {
        spoil: Some(("inventory", include_str!("spoiled/oversell.sql"))),
        ..Bug::new("oversell", "consumed goods leave the books twice", "F00", &["C3"])
    },
    Bug::new("event_after_end", "an event follows the end of a claim", "F00", &["C4"]),
    Bug {
        spoil: Some(("orchestrator", include_str!("spoiled/skip_event_number.sql"))),
        ..Bug::new("skip_event_number", "a number of the public stream is left out", "F00", &["C5"])
    },
    Bug::new("refund_twice", "a settlement is instructed twice", "F00", &["C6"]),
    Bug::new("double_escalate", "a deadline is told to have passed twice", "F03d", &["C10"]),
    Bug {
        spoil: Some(("escalation", include_str!("spoiled/escalate_early.sql"))),
        ..Bug::new("escalate_early", "a deadline passes before its time", "F00", &["C10"])
    },
    Bug::new("relay_skips_read_back", "what the broker lost is not published again", "F07", &["C5", "C6", "C9"]),
    // With one lane numbers are committed in their order.
    Bug {
        settings: &[("LANES__COUNT", "4")],
        ..Bug::new(
            "relay_cursor_by_max_id",
            "the relay goes by the highest number it has seen",
            "F00",
            &["C5", "C6", "C9"],
        )
    },
    Bug::new("any_order", "messages are taken in the order they come", "F21", &["C7", "C9", "C13"]),
];

/// Plants every mistake (or those named); false: one was not found.
pub async fn run(only: &[Bug], options: &RunOptions) -> bool {
    let chosen = if only.is_empty() { BUGS } else { only };
    let (planted, mut found) = (chosen.len(), 0);
    for bug in chosen {
        let Some(fault) = table().into_iter().find(|fault| fault.id == bug.fault) else { continue };
        found += usize::from(catch(bug, &fault, options).await);
    }
    println!("{found} of {planted} mistakes found");
    found == planted
}

async fn catch(bug: &Bug, fault: &Fault, options: &RunOptions) -> bool {
    for run in 0..RUNS {
        let options = RunOptions { seed: options.seed + run, bug: Some(*bug), ..options.clone() };
        let mut outcome = run::one(fault, &options).await;
        let named = |violation: &&String| bug.checks.iter().any(|check| violation.starts_with(&format!("{check} ")));
        let hit = outcome.violations.iter().find(named);
        let (name, what, seconds) = (bug.name, bug.what, outcome.seconds);
        match hit {
            Some(violation) => {
                println!("{name:<24} found     run {} of {RUNS}, {seconds:.0} s  {what}: {violation}", run + 1);
                if !options.keep {
                    outcome.remove_folder();
                }
                return true;
            }
            None => {
                let others: Vec<_> = outcome.violations.iter().take(3).collect();
                println!(
                    "{name:<24} not found run {} of {RUNS}, {seconds:.0} s  {what}; found instead: {others:?}",
                    run + 1
                );
            }
        }
    }
    false
}
