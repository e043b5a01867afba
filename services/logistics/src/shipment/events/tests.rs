use proto::{ClaimId, ShipmentId, ids};

use super::*;
use crate::shipment::domain::{self, Booking, DeliveryMode, Sighting};

const REPORTED: [Status; 9] = [
    Status::Booked,
    Status::Packed,
    Status::HandedOver,
    Status::InTransit,
    Status::Delayed,
    Status::Delivered,
    Status::Damaged,
    Status::Lost,
    Status::Refused,
];

fn booked_parcel(direction: Direction) -> Shipment {
    let at = Timestamp::UNIX_EPOCH;
    let key = Key { job: Job { claim: ClaimId(ids::v7(at, [1; 10])), round: 1, line: 1, attempt: 1 }, direction };
    let booking = Booking {
        parcel: Parcel { sku: "A".to_owned(), quantity: 1, country: "GB".to_owned(), urgent: false },
        carrier: "swift".to_owned(),
        mode: DeliveryMode::Express,
        tracking_no: "RX".to_owned(),
        cost_minor: 1,
        currency: "GBP".to_owned(),
        promised_on: jiff::civil::date(2026, 3, 4),
    };
    let id = ShipmentId(ids::v7(at, [2; 10]));
    domain::evolve(id, key, None, &domain::Event::Booked(booking))
}

/// One report: the parcel afterwards, and the names of what was told.
fn after(shipment: &Shipment, state: Status) -> (Shipment, Vec<String>) {
    let sighting = Sighting {
        id: "e".to_owned(),
        state,
        reason: None,
        at: Timestamp::UNIX_EPOCH,
        detail: String::new(),
        held_until: None,
        expected_on: None,
    };
    let zone = jiff::tz::TimeZone::UTC;
    let late = proto::policy::Dated::of("acme", zone.clone(), [(1, jiff::civil::Date::MIN, 2)]);
    let days = domain::Days { zone, late };
    let today = jiff::civil::date(1970, 1, 1);
    let found = domain::report(shipment, false, &sighting, today, &days).unwrap_or_default();
    let mut moved = shipment.clone();
    for event in &found {
        moved = domain::evolve(moved.id, moved.key, Some(moved.clone()), event);
    }
    let told = seen(shipment, &moved, &found, Timestamp::UNIX_EPOCH);
    (moved, names(&told))
}

fn names(told: &[Outgoing]) -> Vec<String> {
    told.iter().map(|message| message.subject().name().to_owned()).collect()
}

fn walk(shipment: &Shipment, told: &[String], depth: u32, pasts: &mut u32) {
    *pasts += 1;
    let times = |name: &str| told.iter().filter(|told| *told == name).count();
    let first = |name: &str| told.iter().position(|told| told == name);
    let under_way = !matches!(shipment.status, Status::Booked | Status::Packed);
    assert_eq!(times("handed_over"), usize::from(under_way), "{told:?}");
    assert_eq!(first("handed_over").unwrap_or(0), 0, "nothing is told before the hand-over: {told:?}");
    // Damage that is found after the delivery is told with it, once more.
    let delivered = usize::from(shipment.status == Status::Delivered);
    let damaged = usize::from(shipment.reason == Some(TrackingReason::DeliveredDamaged));
    assert!((delivered..=delivered + damaged).contains(&times("delivered")), "{told:?}");
    assert!(times("exception") <= times("shipment_exception"), "the department is told of each: {told:?}");
    let again = names(&booked(shipment));
    assert_eq!(again[0], "booked");
    assert_eq!(again.contains(&"handed_over".to_owned()), under_way, "asked again: {again:?}");
    assert_eq!(again.contains(&"delivered".to_owned()), shipment.status == Status::Delivered, "{again:?}");
    let void = names(&[cancelled(shipment)]);
    assert!(!under_way || void == ["cancel_refused"], "{:?} {void:?}", shipment.status);
    if depth == 0 {
        return;
    }
    for state in REPORTED {
        let (moved, news) = after(shipment, state);
        assert!(!news.is_empty() || moved.status == shipment.status || quiet(moved.status), "{state:?} was not told");
        walk(&moved, &[told, &news].concat(), depth - 1, pasts);
    }
}

/// States that are nobody's business outside.
fn quiet(status: Status) -> bool {
    matches!(status, Status::Packed | Status::HandedOver | Status::InTransit)
}

/// Every order of up to four reports, in both directions: each fact is told once, and the hand-over before the rest.
#[test]
fn every_past_is_told_in_order_and_once() {
    let mut pasts = 0;
    walk(&booked_parcel(Direction::Outbound), &[], 4, &mut pasts);
    walk(&booked_parcel(Direction::Return), &[], 4, &mut pasts);
    assert_eq!(pasts, 2 * (1 + 9 + 81 + 729 + 6_561));
}
