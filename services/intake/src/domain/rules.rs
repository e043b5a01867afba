//! What the policy pack says of promises, and where the company's days begin.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::claim::{Channel, Plan};
use proto::escalation::ClockKind;
use proto::policy::Pack;
use proto::policy::four_eyes::FourEyes;
use proto::policy::intake;
use proto::promise::Reckoning;

use super::Promises;

/// What can be promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promised {
    /// An answer to the report.
    Acknowledgement,
    FirstFeedback,
    Solution,
}

/// By when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A point in time.
    Time(Timestamp),
    /// The end of a day.
    Day(Date),
}

/// A promise that is due at another time; none: it was kept, or is promised no more.
pub type Moved = (Promised, Option<Until>);

#[derive(Clone, Debug)]
pub struct Rules {
    reckoning: Reckoning,
    channels: intake::Promises,
    duplicate_days: u32,
    zone: TimeZone,
    /// Who may not do what another did.
    pub four_eyes: FourEyes,
}

impl Rules {
    /// The rules of a pack that was validated.
    pub fn new(pack: &Pack) -> Self {
        let (channels, zone) = (pack.intake.promises.clone(), pack.time_zone().clone());
        let (duplicate_days, four_eyes) = (pack.intake.duplicates.days, pack.four_eyes.clone());
        Self { reckoning: Reckoning::new(pack), channels, duplicate_days, zone, four_eyes }
    }

    /// Days in which two reports may be the same.
    pub fn duplicate_days(&self) -> u32 {
        self.duplicate_days
    }

    /// The zone in which days are meant.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What is promised when a claim is received: by when the clocks that escalation starts then are due.
    pub fn promises(&self, channel: Channel, from: Timestamp) -> Promises {
        let due = |kind| self.reckoning.promised(kind, channel, from);
        Promises {
            acknowledgement: self.channels.is_acknowledged(channel).then(|| due(ClockKind::Acknowledgement)),
            first_feedback: Some(due(ClockKind::FirstFeedback)), // S0-15
            solution: None,
        }
    }

    /// End of the last day that a plan promises (S0-51, N9).
    pub fn solution(&self, plan: &Plan) -> Option<Timestamp> {
        let days = plan.lines.iter().filter_map(|line| line.promised_on.parse::<Date>().ok());
        self.end_of(days.max()?)
    }

    /// Whether a later pack may move it: it is due where holidays are not known yet (FF6).
    pub fn is_provisional(&self, promised: Promised, due: Timestamp) -> bool {
        let known = |kind| self.reckoning.calendar(kind).is_known(due);
        match promised {
            Promised::Acknowledgement => !known(ClockKind::Acknowledgement),
            Promised::FirstFeedback => !known(ClockKind::FirstFeedback),
            Promised::Solution => false,
        }
    }

    /// The time by which something is promised.
    pub fn until(&self, until: Until) -> Option<Timestamp> {
        match until {
            Until::Time(at) => Some(at),
            Until::Day(day) => self.end_of(day),
        }
    }

    fn end_of(&self, day: Date) -> Option<Timestamp> {
        day.tomorrow().ok()?.to_zoned(self.zone.clone()).ok().map(|end| end.timestamp())
    }
}
