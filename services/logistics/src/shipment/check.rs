//! What a carrier's event may be.

use chassis::Check;
use proto::logistics::TrackingEvent;
use proto::logistics::words::ShipmentState;

use super::domain::{OURS, Sighting, Status, TrackingReason, reason};

/// Reads an event; names every bad field of it, under `field`.
pub(super) fn event(check: &mut Check, field: &str, event: Option<&TrackingEvent>) -> Option<Sighting> {
    let Some(event) = event else {
        check.add(field, "must be given");
        return None;
    };
    let path = |name: &str| format!("{field}.{name}");
    let id = check.token(&path("carrier_event_id"), &event.carrier_event_id, 1..=64);
    if id.starts_with(OURS) {
        check.add(&path("carrier_event_id"), "must not begin with redress.");
    }
    let state = Status::from(check.choice::<ShipmentState>(&path("state"), event.state));
    // What is not said forbids nothing: the one mistake is named, and no other.
    let said = ShipmentState::try_from(event.state).is_ok();
    let reason = check.optional_choice(&path("reason"), event.reason);
    if let Some(reason) = reason
        && said
        && !reason::fits(reason, state)
    {
        check.add(&path("reason"), "does not go with the state");
    }
    let detail = check.remark(&path("detail"), &event.detail, 0..=200);
    let at = check.time(&path("occurred_at"), event.occurred_at.as_ref());
    let held_until = check.date(&path("held_until"), &event.held_until);
    let held = reason == Some(TrackingReason::HeldForCollection);
    if held && event.held_until.is_empty() {
        check.add(&path("held_until"), "must be given with HELD_FOR_COLLECTION");
    }
    if !held && !event.held_until.is_empty() {
        check.add(&path("reason"), "must be HELD_FOR_COLLECTION, because held_until is given");
    }
    let expected_on = check.date(&path("expected_on"), &event.expected_on);
    if !event.expected_on.is_empty() && said && state != Status::Delayed {
        check.add(&path("expected_on"), "goes with DELAYED only");
    }
    Some(Sighting { id, state, reason, at: at?, detail, held_until, expected_on })
}
