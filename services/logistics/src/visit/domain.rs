//! The rules of visits: how one goes on from being wanted until it works again.
#![deny(clippy::wildcard_enum_match_arm)]

mod offers;
pub mod technician;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use proto::policy::logistics::VisitKind;
use uuid::Uuid;

pub use offers::offers;
pub use proto::Job;
pub use proto::logistics::words::{VisitFailure, VisitOutcome, VisitState};
pub use technician::Technician;

use super::rules::Rules;
use crate::refusal::refusals;

/// Time is given in such pieces.
pub const SLOT: SignedDuration = SignedDuration::from_mins(15);

/// Trips of one visit; how it ends is recorded beyond (P56).
const TRIPS_MAX: u32 = 100;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Record technicians, each with the version that the row rests on.
    Record(Vec<(Technician, String)>),
    /// A visit is wanted.
    Arrange {
        /// The job.
        job: Job,
        /// What for.
        wanted: Wanted,
    },
    /// It is wanted no more.
    CallOff {
        /// The job.
        job: Job,
    },
    /// Something is done about a visit.
    Act {
        /// The visit.
        id: Uuid,
        /// The version that it rests on; empty: any.
        etag: String,
        /// What.
        act: Act,
    },
}

/// What people do about a visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Offer appointments from a day on; none: from tomorrow.
    Propose(Option<Date>),
    /// Agree on a technician and a begin.
    Appoint(String, Timestamp),
    /// Say how a trip went.
    Report(Report),
    /// Give it up.
    Cancel(String),
}

/// What a visit is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Word of the policy pack.
    pub kind: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Units.
    pub quantity: u32,
    /// Country of the customer.
    pub region: String,
}

/// A technician at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Appointment {
    /// Begin.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// Who.
    pub technician: String,
}

impl Appointment {
    /// A technician who begins then, for as long as such a visit takes.
    pub fn new(technician: &str, starts_at: Timestamp, kind: &VisitKind) -> Self {
        let length = SignedDuration::from_mins(i64::from(kind.minutes));
        let ends_at = starts_at.saturating_add(length).unwrap_or(Timestamp::MAX);
        Self { starts_at, ends_at, technician: technician.to_owned() }
    }

    /// The pieces of time that it takes.
    pub fn slots(&self) -> impl Iterator<Item = Timestamp> {
        let next = |at: &Timestamp| at.checked_add(SLOT).ok();
        std::iter::successors(Some(self.starts_at), next).take_while(|at| *at < self.ends_at)
    }
}

/// What is reported of a trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it went.
    pub outcome: VisitOutcome,
    /// Why it was in vain.
    pub failure: Option<VisitFailure>,
    /// What was done.
    pub work: String,
    /// Material that was used.
    pub material: String,
    /// Serial number of the part that was taken out.
    pub serial_out: String,
    /// Serial number of the part that was put in.
    pub serial_in: String,
}

/// A trip that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// Number, from 1.
    pub number: u32,
    /// Who and when.
    pub appointment: Appointment,
    /// What was reported.
    pub report: Report,
    /// When it was reported.
    pub reported_at: Timestamp,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is wanted.
    Arranged(Wanted),
    /// Appointments were offered.
    Proposed(Vec<Appointment>),
    /// A technician and a time were agreed.
    Appointed(Appointment),
    /// The technician is there.
    Started,
    /// A trip has ended.
    Ended(Trip),
    /// It will not take place.
    Cancelled(String),
}

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Names it.
    pub id: Uuid,
    /// The job.
    pub job: Job,
    /// What for.
    pub wanted: Wanted,
    /// How far it is.
    pub state: VisitState,
    /// What was offered last.
    pub offers: Vec<Appointment>,
    /// What is agreed.
    pub appointment: Option<Appointment>,
    /// Trips that have ended or are appointed.
    pub trips: u32,
    /// Why it will not take place.
    pub reason: String,
    /// Row version.
    pub version: i64,
}

