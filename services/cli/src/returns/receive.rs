//! `redress return receive` and `dispose`: what the warehouse says.

use anyhow::Result;
use proto::inventory::{DisposeReturnRequest, Disposition, ReceiveReturnRequest};
use serde_json::json;
use tonic::Request;

use super::find::{self, Named};
use crate::connect::Session;
use crate::output;
use crate::words::{self, plain};

/// What arrived. Each unit is counted once: accepted, unsalable, not as claimed, damaged or another article.
#[derive(Clone, Debug, clap::Args)]
pub struct Receive {
    /// The return.
    #[command(flatten)]
    pub named: Named,
    /// Warehouse it arrived at.
    #[arg(long)]
    pub warehouse: String,
    /// Units that are as the claim says: they count for the claim.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    pub accepted: u32,
    /// Units that are as the claim says and cannot be sold again: they count for the claim, and wait for inspection.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    pub unsalable: u32,
    /// Units of the right article that are not as the claim says, as one without the fault: a person is asked.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    pub not_as_claimed: u32,
    /// Units that are damaged: they wait for inspection.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    pub damaged: u32,
    /// Units of another article: they wait for inspection.
    #[arg(long, default_value_t = 0, value_name = "UNITS")]
    pub wrong_item: u32,
    /// SKU of the other article, if it is known.
    #[arg(long, default_value = "", value_name = "SKU")]
    pub other_sku: String,
    /// No more is expected.
    #[arg(long)]
    pub last: bool,
    /// Count only if the return still has this version.
    #[arg(long, default_value = "")]
    pub etag: String,
}

/// What is done with units that wait.
#[derive(Clone, Debug, clap::Args)]
pub struct Dispose {
    /// The return.
    #[command(flatten)]
    pub named: Named,
    /// Units.
    #[arg(long)]
    pub units: u32,
    /// What is done: restock, scrap, supplier_return, or send_back to the customer.
    #[arg(long = "as", value_name = "WHAT", value_parser = words::parse::<Disposition>)]
    pub disposition: Disposition,
    /// With restock: units of another article are meant, and this is their SKU.
    #[arg(long, default_value = "", value_name = "SKU")]
    pub other_sku: String,
}

/// Counts.
pub async fn receive(receive: Receive, session: &Session) -> Result<()> {
    let goods = find::one(&receive.named, session).await?;
    let Receive {
        named: _,
        warehouse,
        accepted,
        unsalable,
        not_as_claimed,
        damaged,
        wrong_item,
        other_sku,
        last,
        etag,
    } = receive;
    let request = ReceiveReturnRequest {
        request_id: session.request_id(),
        job: goods.job,
        etag,
        warehouse,
        accepted,
        damaged,
        wrong_item,
        last,
        unsalable,
        not_as_claimed,
        other_sku,
    };
    let answer = session.clients.inventory()?.receive_return(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&json!({ "return": answer.goods_return }));
    }
    output::line(super::returns(answer.goods_return.as_slice()))?;
    waiting(answer.goods_return.map_or(0, |goods| goods.waiting))
}

/// Decides about units that wait.
pub async fn dispose(dispose: Dispose, session: &Session) -> Result<()> {
    let goods = find::one(&dispose.named, session).await?;
    let request = DisposeReturnRequest {
        request_id: session.request_id(),
        job: goods.job,
        quantity: dispose.units,
        disposition: dispose.disposition.into(),
        other_sku: dispose.other_sku,
    };
    let answer = session.clients.inventory()?.dispose_return(Request::new(request)).await?.into_inner();
    if session.output.is_json() {
        return output::json(&answer);
    }
    output::line(format!("{} unit(s): {}", dispose.units, plain::<Disposition>(dispose.disposition.into())))?;
    waiting(answer.waiting)
}

fn waiting(units: u32) -> Result<()> {
    output::line(match units {
        0 => "none waits for inspection".to_owned(),
        units => format!("{units} unit(s) wait for inspection: decide by `redress return dispose`"),
    })
}
