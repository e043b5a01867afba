//! The warehouse: counts what comes back, at once or bit by bit, with what is damaged, wrong, not as claimed, missing or
//! too many; and what was missing comes now and then after all, when the claim may long have ended.

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

/// Of a hundred units that were missing so many come when nobody waits for them any more.
const LATE: u32 = 40;

/// What is counted in one go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    accepted: u32,
    damaged: u32,
    wrong_item: u32,
    unsalable: u32,
    not_as_claimed: u32,
    last: bool,
}

impl Count {
    /// Units that nobody can sell as they are, whatever the claim says.
    fn doubtful(self) -> u32 {
        self.damaged + self.wrong_item + self.unsalable + self.not_as_claimed
    }
}

/// The keepers at the gate.
#[derive(Debug)]
pub struct Warehouse;

impl Desk for Warehouse {
    type Item = Return;

    async fn list(world: &World) -> Result<Vec<Return>, Status> {
        let mut returns = Vec::new();
        for state in [ReturnState::Expected, ReturnState::PartlyReceived, ReturnState::ClosedShort] {
            let ask = ListReturnsRequest { state: state.into(), ..ListReturnsRequest::default() };
            returns.extend(world.lines.list(ask).await?);
        }
        returns.retain(|goods| match goods.state() {
            ReturnState::ClosedShort => is_late(world, goods),
            _ => is_here(world, goods),
        });
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
            ReturnState::ClosedShort => late(&mut chance),
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
        if booked.is_some() && count.doubtful() > 0 {
            dispose(&world, &case, &job, &what, count.doubtful()).await;
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

/// Whether a unit that was missing comes after all. One does, and no more.
fn is_late(world: &World, goods: &Return) -> bool {
    let Some(job) = &goods.job else { return false };
    let Some(case) = world.case(&job.claim_id) else { return false };
    let missing = goods.count.as_ref().map_or(0, |count| count.missing);
    let asked = format!("late {}.{}.{} {missing}", job.round, job.line, job.attempt);
    missing > 0 && world.dice.percent(case.key(), &asked, LATE)
}

fn late(chance: &mut Random) -> Count {
    let one = Count { accepted: 1, last: true, ..Count::default() };
    if chance.percent(30) { Count { accepted: 0, not_as_claimed: 1, ..one } } else { one }
}

fn count(chance: &mut Random, announced: u32) -> Count {
    let all = Count { accepted: announced, last: true, ..Count::default() };
    match chance.below(24) {
        0..3 if announced > 1 => Count { accepted: announced / 2, last: false, ..all },
        3 => Count { accepted: announced - 1, damaged: 1, ..all },
        4 => Count { accepted: announced - 1, wrong_item: 1, ..all },
        5 => Count { accepted: announced - 1, ..all },
        6 => Count { accepted: announced + 1, ..all },
        7 => Count { accepted: 0, damaged: announced, ..all },
        8 => Count { accepted: 0, ..all },
        9 => Count { accepted: announced - 1, not_as_claimed: 1, ..all },
        10 => Count { accepted: 0, not_as_claimed: announced, ..all },
        11 => Count { accepted: 0, wrong_item: announced, ..all },
        12 => Count { accepted: 0, unsalable: announced, ..all },
        _ => all,
    }
}

fn rest(goods: &Return) -> Count {
    let came = goods
        .count
        .as_ref()
        .map_or(0, |count| count.accepted + count.damaged + count.wrong_item + count.not_as_claimed);
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
        unsalable: count.unsalable,
        not_as_claimed: count.not_as_claimed,
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

    fn counts(announced: u32) -> Vec<Count> {
        (0..200).map(|seed| count(&mut Random::new(seed), announced)).collect()
    }

    #[test]
    fn what_is_counted_is_near_what_was_announced() {
        for announced in 1..4 {
            for count in counts(announced) {
                assert!(count.accepted + count.doubtful() <= announced + 1, "{count:?}");
                assert!(count.last || count.accepted > 0, "{count:?}");
            }
        }
    }

    #[test]
    fn all_that_may_be_wrong_with_goods_is_counted_for_some_seed() {
        let all = counts(2);
        let some = |is: fn(&Count) -> bool| all.iter().any(is);
        assert!(some(|count| count.damaged > 0) && some(|count| count.unsalable > 0));
        assert!(some(|count| count.wrong_item == 1) && some(|count| count.wrong_item == 2));
        assert!(some(|count| count.not_as_claimed == 1) && some(|count| count.not_as_claimed == 2));
        assert!(
            some(|count| *count == Count { last: true, ..Count::default() })
                && some(|count| count.accepted > 2)
                && some(|count| !count.last)
        );
        let late = (0..20).map(|seed| late(&mut Random::new(seed)));
        assert!(late.clone().any(|count| count.accepted == 1) && late.clone().any(|count| count.not_as_claimed == 1));
    }
}
