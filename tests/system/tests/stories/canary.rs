//! A canary goes through the whole process and comes back, and nobody but operators notices.

use chassis::{Running, Settings};
use proto::claim::{ClaimState, claim_event};
use proto::escalation::{ListClocksRequest, ListWorkItemsRequest};
use proto::intake::{Claim, ListClaimsRequest};
use proto::triage;
use sqlx::{Connection, PgConnection};
use system::World;
use testkit::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A second intake, which submits canaries.
async fn canary(world: &World) -> Running {
    let database = world.stack.database_url("intake").unwrap();
    let (secrets, nats) = (world.stack.secrets(), world.stack.nats_url());
    let mut variables = local::stack::variables("intake", secrets, database, &nats, "off", None);
    variables.insert("REDRESS_INTAKE__CANARY__EVERY".to_owned(), "1s".to_owned());
    variables.insert("REDRESS_INTAKE__DATABASE__UNSAFE_DURABILITY_FOR_TESTS".to_owned(), "true".to_owned());
    let settings = Settings::from(local::SERVICES[0], None, Some(variables)).unwrap();
    chassis::start(local::SERVICES[0], settings, world.clock.clone()).await.unwrap()
}

async fn get(running: &Running, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(running.admin()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

async fn metric(running: &Running, name: &str) -> Option<f64> {
    let text = get(running, "/metrics").await;
    text.lines().find(|line| line.starts_with(&format!("{name}{{")))?.rsplit(' ').next()?.parse().ok()
}

async fn claims(world: &World, customer_ref: &str) -> Vec<Claim> {
    let ask = ListClaimsRequest { customer_ref: customer_ref.to_owned(), ..ListClaimsRequest::default() };
    world.intake().await.list_claims(ask).await.unwrap().into_inner().claims
}

/// Notices of all services.
async fn notices(world: &World) -> i64 {
    let mut sum = 0;
    for service in local::SERVICES {
        let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await.unwrap();
        let query = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM journal WHERE subject LIKE 'notice.%'");
        sum += query.fetch_one(&mut database).await.unwrap();
    }
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_comes_back_and_nobody_is_told() {
    let world = World::new().await;
    let running = canary(&world).await;
    let ended = |claims: &Vec<Claim>| claims.iter().filter(|claim| claim.state() == ClaimState::Rejected).count() >= 2;
    eventually(async || Some(claims(&world, "canary").await).filter(ended)).await;
    eventually(async || metric(&running, "redress_canary_seconds_count").await.filter(|count| *count >= 2.0)).await;
    assert_eq!(metric(&running, "redress_canary_missing").await, Some(0.0));
    let told: serde_json::Value = serde_json::from_str(&get(&running, "/readyz").await).unwrap();
    assert_eq!((&told["parts"]["canary"]["ok"], &told["ready"]), (&true.into(), &true.into()), "{told}");
    running.stop().await.unwrap();

    let all = eventually(async || {
        let all = claims(&world, "canary").await;
        all.iter().all(|claim| claim.state() == ClaimState::Rejected).then_some(all)
    })
    .await;
    assert_eq!(all[0].end_reason, "CANARY");
    assert_eq!(claims(&world, "").await, [], "lists of claims are about customers");
    assert_eq!(notices(&world).await, 0, "nobody is told");
    let asked = triage::ListWorkItemsRequest { include_closed: true, ..triage::ListWorkItemsRequest::default() };
    assert_eq!(world.triage().await.list_work_items(asked).await.unwrap().into_inner().work_items, []);
    for claim in &all {
        let process = world.until_state(&claim.claim_id, ClaimState::Rejected).await;
        let events = world.public_events(&claim.claim_id, usize::try_from(process.events).unwrap()).await;
        let Some(claim_event::Kind::Ended(end)) = &events.last().unwrap().kind else { panic!("{events:?}") };
        assert_eq!(end.reason, "CANARY");
        let ask = ListWorkItemsRequest { claim_id: claim.claim_id.clone(), ..ListWorkItemsRequest::default() };
        assert_eq!(world.escalation().await.list_work_items(ask).await.unwrap().into_inner().work_items, []);
        eventually(async || {
            let ask = ListClocksRequest { claim_id: claim.claim_id.clone(), ..ListClocksRequest::default() };
            let clocks = world.escalation().await.list_clocks(ask).await.ok()?.into_inner().clocks;
            let running = |clock: &proto::escalation::RunningClock| {
                matches!(clock.state(), proto::escalation::ClockState::Running)
            };
            (!clocks.iter().any(running)).then_some(())
        })
        .await;
    }
    world.end().await;
}
