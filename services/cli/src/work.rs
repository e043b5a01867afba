//! `redress work`: what waits for a person, at every service that has a work list: judgements at triage; approvals, tasks and
//! broken promises at escalation. [`item::LISTS`](crate::item::LISTS) has a row for each.

pub mod decide;
pub mod hands;
pub mod show;

use anyhow::Result;
use proto::claim::Role;
use proto::work::ListWorkRequest;
use serde_json::json;

use crate::claim::clocks;
use crate::connect::Session;
use crate::item::{self, Decide, Item};
use crate::output::{self, table};
use crate::pages::Limit;
use crate::reasons;
use crate::words;

use hands::{To, Which};

/// What waits for a person.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Work {
    /// List what waits, what is due first first.
    List {
        /// Only what waits for this role, or was raised to it.
        #[arg(long, value_parser = words::parse::<Role>)]
        role: Option<Role>,
        /// Only this claim.
        #[arg(long)]
        claim: Option<String>,
        /// Only this kind, as `judgement` or `approval`.
        #[arg(long)]
        kind: Option<String>,
        /// Only what this person has.
        #[arg(long, value_name = "PERSON")]
        assigned_to: Option<String>,
        /// Only what nobody decided in time.
        #[arg(long)]
        overdue: bool,
        /// Also what was decided.
        #[arg(long)]
        all: bool,
    },
    /// Show a work item: the claim as it was reported, what is proposed, who had it, and what was decided by whom, when and why.
    Show {
        /// The work item, as `list` shows it.
        work_item: String,
    },
    /// Take a work item: nobody else decides it then.
    Take {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Give a work item to a person, whoever has it: for supervisors.
    Assign {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// The person, as in their token.
        #[arg(long, value_name = "PERSON")]
        to: String,
        /// Why.
        #[arg(long)]
        note: String,
    },
    /// Hand a work item of one's own over to another person, or give it back to the list.
    HandOver {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// The person, as in their token; without it the item goes back to the list.
        #[arg(long, value_name = "PERSON")]
        to: Option<String>,
        /// Why.
        #[arg(long)]
        note: String,
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
        Work::List { role, claim, kind, assigned_to, overdue, all } => {
            let ask = ListWorkRequest {
                about_id: crate::claim::id(claim.as_deref(), session).await?,
                role: role.map(|role| role.word().to_owned()).unwrap_or_default(),
                kind: kind.unwrap_or_default(),
                assigned_to: assigned_to.unwrap_or_default(),
                overdue,
                include_closed: all,
                ..ListWorkRequest::default()
            };
            list(item::list(&session.clients, &ask).await?, session)
        }
        Work::Show { work_item } => show::run(&work_item, session).await,
        Work::Take { which, note } => hands::run(which, To::Me, note, session).await,
        Work::Assign { which, to, note } => hands::run(which, To::Assigned(to), note, session).await,
        Work::HandOver { which, to, note } => {
            hands::run(which, To::HandedOver(to.unwrap_or_default()), note, session).await
        }
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

/// Tells how an item is now.
async fn tell(work_item: &str, session: &Session) -> Result<()> {
    let (_, item) = item::find(&session.clients, work_item).await?;
    if session.output.is_json() {
        return output::json(&json!({ "workItem": item }));
    }
    output::line(format!("{} of {} is {}", item.id(), item.number(), item.state()))
}

fn list(items: Vec<Item>, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return output::json(&json!({ "workItems": items }));
    }
    let mut table = table(["work item", "claim", "for", "what", "why", "due", "state"]);
    for item in items {
        let raised = match item.work.raised_to.as_str() {
            "" => String::new(),
            role => format!(", overdue: {role}"),
        };
        table.add_row([
            item.id().to_owned(),
            item.number().to_owned(),
            format!("{}{raised}", item.work.role),
            item.work.kind.clone(),
            reasons::told(&item.work.reason),
            output::time(item.work.due_at.as_ref()),
            item.state(),
        ]);
    }
    output::line(table)
}
