//! The test of the checker: known mistakes, planted one at a time into every service, each of which the named check must
//! find. A checker that has never failed proves nothing.

use crate::fault::{Fault, table};
use crate::run::{self, RunOptions};

/// Runs in which a mistake must be found.
const RUNS: u64 = 3;

/// A mistake.
#[derive(Clone, Copy, Debug)]
pub struct Bug {
    /// Its name in the code, as `crash::bug` has it.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The fault under which it shows.
    pub fault: &'static str,
    /// The checks of which one must find it.
    pub checks: &'static [&'static str],
}

/// Every mistake.
pub const BUGS: &[Bug] = &[
    Bug { name: "forget_answers", what: "a repeated request is not recognised", fault: "F00", checks: &["C2"] },
    Bug { name: "lose_order_text", what: "a description is stored changed", fault: "F00", checks: &["C1"] },
    Bug {
        name: "forget_release",
        what: "a withdrawn claim keeps its reservation",
        fault: "F00",
        checks: &["C3", "C9"],
    },
    Bug { name: "oversell", what: "consumed goods leave the books twice", fault: "F00", checks: &["C3"] },
    Bug { name: "event_after_end", what: "an event follows the end of a claim", fault: "F00", checks: &["C4"] },
    Bug { name: "skip_event_number", what: "a number of the public stream is left out", fault: "F00", checks: &["C5"] },
    Bug { name: "refund_twice", what: "a settlement is instructed twice", fault: "F00", checks: &["C6"] },
    Bug { name: "double_escalate", what: "a deadline is told to have passed twice", fault: "F03d", checks: &["C10"] },
    Bug { name: "escalate_early", what: "a deadline passes before its time", fault: "F00", checks: &["C10"] },
    Bug {
        name: "relay_skips_read_back",
        what: "what the broker lost is not published again",
        fault: "F07",
        checks: &["C5", "C6", "C9"],
    },
    Bug {
        name: "relay_cursor_by_max_id",
        what: "the relay goes by the highest number it has seen",
        fault: "F00",
        checks: &["C5", "C6", "C9"],
    },
    Bug {
        name: "any_order",
        what: "messages are taken in the order they come",
        fault: "F21",
        checks: &["C7", "C9", "C13"],
    },
];

/// Plants every mistake (or those named); false: one was not found.
pub async fn run(only: &[String], options: &RunOptions) -> bool {
    let mut all = true;
    let chosen = BUGS.iter().filter(|bug| only.is_empty() || only.iter().any(|name| name == bug.name));
    let (mut planted, mut found) = (0, 0);
    for bug in chosen {
        planted += 1;
        let Some(fault) = table().into_iter().find(|fault| fault.id == bug.fault) else { continue };
        let caught = catch(bug, &fault, options).await;
        found += u32::from(caught);
        all &= caught;
    }
    println!("{found} of {planted} mistakes found");
    all && planted > 0
}

async fn catch(bug: &Bug, fault: &Fault, options: &RunOptions) -> bool {
    for run in 0..RUNS {
        let options = RunOptions { seed: options.seed + run, bug: Some(bug.name.to_owned()), ..options.clone() };
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
