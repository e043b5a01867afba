//! Technicians and visits (S4-49..52, S4-54).

use chassis::Clock;
use jiff::{SignedDuration, Timestamp};
use proto::logistics::logistics_command::Kind as Asked;
use proto::logistics::*;
use testkit::{TestService, reason, request_id};
use tonic::Status;
use uuid::Uuid;

use crate::talk::*;

const PACK: &str = r#"
name = "visited"
version = 1
effective_from = "2026-01-01"
extends = "supply-chain"

[[logistics.visits]]
kind = "repair"
resolutions = ["technical_support"]
skills = ["HVAC"]
certificates = ["F-GAS"]
minutes = 60
tools = ["gauge"]
checklist = ["self-test is green"]
"#;

async fn start() -> TestService {
    let mut home = testkit::Home::new(&logistics::SERVICE).await;
    let file = std::env::temp_dir().join(format!("visited-{}.toml", request_id()));
    std::fs::write(&file, PACK).unwrap();
    home.variables.push(("POLICY__FILE".to_owned(), file.display().to_string()));
    TestService::at(home, Clock::default()).await
}

/// The begin of a slot in working hours of London, on a weekday at least so many days from now.
fn slot(service: &TestService, days: i64) -> Timestamp {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let later = service.clock.now().saturating_add(SignedDuration::from_hours(24 * days)).unwrap();
    let mut day = later.to_zoned(zone.clone()).date();
    while matches!(day.weekday(), jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday) {
        day = day.tomorrow().unwrap();
    }
    day.at(10, 0, 0, 0).to_zoned(zone).unwrap().timestamp()
}

async fn record(service: &TestService, name: &str, until: &str) -> TechnicianResult {
    let hours = |weekday| WorkingHours { weekday, begin: "08:00".to_owned(), end: "18:00".to_owned() };
    let technician = Technician {
        technician_id: name.to_owned(),
        skills: vec!["HVAC".to_owned()],
        certificates: vec![Certificate { certificate: "F-GAS".to_owned(), valid_until: until.to_owned() }],
        regions: vec!["GB".to_owned()],
        hours: (1..=7).map(hours).collect(),
        ..Technician::default()
    };
    record_row(service, TechnicianRow { technician: Some(technician), etag: String::new() }).await
}

async fn record_row(service: &TestService, row: TechnicianRow) -> TechnicianResult {
    let ask = RecordTechniciansRequest { request_id: request_id(), technicians: vec![row] };
    client(service).record_technicians(ask).await.unwrap().into_inner().results.remove(0)
}

fn arrange(claim: Uuid) -> chassis::Outgoing {
    let (kind, sku, country) = ("repair".to_owned(), "AC-900".to_owned(), "GB".to_owned());
    command(claim, "arrange_visit", Asked::ArrangeVisit(ArrangeVisit { kind, sku, quantity: 1, country }))
}

fn call_off(claim: Uuid) -> chassis::Outgoing {
    command(claim, "cancel_visit", Asked::CancelVisit(CancelVisit {}))
}

async fn wanted(service: &TestService) -> Visit {
    let claim = claim();
    told(service, arrange(claim)).await;
    visit_of(service, claim).await
}

async fn visit_of(service: &TestService, claim: Uuid) -> Visit {
    let ask = ListVisitsRequest { claim_id: claim.to_string(), ..ListVisitsRequest::default() };
    client(service).list_visits(ask).await.unwrap().into_inner().visits.remove(0)
}

async fn propose(service: &TestService, visit: &Visit) -> Result<Visit, Status> {
    let (visit_id, etag) = (visit.visit_id.clone(), visit.etag.clone());
    let ask = ProposeVisitRequest { request_id: request_id(), visit_id, etag, from_day: String::new() };
    client(service).propose_visit(ask).await.map(|answer| answer.into_inner().visit.unwrap())
}

async fn appoint(service: &TestService, visit: &Visit, name: &str, at: Timestamp) -> Result<Visit, Status> {
    let ask = AppointVisitRequest {
        request_id: request_id(),
        visit_id: visit.visit_id.clone(),
        etag: visit.etag.clone(),
        technician_id: name.to_owned(),
        starts_at: Some(proto::to_wire(at)),
    };
    client(service).appoint_visit(ask).await.map(|answer| answer.into_inner().visit.unwrap())
}

