//! The carrier's gateway: reports what became of each parcel, in order or all at once, now and then twice or late. What was
//! lost or damaged may turn up, and what was refused comes back.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proto::claim::Job;
use proto::logistics::{
    Direction, ListShipmentsRequest, ParcelEvent, ReportTrackingBatchRequest, ReportTrackingRequest, Shipment,
    ShipmentState, TrackingEvent, TrackingReason,
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
        let cursed = is_cursed(&world, &case, &shipment, &job);
        let way = way(&mut chance, shipment.direction() == Direction::Outbound, cursed);
        let parcel = Parcel { world: &world, case: &case, shipment: &shipment, job: &job, what };
        if chance.percent(20) {
            // A carrier that tells what happened in the evening.
            tokio::join!(parcel.report_all(&way), world.withdraw_at(&case, Moment::UnderWay));
            return;
        }
        for (at, step) in way.iter().enumerate() {
            let moment = if at == 0 { Moment::Booked } else { Moment::UnderWay };
            tokio::time::sleep(Duration::from_millis(step.after_ms)).await;
            let (went_on, _) = tokio::join!(parcel.report(at, step), world.withdraw_at(&case, moment));
            if !went_on {
                return;
            }
            parcel.arrive(step);
        }
        if chance.percent(10) {
            parcel.report_late(&way).await;
        }
    }
}

/// One thing that happens to a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    state: ShipmentState,
    reason: TrackingReason,
    /// How long after the one before.
    after_ms: u64,
}

/// Some places are cursed: what is sent there is lost, until somebody else decides.
fn is_cursed(world: &World, case: &Case, shipment: &Shipment, job: &Job) -> bool {
    let outbound = shipment.direction() == Direction::Outbound;
    outbound && job.attempt < 4 && world.dice.percent(case.key(), &format!("cursed {}", job.line), 3)
}

/// What becomes of a parcel, step by step.
fn way(chance: &mut Random, outbound: bool, cursed: bool) -> Vec<Step> {
    use ShipmentState as S;
    use TrackingReason as R;
    let mut way = Vec::new();
    if outbound && chance.percent(50) {
        way.push((S::Packed, R::Unspecified));
    }
    way.push((S::HandedOver, R::Unspecified));
    if chance.percent(70) {
        way.push((S::InTransit, R::Unspecified));
    }
    if chance.percent(12) {
        way.extend([(S::Delayed, R::Unspecified), (S::InTransit, R::Unspecified)]);
    }
    if outbound && chance.percent(8) {
        way.push((S::InTransit, R::DeliveryAttempted));
    }
    let (end, found) = match chance.below(100) {
        _ if cursed => ((S::Lost, R::Unspecified), None),
        0..3 => ((S::Lost, R::Unspecified), None),
        // A parcel that was given up and turns up: logistics knows what to make of it.
        3..6 => ((S::Lost, R::Unspecified), Some((S::Delivered, R::Unspecified))),
        6..8 if outbound => ((S::Damaged, R::Unspecified), None),
        6..10 => ((S::Damaged, R::Unspecified), Some((S::Delivered, R::Unspecified))),
        10..12 => ((S::Refused, R::Unspecified), None),
        // It is back with its sender, in the words of one carrier or another.
        12..14 => ((S::Refused, R::ReturningToSender), Some((S::Refused, R::ReturnedToSender))),
        14..15 => ((S::Refused, R::Unspecified), Some((S::Delivered, R::Unspecified))),
        15..17 if outbound => ((S::Delivered, R::DeliveredDamaged), None),
        _ => ((S::Delivered, R::Unspecified), None),
    };
    way.push(end);
    let mut way: Vec<Step> =
        way.into_iter().map(|(state, reason)| Step { state, reason, after_ms: chance.between(5, 40) }).collect();
    // By then another one may have been sent.
    let after_ms = chance.between(5, 1_500);
    way.extend(found.map(|(state, reason)| Step { state, reason, after_ms }));
    way
}

struct Parcel<'a> {
    world: &'a World,
    case: &'a Case,
    shipment: &'a Shipment,
    job: &'a Job,
    what: String,
}

fn gateway() -> Actor {
    Actor::new("carrier-gateway", "logistics,integration")
}

