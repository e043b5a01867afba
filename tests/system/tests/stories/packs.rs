//! Dated versions of a policy pack: a claim goes by the one that it began with, to its end (S2-41).

use std::path::Path;

use local::StackOptions;
use proto::claim::{Category, ClaimState, Resolution, WaitingFor, claim_event};
use proto::escalation::{Ruling, WorkKind};
use proto::logistics::Direction;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{ListParkedRequest, RedriveParkedRequest};
use proto::policy::SUPPLY_CHAIN;
use proto::triage;
use system::World;
use testkit::{actor, eventually, reason, request_id};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

/// What differs in the second version: goods come back for three days only, and a supervisor looks at what costs more than
/// ten pounds.
const STRICT: &str = r#"
[triage.windows.change_of_mind]
days = 3
[triage.authority]
claim_max = 1_000
person_max = { specialist = 1_000, quality = 1_000, supervisor = 1_000, management = 1_000 }
[triage.authority.line_max]
minor = { replace = 1_000, resend = 1_000, return_refund = 1_000, refund_only = 1_000 }
general = { replace = 1_000, resend = 1_000, return_refund = 1_000, refund_only = 1_000 }
serious = { replace = 1_000, resend = 1_000, return_refund = 1_000, refund_only = 0 }
[[escalation.authority]]
resolutions = ["replace", "resend", "return_refund", "refund_only", "technical_support", "reject"]
severities = ["minor", "general", "serious", "urgent"]
bands = [{ up_to = 1_000, roles = [] }, { roles = ["supervisor"] }]
"#;

fn write_second(folder: &Path, from: &str) {
    let head =
        format!("name = \"supply-chain\"\nversion = 2\neffective_from = \"{from}\"\nextends = \"supply-chain@1\"\n");
    std::fs::write(folder.join("strict.toml"), head + STRICT).unwrap();
}

/// A folder with the shipped version, and a second one from a day on.
fn folder(from: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("supply-chain.toml"), SUPPLY_CHAIN).unwrap();
    write_second(folder.path(), from);
    folder
}

fn options(folder: &tempfile::TempDir) -> StackOptions {
    let policy = Some(folder.path().to_owned());
    StackOptions { durable: false, log: "off".to_owned(), policy, ..StackOptions::default() }
}

