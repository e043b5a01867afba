//! The program `load`: `just bench`.

use std::process::ExitCode;

use clap::Parser;
use load::options::{Options, Output};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let output = options.output;
    if let Some(against) = &options.against {
        return match load::versus::run(&options, against).await {
            Ok(found) => end(output, &found.table(), &found.json(), &found.problems()),
            Err(error) => broken(&error),
        };
    }
    match load::runs::all(options).await {
        Ok(report) => end(output, &report.table(), &report.json(), &report.problems),
        Err(error) => broken(&error),
    }
}

fn broken(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(2)
}

fn end(output: Output, table: &str, json: &str, problems: &[String]) -> ExitCode {
    match output {
        Output::Table => println!("{table}"),
        Output::Json => println!("{json}"),
    }
    for problem in problems {
        eprintln!("wrong: {problem}");
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
