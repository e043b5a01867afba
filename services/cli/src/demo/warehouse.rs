//! The warehouse: counts what comes back, in one receipt or two, with what is damaged, missing or too many.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use proto::claim::{ClaimEvent, Leg, LegMoved, LegState};
use proto::inventory::{ListReturnsRequest, ReceiveReturnRequest, Return, ReturnState};
use tonic::{Request, Status};

use super::data::WAREHOUSE;
use super::world::{World, persist};
use crate::connect::Clients;

/// One of so many returns is not as announced in each of three ways; most come whole, as the shop credited them.
const COUNTED_OF: u64 = 100;

/// What the warehouse finds in one receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Receipt {
    accepted: u32,
    damaged: u32,
    last: bool,
}

/// Hears that a pick-up has arrived.
pub fn hear(world: &Arc<World>, event: &ClaimEvent, moved: &LegMoved) {
    if moved.leg() == Leg::Pickup && moved.state() == LegState::Done {
        world.act("warehouse", count(Arc::clone(world), event.claim_id.clone(), event.round, moved.line));
    }
}

async fn count(world: Arc<World>, claim: String, round: u32, line: u32) -> Result<()> {
    let clients = world.acting("warehouse-keeper", "warehouse")?;
    let goods = expected(&clients, &claim, round, line).await?;
    let job = goods.job.clone().context("the return has no name")?;
    let draw = world.draw("count", &claim, COUNTED_OF).await?;
    let mut accepted = 0;
    for receipt in receipts(draw, goods.announced) {
        let inventory = clients.inventory()?;
        persist(&[], |request_id| {
            let request = ReceiveReturnRequest {
                request_id,
                job: Some(job.clone()),
                warehouse: WAREHOUSE.to_owned(),
                accepted: receipt.accepted,
                damaged: receipt.damaged,
                last: receipt.last,
                ..ReceiveReturnRequest::default()
            };
            let mut inventory = inventory.clone();
            async move { inventory.receive_return(Request::new(request)).await }
        })
        .await?;
        accepted += receipt.accepted;
        let mut log = world.log();
        *log.counted.entry("accepted").or_default() += u64::from(receipt.accepted);
        *log.counted.entry("damaged").or_default() += u64::from(receipt.damaged);
    }
    owe(&world, &claim, line, accepted, goods.announced)
}

/// Notes what must be refunded: accepted units at the price paid, at most what was announced. Units in excess go back
/// to stock and are nobody's refund until the customer says so.
fn owe(world: &World, claim: &str, line: u32, accepted: u32, announced: u32) -> Result<()> {
    let plan = world.log().claims.get(claim).map(|seen| seen.plan.clone()).unwrap_or_default();
    let plan = plan.iter().find(|plan| plan.line == line).context("goods came back that no plan has")?;
    // The first units are those of the first purchase that the plan takes from.
    let (mut left, mut owed) = (accepted.min(announced), 0);
    for take in &plan.takes {
        let price = world.price(take).context("a return of an order that was never sold")?;
        let units = left.min(take.quantity);
        owed += i64::from(units) * price;
        left -= units;
    }
    anyhow::ensure!(left == 0, "{left} units came back of which the plan says no order");
    *world.log().owed.entry(claim.to_owned()).or_default() += owed;
    Ok(())
}

/// The return that inventory expects for a line. The carrier may be faster than the announcement.
async fn expected(clients: &Clients, claim: &str, round: u32, line: u32) -> Result<Return> {
    let inventory = clients.inventory()?;
    let found = persist(&[], |_| {
        let request =
            ListReturnsRequest { claim_id: claim.to_owned(), page_size: 500, ..ListReturnsRequest::default() };
        let mut inventory = inventory.clone();
        async move {
            let returns = inventory.list_returns(Request::new(request)).await?.into_inner().returns;
            let open = |goods: &Return| matches!(goods.state(), ReturnState::Expected | ReturnState::PartlyReceived);
            let named = |goods: &Return| goods.job.as_ref().is_some_and(|job| (job.round, job.line) == (round, line));
            let found = returns.into_iter().filter(|goods| open(goods) && named(goods));
            let newest = found.max_by_key(|goods| goods.job.as_ref().map(|job| job.attempt));
            newest.ok_or_else(|| Status::unavailable("the return is not announced yet"))
        }
    });
    Ok(found.await?)
}

/// How a return is counted, by chance.
fn receipts(draw: u64, announced: u32) -> Vec<Receipt> {
    let all = Receipt { accepted: announced, damaged: 0, last: true };
    match draw {
        // In two parcels.
        10..20 if announced > 1 => {
            let half = announced / 2;
            vec![Receipt { accepted: half, last: false, ..all }, Receipt { accepted: announced - half, ..all }]
        }
        // One broke on the way.
        2 => vec![Receipt { accepted: announced - 1, damaged: 1, ..all }],
        // One did not come.
        3 => vec![Receipt { accepted: announced - 1, ..all }],
        // One too many came.
        4 => vec![Receipt { accepted: announced + 1, ..all }],
        _ => vec![all],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_draw_ends_with_a_last_receipt() {
        for draw in 0..COUNTED_OF {
            for announced in [1, 2, 7] {
                let receipts = receipts(draw, announced);
                assert_eq!(receipts.iter().filter(|receipt| receipt.last).count(), 1);
                assert!(receipts.last().unwrap().last);
                let came: u32 = receipts.iter().map(|receipt| receipt.accepted + receipt.damaged).sum();
                assert!(came.abs_diff(announced) <= 1, "draw {draw} of {announced}");
            }
        }
        assert_eq!(receipts(10, 7).iter().map(|receipt| receipt.accepted).collect::<Vec<_>>(), [3, 4]);
    }
}
