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

impl From<Progress> for RunState {
    fn from(progress: Progress) -> Self {
        Self::Working(super::Progress::Parcel(progress))
    }
}

impl From<Failure> for RunState {
    fn from(failure: Failure) -> Self {
        Self::Failed(super::Failure::Parcel(failure))
    }
}

impl RunState {
    /// How far the parcel is, if it is under way.
    pub(in super::super) fn parcel(self) -> Option<Progress> {
        match self {
            RunState::Working(super::Progress::Parcel(progress)) => Some(progress),
            RunState::Working(_) | RunState::Idle | RunState::Asked | RunState::Done | RunState::Skipped => None,
            RunState::Failed(_) | RunState::Undoing | RunState::UndoFailed | RunState::Undone => None,
        }
    }

    /// Why the parcel failed, if it did.
    pub(in super::super) fn parcel_failure(self) -> Option<Failure> {
        match self {
            RunState::Failed(super::Failure::Parcel(failure)) => Some(failure),
            RunState::Failed(_)
            | RunState::Idle
            | RunState::Asked
            | RunState::Working(_)
            | RunState::Done
            | RunState::Skipped => None,
            RunState::Undoing | RunState::UndoFailed | RunState::Undone => None,
        }
    }

    /// Asked for or booked: it can be called off.
    pub(in super::super) fn is_callable_off(self) -> bool {
        self == RunState::Asked || self.parcel() == Some(Progress::Booked)
    }
}

/// A way that parcels go: what shipments and pick-ups do differently.
pub(super) trait Way {
    /// What the customer is told of a booking.
    fn booked(&self, line: &Line) -> Notice;

    /// What holds the parcel after an incident, and what the customer must know or do; `None`: nothing, it is ours.
    fn happened(&self, run: &LegRun, incident: Incident) -> Option<(Option<Incident>, Option<Notice>)>;

    /// What is told when it is late.
    fn delayed(&self) -> Option<Notice>;

    /// The carrier has it already, and says something that adds nothing to that.
    fn is_old(&self, news: Parcel) -> bool;

    /// The carrier has it, or had it, and this came of it.
    fn moved(&self, line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder);
}

/// News of a parcel that was asked for, and has not come to its end.
pub(super) fn under_way(way: &dyn Way, line: &mut Line, at: usize, news: Parcel, turn: &mut StepBuilder) -> Answer {
    let state = line.runs[at].state;
    let under_way = state == RunState::Asked || state.parcel().is_some();
    if !under_way && state != RunState::Undoing {
        return Answer::Stay;
    }
    match (news, state) {
        (Parcel::Delayed(_) | Parcel::Incident(..), RunState::Undoing) => return Answer::Stay,
        (Parcel::Delayed(day), _) => return delayed(way, line, at, day, turn),
        (Parcel::Incident(incident, number), _) => return happened(way, line, at, incident, number, turn),
        (Parcel::Cancelled, RunState::Undoing) => turn.put(line, at, RunState::Undone),
        // Nobody asked for it.
        (Parcel::Cancelled | Parcel::CancelRefused, _) if under_way => return Answer::Broken,
        (Parcel::Cancelled, _) => return Answer::Stay,
        (Parcel::Booked, RunState::Asked) => {
            turn.put(line, at, Progress::Booked.into());
            turn.notify(line, at, way.booked(line));
        }
        (Parcel::BookingFailed, RunState::Asked) => turn.put_and_open_task(line, at, Failure::NotBookable.into()),
        // Voiding is answered besides.
        (Parcel::Booked | Parcel::BookingFailed, _) => return Answer::Stay,
        _ if state.parcel() == Some(Progress::HandedOver) && way.is_old(news) => return Answer::Stay,
        (Parcel::HandedOver | Parcel::Delivered | Parcel::DeliveredDamaged | Parcel::DeliveredIncomplete, _)
        | (Parcel::Damaged | Parcel::Lost | Parcel::Refused | Parcel::CancelRefused, _) => {
            line.runs[at].held = None;
            way.moved(line, at, news, turn);
        }
    }
    Answer::Moved
}

fn delayed(way: &dyn Way, line: &mut Line, at: usize, day: Option<Date>, turn: &mut StepBuilder) -> Answer {
    let run = &mut line.runs[at];
    if run.late && (day.is_none() || day == run.day) {
        return Answer::Stay;
    }
    (run.late, run.day, run.held) = (true, day, None);
    turn.note(line, at, "DELAYED");
    if let Some(notice) = way.delayed() {
        turn.notify(line, at, notice);
    }
    Answer::Moved
}

/// Something happened that changes no state: what holds the parcel, and what the customer must know or do.
fn happened(
    way: &dyn Way,
    line: &mut Line,
    at: usize,
    incident: Incident,
    number: u32,
    turn: &mut StepBuilder,
) -> Answer {
    if number <= line.runs[at].incidents {
        return Answer::Stay;
    }
    line.runs[at].incidents = number;
    if incident == Incident::Incomplete {
        return Answer::Stay;
    }
    // Who was not there, or has the goods at a pick-up point, is us: the department is told.
    let Some((held, notice)) = way.happened(&line.runs[at], incident) else { return Answer::Moved };
    line.runs[at].held = held;
    turn.note(line, at, incident.reason());
    if let Some(notice) = notice {
        turn.notify(line, at, notice);
    }
    Answer::Moved
}

/// Whom a parcel waits for. `booked`: whoever must hand it over.
pub(super) fn waits_for(run: &LegRun, booked: WaitingFor) -> WaitingFor {
    match run.state.parcel() {
        None => WaitingFor::System,
        Some(_) if run.held.is_some_and(Incident::is_for_customer) => WaitingFor::Customer,
        Some(_) if run.held == Some(Incident::CustomsHold) => WaitingFor::Logistics,
        Some(Progress::Booked) => booked,
        Some(Progress::HandedOver) => WaitingFor::Carrier,
    }
}
