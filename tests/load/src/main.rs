//! The program `load`: `just bench`.

use std::process::ExitCode;

use clap::Parser;
use load::options::{Options, Output};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let output = options.output;
    let report = match load::runs::all(options).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(2);
        }
    };
    match output {
        Output::Table => println!("{}", report.table()),
        Output::Json => println!("{}", report.json()),
    }
    for problem in &report.problems {
        eprintln!("wrong: {problem}");
    }
    if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
