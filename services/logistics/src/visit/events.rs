//! Messages about visits: commands of the orchestrator in, facts out.

use chassis::{Malformed, Outgoing};
use proto::logistics::logistics_event::Kind as Told;
use proto::logistics::{
    ArrangeVisit, LogisticsEvent, VisitAppointed, VisitArranged, VisitCancelRefused, VisitCancelled, VisitDone,
    VisitFailed, VisitProposed, VisitStarted,
};

use super::domain::{Command, Event, Job, Visit, VisitFailure, VisitOutcome, VisitState, Wanted};
use super::rules::Rules;
use super::{check, wire};

/// A visit is wanted.
pub fn arrange(job: Job, ask: ArrangeVisit) -> Result<Command, Malformed> {
    let ArrangeVisit { kind, sku, quantity, country } = ask;
    let fits = |text: &str| (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !fits(&kind) || !fits(&sku) || !check::is_region(&country) || !(1..=10_000_000).contains(&quantity) {
        return Err(Malformed(format!("kind, SKU, country or quantity {quantity} is out of bounds")));
    }
    Ok(Command::Arrange { job, wanted: Wanted { kind, sku, quantity, region: country } })
}

/// It is wanted no more.
pub fn call_off(job: Job) -> Command {
    Command::CallOff { job }
}

/// The answer to calling off.
pub fn called_off(visit: &Visit) -> Outgoing {
    let gone = visit.state == VisitState::Cancelled;
    event(visit, if gone { cancelled("CALLED_OFF") } else { Told::VisitCancelRefused(VisitCancelRefused {}) })
}

/// How far it is: the answer to whoever wants it, the first time and again. What failed is only waited for.
pub fn standing(visit: &Visit, rules: &Rules) -> Option<Outgoing> {
    let number = number(visit);
    let kind = match visit.state {
        VisitState::Requested | VisitState::Failed => {
            Told::VisitArranged(VisitArranged { visit_id: visit.id.to_string(), number })
        }
        VisitState::Proposed => proposed(visit),
        VisitState::Appointed => appointed(visit, rules)?,
        VisitState::OnSite => Told::VisitStarted(VisitStarted { number }),
        VisitState::Done => Told::VisitDone(VisitDone { number }),
        VisitState::Cancelled => cancelled(reason(visit)),
    };
    Some(event(visit, kind))
}

/// What people did.
pub fn news(visit: &Visit, events: &[Event], rules: &Rules) -> Vec<Outgoing> {
    let number = number(visit);
    let kinds = events.iter().filter_map(|event| match event {
        Event::Arranged(_) => None,
        Event::Proposed(_) => Some(proposed(visit)),
        Event::Appointed(_) => appointed(visit, rules),
        Event::Started => Some(Told::VisitStarted(VisitStarted { number })),
        Event::Ended(trip) if trip.report.outcome == VisitOutcome::Failed => {
            let failure = trip.report.failure.map_or(0, |failure: VisitFailure| i32::from(failure));
            Some(Told::VisitFailed(VisitFailed { number, failure }))
        }
        Event::Ended(_) => Some(Told::VisitDone(VisitDone { number })),
        Event::Cancelled(_) => Some(cancelled(reason(visit))),
    });
    kinds.map(|kind| event(visit, kind)).collect()
}

fn proposed(visit: &Visit) -> Told {
    let offers = visit.offers.iter().map(wire::appointment).collect();
    Told::VisitProposed(VisitProposed { visit_id: visit.id.to_string(), number: number(visit), offers })
}

fn appointed(visit: &Visit, rules: &Rules) -> Option<Told> {
    let appointment = visit.appointment.as_ref()?;
    Some(Told::VisitAppointed(VisitAppointed {
        visit_id: visit.id.to_string(),
        number: number(visit),
        appointment: Some(wire::appointment(appointment)),
        day: rules.day(appointment.starts_at).to_string(),
    }))
}

fn cancelled(reason: &str) -> Told {
    Told::VisitCancelled(VisitCancelled { reason: reason.to_owned() })
}

/// What a person writes stays here.
fn reason(visit: &Visit) -> &str {
    if matches!(visit.reason.as_str(), "CALLED_OFF" | "UNKNOWN_KIND") { &visit.reason } else { "GIVEN_UP" }
}

/// Counts up with every change of a visit.
fn number(visit: &Visit) -> u32 {
    u32::try_from(visit.version).unwrap_or(u32::MAX)
}

fn event(visit: &Visit, kind: Told) -> Outgoing {
    let name = kind.name();
    let message = LogisticsEvent { job: Some(visit.job.into()), direction: 0, kind: Some(kind) };
    Outgoing::event("logistics", name, visit.job.claim.0, &message)
}
