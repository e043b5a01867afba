//! What a command comes to: what changes, the answer, and what is told.

use chassis::{Meta, Outcome};
use jiff::ToSpan;
use jiff::civil::Date;
use proto::logistics::{
    AppointVisitResponse, CancelVisitResponse, ProposeVisitResponse, RecordTechniciansResponse, ReportVisitResponse,
    TechnicianResult,
};
use uuid::Uuid;

use super::domain::{self, Act, Appointment, Command, Event, Job, Refusal, Technician, Visit};
use super::rules::Rules;
use super::world::World;
use super::{events, wire};

/// Rows are locked; the lane keeps order where it can.
pub fn lane(command: &Command) -> Uuid {
    match command {
        Command::Arrange { job, .. } | Command::CallOff { job } => job.claim.0,
        Command::Act { id, .. } => *id,
        Command::Record(_) => Uuid::nil(),
    }
}

/// Decides one command.
pub fn decide(rules: &Rules, world: &mut World, meta: &Meta, command: &Command) -> Result<Outcome, chassis::Refusal> {
    match command {
        Command::Record(rows) => {
            let results = rows.iter().map(|(technician, etag)| record(world, technician, etag)).collect();
            Ok(Outcome::reply(&RecordTechniciansResponse { results }))
        }
        Command::Arrange { job, wanted } => {
            let events = domain::arrange(world.of_job(*job), wanted, rules);
            let visit = go_on(world, meta, *job, &events);
            Ok(Outcome::none().telling(visit.and_then(|visit| events::standing(visit, rules))))
        }
        Command::CallOff { job } => {
            let events = domain::call_off(world.of_job(*job));
            let visit = go_on(world, meta, *job, &events);
            Ok(Outcome::none().telling(visit.map(events::called_off)))
        }
        Command::Act { id, etag, act } => {
            let visit = world.visit(*id)?.clone();
            if !etag.is_empty() && *etag != chassis::etag(visit.version) {
                return Err(Refusal::EtagMismatch.into());
            }
            let events = acted(rules, world, meta, &visit, act)?;
            world.apply(*id, visit.job, &events);
            let visit = world.visit(*id)?;
            let told = events::news(visit, &events, rules);
            Ok(answer(visit, act, rules).telling(told))
        }
    }
}

/// The visit of a job, afterwards.
fn go_on<'w>(world: &'w mut World, meta: &Meta, job: Job, events: &[Event]) -> Option<&'w Visit> {
    let id = world.of_job(job).map_or_else(|| meta.new_id(), |visit| visit.id);
    world.apply(id, job, events);
    world.visits.get(&id)
}

fn record(world: &mut World, technician: &Technician, etag: &str) -> TechnicianResult {
    let known = world.technicians.get(&technician.id).map(|known| chassis::etag(known.version));
    let technician_id = technician.id.clone();
    if !etag.is_empty() && known.as_deref() != Some(etag) {
        return TechnicianResult { technician_id, etag: String::new(), refused: "ETAG_MISMATCH".to_owned() };
    }
    let etag = chassis::etag(world.record(technician).version);
    TechnicianResult { technician_id, etag, refused: String::new() }
}

fn acted(rules: &Rules, world: &World, meta: &Meta, visit: &Visit, act: &Act) -> Result<Vec<Event>, Refusal> {
    match act {
        Act::Propose(from) => {
            let from = first_day(*from, rules.day(meta.now));
            let is_busy = |appointment: &Appointment| world.is_busy(visit.id, appointment);
            let offers = domain::offers(visit, world.technicians.values(), is_busy, (from, meta.now), rules)?;
            domain::propose(visit, offers)
        }
        Act::Appoint(name, starts_at) => {
            let appointment = Appointment::new(name, *starts_at, visit.kind(rules)?);
            let is_busy = world.is_busy(visit.id, &appointment);
            domain::appoint(visit, world.technicians.get(name), &appointment, is_busy, meta.now, rules)
        }
        Act::Report(report) => {
            let name = visit.appointment.as_ref().map(|appointment| &appointment.technician);
            let technician = name.and_then(|name| world.technicians.get(name));
            domain::report(visit, technician, report, meta.now, rules)
        }
        Act::Cancel(why) => domain::cancel(visit, why),
    }
}

/// The first day that is looked at: tomorrow at the earliest.
fn first_day(from: Option<Date>, today: Date) -> Date {
    let tomorrow = today.saturating_add(1.day());
    from.map_or(tomorrow, |from| from.max(tomorrow))
}

fn answer(visit: &Visit, act: &Act, rules: &Rules) -> Outcome {
    let visit = Some(wire::visit(visit, rules));
    match act {
        Act::Propose(_) => Outcome::reply(&ProposeVisitResponse { visit }),
        Act::Appoint(..) => Outcome::reply(&AppointVisitResponse { visit }),
        Act::Report(_) => Outcome::reply(&ReportVisitResponse { visit }),
        Act::Cancel(_) => Outcome::reply(&CancelVisitResponse { visit }),
    }
}
