//! `redress claim`: report, read, watch and answer claims.

mod answer;
pub mod clocks;
mod decisions;
mod list;
mod personal;
pub mod show;
mod submit;
pub mod timeline;
mod watch;

use anyhow::Result;
use jiff::Timestamp;
use proto::claim::{Channel, ClaimState};
use proto::intake::{AccessPurpose, ContactDirection, GetClaimRequest};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::output;
use crate::words::{self, plain};

pub use submit::Submit;

/// Claims of customers. A claim is named by its number, as RD-2026-000123, or by its id.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Claim {
    /// Report a claim.
    Submit(Box<Submit>),
    /// Show a claim: what was reported, where it is, and its timeline.
    Show {
        /// The claim.
        claim: String,
    },
    /// Show who decided what, when and why: assessments, judgements, approvals and tasks, the latest decision first.
    Decisions {
        /// The claim.
        claim: String,
    },
    /// Show what was promised by when, whether it was kept, and to whom a missed deadline was told.
    Clocks {
        /// The claim.
        claim: String,
    },
    /// Show how to reach the customer. It is recorded who asked, and why.
    Contact {
        /// The claim.
        claim: String,
        /// Why, as delivery.
        #[arg(long, value_parser = words::parse::<AccessPurpose>)]
        purpose: AccessPurpose,
    },
    /// Show what the customer wrote. It is recorded who asked, and why.
    Words {
        /// The claim.
        claim: String,
        /// Why, as assessment.
        #[arg(long, value_parser = words::parse::<AccessPurpose>)]
        purpose: AccessPurpose,
    },
    /// Follow a claim's public events as they happen, until it has ended; with JSON one line each.
    Watch {
        /// The claim.
        claim: String,
    },
    /// List claims, newest first, with where each is and whom it waits for.
    List(list::List),
    /// The customer confirms the main points.
    Confirm {
        /// The claim.
        claim: String,
    },
    /// Answer the open question.
    Answer {
        /// The claim.
        claim: String,
        /// Which question; without it the one that is open.
        #[arg(long)]
        question: Option<String>,
        /// The order number, if that was asked.
        #[arg(long, default_value = "")]
        order: String,
        /// The delivery address, if that was asked or is to be corrected.
        #[arg(long, default_value = "")]
        address: String,
        /// The answer in words.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Answer the proposed plan.
    Consent {
        /// The claim.
        claim: String,
        /// Which plan; without it the one that is open.
        #[arg(long)]
        plan: Option<u32>,
        /// The customer does not agree.
        #[arg(long)]
        refuse: bool,
        /// Words of the customer.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Answer the follow-up with a score.
    FollowUp {
        /// The claim.
        claim: String,
        /// Satisfaction, 1 (bad) to 5 (good).
        #[arg(value_parser = clap::value_parser!(u32).range(1..=5))]
        score: u32,
        /// Words of the customer.
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Log that one of us has talked with the customer, or written to them: a first feedback, as of then.
    Log {
        /// The claim.
        claim: String,
        /// How.
        #[arg(long, value_parser = words::parse::<Channel>)]
        channel: Channel,
        /// When, as 2026-11-30T09:00:00Z; without it now.
        #[arg(long)]
        at: Option<Timestamp>,
        /// The customer has sought it, not we.
        #[arg(long)]
        inbound: bool,
        /// What was said.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that a claim is the same as another of the same customer: it ends, and the other one goes on for both. A merged claim
    /// is never opened again.
    Duplicate {
        /// The claim that ends.
        claim: String,
        /// The claim that goes on.
        #[arg(long, value_name = "CLAIM")]
        of: String,
    },
    /// Withdraw a claim; what was done is compensated.
    Withdraw {
        /// The claim.
        claim: String,
        /// Why.
        #[arg(long, default_value = "")]
        text: String,
    },
}

/// Does what was asked.
pub async fn run(command: Claim, session: &Session) -> Result<()> {
    match command {
        Claim::Submit(submit) => submit::run(*submit, session).await,
        Claim::Show { claim } => show::run(&claim, session).await,
        Claim::Decisions { claim } => decisions::run(&claim, session).await,
        Claim::Clocks { claim } => clocks::run(&claim, session).await,
        Claim::Contact { claim, purpose } => personal::contact(&claim, purpose, session).await,
        Claim::Words { claim, purpose } => personal::words(&claim, purpose, session).await,
        Claim::Watch { claim } => watch::run(&claim, session).await,
        Claim::List(list) => list::run(list, session).await,
        Claim::Confirm { claim } => answer::confirm(&claim, session).await,
        Claim::Answer { claim, question, order, address, text } => {
            let said = answer::Said { order_no: order, address, text };
            answer::question(&claim, question, said, session).await
        }
        Claim::Log { claim, channel, at, inbound, note } => {
            let direction = if inbound { ContactDirection::Inbound } else { ContactDirection::Outbound };
            answer::log(&claim, answer::Talk { at, channel, direction, note }, session).await
        }
        Claim::Duplicate { claim, of } => answer::duplicate(&claim, &of, session).await,
        Claim::Consent { claim, plan, refuse, text } => answer::plan(&claim, plan, !refuse, text, session).await,
        Claim::FollowUp { claim, score, text } => answer::follow_up(&claim, score, text, session).await,
        Claim::Withdraw { claim, text } => answer::withdraw(&claim, text, session).await,
    }
}

/// Reads a claim by number or id.
pub async fn get(name: &str, session: &Session) -> Result<proto::intake::Claim> {
    let mut request = GetClaimRequest::default();
    match proto::ids::parse(name) {
        Ok(_) => request.claim_id = name.to_owned(),
        Err(_) => request.claim_number = name.to_owned(),
    }
    let answer = session.clients.intake()?.get_claim(Request::new(request)).await?.into_inner();
    Ok(answer.claim.ok_or_else(|| Failure::NotFound(format!("there is no claim {name}")))?)
}

/// The id of a claim to narrow a list to; empty: of all.
pub async fn id(name: Option<&str>, session: &Session) -> Result<String> {
    match name {
        Some(name) => Ok(get(name, session).await?.claim_id),
        None => Ok(String::new()),
    }
}

/// Prints a claim after a change.
fn print(claim: Option<&proto::intake::Claim>, session: &Session) -> Result<()> {
    let Some(claim) = claim else { return Ok(()) };
    if session.output.is_json() {
        return output::json(&json!({ "claim": claim }));
    }
    output::line(format!("{} {} {}", claim.claim_number, plain::<ClaimState>(claim.state), claim.claim_id))
}
