//! Calls about returns: requests become commands, or are answered from what is stored.

use chassis::{Call, Check, Outcome, read_failed};
use proto::inventory::{
    DisposeReturnRequest, DisposeReturnResponse, ListReturnsRequest, ListReturnsResponse, ReceiveReturnRequest,
    ReceiveReturnResponse,
};
use sqlx::PgPool;
use tonic::Status;

use super::domain::{Command, Disposition, Receipt, Return};
use super::store::{self, StoredReturn};
use super::wire;
use crate::domain::State;
use crate::store::Filter;
use crate::wire::{QUANTITY_MAX, claim, key, own, version, warehouse};

/// What arrived of a return was counted.
pub fn receive_return(call: &Call, body: &ReceiveReturnRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let job = check.job("job", body.job.as_ref());
    check.text("etag", &body.etag, 0..=24);
    let receipt = Receipt {
        warehouse: warehouse(&mut check, &body.warehouse),
        accepted: check.number("accepted", body.accepted, 0..=QUANTITY_MAX),
        damaged: check.number("damaged", body.damaged, 0..=QUANTITY_MAX),
        wrong_item: check.number("wrong_item", body.wrong_item, 0..=QUANTITY_MAX),
        unsalable: check.number("unsalable", body.unsalable, 0..=QUANTITY_MAX),
        not_as_claimed: check.number("not_as_claimed", body.not_as_claimed, 0..=QUANTITY_MAX),
        other_sku: check.code("other_sku", &body.other_sku, 0..=64),
        last: body.last,
    };
    if !receipt.other_sku.is_empty() && receipt.wrong_item == 0 {
        check.add("wrong_item", "must not be 0: other_sku names its article");
    }
    if receipt.units() == 0 && !receipt.last {
        check.add("accepted", "a receipt of nothing must be the last one");
    }
    check.finish()?;
    own(call, &receipt.warehouse)?;
    Ok(Command::ReceiveReturn { job, version: version(&body.etag), receipt })
}

/// Returned goods are done away with.
pub fn dispose_return(body: &DisposeReturnRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    let job = check.job("job", body.job.as_ref());
    let quantity = check.number("quantity", body.quantity, 1..=QUANTITY_MAX);
    let disposition = check.choice("disposition", body.disposition);
    let other_sku = check.code("other_sku", &body.other_sku, 0..=64);
    if !other_sku.is_empty() && disposition != Disposition::Restock {
        check.add("other_sku", "is where goods are restocked: only with RESTOCK");
    }
    check.finish()?;
    Ok(Command::DisposeReturn { job, quantity, disposition, other_sku })
}

/// The answer to the caller.
pub fn reply(state: &State, command: &Command) -> Outcome {
    match command {
        Command::ReceiveReturn { job, .. } => {
            let goods_return = state.returns.get(job).map(|known| wire::goods_return(job, known));
            Outcome::reply(&ReceiveReturnResponse { goods_return })
        }
        Command::DisposeReturn { job, .. } => {
            let waiting = state.returns.get(job).map_or(0, Return::waiting);
            Outcome::reply(&DisposeReturnResponse { waiting })
        }
        Command::ExpectReturn { .. } | Command::CancelReturn(_) => Outcome::none(),
    }
}

/// Returns, oldest first.
pub async fn list(reads: &PgPool, request: &ListReturnsRequest) -> Result<ListReturnsResponse, Status> {
    let mut check = Check::new();
    let state = check.optional_choice("state", request.state);
    let query = ["returns", &request.claim_id, &request.state.to_string()];
    let page = check.page(request.page_size, &request.page_token, &query);
    let filter = Filter { claim: claim(&mut check, &request.claim_id), state, after: key(&mut check, &page, 0) };
    check.finish()?;
    let rows = store::list(reads, &filter, &page).await.map_err(read_failed)?;
    let wire = |row: StoredReturn| proto::inventory::Return {
        waiting: row.waiting,
        ..wire::goods_return(&row.job, &row.known)
    };
    let (returns, next_page_token) = page.finish(rows, |row| row.number.to_string(), wire);
    Ok(ListReturnsResponse { returns, next_page_token })
}