async fn reported(service: &TestService, visit: &Visit, outcome: VisitOutcome) -> Result<Visit, Status> {
    let failure = if outcome == VisitOutcome::Failed { VisitFailure::NobodyThere } else { VisitFailure::Unspecified };
    let done = outcome == VisitOutcome::Done;
    let ask = ReportVisitRequest {
        request_id: request_id(),
        visit_id: visit.visit_id.clone(),
        etag: visit.etag.clone(),
        outcome: outcome.into(),
        failure: failure.into(),
        work: if done { "board changed".to_owned() } else { String::new() },
        serial_out: if done { "PCB7-0091".to_owned() } else { String::new() },
        serial_in: if done { "PCB7-2204".to_owned() } else { String::new() },
        works: done,
        instructed: done,
        ..ReportVisitRequest::default()
    };
    client(service).report_visit(ask).await.map(|answer| answer.into_inner().visit.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_52_a_visit_is_offered_appointed_in_vain_appointed_again_and_done() {
    let service = start().await;
    record(&service, "T-1", "2020-10-13").await;
    record(&service, "T-2", "2099-10-13").await;
    let visit = wanted(&service).await;
    assert_eq!((visit.state(), &visit.tools[..]), (VisitState::Requested, &["gauge".to_owned()][..]));
    let visit = propose(&service, &visit).await.unwrap();
    assert!(!visit.offers.is_empty() && visit.offers.iter().all(|offer| offer.technician_id == "T-2"), "{visit:?}");
    let read = GetVisitRequest { visit_id: visit.visit_id.clone() };
    let stored = client(&service).get_visit(read.clone()).await.unwrap().into_inner().visit.unwrap();
    assert_eq!(stored, visit);
    let refused = appoint(&service, &visit, "T-1", slot(&service, 2)).await.unwrap_err();
    assert_eq!(reason(&refused), "CERTIFICATE_EXPIRED");
    let visit = appoint(&service, &visit, "T-2", slot(&service, 2)).await.unwrap();
    let visit = reported(&service, &visit, VisitOutcome::Failed).await.unwrap();
    let visit = appoint(&service, &visit, "T-2", slot(&service, 3)).await.unwrap();
    let visit = reported(&service, &visit, VisitOutcome::OnSite).await.unwrap();
    let visit = reported(&service, &visit, VisitOutcome::Done).await.unwrap();
    assert_eq!((visit.state(), visit.trips), (VisitState::Done, 2));
    let stored = client(&service).get_visit(read).await.unwrap().into_inner().visit.unwrap();
    let trips: Vec<_> = stored.ended.iter().map(|trip| (trip.number, trip.outcome(), trip.failure())).collect();
    let in_vain = (1, VisitOutcome::Failed, VisitFailure::NobodyThere);
    assert_eq!(trips, [in_vain, (2, VisitOutcome::Done, VisitFailure::Unspecified)]);
    assert_eq!(stored.ended[1].serial_in, "PCB7-2204");
    let told =
        ["visit_arranged", "visit_proposed", "visit_appointed", "visit_failed", "visit_appointed", "visit_started"];
    let told: Vec<_> = told.into_iter().chain(["visit_done"]).collect();
    assert_eq!(names(&facts(&service).await), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_is_never_in_two_places_however_many_appoint_at_once() {
    let service = start().await;
    record(&service, "T-2", "2099-10-13").await;
    let mut visits = Vec::new();
    for _ in 0..6 {
        visits.push(wanted(&service).await);
    }
    let at = slot(&service, 2);
    let at = |number: i64| at.saturating_add(SignedDuration::from_mins(15 * number)).unwrap();
    let tries = visits.iter().zip(0..).map(|(visit, number)| appoint(&service, visit, "T-2", at(number % 3)));
    let answers = futures::future::join_all(tries).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 1, "{answers:?}");
    let busy = answers.iter().filter_map(|answer| answer.as_ref().err());
    assert!(busy.into_iter().all(|status| reason(status) == "TECHNICIAN_BUSY"));
    // What is moved or given up is free for others.
    let winner = answers.into_iter().find_map(Result::ok).unwrap();
    let other = visits.iter().find(|visit| visit.visit_id != winner.visit_id).unwrap();
    let moved = appoint(&service, &winner, "T-2", slot(&service, 9)).await.unwrap();
    appoint(&service, other, "T-2", at(0)).await.unwrap();
    let ask = CancelVisitRequest {
        request_id: request_id(),
        visit_id: moved.visit_id.clone(),
        etag: moved.etag,
        reason: "no part is made any more".to_owned(),
    };
    client(&service).cancel_visit(ask).await.unwrap();
    let third = visits.iter().find(|visit| ![&winner.visit_id, &other.visit_id].contains(&&visit.visit_id)).unwrap();
    appoint(&service, third, "T-2", slot(&service, 9)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_called_off_until_the_technician_is_there() {
    let service = start().await;
    record(&service, "T-2", "2099-10-13").await;
    let claim = claim();
    told(&service, arrange(claim)).await;
    told(&service, arrange(claim)).await;
    let visit = visit_of(&service, claim).await;
    let visit = appoint(&service, &visit, "T-2", slot(&service, 2)).await.unwrap();
    reported(&service, &visit, VisitOutcome::OnSite).await.unwrap();
    told(&service, call_off(claim)).await;
    let stale = reported(&service, &visit, VisitOutcome::Done).await.unwrap_err();
    assert_eq!(reason(&stale), "ETAG_MISMATCH");
    let never = self::claim();
    told(&service, call_off(never)).await;
    told(&service, arrange(never)).await;
    let told = names(&facts(&service).await);
    assert_eq!(
        told,
        [
            "visit_arranged",
            "visit_arranged",
            "visit_appointed",
            "visit_started",
            "visit_cancel_refused",
            "visit_cancelled",
            "visit_cancelled"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn technicians_are_recorded_row_by_row_and_listed_by_skill_and_region() {
    let service = start().await;
    let first = record(&service, "T-2", "2099-10-13").await;
    let technician =
        Technician { technician_id: "T-2".to_owned(), regions: vec!["FR".to_owned()], ..Technician::default() };
    let row = |etag: &str| TechnicianRow { technician: Some(technician.clone()), etag: etag.to_owned() };
    let stale = record_row(&service, row("\"9\"")).await;
    assert_eq!((stale.refused.as_str(), stale.etag.as_str()), ("ETAG_MISMATCH", ""));
    let list = async |skill: &str, region: &str| {
        let ask = ListTechniciansRequest { skill: skill.to_owned(), region: region.to_owned(), ..Default::default() };
        client(&service).list_technicians(ask).await.unwrap().into_inner().technicians
    };
    assert_eq!(list("HVAC", "GB-LND").await[0].certificates[0].valid_until, "2099-10-13");
    assert!(list("WELDING", "").await.is_empty() && list("", "FR").await.is_empty());
    let second = record_row(&service, row(&first.etag)).await;
    assert_eq!((second.refused.as_str(), second.etag.as_str()), ("", "\"2\""));
    assert_eq!(list("", "FR").await.len(), 1);
}
