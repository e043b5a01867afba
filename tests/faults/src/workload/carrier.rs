//! The carrier's gateway: reports what became of each parcel, in order, now and then twice or late.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::claim::Job;
use proto::logistics::{
    Direction, ListShipmentsRequest, ReportTrackingRequest, Shipment, ShipmentState, TrackingEvent,
};
use tonic::Status;

use super::call::{Actor, Answer};
use super::desk::Desk;
use super::life::Moment;
use super::world::{Case, World};
use crate::random::Random;

/// The carrier.
#[derive(Debug)]
pub struct Carrier;

impl Desk for Carrier {
    type Item = Shipment;
    const HANDS: usize = 24;

    async fn list(world: &World) -> Result<Vec<Shipment>, Status> {
        let state = ShipmentState::Booked.into();
        world.lines.list(ListShipmentsRequest { state, ..ListShipmentsRequest::default() }).await
    }

    fn claim(item: &Shipment) -> Option<&str> {
        item.job.as_ref().map(|job| job.claim_id.as_str())
    }

    fn key(shipment: &Shipment) -> String {
        shipment.shipment_id.clone()
    }

    async fn serve(world: Arc<World>, shipment: Shipment, turn: u32) {
        let Some(job) = shipment.job.clone() else { return };
        let Some(case) = world.case(&job.claim_id) else { return };
        let what = format!("{:?} {}.{}.{} {turn}", shipment.direction(), job.round, job.line, job.attempt);
        let mut chance = world.dice.about(case.key(), &what);
        let way = way(&world, &mut chance, &case, &shipment, &job);
        for (at, state) in way.iter().enumerate() {
            let moment = if at == 0 { Moment::Booked } else { Moment::UnderWay };
            let parcel = Parcel { world: &world, case: &case, shipment: &shipment, what: format!("{what} {at}") };
            let (went_on, _) = tokio::join!(parcel.report(*state), world.withdraw_at(&case, moment));
            if !went_on {
                return;
            }
            let back = match shipment.direction() {
                Direction::Return => *state == ShipmentState::Delivered,
                Direction::Outbound | Direction::Unspecified => *state == ShipmentState::Refused,
            };
            if back {
                world.arrive(&job.claim_id, job.round, job.line);
            }
            tokio::time::sleep(Duration::from_millis(chance.between(5, 40))).await;
        }
    }
}

/// What becomes of a parcel, step by step.
fn way(world: &World, chance: &mut Random, case: &Case, shipment: &Shipment, job: &Job) -> Vec<ShipmentState> {
    let outbound = shipment.direction() == Direction::Outbound;
    let mut way = Vec::new();
    if outbound && chance.percent(50) {
        way.push(ShipmentState::Packed);
    }
    way.push(ShipmentState::HandedOver);
    if chance.percent(70) {
        way.push(ShipmentState::InTransit);
    }
    if chance.percent(12) {
        way.extend([ShipmentState::Delayed, ShipmentState::InTransit]);
    }
    // Some places are cursed: what is sent there is lost, until somebody else decides.
    let cursed = outbound && job.attempt < 4 && world.dice.percent(case.key(), &format!("cursed {}", job.line), 3);
    way.extend(match chance.below(100) {
        _ if cursed => vec![ShipmentState::Lost],
        0..4 => vec![ShipmentState::Lost],
        // A parcel that was given up and turns up: logistics knows what to make of it.
        4..5 => vec![ShipmentState::Lost, ShipmentState::Delivered],
        5..9 if outbound => vec![ShipmentState::Damaged],
        5..9 => vec![ShipmentState::Damaged, ShipmentState::Delivered],
        9..13 => vec![ShipmentState::Refused],
        _ => vec![ShipmentState::Delivered],
    });
    way
}

struct Parcel<'a> {
    world: &'a World,
    case: &'a Case,
    shipment: &'a Shipment,
    what: String,
}

impl Parcel<'_> {
    /// Reports a step, perhaps twice; false: the parcel goes no further.
    async fn report(&self, state: ShipmentState) -> bool {
        let Self { world, case, shipment, what } = self;
        let event = TrackingEvent {
            // The carrier numbers what it saw of a parcel: the same step has the same number for ever.
            carrier_event_id: format!("{}-{}", shipment.tracking_no, what.replace(' ', ".")),
            state: state.into(),
            occurred_at: Some(proto::to_wire(Timestamp::now())),
            detail: "HUB-7 '*.>'".to_owned(),
            ..TrackingEvent::default()
        };
        let request = |what: &str| ReportTrackingRequest {
            request_id: world.id(case, what),
            tracking_no: shipment.tracking_no.clone(),
            event: Some(event.clone()),
        };
        let gateway = Actor::new("carrier-gateway", "logistics,integration");
        let told = format!("{what} {state:?}");
        let answer = world.act(case, &gateway, &told, request(&told)).await;
        if world.dice.percent(case.key(), &format!("repeats {told}"), 12) {
            let again = format!("{told} repeated");
            let repeated = world.act(case, &gateway, &again, request(&again)).await;
            if matches!(&answer, Answer::Done(_)) && repeated.done().is_some_and(|reply| reply.changed) {
                world.surprise(format!("claim {}: the carrier's event counted twice: {told}", case.claim));
            }
        }
        matches!(answer, Answer::Done(_))
    }
}
