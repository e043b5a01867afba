//! The carrier's gateway: collects and delivers what is booked, and reports what it saw.

use std::sync::Arc;

use anyhow::Result;
use proto::claim::{ClaimEvent, Leg, LegMoved};
use proto::logistics::{ReportTrackingRequest, ShipmentState, TrackingEvent};
use tonic::Request;

use super::customer;
use super::world::{World, persist};

/// Hears that something is booked.
pub fn hear(world: &Arc<World>, event: &ClaimEvent, moved: &LegMoved) {
    let carried = matches!(moved.leg(), Leg::Pickup | Leg::Shipment);
    if !carried || moved.detail != "BOOKED" || moved.tracking_no.is_empty() {
        return;
    }
    let (outbound, tracking_no, claim) =
        (moved.leg() == Leg::Shipment, moved.tracking_no.clone(), event.claim_id.clone());
    world.act("carrier", carry(Arc::clone(world), claim, tracking_no, outbound));
}

async fn carry(world: Arc<World>, claim: String, tracking_no: String, outbound: bool) -> Result<()> {
    // Whoever changes their mind does so before the carrier comes.
    if customer::changes_mind(&world, &claim).await? {
        return Ok(());
    }
    let packed = outbound.then_some(ShipmentState::Packed);
    let way = [ShipmentState::HandedOver, ShipmentState::InTransit, ShipmentState::Delivered];
    for state in packed.into_iter().chain(way) {
        report(&world, &tracking_no, state).await?;
    }
    Ok(())
}

async fn report(world: &World, tracking_no: &str, state: ShipmentState) -> Result<()> {
    let logistics = world.acting("carrier-gateway", "logistics")?.logistics()?;
    let event = TrackingEvent {
        carrier_event_id: format!("{tracking_no}-{}", i32::from(state)),
        state: state.into(),
        occurred_at: Some(proto::to_wire(chassis::Clock::default().now())),
        detail: "DEMO".to_owned(),
    };
    persist(&["NOT_FOUND"], |request_id| {
        let request =
            ReportTrackingRequest { request_id, tracking_no: tracking_no.to_owned(), event: Some(event.clone()) };
        let mut logistics = logistics.clone();
        async move { logistics.report_tracking(Request::new(request)).await }
    })
    .await?;
    Ok(())
}
