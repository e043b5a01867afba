//! `faults`: breaks everything around Redress, one fault after the other, and says what became of the claims.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use chassis::Settings;
use clap::{Parser, Subcommand, ValueEnum};
use faults::bugs::{self, Bug};
use faults::fault::{Fault, Sets, table};
use faults::rig::disk;
use faults::run::{self, Outcome, Report, RunOptions};
use faults::spoiled;
use local::SERVICES;

#[derive(Parser)]
#[command(version, about = "Breaks everything around Redress and lets the checker judge")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run faults: those for every change, unless told otherwise. Exit code 1 on any violation.
    Run(RunArguments),
    /// Test the checker: plant known mistakes, each of which it must find within three runs.
    Bugs {
        /// These only.
        #[arg(value_parser = Bug::named)]
        names: Vec<Bug>,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Claims per run.
        #[arg(long, default_value_t = 60)]
        claims: u32,
        /// Keep the folder of every run.
        #[arg(long)]
        keep: bool,
    },
    /// Every fault, what it does, and what keeps it from being done here.
    List,
    /// Serve one service, as the rig's processes do.
    #[command(hide = true)]
    Serve {
        /// The service.
        service: String,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// The whole matrix.
    #[arg(long, conflicts_with_all = ["only", "quick"])]
    all: bool,
    /// The short set that runs with the tests.
    #[arg(long, conflicts_with = "only")]
    quick: bool,
    /// These only, as F07,F09; F09 means F09 and its variants F09p, F09n, ...
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// What is random comes from here: the same seed gives the same workload and the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Claims per fault.
    #[arg(long)]
    claims: Option<u32>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Keep the folder of every run.
    #[arg(long)]
    keep: bool,
    /// Plant a mistake in every service, which the checker must find.
    #[arg(long, value_parser = Bug::named)]
    bug: Option<Bug>,
    /// The checker; else the one beside this program.
    #[arg(long)]
    checker: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.action, Action::Run(_) | Action::Bugs { .. }) {
        // Before there are threads.
        disk::separate();
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("faults: cannot start: {error}");
            return ExitCode::from(2);
        }
    };
    let result = runtime.block_on(act(arguments.action));
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn act(action: Action) -> Result<ExitCode> {
    match action {
        Action::Serve { service } => {
            let known = SERVICES.iter().find(|found| found.name == service).context("there is no such service")?;
            let service = spoiled::service(known, std::env::var("REDRESS_BUG").ok().as_deref());
            chassis::run(service, Settings::load(service, None)?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Action::List => {
            disk::separate();
            for fault in table() {
                println!("{:<5} {:<75} {}", fault.id, fault.what, fault.promise);
                if let Some(reason) = fault.obstacle() {
                    println!("      not done: {reason}");
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Bugs { names, seed, claims, keep } => {
            let program = std::env::current_exe()?;
            let checker = checker(&program, None)?;
            let options = RunOptions { seed, claims: Some(claims), keep, bug: None, program, checker };
            let found = bugs::run(&names, &options).await;
            Ok(if found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Action::Run(arguments) => run_all(arguments).await,
    }
}

async fn run_all(arguments: RunArguments) -> Result<ExitCode> {
    let faults = chosen(&arguments)?;
    let program = std::env::current_exe()?;
    let checker = checker(&program, arguments.checker)?;
    let options = RunOptions {
        seed: arguments.seed,
        claims: arguments.claims,
        keep: arguments.keep,
        bug: arguments.bug,
        program,
        checker,
    };
    let begun = Instant::now();
    let mut report = Report::default();
    for fault in &faults {
        let outcome = run::one(fault, &options).await;
        tell(&outcome, arguments.output);
        report.outcomes.push(outcome);
    }
    let violations = report.violations();
    match arguments.output {
        Output::Json => println!("{}", report.json()),
        Output::Text => {
            let done = report.outcomes.iter().filter(|outcome| outcome.not_done.is_none()).count();
            let seconds = begun.elapsed().as_secs_f64();
            println!("{done} faults, {violations} violations, {seconds:.0} s, seed {}", options.seed);
        }
    }
    Ok(if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn checker(program: &Path, given: Option<PathBuf>) -> Result<PathBuf> {
    let checker = given.unwrap_or_else(|| program.with_file_name("checker"));
    ensure!(checker.exists(), "there is no checker at {}: build it (cargo build --package faults)", checker.display());
    Ok(checker)
}

fn chosen(arguments: &RunArguments) -> Result<Vec<Fault>> {
    let mut faults = table();
    if !arguments.only.is_empty() {
        for wanted in &arguments.only {
            if !faults.iter().any(|fault| is_meant(fault, wanted)) {
                bail!("there is no fault {wanted}; see `faults list`");
            }
        }
        faults.retain(|fault| arguments.only.iter().any(|wanted| is_meant(fault, wanted)));
    } else if arguments.quick {
        faults.retain(|fault| fault.sets == Sets::Quick);
    } else if !arguments.all {
        faults.retain(|fault| fault.sets != Sets::All);
    }
    Ok(faults)
}

/// F09 means its variants, too; F09p means that one.
fn is_meant(fault: &Fault, wanted: &str) -> bool {
    let number = wanted.trim_start_matches('F').chars().all(|digit| digit.is_ascii_digit());
    fault.id == wanted || (number && fault.id.starts_with(wanted))
}

/// One line per fault, and on a violation where to look.
fn tell(outcome: &Outcome, output: Output) {
    let mut text = outcome.to_string();
    for violation in outcome.violations.iter().take(10) {
        text.push_str(&format!("\n      {violation}"));
    }
    if outcome.violations.len() > 10 {
        text.push_str(&format!("\n      and {} more", outcome.violations.len() - 10));
    }
    if let Some(folder) = &outcome.folder {
        text.push_str(&format!("\n      see {}", folder.join("report.md").display()));
        text.push_str(&format!(
            "\n      rig ready after {:.1} s, verdict {:.1} s after the workload: {}",
            outcome.start, outcome.judging, outcome.summary
        ));
    }
    match output {
        Output::Text => println!("{text}"),
        Output::Json => eprintln!("{text}"),
    }
}