impl Parcel<'_> {
    fn event(&self, at: usize, step: &Step) -> TrackingEvent {
        let Self { shipment, what, .. } = self;
        TrackingEvent {
            // The carrier numbers what it saw of a parcel: the same step has the same number for ever.
            carrier_event_id: format!("{}-{}", shipment.tracking_no, format!("{what} {at}").replace(' ', ".")),
            state: step.state.into(),
            reason: step.reason.into(),
            occurred_at: Some(proto::to_wire(Timestamp::now())),
            detail: "HUB-7 '*.>'".to_owned(),
            ..TrackingEvent::default()
        }
    }

    fn request(&self, event: &TrackingEvent, what: &str) -> ReportTrackingRequest {
        ReportTrackingRequest {
            request_id: self.world.id(self.case, what),
            tracking_no: self.shipment.tracking_no.clone(),
            event: Some(event.clone()),
        }
    }

    /// Reports a step, perhaps twice; false: the parcel goes no further.
    async fn report(&self, at: usize, step: &Step) -> bool {
        let Self { world, case, what, .. } = self;
        let event = self.event(at, step);
        let told = format!("{what} {at} {:?}", step.state);
        let answer = world.act(case, &gateway(), &told, self.request(&event, &told)).await;
        if world.dice.percent(case.key(), &format!("repeats {told}"), 12) {
            let again = format!("{told} repeated");
            let repeated = world.act(case, &gateway(), &again, self.request(&event, &again)).await;
            if matches!(&answer, Answer::Done(_)) && repeated.done().is_some_and(|reply| reply.changed) {
                world.surprise(format!("claim {}: the carrier's event counted twice: {told}", case.claim));
            }
        }
        matches!(answer, Answer::Done(_))
    }

    /// Reports the whole way at once, the first step of it twice.
    async fn report_all(&self, way: &[Step]) {
        let Self { world, case, shipment, what, .. } = self;
        let mut events: Vec<TrackingEvent> = way.iter().enumerate().map(|(at, step)| self.event(at, step)).collect();
        events.extend(events.first().cloned());
        let parcel = |event| ParcelEvent { tracking_no: shipment.tracking_no.clone(), event: Some(event) };
        let told = format!("{what} batch");
        let request_id = world.id(case, &told);
        let request = ReportTrackingBatchRequest { request_id, events: events.into_iter().map(parcel).collect() };
        let Some(reply) = world.act(case, &gateway(), &told, request).await.done() else { return };
        if reply.results.len() != way.len() + 1 || reply.results.last().is_some_and(|result| result.changed) {
            world.surprise(format!("claim {}: a batch was answered with {:?}", case.claim, reply.results));
        }
        let taken = way.iter().zip(&reply.results).filter(|(_, result)| result.refused.is_empty());
        taken.for_each(|(step, _)| self.arrive(step));
    }

    /// What happened early is reported last: it is no news.
    async fn report_late(&self, way: &[Step]) {
        let Self { world, case, what, .. } = self;
        if way.last().is_none_or(|last| last.state != ShipmentState::Delivered) {
            return;
        }
        let step = Step { state: ShipmentState::InTransit, reason: TrackingReason::Unspecified, after_ms: 0 };
        let hour = jiff::SignedDuration::from_hours(1);
        let event = TrackingEvent {
            occurred_at: Some(proto::to_wire(Timestamp::now() - hour)),
            ..self.event(way.len(), &step)
        };
        let told = format!("{what} late");
        let answer = world.act(case, &gateway(), &told, self.request(&event, &told)).await;
        if answer.done().is_some_and(|reply| reply.changed) {
            world.surprise(format!("claim {}: a late event moved a parcel: {told}", case.claim));
        }
    }

    /// The goods are at our gate now, if that is what a step means.
    fn arrive(&self, step: &Step) {
        let back = match self.shipment.direction() {
            Direction::Return => step.state == ShipmentState::Delivered,
            Direction::Outbound | Direction::Unspecified => step.state == ShipmentState::Refused,
        };
        if back {
            self.world.arrive(&self.job.claim_id, self.job.round, self.job.line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_carriers_report_happens_for_some_seed() {
        let ways: Vec<_> = (0..2_000).map(|seed| way(&mut Random::new(seed), seed % 2 == 0, false)).collect();
        let ends = |end: &[ShipmentState]| {
            ways.iter().any(|way| way.iter().map(|step| step.state).collect::<Vec<_>>().ends_with(end))
        };
        use ShipmentState as S;
        for end in [&[S::Lost][..], &[S::Lost, S::Delivered], &[S::Damaged], &[S::Damaged, S::Delivered]] {
            assert!(ends(end), "{end:?}");
        }
        for end in [&[S::Refused][..], &[S::Refused, S::Refused], &[S::Refused, S::Delivered], &[S::Delivered]] {
            assert!(ends(end), "{end:?}");
        }
        let because = |reason| ways.iter().flatten().any(|step| step.reason == reason);
        for reason in [
            TrackingReason::DeliveryAttempted,
            TrackingReason::ReturningToSender,
            TrackingReason::ReturnedToSender,
            TrackingReason::DeliveredDamaged,
        ] {
            assert!(because(reason), "{reason:?}");
        }
        assert_eq!(way(&mut Random::new(1), true, true).last().unwrap().state, S::Lost);
    }
}
