//! Finance: pays what it is instructed to pay; now and then it cannot.

use std::sync::Arc;

use proto::claim::Money;
use proto::orchestrator::{ConfirmSettlementRequest, ListSettlementsRequest, Settlement, SettlementState};
use tonic::Status;

use super::call::{Actor, Answer};
use super::desk::Desk;
use super::life::Moment;
use super::world::World;

/// The finance desk.
#[derive(Debug)]
pub struct Finance;

impl Desk for Finance {
    type Item = Settlement;

    async fn list(world: &World) -> Result<Vec<Settlement>, Status> {
        let state = SettlementState::Instructed.into();
        world.lines.list(ListSettlementsRequest { state, ..ListSettlementsRequest::default() }).await
    }

    fn claim(item: &Settlement) -> Option<&str> {
        item.job.as_ref().map(|job| job.claim_id.as_str())
    }

    fn key(settlement: &Settlement) -> String {
        settlement.settlement_id.clone()
    }

    async fn serve(world: Arc<World>, settlement: Settlement, turn: u32) {
        let Some(job) = settlement.job.clone() else { return };
        let Some(case) = world.case(&job.claim_id) else { return };
        let what = format!("pay {}.{}.{} {turn}", job.round, job.line, job.attempt);
        let mut chance = world.dice.about(case.key(), &what);
        // The first try may fail; who tries again has better luck.
        let paid = job.attempt > 1 || !chance.percent(12);
        let request = |what: &str, paid: bool, more: i64| {
            let amount = settlement.amount.clone().map(|due| Money { minor_units: due.minor_units + more, ..due });
            ConfirmSettlementRequest {
                request_id: world.id(&case, what),
                settlement_id: settlement.settlement_id.clone(),
                paid,
                amount: amount.filter(|_| paid),
                reference: format!("PAY '*.>' {}", settlement.settlement_id),
                credit_note: if paid { format!("CN {what}") } else { String::new() },
                failure: if paid { String::new() } else { "the account is closed".to_owned() },
            }
        };
        let desk = Actor::new("finance-desk", "finance");
        if chance.percent(6) {
            let wrong = format!("{what} too much");
            if let Answer::Done(_) = world.act(&case, &desk, &wrong, request(&wrong, true, 1)).await {
                world.surprise(format!("claim {}: more was paid than instructed", case.claim));
            }
        }
        let pay = world.act(&case, &desk, &what, request(&what, paid, 0));
        tokio::join!(pay, world.withdraw_at(&case, Moment::Settlement));
        if chance.percent(10) {
            let again = format!("{what} again");
            if let Answer::Done(_) = world.act(&case, &desk, &again, request(&again, !paid, 0)).await {
                world.surprise(format!("claim {}: a settlement was confirmed twice", case.claim));
            }
        }
    }
}
