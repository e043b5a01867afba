//! What can be asked of `redress`.

use clap::{Parser, Subcommand};

use crate::global::Global;
use crate::{
    audit, call, claim, clock, customer, demo, evidence, exit, import, order, parked, policy, reasons, rebuild,
    rehearse, returns, serve, settlement, shipment, stock, subscriber, technician, token, up, visit, work,
};

/// Redress takes an after-sales claim from the first report to the last follow-up.
#[derive(Debug, Parser)]
#[command(name = "redress", version, after_help = exit::HELP, max_term_width = 120)]
pub struct Args {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start all of Redress on this machine, on a private PostgreSQL and NATS, until SIGINT or SIGTERM.
    Up(up::Up),
    /// Serve one service in this process, configured by variables as REDRESS_INTAKE__DATABASE__URL.
    Serve(serve::Serve),
    /// Real sales and returns on a private installation, with carrier, warehouse, finance and customers played by clients.
    Demo(demo::Demo),
    /// The time of a rehearsal.
    #[command(subcommand)]
    Clock(clock::Clock),
    /// Play the story of a policy pack on a private installation, and compare each step with what is expected.
    Rehearse(rehearse::Rehearse),
    /// Print a bearer token for the installation that runs on this machine.
    Token(token::Token),
    /// Import a CSV file.
    #[command(subcommand)]
    Import(import::Import),
    /// Claims of customers.
    #[command(subcommand)]
    Claim(claim::Claim),
    /// Pictures, videos and documents of a claim.
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    /// Personal data of customers: who has read them, and how a customer is forgotten.
    #[command(subcommand)]
    Customer(customer::Customer),
    /// What waits for a person.
    #[command(subcommand)]
    Work(work::Work),
    /// What was sold, in every version, and what is left to claim.
    #[command(subcommand)]
    Order(order::Order),
    /// Goods in the warehouses: what is where, and why.
    #[command(subcommand)]
    Stock(stock::Stock),
    /// Goods that come back: what is expected, what came in what condition, what is done with it.
    #[command(subcommand)]
    Return(returns::Return),
    /// Parcels to and from customers.
    #[command(subcommand)]
    Shipment(shipment::Shipment),
    /// Visits of technicians to customers.
    #[command(subcommand)]
    Visit(visit::Visit),
    /// Technicians who are sent to customers.
    #[command(subcommand)]
    Technician(technician::Technician),
    /// Money to customers.
    #[command(subcommand)]
    Settlement(settlement::Settlement),
    /// Any call of the services by its JSON.
    Call(call::Call),
    /// What stable codes mean, as OUTSIDE_WINDOW.
    Reasons(reasons::Reasons),
    /// Print the account of a subscriber of the public streams, for the configuration of the broker.
    Subscriber(subscriber::Subscriber),
    /// What a policy pack says.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Messages that could not be processed.
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Whether what people decided, and which personal data they read, is still what it was.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// After the broker has lost its disk: make its streams again and publish all journals again.
    Rebuild(rebuild::Rebuild),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_anywhere() {
        let args = Args::try_parse_from(["redress", "claim", "show", "RD-2026-000001", "--output", "json"]).unwrap();
        assert_eq!(args.global.output, crate::output::Output::Json);
        let args =
            Args::try_parse_from(["redress", "--actor", "anna", "work", "list", "--role", "supervisor"]).unwrap();
        assert_eq!(args.global.actor.as_deref(), Some("anna"));
        assert!(Args::try_parse_from(["redress", "work", "list", "--role", "king"]).is_err());
    }

    /// The commands of the table of the README.
    #[test]
    fn every_call_of_the_services_has_a_command_and_the_readme_names_it() {
        let readme = include_str!("../README.md");
        let table: Vec<_> =
            readme.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).skip(2).collect();
        let known: Vec<&str> = table.iter().flat_map(|(calls, _)| calls.split(", ")).collect();
        let rules = chassis::auth::rules::Rules::read().unwrap();
        for (method, _) in rules.iter().filter(|(method, _)| method.starts_with("redress.")) {
            let call = method.rsplit('/').next().unwrap();
            assert!(known.contains(&call), "{method} has no command");
        }
        let commands = table.iter().flat_map(|(_, commands)| commands.split('`').skip(1).step_by(2));
        for command in commands {
            let words = command.split(' ').take_while(|word| !word.starts_with('-'));
            let mut at = Args::command();
            for word in words {
                at = at.find_subcommand(word).unwrap_or_else(|| panic!("there is no {command}")).clone();
            }
        }
    }
}
