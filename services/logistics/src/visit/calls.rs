//! Calls about technicians and visits: requests become commands, or are answered from what is stored.

use chassis::{Check, read_failed};
use proto::logistics::words::VisitState;
use proto::logistics::{
    AppointVisitRequest, CancelVisitRequest, GetVisitRequest, GetVisitResponse, ListTechniciansRequest,
    ListTechniciansResponse, ListVisitsRequest, ListVisitsResponse, ProposeVisitRequest, RecordTechniciansRequest,
    ReportVisitRequest, Technician as WireTechnician,
};
use sqlx::PgPool;
use tonic::{Response, Status};

use super::domain::{Act, Command, SLOT};
use super::rules::Rules;
use super::store::{self, Filter};
use super::{check, wire};

/// Technicians of one call.
const TECHNICIANS_MAX: usize = 500;

/// Technicians are recorded.
pub fn record(body: &RecordTechniciansRequest) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(&body.request_id);
    check.count("technicians", body.technicians.len(), 1..=TECHNICIANS_MAX);
    let mut rows = Vec::with_capacity(body.technicians.len());
    for (at, row) in body.technicians.iter().enumerate() {
        let field = format!("technicians[{at}]");
        if row.technician.is_none() {
            check.add(&format!("{field}.technician"), "must be given");
        }
        let none = WireTechnician::default();
        if let Some(technician) = row.technician.as_ref().filter(|technician| **technician != none) {
            let technician = check::technician(&mut check, &format!("{field}.technician"), technician);
            let etag = check.text(&format!("{field}.etag"), &row.etag, 0..=64);
            rows.push((technician, etag));
        } else if row.technician.is_some() {
            check.add(&format!("{field}.technician.technician_id"), "must be given");
        }
    }
    if let Some(at) = check::repeated(rows.iter().map(|(technician, _)| &technician.id)) {
        check.add(&format!("technicians[{at}].technician.technician_id"), "is there twice");
    }
    check.finish()?;
    Ok(Command::Record(rows))
}

/// Lists technicians.
pub async fn technicians(
    reads: &PgPool,
    body: &ListTechniciansRequest,
) -> Result<Response<ListTechniciansResponse>, Status> {
    let mut check = Check::new();
    let skill = check.token("skill", &body.skill, 0..=40);
    if !body.region.is_empty() && !check::is_region(&body.region) {
        check.add("region", "must be a country, as GB, or a part of one, as GB-LND");
    }
    let page = check.page(body.page_size, &body.page_token, &[&body.skill, &body.region]);
    check.finish()?;
    let filter = (skill.as_str(), body.region.as_str());
    let rows = store::technicians_of(reads, filter, page.after.as_deref(), page.limit).await.map_err(read_failed)?;
    let (technicians, next_page_token) = page.finish(&rows, |one| one.id.clone(), wire::technician);
    Ok(Response::new(ListTechniciansResponse { technicians, next_page_token }))
}

/// Reads one visit.
pub async fn get(reads: &PgPool, rules: &Rules, body: &GetVisitRequest) -> Result<Response<GetVisitResponse>, Status> {
    let mut check = Check::new();
    let id = check.uuid("visit_id", &body.visit_id);
    check.finish()?;
    let found = store::get(reads, id).await.map_err(read_failed)?;
    let (visit, trips) = found.ok_or_else(|| chassis::Refusal::not_found("visit", &body.visit_id))?;
    let mut wire = wire::visit(&visit, rules);
    wire.ended = trips.iter().map(wire::trip).collect();
    Ok(Response::new(GetVisitResponse { visit: Some(wire) }))
}

/// Lists visits.
pub async fn list(
    reads: &PgPool,
    rules: &Rules,
    body: &ListVisitsRequest,
) -> Result<Response<ListVisitsResponse>, Status> {
    let mut check = Check::new();
    let claim = (!body.claim_id.is_empty()).then(|| check.uuid("claim_id", &body.claim_id));
    let state: Option<VisitState> = check.optional_choice("state", body.state);
    let technician = check.token("technician_id", &body.technician_id, 0..=64);
    let spelt = state.map_or("", VisitState::word);
    let page = check.page(body.page_size, &body.page_token, &[&body.claim_id, spelt, &body.technician_id]);
    let after = page.after.as_ref().map(|key| check.uuid("page_token", key));
    check.finish()?;
    let filter = Filter { claim, state, technician: Some(technician).filter(|name| !name.is_empty()), after };
    let rows = store::list(reads, &filter, page.limit).await.map_err(read_failed)?;
    let (visits, next_page_token) = page.finish(&rows, |visit| visit.id.to_string(), |visit| wire::visit(visit, rules));
    Ok(Response::new(ListVisitsResponse { visits, next_page_token }))
}

/// Appointments are to be offered.
pub fn propose(body: &ProposeVisitRequest) -> Result<Command, Status> {
    act(&body.request_id, &body.visit_id, &body.etag, |check| Act::Propose(check.date("from_day", &body.from_day)))
}

/// A technician and a time were agreed.
pub fn appoint(body: &AppointVisitRequest) -> Result<Command, Status> {
    act(&body.request_id, &body.visit_id, &body.etag, |check| {
        let technician = check.token("technician_id", &body.technician_id, 1..=64);
        let starts_at = check.time("starts_at", body.starts_at.as_ref()).unwrap_or_default();
        if starts_at.as_nanosecond() % SLOT.as_nanos() != 0 {
            check.add("starts_at", "must be a full quarter of an hour");
        }
        Act::Appoint(technician, starts_at)
    })
}

/// How a trip went.
pub fn report(body: &ReportVisitRequest) -> Result<Command, Status> {
    act(&body.request_id, &body.visit_id, &body.etag, |check| Act::Report(check::report(check, body)))
}

/// A visit is given up.
pub fn cancel(body: &CancelVisitRequest) -> Result<Command, Status> {
    act(&body.request_id, &body.visit_id, &body.etag, |check| {
        Act::Cancel(check.remark("reason", &body.reason, 1..=200))
    })
}

fn act(request_id: &str, visit_id: &str, etag: &str, read: impl FnOnce(&mut Check) -> Act) -> Result<Command, Status> {
    let mut check = Check::new();
    check.request_id(request_id);
    let id = check.uuid("visit_id", visit_id);
    let etag = check.text("etag", etag, 0..=64);
    let act = read(&mut check);
    check.finish()?;
    Ok(Command::Act { id, etag, act })
}