refusals! {
    /// There is no such visit.
    NotFound { visit: String } = NotFound, "NOT_FOUND", "there is no such visit";
    /// Somebody else changed it.
    EtagMismatch = Aborted, "ETAG_MISMATCH", "it was changed by somebody else; read it again";
    /// It cannot go from its state to that one.
    IllegalTransition { from: &'static str, to: &'static str } =
        FailedPrecondition, "ILLEGAL_TRANSITION", "the visit cannot go from its state to that one";
    /// Nobody may do it in the days that were looked at.
    NoTechnician { kind: String } =
        FailedPrecondition, "NO_TECHNICIAN", "no technician may do the visit within the days that were looked at";
    /// Nobody of that name works here.
    UnknownTechnician { technician_id: String } =
        NotFound, "UNKNOWN_TECHNICIAN", "the technician was never recorded, or has left";
    /// The technician does not work there.
    OutOfRegion { technician_id: String, region: String } =
        FailedPrecondition, "OUT_OF_REGION", "the technician does not work where the visit is";
    /// The technician lacks a skill.
    SkillMissing { technician_id: String, skill: String } =
        FailedPrecondition, "SKILL_MISSING", "the technician lacks a skill that the visit needs";
    /// The technician lacks a certificate on that day.
    CertificateExpired { technician_id: String, certificate: String, day: Date } =
        FailedPrecondition, "CERTIFICATE_EXPIRED", "the technician has no certificate that is valid on the day of the visit";
    /// The technician does not work at that time.
    NotWorking { technician_id: String, starts_at: Timestamp } =
        FailedPrecondition, "NOT_WORKING", "the technician does not work at that time";
    /// The technician is elsewhere.
    Busy { technician_id: String, starts_at: Timestamp } =
        FailedPrecondition, "TECHNICIAN_BUSY", "the technician is elsewhere at that time";
    /// The time has passed.
    TimePassed { starts_at: Timestamp } = FailedPrecondition, "TIME_PASSED", "the time of the appointment has passed";
    /// So many trips were made that no other is appointed (P56).
    TooManyTrips = FailedPrecondition, "CLAIM_TOO_LARGE", "too many trips were made; the visit can only be given up";
}

/// Decides what it means that a visit is wanted: nothing if the job is known.
pub fn arrange(known: Option<&Visit>, wanted: &Wanted, rules: &Rules) -> Vec<Event> {
    let arranged = Event::Arranged(wanted.clone());
    match known {
        Some(_) => Vec::new(),
        None if rules.kinds.contains_key(&wanted.kind) => vec![arranged],
        None => vec![arranged, Event::Cancelled("UNKNOWN_KIND".to_owned())],
    }
}

/// Decides what calling off means: it succeeds until the technician is there. What never was is called off too, and
/// remembered.
pub fn call_off(known: Option<&Visit>) -> Vec<Event> {
    let is_open = known.is_none_or(|visit| visit.is_to_come());
    if is_open { vec![Event::Cancelled("CALLED_OFF".to_owned())] } else { Vec::new() }
}

/// Decides what people do. `technician` and `is_busy` are about the one who is appointed or on site.
pub fn propose(visit: &Visit, offers: Vec<Appointment>) -> Result<Vec<Event>, Refusal> {
    visit.may_go_to(VisitState::Proposed)?;
    if offers.is_empty() {
        return Err(Refusal::NoTechnician { kind: visit.wanted.kind.clone() });
    }
    Ok(vec![Event::Proposed(offers)])
}

/// Decides on an appointment. `technician`: as recorded, if ever; `is_busy`: elsewhere at that time.
pub fn appoint(
    visit: &Visit,
    technician: Option<&Technician>,
    appointment: &Appointment,
    is_busy: bool,
    now: Timestamp,
    rules: &Rules,
) -> Result<Vec<Event>, Refusal> {
    visit.may_go_to(VisitState::Appointed)?;
    if visit.trips >= TRIPS_MAX {
        return Err(Refusal::TooManyTrips);
    }
    let Appointment { technician: name, starts_at, .. } = appointment.clone();
    let known = technician.filter(|technician| !technician.left);
    let Some(technician) = known else { return Err(Refusal::UnknownTechnician { technician_id: name }) };
    let kind = visit.kind(rules)?;
    technician.may(kind, &visit.wanted.region)?;
    technician.is_certified(kind, rules.day(starts_at))?;
    if !technician.works(appointment, rules) {
        return Err(Refusal::NotWorking { technician_id: name, starts_at });
    }
    if starts_at <= now {
        return Err(Refusal::TimePassed { starts_at });
    }
    if is_busy {
        return Err(Refusal::Busy { technician_id: name, starts_at });
    }
    Ok(vec![Event::Appointed(appointment.clone())])
}

