//! What a command comes to: what changes, the answer, and what is told.

use chassis::{Meta, Outcome, Outgoing};
use jiff::Timestamp;
use jiff::civil::Date;
use proto::ShipmentId;
use proto::logistics::{
    ConfirmBookingResponse, ParcelEventResult, ReportTrackingBatchResponse, ReportTrackingResponse,
};
use uuid::Uuid;

use super::domain::{self, Command, Days, Event, Refusal, Shipment, Sighting};
use super::rules::Rules;
use super::world::World;
use super::{events, wire};

/// The version of the parcel is what correctness rests on; the lane only keeps order where it can.
pub fn lane(command: &Command) -> Uuid {
    match command {
        Command::Book { key, .. } | Command::Cancel { key } => key.job.claim.0,
        Command::Report { tracking_no, .. } | Command::Confirm { tracking_no, .. } | Command::Due { tracking_no } => {
            of_waybill(tracking_no)
        }
        Command::ReportMany(seen) => of_waybill(seen.first().map_or("", |(tracking_no, _)| tracking_no)),
    }
}

/// Decides one command.
pub fn decide(rules: &Rules, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, chassis::Refusal> {
    match command {
        Command::Book { key, parcel, policy_version } => {
            let carriers = rules.carriers.of_claim(*policy_version)?;
            let id = ShipmentId(meta.new_id());
            let today = rules.days.of(meta.now);
            let found = domain::book(world.shipments.get(key), id, today, carriers, parcel);
            world.apply(meta, id, *key, &found);
            let Some(shipment) = world.shipments.get(key) else { return Ok(Outcome::none()) };
            let carrier = matches!(found[..], [Event::Booked(_)]).then(|| events::to_carry(shipment, meta.now));
            Ok(Outcome::none().telling(events::booked(shipment)).telling(carrier))
        }
        Command::Cancel { key } => {
            let found = domain::cancel(world.shipments.get(key));
            world.apply(meta, ShipmentId(meta.new_id()), *key, &found);
            let Some(shipment) = world.shipments.get(key) else { return Ok(Outcome::none()) };
            let told = shipment.booking.is_some() && !found.is_empty();
            let carrier = told.then(|| events::not_to_carry(shipment, meta.now));
            Ok(Outcome::none().telling([events::cancelled(shipment)]).telling(carrier))
        }
        Command::Report { tracking_no, sighting } => {
            let mut told = Vec::new();
            let (shipment, changed) = report(&rules.days, world, meta, tracking_no, sighting, &mut told)?;
            let reply = ReportTrackingResponse { shipment: Some(wire::shipment(shipment)), changed };
            Ok(Outcome::reply(&reply).telling(told))
        }
        Command::ReportMany(seen) => {
            let mut told = Vec::new();
            let results = seen.iter().map(|(tracking_no, sighting)| {
                let found = report(&rules.days, world, meta, tracking_no, sighting, &mut told);
                result(tracking_no, sighting, found)
            });
            let reply = ReportTrackingBatchResponse { results: results.collect() };
            Ok(Outcome::reply(&reply).telling(told))
        }
        Command::Confirm { tracking_no, carrier_no, day } => confirm(world, meta, tracking_no, carrier_no, *day),
        Command::Due { tracking_no } => Ok(due(&rules.days, world, meta, tracking_no)),
    }
}

/// The parcel afterwards, and whether the event changed anything. What follows is told.
fn report<'w>(
    days: &Days,
    world: &'w mut World,
    meta: &Meta,
    tracking_no: &str,
    sighting: &Sighting,
    told: &mut Vec<Outgoing>,
) -> Result<(&'w Shipment, bool), Refusal> {
    let before = world.own(meta, tracking_no)?.clone();
    let known = world.seen.contains(&(before.id, sighting.id.clone()));
    let found = domain::report(&before, known, sighting, days.of(meta.now), days)?;
    world.apply(meta, before.id, before.key, &found);
    let shipment = world.of_waybill(tracking_no)?;
    told.extend(events::seen(&before, shipment, &found, meta.now));
    Ok((shipment, found.iter().any(Event::changes)))
}

/// A day has passed; if it is not so any more, nothing.
fn due(days: &Days, world: &mut World, meta: &Meta, tracking_no: &str) -> Outcome {
    let Ok(before) = world.of_waybill(tracking_no).cloned() else { return Outcome::none() };
    let found = domain::due(&before, meta.now, days);
    world.apply(meta, before.id, before.key, &found);
    let told = world.shipments.get(&before.key).map(|after| events::seen(&before, after, &found, meta.now));
    Outcome::none().telling(told.unwrap_or_default())
}

fn result(tracking_no: &str, sighting: &Sighting, found: Result<(&Shipment, bool), Refusal>) -> ParcelEventResult {
    let (tracking_no, carrier_event_id) = (tracking_no.to_owned(), sighting.id.clone());
    let (changed, state, refused) = match found {
        Ok((shipment, changed)) => (changed, shipment.status.number(), String::new()),
        Err(refusal) => (false, 0, refusal.reason().to_owned()),
    };
    ParcelEventResult { tracking_no, carrier_event_id, changed, state, refused }
}

fn confirm(
    world: &mut World,
    meta: &Meta,
    tracking_no: &str,
    carrier_no: &str,
    day: Option<Date>,
) -> Result<Outcome, chassis::Refusal> {
    let before = world.own(meta, tracking_no)?.clone();
    let taken = world.waybills.get(carrier_no).is_some_and(|key| *key != before.key);
    let found = domain::confirm(&before, taken, carrier_no, day)?;
    world.apply(meta, before.id, before.key, &found);
    let shipment = world.of_waybill(tracking_no)?;
    let reply = ConfirmBookingResponse { shipment: Some(wire::shipment(shipment)) };
    let told = (!found.is_empty()).then(|| events::confirmed(shipment));
    Ok(Outcome::reply(&reply).telling(told))
}

fn of_waybill(tracking_no: &str) -> Uuid {
    proto::ids::derived(Timestamp::UNIX_EPOCH, &[tracking_no])
}
