//! `redress work`: what waits for a person, at triage (judgements) and at escalation (approvals, tasks, escalations).

pub mod decide;
pub mod show;

use anyhow::Result;
use proto::claim::Role;
use serde_json::json;

use crate::claim::clocks;
use crate::connect::Session;
use crate::item::{self, Item};
use crate::output::{self, table};
use crate::pages::Limit;
use crate::reasons;
use crate::words::{self, plain};

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
    /// Show a work item: the claim as it was reported, what is proposed, what was decided by whom, when and why.
    Show {
        /// The work item, as `list` shows it.
        work_item: String,
    },
    /// List missed deadlines and whom they were told to, newest first.
    Escalations {
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
    /// Decide a work item.
    Decide(Box<Decide>),
}

/// Does what was asked.
pub async fn run(command: Work, session: &Session) -> Result<()> {
    match command {
        Work::List { role, claim, all } => {
            let claim = crate::claim::id(claim.as_deref(), session).await?;
            list(item::list(&session.clients, role.unwrap_or_default(), &claim, all).await?, session)
        }
        Work::Show { work_item } => show::run(&work_item, session).await,
        Work::Escalations { claim, limit } => {
            let claim = crate::claim::id(claim.as_deref(), session).await?;
            let found = clocks::escalations(&claim, limit, session).await?;
            if session.output.is_json() {
                return output::json(&json!({ "escalations": found.rows, "more": found.more }));
            }
            output::line(clocks::escalated(&found.rows))?;
            found.tell_more()
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
            reasons::told(item.reason()),
            output::time(item.due_at()),
            item.state(),
        ]);
    }
    output::line(table)
}
