//! `redress customer`: who has read personal data, what is kept of a customer, and how one is forgotten.

mod export;

use std::path::PathBuf;

use anyhow::Result;
use proto::intake::{
    AccessPurpose, EraseCustomerRequest, Erasure, ErasureReason, GetErasureRequest, HoldReason, LegalHold,
    ListContactAccessRequest, PersonalField, PlaceLegalHoldRequest, ReleaseLegalHoldRequest,
};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::output::{self, table, time};
use crate::words::{self, plain};

/// Personal data of customers. A customer is named by the opaque reference, as 17850.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Customer {
    /// Forget a customer for ever: personal data become unreadable at once, claims and decisions stay.
    Erase {
        /// The customer.
        customer: String,
        /// Why, as asked_for.
        #[arg(long, value_parser = words::parse::<ErasureReason>)]
        reason: ErasureReason,
        /// Your case, as P-2026-17: no name.
        #[arg(long)]
        reference: String,
    },
    /// Export all that is kept of a customer, from all services, as one JSON document. It is recorded who exports.
    ///
    /// It also has what staff wrote and names who did what: look it through before it is handed over.
    Export {
        /// The customer.
        customer: String,
        /// Where to write it, a new file; without it, to standard output.
        #[arg(long)]
        to: Option<PathBuf>,
        /// Fetch the files of evidence into this folder, which may be new; those that are there already are not fetched
        /// again. Each counts as a read of the hour: after READ_LIMIT, go on an hour later.
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
    },
    /// Show what is left of a customer: the proof of an erasure, and what hinders one.
    Erasure {
        /// The customer.
        customer: String,
    },
    /// Forbid that a customer is forgotten.
    Hold {
        /// The customer.
        customer: String,
        /// Why, as dispute.
        #[arg(long, value_parser = words::parse::<HoldReason>)]
        reason: HoldReason,
        /// Your case, as L-2026-7: no name.
        #[arg(long)]
        reference: String,
    },
    /// Forbid it no more.
    Release {
        /// The hold, as `erasure` shows it.
        hold_id: String,
    },
    /// List who has read personal data, oldest first.
    Accesses {
        /// Only those of this customer; without it all.
        #[arg(default_value = "")]
        customer: String,
        /// At the most so many.
        #[arg(long, default_value_t = 500)]
        limit: usize,
    },
}

/// Does what was asked.
pub async fn run(command: Customer, session: &Session) -> Result<()> {
    match command {
        Customer::Erase { customer, reason, reference } => erase(customer, reason, reference, session).await,
        Customer::Export { customer, to, files } => {
            export::run(customer, to.as_deref(), files.as_deref(), session).await
        }
        Customer::Erasure { customer } => show(customer, session).await,
        Customer::Hold { customer, reason, reference } => hold(customer, reason, reference, session).await,
        Customer::Release { hold_id } => release(hold_id, session).await,
        Customer::Accesses { customer, limit } => accesses(customer, limit, session).await,
    }
}

async fn erase(customer_ref: String, reason: ErasureReason, reference: String, session: &Session) -> Result<()> {
    let request =
        EraseCustomerRequest { request_id: session.request_id(), customer_ref, reason: reason.into(), reference };
    let answer = session.clients.vault()?.erase_customer(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    let erasure = answer.erasure.unwrap_or_default();
    let known = if answer.known { " before; nothing was changed" } else { "" };
    output::line(format!("customer {} was forgotten{known}", erasure.customer_ref))?;
    output::line(words_of(&erasure))
}

fn words_of(erasure: &Erasure) -> String {
    let (at, why) = (time(erasure.erased_at.as_ref()), plain::<ErasureReason>(erasure.reason));
    let Erasure { key_id, key_fingerprint, erased_by, reference, .. } = erasure;
    format!("key {key_id} was destroyed on {at} by {erased_by}: {why}, {reference}; SHA-256 {key_fingerprint}")
}

async fn show(customer_ref: String, session: &Session) -> Result<()> {
    let request = GetErasureRequest { customer_ref };
    let answer = session.clients.vault()?.get_erasure(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    answer.erasures.iter().try_for_each(|erasure| output::line(words_of(erasure)))?;
    output::line(if answer.readable { "personal data can be read" } else { "personal data cannot be read any more" })?;
    output::line(format!(
        "{} claims, {} of them unreadable, {} open; {} files of evidence still to be removed; read {} times",
        answer.claims, answer.unreadable_claims, answer.open_claims, answer.files_left, answer.accesses
    ))?;
    answer.holds.iter().try_for_each(print)
}

fn print(hold: &LegalHold) -> Result<()> {
    let (why, placed) = (plain::<HoldReason>(hold.reason), time(hold.placed_at.as_ref()));
    let mut line =
        format!("hold {}: {why}, {}, placed on {placed} by {}", hold.hold_id, hold.reference, hold.placed_by);
    if hold.released_at.is_some() {
        line += &format!(", released on {} by {}", time(hold.released_at.as_ref()), hold.released_by);
    }
    output::line(line)
}

async fn hold(customer_ref: String, reason: HoldReason, reference: String, session: &Session) -> Result<()> {
    let request =
        PlaceLegalHoldRequest { request_id: session.request_id(), customer_ref, reason: reason.into(), reference };
    let answer = session.clients.vault()?.place_legal_hold(Request::new(request)).await?.into_inner();
    if session.output.is_json() { output::json(&answer) } else { print(&answer.hold.unwrap_or_default()) }
}

async fn release(hold_id: String, session: &Session) -> Result<()> {
    let request = ReleaseLegalHoldRequest { request_id: session.request_id(), hold_id };
    let answer = session.clients.vault()?.release_legal_hold(Request::new(request)).await?.into_inner();
    if session.output.is_json() { output::json(&answer) } else { print(&answer.hold.unwrap_or_default()) }
}

async fn accesses(customer_ref: String, limit: usize, session: &Session) -> Result<()> {
    let mut request = ListContactAccessRequest { page_size: 500, customer_ref, ..ListContactAccessRequest::default() };
    let mut found = Vec::new();
    while found.len() < limit {
        let mut vault = session.clients.vault()?;
        let page = vault.list_contact_access(Request::new(request.clone())).await?.into_inner();
        found.extend(page.accesses);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    found.truncate(limit);
    if session.output.is_json() {
        return output::json(&json!({ "accesses": found }));
    }
    let mut table = table(["read", "by", "why", "what", "claim"]);
    for access in found {
        let fields: Vec<String> = access.fields.iter().map(|field| plain::<PersonalField>(*field)).collect();
        table.add_row([
            time(access.read_at.as_ref()),
            access.actor,
            plain::<AccessPurpose>(access.purpose),
            fields.join(" "),
            access.claim_id,
        ]);
    }
    output::line(table)
}
