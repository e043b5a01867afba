//! `redress claim submit`.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Result;
use proto::claim::{Category, Channel, Resolution};
use proto::intake::{Contact, NewLine, SubmitClaimRequest};
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::output;
use crate::words;

/// Report a claim of one line; or of many, by a file.
#[derive(Clone, Debug, clap::Args)]
pub struct Submit {
    /// SubmitClaimRequest as proto JSON, `-` for standard input; other options are then not looked at.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How the claim reached us.
    #[arg(long, default_value = "api", value_parser = words::parse::<Channel>)]
    pub channel: Channel,
    /// Opaque reference of the customer: no name, no phone number.
    #[arg(long, required_unless_present = "file")]
    pub customer: Option<String>,
    /// Name of the customer.
    #[arg(long, required_unless_present = "file")]
    pub name: Option<String>,
    /// E-mail; this or a telephone number must be given.
    #[arg(long, default_value = "")]
    pub email: String,
    /// Telephone.
    #[arg(long, default_value = "")]
    pub phone: String,
    /// Delivery address.
    #[arg(long, default_value = "")]
    pub address: String,
    /// Country of the customer, ISO 3166-1 alpha-2.
    #[arg(long, default_value = "GB")]
    pub country: String,
    /// Stock-keeping unit.
    #[arg(long, required_unless_present = "file")]
    pub sku: Option<String>,
    /// Units concerned.
    #[arg(long, default_value_t = 1)]
    pub quantity: u32,
    /// Order number; without it the purchase is looked up.
    #[arg(long, default_value = "")]
    pub order: String,
    /// Batch number.
    #[arg(long, default_value = "")]
    pub batch: String,
    /// What is wrong, as quality_appearance.
    #[arg(long, value_parser = words::parse::<Category>)]
    pub category: Option<Category>,
    /// What the customer hopes for, as replace or return_refund.
    #[arg(long, value_parser = words::parse::<Resolution>)]
    pub wish: Option<Resolution>,
    /// Symptom, degree, circumstances.
    #[arg(long, default_value = "")]
    pub description: String,
    /// Day of delivery, YYYY-MM-DD.
    #[arg(long, default_value = "")]
    pub delivered: String,
    /// Day the customer first told of it, if that was before today, YYYY-MM-DD.
    #[arg(long, default_value = "")]
    pub announced: String,
    /// A safety hazard is suspected.
    #[arg(long)]
    pub safety_risk: bool,
    /// The customer's operation stands still.
    #[arg(long)]
    pub operation_stopped: bool,
    /// Importance of the customer, 0 to 3.
    #[arg(long, default_value_t = 0)]
    pub importance: u32,
}

/// Submits it.
pub async fn run(submit: Submit, session: &Session) -> Result<()> {
    let mut request = match &submit.file {
        Some(file) => read(file)?,
        None => one_line(submit),
    };
    if request.request_id.is_empty() {
        request.request_id = session.request_id();
    }
    let answer = session.clients.intake()?.submit_claim(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "claim": answer.claim, "readBack": answer.read_back }));
    }
    let claim = answer.claim.unwrap_or_default();
    output::line(format!("{} {}", claim.claim_number, claim.claim_id))?;
    for promise in &claim.promises {
        output::line(format!("promised {} by {}", promise.kind.to_lowercase(), output::time(promise.due_at.as_ref())))?;
    }
    if !claim.possible_duplicates.is_empty() {
        output::line(format!("perhaps the same as {}", claim.possible_duplicates.join(", ")))?;
    }
    output::line("read back:")?;
    answer.read_back.iter().try_for_each(|point| output::line(format!("  {point}")))
}

fn read(file: &PathBuf) -> Result<SubmitClaimRequest> {
    let mut json = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().lock().read_to_string(&mut json)?;
    } else {
        json = std::fs::read_to_string(file)
            .map_err(|error| Failure::Malformed(format!("cannot read {}: {error}", file.display())))?;
    }
    Ok(serde_json::from_str(&json).map_err(|error| Failure::Malformed(format!("not a SubmitClaimRequest: {error}")))?)
}

fn one_line(submit: Submit) -> SubmitClaimRequest {
    SubmitClaimRequest {
        request_id: String::new(),
        channel: submit.channel.into(),
        customer_ref: submit.customer.unwrap_or_default(),
        contact: Some(Contact {
            customer_name: submit.name.unwrap_or_default(),
            email: submit.email,
            phone: submit.phone,
            address: submit.address,
            ..Contact::default()
        }),
        lines: vec![NewLine {
            order_no: submit.order,
            sku: submit.sku.unwrap_or_default(),
            batch: submit.batch,
            quantity: submit.quantity,
            category: submit.category.unwrap_or_default().into(),
            wish: submit.wish.unwrap_or_default().into(),
            delivered_on: submit.delivered,
            description: submit.description,
            safety_risk: submit.safety_risk,
            operation_stopped: submit.operation_stopped,
            ..NewLine::default()
        }],
        evidence: Vec::new(),
        country: submit.country,
        attested: true,
        importance: submit.importance,
        upset: false,
        announced_on: submit.announced,
    }
}
