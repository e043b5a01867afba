//! A broker that refuses, is away, or is mistaken. Nothing leaves the journal for it.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::time::Duration;

use async_nats::HeaderMap;
use chassis::topology::stream_name;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::relay_home::{Own, PREFIX};

const SOON: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_stream_does_not_take_waits_in_the_journal() {
    let mut own = Own::new(1).await;
    own.start().await;
    // A fifth of a MiB is three of these.
    let insert = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
        SELECT gen_random_uuid(), gen_random_uuid(), 'event.inventory.large', decode(repeat('00', 60000), 'hex'), 'test', \
            gen_random_uuid(), now() \
        FROM generate_series(1, 10)";
    sqlx::query(insert).execute(&own.pool).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let taken = own.stream("EVENTS").await.len();
    assert!((1..10).contains(&taken), "{taken} were taken");
    let before = sent(&own).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let tries = sent(&own).await - before;
    assert!(tries < 200, "it does not run hot: {tries} messages in 3 s");
    own.provision(50).await;
    own.all_published(SOON).await;
    assert_eq!(own.stream("EVENTS").await.len(), 10, "what was taken at the first try is not sent again");
}

/// Messages that the broker got so far.
async fn sent(own: &Own) -> u64 {
    let page = format!("{}/varz", own.servers.nats_monitor_url().trim_start_matches("http://"));
    let (host, path) = page.split_once('/').unwrap();
    let host = host.to_owned();
    let request = format!("GET /{path} HTTP/1.0\r\n\r\n");
    let reply = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    });
    let reply = reply.await.unwrap();
    let count = reply.split("\"in_msgs\":").nth(1).unwrap().split(',').next().unwrap();
    count.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_ends_exactly_with_a_round_holds_nothing_up() {
    let mut own = Own::new(50).await;
    own.journal(500).await;
    own.start().await;
    own.all_published(SOON).await;
    own.journal(1).await;
    own.all_published(SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_knows_an_id_but_not_the_message_is_not_believed() {
    let mut own = Own::new(50).await;
    let event_id = Uuid::now_v7();
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", event_id.to_string());
    headers.insert("ce-id", Uuid::now_v7().to_string());
    let address = format!("{PREFIX}.v1.event.triage.other");
    own.jetstream().await.publish_with_headers(address, headers, "".into()).await.unwrap().await.unwrap();
    let insert = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
        VALUES ($1, gen_random_uuid(), 'event.inventory.late', '', 'test', gen_random_uuid(), now())";
    sqlx::query(insert).bind(event_id).execute(&own.pool).await.unwrap();
    own.journal(5).await;
    own.start().await;
    own.all_published(SOON).await;
    assert_eq!(own.stream("EVENTS").await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_knows_the_name_of_a_batch_but_does_not_have_it_is_not_believed() {
    let mut own = Own::new(50).await;
    own.journal(5).await;
    let ids: Vec<Uuid> = own.journalled().await.iter().map(|id| id.parse().unwrap()).collect();
    let hash = ids.iter().fold(Sha256::new_with_prefix("batch"), |hash, id| hash.chain_update(id)).finalize();
    let mut headers = HeaderMap::new();
    let name = uuid::Builder::from_custom_bytes(hash[..16].try_into().unwrap()).into_uuid();
    headers.insert("Nats-Msg-Id", name.to_string());
    headers.insert("ce-id", Uuid::now_v7().to_string());
    let address = format!("{PREFIX}.v1.event.triage.other");
    own.jetstream().await.publish_with_headers(address, headers, "".into()).await.unwrap().await.unwrap();
    own.start().await;
    own.all_published(SOON).await;
    let mut stream = own.jetstream().await.get_stream(stream_name(PREFIX, "EVENTS")).await.unwrap();
    assert_eq!(stream.info().await.unwrap().state.messages, 2, "that one, and the batch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_and_comes_back_gets_everything() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(10).await;
    own.all_published(SOON).await;
    for _ in 0..3 {
        own.journal(20).await;
        own.servers.kill_nats();
        own.journal(20).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        own.servers.restart_nats().unwrap();
        own.all_published(Duration::from_secs(15)).await;
    }
    own.stop().await;
}
