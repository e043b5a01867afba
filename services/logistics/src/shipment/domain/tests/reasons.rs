//! What carriers report beside a state, days that pass, and the carrier's own number.

use super::*;

/// A parcel after events, each one second later.
fn after(direction: Direction, events: &[(Status, Option<TrackingReason>)]) -> Shipment {
    let mut shipment = booked(direction);
    for (name, (state, reason)) in (1_u8..).zip(events) {
        let held = *reason == Some(TrackingReason::HeldForCollection);
        let held_until = held.then_some(jiff::civil::date(2026, 3, 7));
        let at = Timestamp::from_second(i64::from(name)).unwrap();
        let event = Sighting { reason: *reason, at, held_until, ..sighting(name, *state) };
        for event in seen(&shipment, &event).unwrap() {
            shipment = evolve(shipment.id, shipment.key, Some(shipment), &event);
        }
    }
    shipment
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The outbound rows of the carriers' list, and what the parcel is then.
#[test]
fn case_what_carriers_really_report_of_a_parcel_to_the_customer() {
    use TrackingReason::{
        CustomsHold, DeliveredDamaged, DeliveredIncomplete, DeliveryAttempted, Destroyed, HeldForCollection,
        ReturningToSender,
    };
    for (state, reason) in [
        (Status::InTransit, DeliveryAttempted),
        (Status::InTransit, HeldForCollection),
        (Status::Refused, ReturningToSender),
        (Status::Delivered, DeliveredDamaged),
        (Status::Delivered, DeliveredIncomplete),
        (Status::Lost, Destroyed),
        (Status::InTransit, CustomsHold),
    ] {
        assert!(reason::fits(reason, state), "{reason:?}");
        let parcel = after(Direction::Outbound, &[(Status::InTransit, None), (state, Some(reason))]);
        assert_eq!((parcel.status, parcel.reason), (state, Some(reason)));
        assert_eq!(parcel.held_until.is_some(), reason == HeldForCollection);
    }
}

#[test]
fn a_pick_up_in_vain_changes_no_state_and_each_try_is_news() {
    let tried = (Status::Booked, Some(TrackingReason::PickupNobodyThere));
    let parcel = after(Direction::Return, &[tried, tried]);
    assert_eq!((parcel.status, parcel.reason, parcel.version), (Status::Booked, tried.1, 3));
    let again = Sighting { reason: tried.1, at: Timestamp::from_second(2).unwrap(), ..sighting(9, Status::Booked) };
    let found = seen(&parcel, &again).unwrap();
    assert!(!found[0].changes(), "the same try under another name");
    let taken = after(Direction::Return, &[tried, (Status::HandedOver, None)]);
    assert_eq!((taken.status, taken.reason), (Status::HandedOver, None));
    assert!(!seen(&taken, &again).unwrap()[0].changes(), "it was fetched since");
}

#[test]
fn what_is_older_than_the_reason_changes_nothing_and_what_is_newer_ends_it() {
    let held = after(
        Direction::Outbound,
        &[(Status::InTransit, None), (Status::InTransit, Some(TrackingReason::CustomsHold))],
    );
    let plain = |second| Sighting { at: Timestamp::from_second(second).unwrap(), ..sighting(9, Status::InTransit) };
    for (second, changes) in [(1, false), (2, false), (3, true)] {
        assert_eq!(seen(&held, &plain(second)).unwrap()[0].changes(), changes, "{second}");
    }
}

#[test]
fn case_refused_parcel_arrives_back() {
    let refused = [(Status::InTransit, None), (Status::Refused, None), (Status::InTransit, None)];
    let parcel = after(Direction::Outbound, &refused);
    let events = seen(&parcel, &sighting(9, Status::Delivered)).unwrap();
    assert!(!events[0].changes());
    let back = evolve(parcel.id, parcel.key, Some(parcel), &events[0]);
    assert_eq!((back.status, back.reason), (Status::Refused, Some(TrackingReason::ReturnedToSender)));
}

#[test]
fn case_parcel_turns_up_damaged() {
    let repacked =
        [Status::InTransit, Status::Damaged, Status::InTransit, Status::Delivered].map(|state| (state, None));
    let parcel = after(Direction::Outbound, &repacked);
    assert_eq!((parcel.status, parcel.reason), (Status::Delivered, Some(TrackingReason::DeliveredDamaged)));
}

/// The promised day is over when it is over where the pack means it, not in London.
#[test]
fn b_d5_a_parcel_is_overdue_when_its_day_is_over_in_the_zone_of_the_pack() {
    let parcel = after(Direction::Outbound, &[(Status::InTransit, None)]);
    assert_eq!(parcel.due_on(), Some(jiff::civil::date(2026, 3, 8)));
    assert_eq!(due(&parcel, at("2026-03-08T15:59:59Z"), &days()), [], "still the eighth in Shanghai");
    let found = due(&parcel, at("2026-03-08T16:00:00Z"), &days());
    let late = evolve(parcel.id, parcel.key, Some(parcel), &found[0]);
    assert_eq!((late.status, late.reason), (Status::Delayed, Some(TrackingReason::Overdue)));
    assert_eq!((late.expected_on, late.due_on()), (Some(jiff::civil::date(2026, 3, 11)), None));
    assert_eq!(due(&late, at("2026-06-01T00:00:00Z"), &days()), [], "once");
    // The carrier names a day: that is a new promise.
    let day = Some(jiff::civil::date(2026, 3, 20));
    let event = Sighting { expected_on: day, at: at("2026-03-09T08:00:00Z"), ..sighting(2, Status::Delayed) };
    let told = evolve(late.id, late.key, Some(late.clone()), &seen(&late, &event).unwrap()[0]);
    assert_eq!(told.due_on(), day);
}

#[test]
fn a_parcel_that_has_not_left_is_overdue_and_is_not_said_to_have_left() {
    let parcel = booked(Direction::Return);
    let found = due(&parcel, at("2026-03-20T00:00:00Z"), &days());
    let late = evolve(parcel.id, parcel.key, Some(parcel), &found[0]);
    assert_eq!((late.status, late.reason), (Status::Booked, Some(TrackingReason::Overdue)));
    assert_eq!(cancel(Some(&late)), [Event::Cancelled]);
}

#[test]
fn what_nobody_collected_comes_back_unless_it_was_collected_in_time() {
    let held = [(Status::InTransit, None), (Status::InTransit, Some(TrackingReason::HeldForCollection))];
    let parcel = after(Direction::Outbound, &held);
    assert_eq!(due(&parcel, at("2026-03-07T15:00:00Z"), &days()), []);
    let found = due(&parcel, at("2026-03-07T16:00:00Z"), &days());
    let back = evolve(parcel.id, parcel.key, Some(parcel), &found[0]);
    assert_eq!((back.status, back.reason), (Status::Refused, Some(TrackingReason::NotCollected)));
    for (when, status) in [("2026-03-07T15:59:00Z", Status::Delivered), ("2026-03-09T10:00:00Z", Status::Refused)] {
        let event = Sighting { at: at(when), ..sighting(9, Status::Delivered) };
        let found = seen(&back, &event).unwrap();
        assert_eq!(evolve(back.id, back.key, Some(back.clone()), &found[0]).status, status, "{when}");
    }
}

#[test]
fn the_number_of_the_carrier_is_taken_once_and_of_one_parcel() {
    let parcel = after(Direction::Return, &[(Status::Booked, Some(TrackingReason::PickupNotReady))]);
    let day = Some(jiff::civil::date(2026, 3, 12));
    let found = confirm(&parcel, false, "C-1", day).unwrap();
    let confirmed = evolve(parcel.id, parcel.key, Some(parcel.clone()), &found[0]);
    assert_eq!((confirmed.carrier_no.as_deref(), confirmed.reason, confirmed.promised()), (Some("C-1"), None, day));
    assert_eq!(confirm(&confirmed, false, "C-1", day), Ok(Vec::new()));
    assert_eq!(
        confirm(&parcel, true, "C-1", None),
        Err(Refusal::WaybillTaken { carrier_tracking_no: "C-1".to_owned() })
    );
    let gone = Shipment { status: Status::Cancelled, ..parcel };
    assert!(matches!(confirm(&gone, false, "C-1", None), Err(Refusal::IllegalTransition { .. })));
}

const REASONS: [TrackingReason; 12] = [
    TrackingReason::DeliveryAttempted,
    TrackingReason::HeldForCollection,
    TrackingReason::CustomsHold,
    TrackingReason::ReturningToSender,
    TrackingReason::ReturnedToSender,
    TrackingReason::NotCollected,
    TrackingReason::DeliveredDamaged,
    TrackingReason::DeliveredIncomplete,
    TrackingReason::Destroyed,
    TrackingReason::PickupNobodyThere,
    TrackingReason::PickupNotReady,
    TrackingReason::Overdue,
];

proptest! {
    /// Whatever carriers send in whatever order, at whatever time by their clocks: a parcel has the reason that its state
    /// can have, an older event under the same state is no news, and only a parcel that was called off refuses any.
    #[test]
    fn reasons_go_with_their_states(
        events in prop::collection::vec((0..9_usize, prop::option::of(0..12_usize), 0..20_i64), 0..14),
        back: bool,
    ) {
        let direction = if back { Direction::Return } else { Direction::Outbound };
        let mut shipment = booked(direction);
        for (name, (state, reason, second)) in (0..).zip(events) {
            let state = ALL[state];
            let reason = reason.map(|reason| REASONS[reason]).filter(|reason| reason::fits(*reason, state));
            let held = reason == Some(TrackingReason::HeldForCollection);
            let held_until = held.then_some(TODAY);
            let at = Timestamp::from_second(second).unwrap();
            let event = Sighting { reason, at, held_until, ..sighting(name, state) };
            let was = shipment.clone();
            for found in seen(&shipment, &event).unwrap() {
                shipment = evolve(shipment.id, shipment.key, Some(shipment), &found);
            }
            if let Some(reason) = shipment.reason {
                let packed = shipment.status == Status::Packed && reason::is_of_pickup(reason);
                prop_assert!(packed || reason::fits(reason, shipment.status), "{:?} {:?}", shipment.status, reason);
            }
            let waits = matches!(shipment.reason, Some(TrackingReason::HeldForCollection));
            prop_assert_eq!(shipment.held_until.is_some(), waits);
            let older = was.moved_at.is_some_and(|moved_at| at < moved_at);
            if older && was.status == state {
                prop_assert_eq!(&shipment.reason, &was.reason);
            }
        }
    }
}
