//! What the policy pack says of visits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use proto::policy::Packs;
use proto::policy::escalation::Calendar;
use proto::policy::logistics::VisitKind;

/// The rules of the pack.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Kinds of visits by their words.
    pub kinds: BTreeMap<String, VisitKind>,
    /// Hours of technicians who have none of their own, holidays, and the zone in which days are meant.
    pub calendar: Calendar,
}

impl Rules {
    /// The rules of the versions of a pack. A kind is as the newest version that has it says: who comes today must be able to
    /// do what is asked today, whatever the claim began with.
    pub fn of(packs: &Packs) -> Self {
        let kinds = packs.versions().iter().flat_map(|version| &version.rules.logistics.visits);
        let newest = packs.nearest(u32::MAX);
        Self {
            kinds: kinds.map(|kind| (kind.kind.clone(), kind.clone())).collect(),
            calendar: newest.escalation.calendars[&newest.escalation.calendar].clone(),
        }
    }

    /// The day of a point in time.
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.calendar.time_zone.clone()).date()
    }
}