/// The version that the process and the first public event of a claim name.
async fn versions(world: &World, claim: &str) -> [String; 2] {
    let process = world.process(claim).await.unwrap();
    let first = world.timeline(claim).await.remove(0);
    let Some(claim_event::Kind::Submitted(submitted)) = first.kind else { panic!("{first:?}") };
    [process.policy, submitted.policy]
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_41_a_claim_is_judged_and_paid_by_the_version_that_it_began_with() {
    let options = StackOptions::default();
    let today = options.clock.now().to_zoned(jiff::tz::TimeZone::get("Europe/London").unwrap()).date();
    let folder = folder(&(today + jiff::Span::new().days(2)).to_string());
    let world = World::with(self::options(&folder)).await;
    for (order, sku) in [("O-1", "ART-1"), ("O-2", "ART-2"), ("O-3", "ART-3"), ("O-4", "ART-4")] {
        world.sold(order, sku, 1, 4_000, 10).await;
    }
    let other =
        async |order: &str, sku: &str| world.claim(order, sku, 1, Category::Other, Resolution::ReturnRefund).await;
    let returned = async |order: &str, sku: &str| {
        world.claim(order, sku, 1, Category::ReturnRequest, Resolution::ReturnRefund).await
    };

    let old = other("O-1", "ART-1").await;
    world.judgement(&old).await;
    let going = returned("O-2", "ART-2").await;
    world.until_waiting(&going, WaitingFor::Carrier).await;

    // Two midnights later the second version is in force.
    world.wait(48);
    let new = other("O-3", "ART-3").await;
    let late = returned("O-4", "ART-4").await;
    let process = world.until_state(&late, ClaimState::Rejected).await;
    assert_eq!(process.end_reason, "OUTSIDE_WINDOW");

    world.judge(&old, "sue", Resolution::ReturnRefund, "").await;
    let process = world.until_waiting(&old, WaitingFor::Carrier).await;
    assert_eq!(process.plan.map(|plan| (plan.automatic, plan.policy)), Some((true, "supply-chain@1".to_owned())));
    world.judge(&new, "sue", Resolution::ReturnRefund, "").await;
    let process = world.until_waiting(&new, WaitingFor::Approver).await;
    assert_eq!(process.plan.map(|plan| (plan.automatic, plan.policy)), Some((false, "supply-chain@2".to_owned())));
    let item = world.task(&new, WorkKind::Approval).await;
    world.rule(&item, "boss", Ruling::Approve).await.unwrap();
    world.until_waiting(&new, WaitingFor::Carrier).await;

    for claim in [&old, &going, &new] {
        world.deliver(claim, Direction::Return).await;
        world.count(claim, 1, 0, 0, true).await;
        assert_eq!(world.finance(claim, true).await, 4_000);
        world.until_state(claim, ClaimState::Closed).await;
    }
    for (claim, version) in [(&old, 1), (&going, 1), (&new, 2), (&late, 2)] {
        let label = format!("supply-chain@{version}");
        assert_eq!(versions(&world, claim).await, [label.clone(), label]);
    }
    assert!(world.parked().await.is_empty());
    world.end().await;
}

/// What `/readyz` says: whether it is ready, and what it says of its policy.
async fn policy_of(world: &World, service: &str) -> (bool, String) {
    let address = world.stack.admin_endpoints()[service].trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let told: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let reason = told["parts"]["policy"]["reason"].as_str().unwrap_or_default();
    (told["ready"] == true, reason.to_owned())
}

async fn restart(world: &mut World, service: &str) {
    world.stop_service(service).await;
    world.start_service(service).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_version_that_is_not_loaded_waits_until_it_is_back() {
    let folder = folder("2026-06-01");
    let mut world = World::with(options(&folder)).await;
    let strict = folder.path().join("strict.toml");
    world.sold("O-1", "ART-1", 1, 500, 10).await;
    world.sold("O-2", "ART-2", 1, 500, 10).await;
    let old = world.claim("O-1", "ART-1", 1, Category::Other, Resolution::RefundOnly).await;
    let item = world.judgement(&old).await;

    std::fs::remove_file(&strict).unwrap();
    restart(&mut world, "triage").await;
    let decide = triage::DecideWorkItemRequest {
        request_id: request_id(),
        work_item_id: item.work_item_id.clone(),
        etag: item.etag.clone(),
        lines: vec![triage::LineDecision {
            line: 1,
            resolution: Resolution::RefundOnly.into(),
            ..triage::LineDecision::default()
        }],
        ..triage::DecideWorkItemRequest::default()
    };
    let decide = async |world: &World| {
        let asked = actor(decide.clone(), "sue", &["specialist", "supervisor"]);
        world.triage().await.decide_work_item(asked).await
    };
    let refused = decide(&world).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "POLICY_VERSION_UNKNOWN"));

    let new = world.claim("O-2", "ART-2", 1, Category::Other, Resolution::RefundOnly).await;
    let operations = async |world: &World| OperationsServiceClient::new(world.channel("triage").await);
    let parked = eventually(async || {
        operations(&world).await.list_parked(ListParkedRequest::default()).await.ok()?.into_inner().parked.pop()
    })
    .await;
    let told = (parked.reason.as_str(), parked.aggregate_id.as_str(), parked.detail.as_str());
    assert_eq!(told, ("POLICY_VERSION_UNKNOWN", new.as_str(), "supply-chain@2 is not loaded here"));

    // Who is started without it says so at once, and so does whoever has open claims that go by it.
    let missing = (false, "open claims go by supply-chain@2, which is not loaded here".to_owned());
    for service in ["triage", "orchestrator", "intake"] {
        restart(&mut world, service).await;
        assert_eq!(policy_of(&world, service).await, missing, "{service}");
    }

    write_second(folder.path(), "2026-06-01");
    for service in ["intake", "orchestrator", "triage"] {
        restart(&mut world, service).await;
    }
    let waits = "1 parked messages have waited for supply-chain@2: redrive them".to_owned();
    for (service, told) in [("triage", waits), ("orchestrator", String::new()), ("intake", String::new())] {
        eventually(async || (policy_of(&world, service).await == (true, told.clone())).then_some(())).await;
    }
    let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: new.clone() };
    operations(&world).await.redrive_parked(redrive).await.unwrap();
    world.judge(&new, "sue", Resolution::RefundOnly, "").await;
    decide(&world).await.expect("the same request may come again");
    for claim in [&old, &new] {
        assert_eq!(world.finance(claim, true).await, 500);
        world.until_state(claim, ClaimState::Closed).await;
    }
    assert!(world.parked().await.is_empty());
    world.end().await;
}
