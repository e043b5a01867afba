//! `redress call`: any call of the contract by its JSON, so that none is out of reach of a script.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use chassis::auth::rules::{Rules, Who};
use serde_json::{Value, json};

use crate::connect::Session;
use crate::exit::Failure;
use crate::global::Global;
use crate::output::{self, table};
use crate::wire::{self, Method};

/// Roles of people, the one that may do most first: with one of them a call is made on an installation of this machine.
const PEOPLE: [&str; 8] =
    ["supervisor", "specialist", "warehouse", "logistics", "finance", "legal", "operator", "auditor"];

/// What is called, and with what.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example: redress call triage.ListWorkItems --json '{\"pageSize\": 5}'")]
pub struct Call {
    /// The method, as `triage.ListWorkItems`; without one all are listed, with the roles that may call them.
    method: Option<String>,
    /// The request as proto JSON; without it and without a file it is empty. A `requestId` that is missing is made.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    json: Option<String>,
    /// File with the request as proto JSON; `-`: standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print a valid request in place of a call; `@` stands for an id.
    #[arg(long, requires = "method", conflicts_with_all = ["json", "file"])]
    example: bool,
}

/// Does what was asked.
pub async fn run(command: Call, global: &Global) -> Result<()> {
    let rules = Rules::read()?;
    let Some(name) = &command.method else { return list(&rules, global) };
    let method = Method::find(name)?;
    if command.example {
        return method.examples().iter().try_for_each(output::line);
    }
    if method.is_stream() {
        return Err(Failure::Usage(format!("{} moves files: redress evidence does it", method.short())).into());
    }
    let body = body(&command)?;
    let session = Session::open(global, role(&rules, &method))?;
    output::json(&method.call(&session.clients, &body).await?)
}

fn body(command: &Call) -> Result<Value> {
    let text = match (&command.json, &command.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) if file.as_os_str() == "-" => std::io::read_to_string(std::io::stdin())?,
        (None, Some(file)) => {
            std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?
        }
        (None, None) => return Ok(Value::Null),
    };
    serde_json::from_str(&text).map_err(|error| Failure::Malformed(format!("the request is no JSON: {error}")).into())
}

fn roles<'r>(rules: &'r Rules, method: &Method) -> &'r [String] {
    match rules.get(&method.full()).map(|rule| &rule.who) {
        Some(Who::Roles(roles)) => roles,
        Some(Who::All | Who::Known) | None => &[],
    }
}

fn role<'r>(rules: &'r Rules, method: &Method) -> &'r str {
    let roles = roles(rules, method);
    let person = PEOPLE.into_iter().find(|person| roles.iter().any(|role| role == person));
    person.or_else(|| roles.first().map(String::as_str)).unwrap_or("specialist")
}

fn list(rules: &Rules, global: &Global) -> Result<()> {
    let methods = wire::all();
    if global.output.is_json() {
        let all = methods.iter().map(|method| {
            json!({ "method": method.short(), "full": method.full(), "roles": roles(rules, method), "stream": method.is_stream() })
        });
        return output::json(&json!({ "methods": all.collect::<Vec<_>>() }));
    }
    let mut table = table(["method", "roles that may call it"]);
    for method in &methods {
        table.add_row([method.short(), roles(rules, method).join(", ")]);
    }
    output::line(table)
}
