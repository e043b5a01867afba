//! S35: each target takes a fixed number of inputs in every test run, the same each time. `FUZZ_SEED` and `FUZZ_TIMES`
//! make other and longer runs.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fuzz::mutate::{Dice, mutated};
use fuzz::{corpus, targets};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn drive(name: &str, inputs: u64) {
    let (_, target) = targets::ALL.into_iter().find(|(known, _)| *known == name).expect("there is such a target");
    let good = corpus::of(name);
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let inputs = inputs * number("FUZZ_TIMES").unwrap_or(1);
    let mut dice = Dice::new(seed);
    let mut slowest = (Duration::ZERO, 0);
    let changed = (0..inputs).map(|_| mutated(&good, &mut dice));
    for (place, input) in good.iter().cloned().chain(changed).enumerate() {
        let begun = Instant::now();
        let taken = catch_unwind(AssertUnwindSafe(|| target(&input)));
        slowest = slowest.max((begun.elapsed(), input.len()));
        if taken.is_err() {
            let hex = input.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            panic!("{name} panics; seed {seed}, input {place}: {hex}");
        }
    }
    println!(
        "{name}: {inputs} inputs of {} good ones; the slowest, {} bytes, took {:?}",
        good.len(),
        slowest.1,
        slowest.0
    );
}

#[test]
fn s35_event_decode() {
    drive("event_decode", 40_000);
}

#[test]
fn s35_claim_validation() {
    drive("claim_validation", 10_000);
}

#[test]
fn s35_page_token() {
    drive("page_token", 40_000);
}

#[test]
fn s35_policy_pack() {
    drive("policy_pack", 300);
}

#[test]
fn s35_csv_import() {
    drive("csv_import", 3_000);
}

#[test]
fn s35_evidence_sniff() {
    drive("evidence_sniff", 20_000);
}

#[test]
fn s35_token_parse() {
    drive("token_parse", 4_000);
}
