use proptest::prelude::*;
use proto::ClaimId;
use proto::ids;
use proto::policy::{Dated, Pack};

use super::*;

mod reasons;

const ALL: [Status; 11] = [
    Status::Booked,
    Status::Packed,
    Status::HandedOver,
    Status::InTransit,
    Status::Delayed,
    Status::Delivered,
    Status::Damaged,
    Status::Lost,
    Status::Refused,
    Status::Cancelled,
    Status::NotServed,
];

fn carriers() -> Carriers {
    let pack = Pack::load(None).unwrap();
    Carriers { list: pack.logistics.carriers, currency: pack.currency }
}

fn key(direction: Direction) -> Key {
    Key {
        job: Job { claim: ClaimId(ids::v7(Timestamp::UNIX_EPOCH, [1; 10])), round: 1, line: 1, attempt: 1 },
        direction,
    }
}

fn id() -> ShipmentId {
    ShipmentId(ids::v7(Timestamp::UNIX_EPOCH, [2; 10]))
}

fn parcel(country: &str) -> Parcel {
    Parcel { sku: "A".to_owned(), quantity: 3, country: country.to_owned(), urgent: false }
}

fn booked(direction: Direction) -> Shipment {
    let today = jiff::civil::date(2026, 3, 4);
    let events = book(None, id(), today, &carriers(), &parcel("GB"));
    evolve(id(), key(direction), None, &events[0])
}

fn sighting(name: u8, state: Status) -> Sighting {
    Sighting {
        id: name.to_string(),
        state,
        reason: None,
        at: Timestamp::UNIX_EPOCH,
        detail: String::new(),
        held_until: None,
        expected_on: None,
    }
}

const TODAY: Date = jiff::civil::date(2026, 3, 5);

fn days() -> Days {
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    Days { late: Dated::of("acme", zone.clone(), [(1, Date::MIN, 2)]), zone }
}

fn seen(shipment: &Shipment, sighting: &Sighting) -> Result<Vec<Event>, Refusal> {
    report(shipment, false, sighting, TODAY, &days())
}

#[test]
fn a_booking_names_carrier_cost_and_day() {
    let booking = booked(Direction::Outbound).booking.unwrap();
    assert_eq!((booking.carrier.as_str(), booking.cost_minor), ("milan-freight", 450 + 3 * 8));
    assert_eq!(booking.promised_on, jiff::civil::date(2026, 3, 8));
    assert_eq!(booking.tracking_no.len(), 14);
}

#[test]
fn a_job_is_booked_once() {
    let known = booked(Direction::Outbound);
    let today = jiff::civil::date(2026, 3, 9);
    assert_eq!(book(Some(&known), id(), today, &carriers(), &parcel("GB")), []);
}

#[test]
fn a_place_nobody_serves_is_told() {
    let nobody = Carriers { list: Vec::new(), currency: "GBP".to_owned() };
    let today = jiff::civil::date(2026, 3, 4);
    assert_eq!(book(None, id(), today, &nobody, &parcel("GB")), [Event::NotServed]);
}

#[test]
fn what_is_called_off_before_it_was_asked_for_is_never_booked() {
    let events = cancel(None);
    assert_eq!(events, [Event::Cancelled]);
    let remembered = evolve(id(), key(Direction::Outbound), None, &events[0]);
    let today = jiff::civil::date(2026, 3, 4);
    assert_eq!(book(Some(&remembered), id(), today, &carriers(), &parcel("GB")), []);
    assert_eq!(cancel(Some(&remembered)), []);
}

/// Every state × every reported state: what has ended stays as it is, and nothing goes back before the hand-over.
#[test]
fn every_transition_is_ahead_behind_or_refused() {
    let under_way = |status: Status| status >= Status::HandedOver && status <= Status::Refused;
    for direction in [Direction::Outbound, Direction::Return] {
        for from in ALL {
            for to in ALL {
                let shipment = Shipment { status: from, ..booked(direction) };
                let answer = seen(&shipment, &sighting(1, to));
                let after = match &answer {
                    Ok(events) => evolve(shipment.id, shipment.key, Some(shipment.clone()), &events[0]).status,
                    Err(Refusal::IllegalTransition { .. }) => from,
                    Err(Refusal::NotFound { .. } | Refusal::TooMuchSeen | Refusal::WaybillTaken { .. }) => {
                        panic!("it is known")
                    }
                };
                assert!(after == from || after == to, "{from:?} {to:?}");
                assert!(!under_way(from) || under_way(after), "{from:?} went back to {after:?}");
                let ended = matches!(from, Status::Delivered | Status::Lost | Status::Refused | Status::Cancelled);
                let found = from == Status::Lost && after == Status::Delivered;
                assert!(!ended || after == from || found, "{from:?} became {after:?}");
                let can_cancel = matches!(cancel(Some(&shipment))[..], [Event::Cancelled]);
                let at_hand = matches!(from, Status::Booked | Status::Packed | Status::NotServed);
                assert_eq!(can_cancel, at_hand, "{from:?}");
            }
        }
    }
}

