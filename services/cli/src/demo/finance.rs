//! The finance desk: pays what it is instructed to pay, and says so.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use proto::claim::{Money, Notice};
use proto::orchestrator::ConfirmSettlementRequest;
use tonic::Request;

use super::world::{Paid, World, persist};

/// Hears an instruction.
pub fn instructed(world: &Arc<World>, notice: &Notice) {
    world.act("finance", pay(Arc::clone(world), notice.clone()));
}

async fn pay(world: Arc<World>, notice: Notice) -> Result<()> {
    let given = |name: &str| notice.parameters.get(name).with_context(|| format!("the instruction has no {name}"));
    let settlement = given("settlement_id")?;
    let number = |text: &String| text.parse::<i64>().context("the amount is not a number");
    let minor_units = number(given("amount_minor")?)?;
    // Freight that the customer bears is kept from the refund, and said.
    let kept = notice.parameters.get("freight_kept_minor").map_or(Ok(0), number)?;
    let amount = Money { minor_units, currency: given("currency")?.clone() };
    let orchestrator = world.acting("finance-desk", "finance")?.orchestrator()?;
    persist(&["NOT_FOUND"], |request_id| {
        let request = ConfirmSettlementRequest {
            request_id,
            settlement_id: settlement.clone(),
            paid: true,
            amount: Some(amount.clone()),
            reference: format!("PAY-{settlement}"),
            ..ConfirmSettlementRequest::default()
        };
        let mut orchestrator = orchestrator.clone();
        async move { orchestrator.confirm_settlement(Request::new(request)).await }
    })
    .await?;
    let paid = Paid { claim: notice.claim_id.clone(), minor_units, kept };
    world.log().paid.insert(settlement.clone(), paid);
    Ok(())
}
