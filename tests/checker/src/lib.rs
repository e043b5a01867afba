//! Judges a run of Redress from outside: it links no service code, and reads only the public APIs, the public streams as
//! an ordinary subscriber, the log of the workload and the policy of the run.
//!
//! The program is built beside the one that breaks things, which calls it: `cargo build --package faults`. So that no
//! code of a service can come into it, all that it does is in this package.

mod api;
mod canaries;
mod checks;
mod evidence;
mod feed;
mod gather;
mod log;
mod report;
mod run;
#[cfg(test)]
mod sample;
mod subscriber;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Judge a run of Redress from outside. Start it before the workload.
#[derive(Debug, Parser)]
struct Args {
    /// Folder of the run, with `stack.json`, `workload.jsonl`, and `policy.toml` if it is not the pack that ships; the
    /// report is written there.
    #[arg(long, required_unless_present = "list")]
    dir: Option<PathBuf>,
    /// Claims behind a parked message may wait.
    #[arg(long)]
    expect_parked: bool,
    /// Seconds without progress after which a run is stuck.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    settle: u64,
    /// How the verdict is printed.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Print the checks with the promise that each refutes, and end.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line.
    Text,
    /// One line of JSON.
    Json,
}

/// The program. Exit code 0: no violation; 1: violations; 2: it could not judge.
#[tokio::main]
pub async fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for check in &checks::CHECKS {
            println!("{:4} {:9} {}", check.id, check.promises, check.says);
        }
        return ExitCode::SUCCESS;
    }
    let Some(dir) = &args.dir else { return ExitCode::from(2) };
    let settle = Duration::from_secs(args.settle);
    match run::run(run::Options { dir, expect_parked: args.expect_parked, settle }).await {
        Ok(report) => {
            match args.output {
                Output::Json => println!("{}", serde_json::to_string(&report).expect("a report is always JSON")),
                Output::Text => {
                    let (claims, violations) = (report.claims, report.violations.len());
                    println!(
                        "{claims} claims, {violations} violations, {:.1} s; see {}",
                        report.seconds,
                        dir.join("report.md").display()
                    );
                }
            }
            if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            eprintln!("checker: this run could not be judged: {error:#}");
            ExitCode::from(2)
        }
    }
}
