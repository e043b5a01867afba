//! What shipments and pick-ups have in common: a parcel with a carrier.

use jiff::civil::Date;
use proto::claim::WaitingFor;
use serde::{Deserialize, Serialize};

use super::*;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Progress {
    /// Booked with a carrier.
    Booked,
    /// Under way.
    HandedOver,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// No carrier takes it.
    NotBookable,
    /// Lost or damaged on the way, too often.
    Lost,
    /// The receiver refused it; it comes back.
    Refused,
    /// Not all of it was delivered.
    Incomplete,
    /// Two were sent for one, and the second has left.
    SentTwice,
}

impl Progress {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Booked => "BOOKED",
            Self::HandedOver => "HANDED_OVER",
        }
    }
}

impl Failure {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::NotBookable => "NOT_BOOKABLE",
            Self::Lost => "LOST",
            Self::Refused => "REFUSED",
            Self::Incomplete => "DELIVERED_INCOMPLETE",
            Self::SentTwice => "SENT_TWICE",
        }
    }
}

impl From<Progress> for At {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Parcel(progress))
    }
}

impl From<Failure> for At {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Parcel(failure))
    }
}

impl At {
    /// How far the parcel is, if it is under way.
    pub(in super::super) fn parcel(self) -> Option<Progress> {
        match self {
            At::Working(super::Progress::Parcel(progress)) => Some(progress),
            At::Working(_) | At::Idle | At::Asked | At::Done | At::Skipped => None,
            At::Failed(_) | At::Undoing | At::UndoFailed | At::Undone => None,
        }
    }

    /// Why the parcel failed, if it did.
    pub(in super::super) fn parcel_failure(self) -> Option<Failure> {
        match self {
            At::Failed(super::Failure::Parcel(failure)) => Some(failure),
            At::Failed(_) | At::Idle | At::Asked | At::Working(_) | At::Done | At::Skipped => None,
            At::Undoing | At::UndoFailed | At::Undone => None,
        }
    }

    /// Asked for or booked: it can be called off.
    pub(in super::super) fn is_callable_off(self) -> bool {
        self == At::Asked || self.parcel() == Some(Progress::Booked)
    }
}

/// A way that parcels go: what shipments and pick-ups do differently.
pub(super) trait Way {
    /// What the customer is told of a booking.
    fn booked(&self, line: &Line) -> Notice;

    /// What holds the parcel after an incident, and what the customer must know or do; `None`: nothing, it is ours.
    fn happened(&self, strand: &Strand, incident: Incident) -> Option<(Option<Incident>, Option<Notice>)>;

    /// What is told when it is late.
    fn delayed(&self) -> Option<Notice>;

    /// The carrier has it already, and says something that adds nothing to that.
    fn is_old(&self, news: Parcel) -> bool;

    /// The carrier has it, or had it, and this came of it.
    fn moved(&self, line: &mut Line, at: usize, news: Parcel, turn: &mut Turn);
}

/// News of a parcel that was asked for, and has not come to its end.
pub(super) fn under_way(way: &dyn Way, line: &mut Line, at: usize, news: Parcel, turn: &mut Turn) -> Answer {
    let state = line.strands[at].state;
    let under_way = state == At::Asked || state.parcel().is_some();
    if !under_way && state != At::Undoing {
        return Answer::Stay;
    }
    match (news, state) {
        (Parcel::Delayed(_) | Parcel::Incident(..), At::Undoing) => return Answer::Stay,
        (Parcel::Delayed(day), _) => return delayed(way, line, at, day, turn),
        (Parcel::Incident(incident, number), _) => return happened(way, line, at, incident, number, turn),
        (Parcel::Cancelled, At::Undoing) => turn.put(line, at, At::Undone),
        // Nobody asked for it.
        (Parcel::Cancelled | Parcel::CancelRefused, _) if under_way => return Answer::Broken,
        (Parcel::Cancelled, _) => return Answer::Stay,
        (Parcel::Booked, At::Asked) => {
            turn.put(line, at, Progress::Booked.into());
            turn.notify(line, at, way.booked(line));
        }
        (Parcel::BookingFailed, At::Asked) => turn.put_and_open_task(line, at, Failure::NotBookable.into()),
        // Voiding is answered besides.
        (Parcel::Booked | Parcel::BookingFailed, _) => return Answer::Stay,
        _ if state.parcel() == Some(Progress::HandedOver) && way.is_old(news) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete, _)
        | (Parcel::Damaged | Parcel::Lost | Parcel::Refused | Parcel::CancelRefused, _) => {
            line.strands[at].held = None;
            way.moved(line, at, news, turn);
        }
    }
    Answer::Moved
}

fn delayed(way: &dyn Way, line: &mut Line, at: usize, day: Option<Date>, turn: &mut Turn) -> Answer {
    let strand = &mut line.strands[at];
    if strand.late && (day.is_none() || day == strand.day) {
        return Answer::Stay;
    }
    (strand.late, strand.day, strand.held) = (true, day, None);
    turn.note(line, at, "DELAYED");
    if let Some(notice) = way.delayed() {
        turn.notify(line, at, notice);
    }
    Answer::Moved
}

/// Something happened that changes no state: what holds the parcel, and what the customer must know or do.
fn happened(way: &dyn Way, line: &mut Line, at: usize, incident: Incident, number: u32, turn: &mut Turn) -> Answer {
    if number <= line.strands[at].incidents {
        return Answer::Stay;
    }
    line.strands[at].incidents = number;
    if incident == Incident::Incomplete {
        return Answer::Stay;
    }
    // Who was not there, or has the goods at a pick-up point, is us: the department is told.
    let Some((held, notice)) = way.happened(&line.strands[at], incident) else { return Answer::Moved };
    line.strands[at].held = held;
    turn.note(line, at, incident.reason());
    if let Some(notice) = notice {
        turn.notify(line, at, notice);
    }
    Answer::Moved
}

/// Whom a parcel waits for. `booked`: whoever must hand it over.
pub(super) fn waits_for(strand: &Strand, booked: WaitingFor) -> WaitingFor {
    match strand.state.parcel() {
        None => WaitingFor::System,
        Some(_) if strand.held.is_some_and(Incident::is_for_customer) => WaitingFor::Customer,
        Some(_) if strand.held == Some(Incident::CustomsHold) => WaitingFor::Logistics,
        Some(Progress::Booked) => booked,
        Some(Progress::HandedOver) => WaitingFor::Carrier,
    }
}
