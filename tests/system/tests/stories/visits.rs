//! A technician at the customer's (S4-49..54), from the pack to the end of the claim.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proto::claim::{Category, ClaimState, Resolution, WaitingFor};
use proto::logistics::{
    AppointVisitRequest, Certificate, ListVisitsRequest, ProposeVisitRequest, RecordTechniciansRequest,
    ReportVisitRequest, Technician, TechnicianRow, Visit, VisitFailure, VisitOutcome, VisitState,
};
use system::{World, line};
use testkit::{actor, eventually, reason, request_id};
use tonic::Status;

const PACK: &str = r#"
name = "visited"
version = 1
effective_from = "2026-01-01"
extends = "supply-chain"

[[logistics.visits]]
kind = "installation"
resolutions = ["technical_support"]
categories = ["installation_guidance"]
skills = ["HVAC"]
certificates = ["F-GAS"]
minutes = 60
checklist = ["self-test is green"]
"#;

async fn world() -> World {
    let file = std::env::temp_dir().join(format!("visited-{}.toml", request_id()));
    std::fs::write(&file, PACK).unwrap();
    let settings = BTreeMap::from([("REDRESS_ORCHESTRATOR__PROCESS__FORM".to_owned(), "2".to_owned())]);
    let options = local::StackOptions {
        durable: false,
        log: std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned()),
        policy: Some(file),
        settings,
        ..local::StackOptions::default()
    };
    let world = World::with(options).await;
    let technician = |name: &str, until: &str| Technician {
        technician_id: name.to_owned(),
        skills: vec!["HVAC".to_owned()],
        certificates: vec![Certificate { certificate: "F-GAS".to_owned(), valid_until: until.to_owned() }],
        regions: vec!["GB".to_owned()],
        ..Technician::default()
    };
    let rows = [technician("T-1", "2020-01-01"), technician("T-2", "2099-01-01")];
    let rows = rows.map(|technician| TechnicianRow { technician: Some(technician), etag: String::new() });
    let ask = RecordTechniciansRequest { request_id: request_id(), technicians: rows.to_vec() };
    world.logistics().await.record_technicians(actor(ask, "lou", &["logistics"])).await.unwrap();
    world
}

async fn visit(world: &World, claim: &str) -> Visit {
    eventually(async || {
        let ask = ListVisitsRequest { claim_id: claim.to_owned(), ..ListVisitsRequest::default() };
        let list = actor(ask, "lou", &["logistics"]);
        world.logistics().await.list_visits(list).await.unwrap().into_inner().visits.pop()
    })
    .await
}

async fn propose(world: &World, claim: &str) -> Visit {
    let Visit { visit_id, etag, .. } = visit(world, claim).await;
    let ask = ProposeVisitRequest { request_id: request_id(), visit_id, etag, from_day: String::new() };
    let propose = actor(ask, "lou", &["logistics"]);
    world.logistics().await.propose_visit(propose).await.unwrap().into_inner().visit.unwrap()
}

async fn appoint(world: &World, claim: &str, name: &str, at: Timestamp) -> Result<Visit, Status> {
    let Visit { visit_id, etag, .. } = visit(world, claim).await;
    let (technician_id, starts_at) = (name.to_owned(), Some(proto::to_wire(at)));
    let ask = AppointVisitRequest { request_id: request_id(), visit_id, etag, technician_id, starts_at };
    let answer = world.logistics().await.appoint_visit(actor(ask, "lou", &["logistics"])).await?;
    Ok(answer.into_inner().visit.unwrap())
}

async fn report(world: &World, claim: &str, outcome: VisitOutcome) -> Visit {
    let Visit { visit_id, etag, .. } = visit(world, claim).await;
    let done = outcome == VisitOutcome::Done;
    let failure = if outcome == VisitOutcome::Failed { VisitFailure::NobodyThere } else { VisitFailure::Unspecified };
    let ask = ReportVisitRequest {
        request_id: request_id(),
        visit_id,
        etag,
        outcome: outcome.into(),
        failure: failure.into(),
        work: if done { "installed by the manual".to_owned() } else { String::new() },
        works: done,
        instructed: done,
        ..ReportVisitRequest::default()
    };
    let report = actor(ask, "lou", &["logistics"]);
    world.logistics().await.report_visit(report).await.unwrap().into_inner().visit.unwrap()
}

async fn wanted(world: &World, order: &str) -> String {
    world.sold(order, "AC-900", 1, 2_000, 3).await;
    let lines = vec![line(order, "AC-900", 1, Category::InstallationGuidance, Resolution::TechnicalSupport)];
    world.submit(world.report("C-1", lines)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_52_a_technician_comes_in_vain_comes_again_and_the_claim_ends() {
    let world = world().await;
    let claim = wanted(&world, "O-1").await;
    world.until_waiting(&claim, WaitingFor::Logistics).await;
    let proposed = propose(&world, &claim).await;
    assert!(proposed.offers.iter().all(|offer| offer.technician_id == "T-2"), "{proposed:?}");
    world.until_waiting(&claim, WaitingFor::Customer).await;
    let first = proto::from_wire(proposed.offers[0].starts_at.as_ref().unwrap()).unwrap();
    assert_eq!(reason(&appoint(&world, &claim, "T-1", first).await.unwrap_err()), "CERTIFICATE_EXPIRED");
    appoint(&world, &claim, "T-2", first).await.unwrap();
    report(&world, &claim, VisitOutcome::Failed).await;
    let again = propose(&world, &claim).await;
    let second = proto::from_wire(again.offers[1].starts_at.as_ref().unwrap()).unwrap();
    appoint(&world, &claim, "T-2", second).await.unwrap();
    report(&world, &claim, VisitOutcome::OnSite).await;
    let done = report(&world, &claim, VisitOutcome::Done).await;
    assert_eq!((done.state(), done.trips), (VisitState::Done, 2));
    world.until(&claim, "over", |process| process.state() != ClaimState::Executing).await;
    let told: Vec<String> = world.timeline(&claim).await.into_iter().map(|event| format!("{event:?}")).collect();
    for code in ["VISIT_ARRANGED", "VISIT_PROPOSED", "VISIT_APPOINTED", "VISIT_IN_VAIN", "ON_SITE"] {
        assert!(told.iter().any(|event| event.contains(code)), "{code} is not in {told:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_not_wanted_any_more_gives_the_technician_back() {
    let world = world().await;
    let claim = wanted(&world, "O-1").await;
    world.until_waiting(&claim, WaitingFor::Logistics).await;
    let offer = propose(&world, &claim).await.offers.remove(0);
    let at = proto::from_wire(offer.starts_at.as_ref().unwrap()).unwrap();
    appoint(&world, &claim, "T-2", at).await.unwrap();
    let other = wanted(&world, "O-2").await;
    visit(&world, &other).await;
    assert_eq!(reason(&appoint(&world, &other, "T-2", at).await.unwrap_err()), "TECHNICIAN_BUSY");
    let inside = at.saturating_add(SignedDuration::from_mins(45)).unwrap();
    assert_eq!(reason(&appoint(&world, &other, "T-2", inside).await.unwrap_err()), "TECHNICIAN_BUSY");
    world.withdraw(&claim).await;
    world.until_state(&claim, ClaimState::Withdrawn).await;
    assert_eq!(visit(&world, &claim).await.state(), VisitState::Cancelled);
    appoint(&world, &other, "T-2", at).await.unwrap();
    world.withdraw(&other).await;
    world.until_state(&other, ClaimState::Withdrawn).await;
    world.end().await;
}
