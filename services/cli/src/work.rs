//! `redress work`: what waits for a person, at triage (judgements) and at escalation (approvals, tasks, escalations).

pub mod decide;
pub mod item;

use anyhow::Result;
use proto::claim::Role;
use serde_json::json;

use crate::connect::Session;
use crate::output::{self, table};
use crate::words::{self, plain};
use item::Item;

pub use decide::Decide;

/// What waits for a person.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Work {
    /// List what waits, most urgent first.
    List {
        /// Only what waits for this role.
        #[arg(long, value_parser = words::parse::<Role>)]
        role: Option<Role>,
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Also what was decided.
        #[arg(long)]
        all: bool,
    },
    /// Decide a work item.
    Decide(Box<Decide>),
}

/// Does what was asked.
pub async fn run(command: Work, session: &Session) -> Result<()> {
    match command {
        Work::List { role, claim, all } => {
            let claim = match claim {
                Some(claim) => crate::claim::get(&claim, session).await?.claim_id,
                None => String::new(),
            };
            list(item::list(&session.clients, role.unwrap_or_default(), &claim, all).await?, session)
        }
        Work::Decide(decide) => decide::run(*decide, session).await,
    }
}

fn list(items: Vec<Item>, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return output::json(&json!({ "workItems": items }));
    }
    let mut table = table(["work item", "claim", "for", "what", "why", "due", "state"]);
    for item in items {
        table.add_row([
            item.id().to_owned(),
            item.claim_number().to_owned(),
            plain::<Role>(item.role()),
            item.kind(),
            item.reason().to_owned(),
            output::time(item.due_at()),
            item.state(),
        ]);
    }
    output::line(table)
}
