//! What is promised by when: one reckoning for what the customer is told and for what a clock watches (A-D10).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Calendar;
use crate::claim::{Channel, Severity};
use crate::escalation::{ClockKind, words};
use crate::policy::Pack;
use crate::policy::escalation::Target;
use crate::policy::intake::Promises;

/// Targets of the clocks, with the calendars that they run in.
#[derive(Clone, Debug)]
pub struct Reckoning {
    clocks: BTreeMap<words::ClockKind, Target>,
    channels: Promises,
    calendars: BTreeMap<String, Calendar>,
}

impl Reckoning {
    /// The reckoning of a pack that was validated.
    pub fn new(pack: &Pack) -> Self {
        let calendars = &pack.escalation.calendars;
        let calendars = calendars.iter().map(|(name, calendar)| (name.clone(), Calendar::new(calendar.clone())));
        Self {
            clocks: pack.escalation.clocks.clone(),
            channels: pack.intake.promises.clone(),
            calendars: calendars.collect(),
        }
    }

    /// Working time that a promise has: that of the severity, or what the channel has if that is less. What is not judged
    /// yet counts as general.
    pub fn target(&self, kind: ClockKind, channel: Channel, severity: Severity) -> SignedDuration {
        let severity = if severity == Severity::Unspecified { Severity::General } else { severity };
        let minutes = *self.of(kind).minutes.of(severity);
        let of_channel = self.channels.on(channel).and_then(|promise| match kind {
            ClockKind::Acknowledgement => promise.acknowledgement_minutes,
            ClockKind::FirstFeedback => promise.first_feedback_minutes,
            _ => None,
        });
        SignedDuration::from_mins(of_channel.map_or(minutes, |limit| limit.min(minutes)).into())
    }

    /// The calendar of a kind of clock.
    pub fn calendar(&self, kind: ClockKind) -> &Calendar {
        self.named(&self.of(kind).calendar)
    }

    /// A calendar of the pack.
    pub fn named(&self, name: &str) -> &Calendar {
        self.calendars.get(name).expect("the pack was validated: every calendar that is named is there")
    }

    /// When a promise of a claim is due that was received at `from` and is not judged yet.
    pub fn promised(&self, kind: ClockKind, channel: Channel, from: Timestamp) -> Timestamp {
        self.calendar(kind).add_working(from, self.target(kind, channel, Severity::Unspecified))
    }

    fn of(&self, kind: ClockKind) -> &Target {
        let kind = kind.said().unwrap_or(words::ClockKind::FinalSolution);
        self.clocks.get(&kind).expect("the pack was validated: every kind of clock has a target")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_channel_may_have_less_time_and_never_more() {
        let mut pack = Pack::load(None).unwrap();
        let phone = pack.intake.promises.phone.as_mut().unwrap();
        (phone.acknowledgement_minutes, phone.first_feedback_minutes) = (Some(100), Some(5_000));
        let reckoning = Reckoning::new(&pack);
        let target = |kind, severity| reckoning.target(kind, Channel::Phone, severity);
        assert_eq!(target(ClockKind::Acknowledgement, Severity::General), minutes(100));
        assert_eq!(target(ClockKind::Acknowledgement, Severity::Urgent), minutes(60));
        assert_eq!(target(ClockKind::FirstFeedback, Severity::General), minutes(450));
        assert_eq!(target(ClockKind::FinalSolution, Severity::Unspecified), minutes(4_500));
        let web = reckoning.target(ClockKind::Acknowledgement, Channel::Web, Severity::Unspecified);
        assert_eq!(web, minutes(240), "not judged yet is general");
    }

    #[test]
    fn what_is_promised_on_a_friday_evening_is_due_in_office_hours() {
        let reckoning = Reckoning::new(&Pack::load(None).unwrap());
        let friday: Timestamp = "2026-11-27T17:00:00Z".parse().unwrap();
        let due = reckoning.promised(ClockKind::FirstFeedback, Channel::Web, friday);
        assert_eq!(due, "2026-11-30T17:00:00Z".parse().unwrap());
    }
}
