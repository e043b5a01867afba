//! Days of a parcel: in the zone of the policy pack, whatever the carrier's clock says.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::policy::Dated;

use super::{Direction, Shipment, Sighting, Status, TrackingReason};

/// How days are counted.
#[derive(Clone, Debug)]
pub struct Days {
    /// The zone in which they are meant.
    pub zone: TimeZone,
    /// Days after which a late parcel is expected, if the carrier names none: by the version of the day, since it is the
    /// carrier's habit and no promise to a claim.
    pub late: Dated<u32>,
}

impl Days {
    /// The day of a point in time.
    pub fn of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The day on which a parcel that is late is expected.
    pub(super) fn late(&self, shipment: &Shipment, today: Date) -> Date {
        let known = shipment.expected_on.filter(|day| *day > today);
        let promised = shipment.promised().unwrap_or(today);
        known.unwrap_or_else(|| after(promised.max(today), self.late.on(today).rules))
    }
}

/// A day so many days later.
pub(super) fn after(day: Date, days: u32) -> Date {
    day.saturating_add(jiff::Span::new().days(i64::from(days)))
}

impl Shipment {
    /// The day on which it is expected now.
    pub fn promised(&self) -> Option<Date> {
        self.expected_on.or(self.booking.as_ref().map(|booking| booking.promised_on))
    }

    /// The day after which we look what has become of it; none: never.
    pub fn due_on(&self) -> Option<Date> {
        let comes_home = self.key.direction == Direction::Return && self.status == Status::Damaged;
        let is_open = comes_home
            || matches!(
                self.status,
                Status::Booked | Status::Packed | Status::HandedOver | Status::InTransit | Status::Delayed
            );
        match self.reason {
            _ if !is_open => None,
            Some(TrackingReason::HeldForCollection) => self.held_until,
            _ if self.overdue => None,
            _ => self.promised(),
        }
    }
}

/// What we notice ourselves of a parcel whose day has passed: that nobody collected it, or that it is overdue.
pub(super) fn passed(shipment: &Shipment, now: Timestamp, days: &Days) -> Option<Sighting> {
    let today = days.of(now);
    shipment.due_on().filter(|day| *day < today)?;
    let held = shipment.reason == Some(TrackingReason::HeldForCollection);
    let (state, reason, expected_on) = match shipment.status {
        _ if held => (Status::Refused, TrackingReason::NotCollected, None),
        // It has not left, and is not said to have.
        Status::Booked | Status::Packed | Status::Damaged => {
            (shipment.status, TrackingReason::Overdue, Some(days.late(shipment, today)))
        }
        Status::HandedOver | Status::InTransit | Status::Delayed => {
            (Status::Delayed, TrackingReason::Overdue, Some(days.late(shipment, today)))
        }
        Status::Delivered | Status::Lost | Status::Refused | Status::Cancelled | Status::NotServed => return None,
    };
    Some(Sighting {
        id: format!("{}{}", super::OURS, shipment.version),
        state,
        reason: Some(reason),
        at: now,
        detail: String::new(),
        held_until: shipment.held_until.filter(|_| held),
        expected_on,
    })
}