/// The whole table: `>` it goes there, `=` nothing changes, `!` it stays and that is evidence, `n` nothing changes and people
/// are told, `b` it is back with its sender, `x` no carrier can mean that.
#[test]
fn the_table_of_transitions_is_this_one() {
    let table = |direction: Direction| {
        let letter = |from, to| match next(direction, from, to, false) {
            Move::Ahead => '>',
            Move::News => '!',
            Move::Noted => 'n',
            Move::Back => 'b',
            Move::Behind => '=',
            Move::Illegal => 'x',
        };
        let row = |from: Status| format!("{from:?} {}", ALL.iter().map(|to| letter(from, *to)).collect::<String>());
        ALL.map(row)
    };
    let outbound = [
        // Booked, Packed, HandedOver, InTransit, Delayed, Delivered, Damaged, Lost, Refused, Cancelled, NotServed
        "Booked =>>>>>>>>xx",
        "Packed ==>>>>>>>xx",
        "HandedOver ===>>>>>>xx",
        "InTransit ====>>>>>xx",
        "Delayed ===>=>>>>xx",
        "Delivered ======!nnxx",
        "Damaged =====>==nxx",
        "Lost =====>==nxx",
        "Refused =====bnn=xx",
        "Cancelled ==xxxxxxx=x",
        "NotServed =xxxxxxxxx=",
    ];
    assert_eq!(table(Direction::Outbound), outbound);
    let inbound = outbound.map(|row| if row.starts_with("Damaged") { "Damaged =====>=>>xx" } else { row });
    assert_eq!(table(Direction::Return), inbound, "goods that were damaged on their way back still arrive");
}

#[test]
fn the_clock_of_the_carrier_tells_whether_late_is_the_news() {
    let at = |second, state| {
        let at = Timestamp::from_second(second).unwrap();
        Sighting { at, ..sighting(u8::try_from(second).unwrap(), state) }
    };
    let after = |shipment: &Shipment, sighting: Sighting| {
        let events = seen(shipment, &sighting).unwrap();
        evolve(shipment.id, shipment.key, Some(shipment.clone()), &events[0])
    };
    let moving = after(&booked(Direction::Outbound), at(30, Status::InTransit));
    assert_eq!(after(&moving, at(20, Status::Delayed)).status, Status::InTransit, "it was late before, and is not now");
    let late = after(&moving, at(40, Status::Delayed));
    assert_eq!(late.status, Status::Delayed);
    assert_eq!(after(&late, at(35, Status::InTransit)).status, Status::Delayed);
    assert_eq!(after(&late, at(50, Status::InTransit)).status, Status::InTransit);
    assert_eq!(after(&late, at(10, Status::Delivered)).status, Status::Delivered, "a wrong clock hides no delivery");
}

#[test]
fn of_a_parcel_that_is_reported_without_end_only_its_end_is_recorded() {
    let mut shipment = booked(Direction::Outbound);
    shipment.version = SIGHTINGS_MAX - 1;
    let events = seen(&shipment, &sighting(1, Status::InTransit)).unwrap();
    let full = evolve(shipment.id, shipment.key, Some(shipment), &events[0]);
    assert_eq!(seen(&full, &sighting(2, Status::Delayed)), Err(Refusal::TooMuchSeen));
    let known = report(&full, true, &sighting(1, Status::InTransit), TODAY, &days());
    assert_eq!(known, Ok(Vec::new()), "what is known is known");
    assert!(seen(&full, &sighting(3, Status::Delivered)).is_ok());
}

#[test]
fn a_pick_up_that_nobody_serves_can_be_called_off() {
    let refused = evolve(id(), key(Direction::Return), None, &Event::NotServed);
    let events = cancel(Some(&refused));
    assert_eq!(evolve(id(), refused.key, Some(refused), &events[0]).status, Status::Cancelled);
}

#[test]
fn waybill_numbers_are_derived_and_differ() {
    let number = |random| tracking_no(ShipmentId(ids::v7(Timestamp::UNIX_EPOCH, random)));
    assert_eq!(number([1; 10]), number([1; 10]));
    assert_ne!(number([1; 10]), number([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]));
    let fits = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    assert!(number([0xff; 10]).len() == 14 && number([0xff; 10]).chars().all(fits));
}

proptest! {
    /// Whatever carriers send in whatever order, a repeated event changes nothing.
    #[test]
    fn a_repeated_event_changes_nothing(states in prop::collection::vec(0..9_usize, 0..12), back: bool) {
        let direction = if back { Direction::Return } else { Direction::Outbound };
        let mut shipment = booked(direction);
        for (name, at) in (0..).zip(states) {
            let event = sighting(name, ALL[at]);
            if let Ok(events) = seen(&shipment, &event) {
                for event in &events {
                    shipment = evolve(shipment.id, shipment.key, Some(shipment), event);
                }
            }
            prop_assert_eq!(report(&shipment, true, &event, TODAY, &days()), Ok(Vec::new()));
        }
    }
}