/// Decides on a report. Whoever begins must be certified on that day, whatever was so when the appointment was made.
pub fn report(
    visit: &Visit,
    technician: Option<&Technician>,
    report: &Report,
    now: Timestamp,
    rules: &Rules,
) -> Result<Vec<Event>, Refusal> {
    let to = match report.outcome {
        VisitOutcome::OnSite => VisitState::OnSite,
        VisitOutcome::Done => VisitState::Done,
        VisitOutcome::Failed => VisitState::Failed,
    };
    visit.may_go_to(to)?;
    let Some(appointment) = visit.appointment.clone() else { return Err(visit.illegal(to)) };
    if visit.state == VisitState::Appointed
        && to != VisitState::Failed
        && let Some(technician) = technician
    {
        technician.is_certified(visit.kind(rules)?, rules.day(now))?;
    }
    if to == VisitState::OnSite {
        return Ok(vec![Event::Started]);
    }
    Ok(vec![Event::Ended(Trip { number: visit.trips, appointment, report: report.clone(), reported_at: now })])
}

/// Decides on giving up.
pub fn cancel(visit: &Visit, why: &str) -> Result<Vec<Event>, Refusal> {
    visit.may_go_to(VisitState::Cancelled)?;
    Ok(vec![Event::Cancelled(why.to_owned())])
}

/// What a visit is after an event.
pub fn evolve(id: Uuid, job: Job, known: Option<Visit>, event: &Event) -> Visit {
    let mut visit = known.unwrap_or_else(|| Visit::new(id, job));
    visit.version += 1;
    visit.offers.clear();
    match event {
        Event::Arranged(wanted) => visit.wanted = wanted.clone(),
        Event::Proposed(offers) => (visit.state, visit.offers) = (VisitState::Proposed, offers.clone()),
        Event::Appointed(appointment) => {
            // An appointment that is moved is the same trip.
            visit.trips += u32::from(visit.appointment.is_none());
            (visit.state, visit.appointment) = (VisitState::Appointed, Some(appointment.clone()));
        }
        Event::Started => visit.state = VisitState::OnSite,
        Event::Ended(trip) => {
            let failed = trip.report.outcome == VisitOutcome::Failed;
            visit.state = if failed { VisitState::Failed } else { VisitState::Done };
            visit.appointment = None;
        }
        Event::Cancelled(reason) => {
            (visit.state, visit.appointment) = (VisitState::Cancelled, None);
            visit.reason.clone_from(reason);
        }
    }
    visit
}

impl Visit {
    fn new(id: Uuid, job: Job) -> Self {
        Self {
            id,
            job,
            wanted: Wanted::default(),
            state: VisitState::Requested,
            offers: Vec::new(),
            appointment: None,
            trips: 0,
            reason: String::new(),
            version: 0,
        }
    }

    /// Whether it may still be called off.
    fn is_to_come(&self) -> bool {
        match self.state {
            VisitState::Requested | VisitState::Proposed | VisitState::Appointed | VisitState::Failed => true,
            VisitState::OnSite | VisitState::Done | VisitState::Cancelled => false,
        }
    }

    /// The kind as the pack has it now.
    pub fn kind<'r>(&self, rules: &'r Rules) -> Result<&'r VisitKind, Refusal> {
        let kind = rules.kinds.get(&self.wanted.kind);
        kind.ok_or_else(|| Refusal::NoTechnician { kind: self.wanted.kind.clone() })
    }

    fn may_go_to(&self, to: VisitState) -> Result<(), Refusal> {
        let may = match to {
            VisitState::Proposed => self.is_to_come() && self.state != VisitState::Appointed,
            VisitState::Appointed | VisitState::Cancelled => self.is_to_come(),
            VisitState::OnSite => self.state == VisitState::Appointed,
            VisitState::Done | VisitState::Failed => {
                matches!(self.state, VisitState::Appointed | VisitState::OnSite)
            }
            VisitState::Requested => false,
        };
        if may { Ok(()) } else { Err(self.illegal(to)) }
    }

    fn illegal(&self, to: VisitState) -> Refusal {
        Refusal::IllegalTransition { from: name(self.state), to: name(to) }
    }
}

/// The name in the contract, as errors tell it.
fn name(state: VisitState) -> &'static str {
    proto::logistics::VisitState::try_from(i32::from(state)).unwrap_or_default().as_str_name()
}

#[cfg(test)]
mod tests;
