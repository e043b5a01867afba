//! The canary: one for each slot, whoever submits it, with data that nobody else may use.

use std::net::SocketAddr;

use chassis::Running;
use jiff::SignedDuration;
use proto::claim::{Channel, ClaimState};
use proto::intake::{Claim, ListClaimsRequest, SubmitClaimRequest, intake_event};
use serde_json::Value;
use testkit::{bad_fields, eventually, reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

use crate::world::{World, end, submit_request};

const EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A replica that submits canaries, at home where the world is.
async fn replica(world: &World) -> Running {
    let mut home = world.service.home.clone();
    home.variables.push(("CANARY__EVERY".to_owned(), EVERY.to_string()));
    chassis::start(&intake::SERVICE, home.settings(), world.service.clock.clone()).await.unwrap()
}

async fn get(admin: SocketAddr, path: &str) -> (bool, String) {
    let mut stream = tokio::net::TcpStream::connect(admin).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().contains(" 200 "), body.to_owned())
}

/// What `/readyz` says: whether it is ready, and its part `canary`.
async fn part(running: &Running) -> (bool, Value) {
    let (ready, body) = get(running.admin(), "/readyz").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    (ready, told["parts"]["canary"].clone())
}

/// The value of a metric; `None`: it is not there.
async fn metric(running: &Running, name: &str) -> Option<f64> {
    let (_, body) = get(running.admin(), "/metrics").await;
    let line = body.lines().find(|line| line.starts_with(&format!("{name}{{")))?.to_owned();
    line.rsplit(' ').next()?.parse().ok()
}

async fn listed(world: &World, customer_ref: &str) -> Vec<Claim> {
    let ask = ListClaimsRequest { customer_ref: customer_ref.to_owned(), ..ListClaimsRequest::default() };
    world.client.clone().list_claims(ask).await.unwrap().into_inner().claims
}

async fn submitted(world: &World, count: usize) -> Vec<Claim> {
    eventually(async || Some(listed(world, "canary").await).filter(|claims| claims.len() >= count)).await
}

async fn next_slot(world: &World, count: usize) -> Vec<Claim> {
    world.service.clock.advance(EVERY);
    submitted(world, count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_submit_one_for_each_slot_and_tell_no_customer() {
    let world = World::start().await;
    let replicas = [replica(&world).await, replica(&world).await];
    submitted(&world, 1).await;
    next_slot(&world, 2).await;
    // Both have looked again.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let claims = listed(&world, "canary").await;
    assert_eq!(claims.len(), 2);
    assert_eq!(listed(&world, "").await, [], "lists of claims are about customers");
    let ask = ListClaimsRequest { state: ClaimState::Submitted.into(), ..ListClaimsRequest::default() };
    assert_eq!(world.client.clone().list_claims(ask).await.unwrap().into_inner().claims, []);
    for claim in &claims {
        assert_eq!((claim.channel(), claim.lines[0].order_no.as_str()), (Channel::Api, "CANARY"));
        let told = world.told(&claim.claim_id).await;
        assert!(matches!(&told[..], [intake_event::Kind::ClaimSubmitted(_)]), "{told:?}");
        world.tell(&claim.claim_id, end(ClaimState::Rejected)).await;
        assert_eq!(world.templates(&claim.claim_id).await, Vec::<String>::new());
    }
    assert_eq!(world.parked().await, Vec::<String>::new());
    for running in replicas {
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_do_not_come_back_degrade_and_do_not_block() {
    let world = World::start().await;
    let running = replica(&world).await;
    submitted(&world, 1).await;
    assert_eq!(part(&running).await.1["ok"], true);
    next_slot(&world, 2).await;
    // One is not back, and the youngest may still be on its way.
    next_slot(&world, 3).await;
    let told = eventually(async || Some(part(&running).await).filter(|(_, told)| told["ok"] == false)).await;
    assert!(told.0, "it is of use without");
    assert_eq!(told.1["blocks"], false);
    assert!(told.1["reason"].as_str().unwrap().contains("last 2 canaries"), "{}", told.1);
    assert!(metric(&running, "redress_canary_missing").await.is_some());

    let before = metric(&running, "redress_canary_seconds_count").await.unwrap_or_default();
    let newest = listed(&world, "canary").await.remove(0);
    world.tell(&newest.claim_id, end(ClaimState::Rejected)).await;
    eventually(async || Some(part(&running).await).filter(|(_, told)| told["ok"] == true)).await;
    let counted = metric(&running, "redress_canary_seconds_count").await;
    assert!(counted.is_some_and(|counted| counted > before), "{counted:?}");
    // Hearing of the end again is no second way back.
    running.stop().await.unwrap();
    assert_eq!(world.templates(&newest.claim_id).await, Vec::<String>::new());
}

#[tokio::test]
async fn without_the_setting_there_are_none() {
    let world = World::start().await;
    let (ready, body) = get(world.service.admin(), "/readyz").await;
    let told: Value = serde_json::from_str(&body).unwrap();
    assert!(ready && told["parts"]["canary"].is_null(), "{told}");
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 0);
}

#[tokio::test]
async fn nobody_from_outside_may_use_the_mark() {
    let world = World::start().await;
    for customer_ref in ["canary", "canary-7", "canary.of-mine"] {
        let request = SubmitClaimRequest { customer_ref: customer_ref.to_owned(), ..submit_request() };
        let status = world.client.clone().submit_claim(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));
        assert_eq!(bad_fields(&status), ["customer_ref"]);
    }
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 0);
    let request = SubmitClaimRequest { customer_ref: "my-canary".to_owned(), ..submit_request() };
    world.client.clone().submit_claim(request).await.unwrap();
    assert_eq!(listed(&world, "").await.len(), 1);
}
