//! The command line of Redress: for people, for scripts, and for a first look at the product (`redress demo`).
//!
//! - [`args`]: what can be asked, [`usage`]: and what cannot be read of it. [`exit`]: how it ends. [`output`]: tables for people, JSON for scripts.
//! - [`connect`]: where the services are. [`identity`], [`token`]: who asks.
//! - [`up`], [`serve`]: a whole installation on this machine.
//! - [`import`]: CSV files. [`claim`], [`evidence`], [`customer`], [`work`], [`order`], [`stock`], [`returns`], [`shipment`],
//!   [`settlement`], [`parked`]: one file per noun. [`pages`]: lists. [`reasons`]: stable codes in plain words.
//!   [`policy`]: what a pack says.
//! - [`rebuild`]: after the broker has lost its disk. [`audit`]: whether the past is what it was.
//! - [`clock`]: the time of a rehearsal. [`rehearse`]: a story of a pack, step by step.
//! - [`call`]: any call by its JSON, by [`wire`].
//! - [`demo`]: real sales and returns, with the outside world played by clients.
//!
//! It is a client: it knows the contract, no service and no table, but for `up`, `serve`, `rehearse` and the counting of `demo`.

pub mod again;
pub mod args;
pub mod audit;
pub mod call;
pub mod claim;
pub mod clock;
pub mod connect;
pub mod customer;
pub mod demo;
pub mod evidence;
pub mod exit;
pub mod global;
pub mod identity;
pub mod import;
pub mod installation;
pub mod item;
pub mod lines;
pub mod money;
pub mod order;
pub mod output;
pub mod pages;
pub mod parked;
pub mod policy;
pub mod reasons;
pub mod rebuild;
pub mod rehearse;
pub mod returns;
pub mod serve;
pub mod settlement;
pub mod shipment;
pub mod stock;
pub mod subscriber;
pub mod technician;
pub mod token;
pub mod trust;
pub mod up;
pub mod usage;
pub mod visit;
pub mod wire;
pub mod words;
pub mod work;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use args::{Args, Command};
use connect::Session;

/// The whole of the program.
pub fn main() -> ExitCode {
    let args = usage::parse(std::env::args_os().collect());
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
        Command::Clock(command) => clock::run(command, global).await,
        Command::Rehearse(command) => rehearse::run(command, global).await,
        Command::Token(command) => token::run(&command, global),
        Command::Demo(command) => demo::run(command, global.output).await,
        Command::Import(command) => import::run(command, &Session::open(global, "integration,warehouse")?).await,
        Command::Claim(command) => claim::run(command, &Session::open(global, "specialist")?).await,
        Command::Evidence(command) => evidence::run(command, &Session::open(global, "specialist")?).await,
        Command::Customer(command) => customer::run(command, &Session::open(global, "legal")?).await,
        Command::Work(command) => work::run(command, &Session::open(global, "supervisor")?).await,
        Command::Order(command) => order::run(command, &Session::open(global, "specialist")?).await,
        Command::Stock(command) => stock::run(command, &Session::open(global, "warehouse")?).await,
        Command::Return(command) => returns::run(command, &Session::open(global, "warehouse")?).await,
        Command::Shipment(command) => shipment::run(command, &Session::open(global, "logistics")?).await,
        Command::Visit(command) => visit::run(command, &Session::open(global, "logistics")?).await,
        Command::Technician(command) => technician::run(command, &Session::open(global, "logistics")?).await,
        Command::Settlement(command) => settlement::run(command, &Session::open(global, "finance")?).await,
        Command::Call(command) => call::run(command, global).await,
        Command::Reasons(command) => reasons::run(&command, global.output),
        Command::Subscriber(command) => subscriber::run(&command, global.output),
        Command::Policy(command) => policy::run(&command, global.output),
        Command::Rebuild(command) => rebuild::run(command, &Session::open(global, "operator")?).await,
        Command::Audit(audit::Audit::Key { file }) => audit::key(&file),
        Command::Audit(audit::Audit::Verify(command)) => {
            audit::verify(command, &Session::open(global, "auditor")?).await
        }
        Command::Parked(command) => parked::run(command, &Session::open(global, "operator")?).await,
    }
}
