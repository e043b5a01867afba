//! `redress parked`: messages that could not be processed, in any service.

use anyhow::Result;
use proto::operations::{DiscardParkedRequest, ListParkedRequest, RedriveParkedRequest};
use serde_json::{Value, json};
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, short, table, time};
use crate::reasons;

/// Messages that could not be processed. A parked message keeps later messages of its claim waiting behind it.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Parked {
    /// List parked messages, oldest first.
    List {
        /// Only this service.
        #[arg(long)]
        service: Option<String>,
    },
    /// Process the parked messages of one claim again, in order.
    Redrive {
        /// The service.
        service: String,
        /// The claim or other aggregate, as `list` shows it.
        aggregate: String,
    },
    /// Give one parked message up for ever; those behind it are processed.
    Discard {
        /// The service.
        service: String,
        /// The parked message, as `list` shows it.
        parked_id: i64,
    },
}

/// Does what was asked.
pub async fn run(command: Parked, session: &Session) -> Result<()> {
    match command {
        Parked::List { service } => list(service.as_deref(), session).await,
        Parked::Redrive { service, aggregate } => {
            let request = RedriveParkedRequest { request_id: session.request_id(), aggregate_id: aggregate };
            let mut operations = session.clients.operations(&service)?;
            let answer = operations.redrive_parked(Request::new(request)).await?.into_inner();
            if session.output.is_json() {
                return output::json(&answer);
            }
            output::line(format!("{} processed, {} still parked", answer.processed, answer.still_parked))
        }
        Parked::Discard { service, parked_id } => {
            let request = DiscardParkedRequest { request_id: session.request_id(), parked_id };
            let mut operations = session.clients.operations(&service)?;
            let answer = operations.discard_parked(Request::new(request)).await?.into_inner();
            if session.output.is_json() {
                return output::json(&answer);
            }
            output::line(format!("given up; {} behind it processed", answer.processed))
        }
    }
}

async fn list(only: Option<&str>, session: &Session) -> Result<()> {
    let services: Vec<&str> = match only {
        Some(service) => vec![service],
        None => session.clients.services().collect(),
    };
    let mut found: Vec<Value> = Vec::new();
    let mut table = table(["service", "id", "aggregate", "subject", "why", "detail", "bytes", "parked"]);
    for service in services {
        let mut request = ListParkedRequest { page_size: 500, page_token: String::new() };
        loop {
            let mut operations = session.clients.operations(service)?;
            let page = operations.list_parked(Request::new(request.clone())).await?.into_inner();
            for parked in page.parked {
                found.push(json!({ "service": service, "parked": parked }));
                table.add_row([
                    service.to_owned(),
                    parked.parked_id.to_string(),
                    parked.aggregate_id,
                    parked.subject,
                    reasons::told(&parked.reason),
                    short(&parked.detail, 60),
                    parked.payload_size.to_string(),
                    time(parked.parked_at.as_ref()),
                ]);
            }
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    if session.output.is_json() {
        return output::json(&json!({ "parked": found }));
    }
    output::line(table)
}
