//! The warehouse: counts what comes back, at once or bit by bit, with what is damaged, wrong, missing or too many.

use std::sync::Arc;

use proto::claim::Job;
use proto::inventory::{
    DisposeReturnRequest, Disposition, ListReturnsRequest, ReceiveReturnRequest, Return, ReturnState,
};
use tonic::Status;

use super::call::{Actor, Answer};
use super::desk::Desk;
use super::goods::WAREHOUSE;
use super::world::{Case, World};
use crate::random::Random;

/// What is counted in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    accepted: u32,
    damaged: u32,
    wrong_item: u32,
    last: bool,
}

/// The keepers at the gate.
#[derive(Debug)]
pub struct Warehouse;

impl Desk for Warehouse {
    type Item = Return;

    async fn list(world: &World) -> Result<Vec<Return>, Status> {
        let mut returns = Vec::new();
        for state in [ReturnState::Expected, ReturnState::PartlyReceived] {
            let ask = ListReturnsRequest { state: state.into(), ..ListReturnsRequest::default() };
            returns.extend(world.lines.list(ask).await?);
        }
        returns.retain(|goods| is_here(world, goods));
        Ok(returns)
    }

    fn claim(item: &Return) -> Option<&str> {
        item.job.as_ref().map(|job| job.claim_id.as_str())
    }

    fn key(goods: &Return) -> String {
        format!("{:?}/{}", goods.job, goods.etag)
    }

    async fn serve(world: Arc<World>, goods: Return, turn: u32) {
        let Some(job) = goods.job.clone() else { return };
        let Some(case) = world.case(&job.claim_id) else { return };
        let what = format!("count {}.{}.{} {:?} {turn}", job.round, job.line, job.attempt, goods.state());
        let mut chance = world.dice.about(case.key(), &what);
        let count = match goods.state() {
            // The rest of what came in two parcels.
            ReturnState::PartlyReceived => rest(&goods),
            _ => count(&mut chance, goods.announced),
        };
        let keeper = Actor::new("keeper-1", "warehouse");
        // Without an etag nobody may count the same goods at the same time.
        let race = chance.percent(20);
        let counted = receipt(&world, &case, &goods, &what, count, race || chance.percent(50));
        let booked = if race {
            let other = receipt(&world, &case, &goods, &format!("{what} other"), Count { last: true, ..count }, true);
            let rival = Actor::new("keeper-2", "warehouse");
            let tag = format!("{what} race");
            let (one, two) =
                tokio::join!(world.act(&case, &keeper, &tag, counted), world.act(&case, &rival, &tag, other));
            if matches!((&one, &two), (Answer::Done(_), Answer::Done(_))) {
                world.surprise(format!("claim {}: the same goods were counted twice", case.claim));
            }
            [one, two].into_iter().find_map(Answer::done)
        } else {
            world.act(&case, &keeper, &what, counted).await.done()
        };
        if booked.is_some() && count.damaged + count.wrong_item > 0 {
            dispose(&world, &case, &job, &what, count.damaged + count.wrong_item).await;
        }
    }
}

/// Whether the goods are at the gate: the carrier brought them, or now and then the customer in person.
fn is_here(world: &World, goods: &Return) -> bool {
    let Some(job) = &goods.job else { return false };
    let Some(case) = world.case(&job.claim_id) else { return false };
    world.has_arrived(&job.claim_id, job.round, job.line)
        || world.dice.percent(case.key(), &format!("in person {}.{}.{}", job.round, job.line, job.attempt), 5)
}

fn count(chance: &mut Random, announced: u32) -> Count {
    let all = Count { accepted: announced, last: true, ..Count::default() };
    match chance.below(20) {
        0..3 if announced > 1 => Count { accepted: announced / 2, last: false, ..all },
        3 => Count { accepted: announced - 1, damaged: 1, ..all },
        4 => Count { accepted: announced - 1, wrong_item: 1, ..all },
        5 => Count { accepted: announced - 1, ..all },
        6 => Count { accepted: announced + 1, ..all },
        7 => Count { accepted: 0, damaged: announced, ..all },
        8 => Count { accepted: 0, ..all },
        _ => all,
    }
}

fn rest(goods: &Return) -> Count {
    let came = goods.count.as_ref().map_or(0, |count| count.accepted + count.damaged + count.wrong_item);
    Count { accepted: goods.announced.saturating_sub(came), last: true, ..Count::default() }
}

fn receipt(
    world: &World,
    case: &Case,
    goods: &Return,
    what: &str,
    count: Count,
    versioned: bool,
) -> ReceiveReturnRequest {
    ReceiveReturnRequest {
        request_id: world.id(case, what),
        job: goods.job.clone(),
        etag: if versioned { goods.etag.clone() } else { String::new() },
        warehouse: WAREHOUSE.to_owned(),
        accepted: count.accepted,
        damaged: count.damaged,
        wrong_item: count.wrong_item,
        last: count.last,
        ..ReceiveReturnRequest::default()
    }
}

/// What is done with goods that nobody can sell as they are.
async fn dispose(world: &World, case: &Case, job: &Job, what: &str, quantity: u32) {
    let what = format!("dispose {what}");
    let mut chance = world.dice.about(case.key(), &what);
    let all = [Disposition::Restock, Disposition::Scrap, Disposition::SupplierReturn];
    let disposition = chance.pick(&all).copied().unwrap_or(Disposition::Scrap);
    let request = |what: &str, quantity| DisposeReturnRequest {
        request_id: world.id(case, what),
        job: Some(job.clone()),
        quantity,
        disposition: disposition.into(),
        other_sku: String::new(),
    };
    let keeper = Actor::new("keeper-1", "warehouse");
    world.act(case, &keeper, &what, request(&what, quantity)).await;
    if chance.percent(20) {
        let more = format!("{what} more");
        if let Answer::Done(_) = world.act(case, &keeper, &more, request(&more, 1_000)).await {
            world.surprise(format!("claim {}: more was disposed of than came back", case.claim));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_near_what_was_announced() {
        for seed in 0..200 {
            for announced in 1..4 {
                let count = count(&mut Random::new(seed), announced);
                assert!(count.accepted + count.damaged + count.wrong_item <= announced + 1, "{count:?}");
                assert!(count.last || count.accepted > 0, "{count:?}");
            }
        }
    }
}
