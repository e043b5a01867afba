//! The carrier's gateway: collects and delivers what is booked, late or not at all now and then, and reports what it saw.

use std::sync::Arc;

use anyhow::Result;
use proto::claim::{ClaimEvent, Leg, LegMoved};
use proto::logistics::{ReportTrackingRequest, ShipmentState, TrackingEvent};
use tonic::Request;

use super::customer;
use super::world::{World, persist};

/// One of so many parcels is lost; the next one of the same claim is not.
const LOST_OF: u64 = 50;
/// One of so many parcels is late.
const LATE_OF: u64 = 20;

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
    let lost = world.draw("lost", &claim, LOST_OF).await? == 0 && world.log().lost.insert(claim.clone());
    let late = world.draw("late", &claim, LATE_OF).await? == 0;
    for state in way(outbound, lost, late) {
        report(&world, &tracking_no, state).await?;
    }
    Ok(())
}

/// What the gateway reports of a parcel, one after the other.
fn way(outbound: bool, lost: bool, late: bool) -> Vec<ShipmentState> {
    let mut way = Vec::new();
    if outbound {
        way.push(ShipmentState::Packed);
    }
    way.extend([ShipmentState::HandedOver, ShipmentState::InTransit]);
    if late {
        way.push(ShipmentState::Delayed);
    }
    way.push(if lost { ShipmentState::Lost } else { ShipmentState::Delivered });
    way
}

async fn report(world: &World, tracking_no: &str, state: ShipmentState) -> Result<()> {
    let logistics = world.acting("carrier-gateway", "logistics")?.logistics()?;
    let event = TrackingEvent {
        carrier_event_id: format!("{tracking_no}-{}", i32::from(state)),
        state: state.into(),
        occurred_at: Some(proto::to_wire(chassis::Clock::default().now())),
        detail: "DEMO".to_owned(),
        ..TrackingEvent::default()
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
