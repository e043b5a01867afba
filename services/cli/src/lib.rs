//! The command line of Redress: for people, for scripts, and for a first look at the product (`redress demo`).
//!
//! - [`args`]: what can be asked. [`exit`]: how it ends. [`output`]: tables for people, JSON for scripts.
//! - [`connect`]: where the services are, and who asks.
//! - [`up`], [`serve`]: a whole installation on this machine.
//! - [`import`]: CSV files. [`claim`], [`work`], [`shipment`], [`settlement`], [`parked`]: one file per noun.
//! - [`rebuild`]: after the broker has lost its disk.
//! - [`demo`]: real sales and returns, with the outside world played by clients.
//!
//! It is a client: it knows the contract, no service and no table, but for `up`, `serve` and the counting of `demo`.

pub mod args;
pub mod claim;
pub mod connect;
pub mod demo;
pub mod exit;
pub mod import;
pub mod money;
pub mod output;
pub mod parked;
pub mod rebuild;
pub mod serve;
pub mod settlement;
pub mod shipment;
pub mod up;
pub mod words;
pub mod work;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use args::{Args, Command};
use connect::Session;

/// The whole of the program.
pub fn main() -> ExitCode {
    let args = Args::parse();
    let output = args.global.output;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&error.into(), output),
    };
    let result = runtime.block_on(run(args));
    // A resolver or a reader of standard input may still be blocked.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, output),
    }
}

async fn run(args: Args) -> Result<()> {
    let global = &args.global;
    match args.command {
        Command::Up(command) => up::run(command, global.output).await,
        Command::Serve(command) => serve::run(command).await,
        Command::Demo(command) => demo::run(command, global.output).await,
        Command::Import(command) => import::run(command, &Session::open(global)?).await,
        Command::Claim(command) => claim::run(command, &Session::open(global)?).await,
        Command::Work(command) => work::run(command, &Session::open(global)?).await,
        Command::Shipment(command) => shipment::run(command, &Session::open(global)?).await,
        Command::Settlement(command) => settlement::run(command, &Session::open(global)?).await,
        Command::Rebuild(command) => rebuild::run(command, &Session::open(global)?).await,
        Command::Parked(command) => parked::run(command, &Session::open(global)?).await,
    }
}
