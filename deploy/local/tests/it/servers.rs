//! What a caller sees: two servers that answer, side by side with others, and crash on demand.

use std::time::Instant;

use futures::StreamExt;
use local::{ServerOptions, Servers};
use sqlx::{Connection, PgConnection};

use crate::launcher::{eventually, processes_of};

fn start() -> Servers {
    Servers::start(ServerOptions::default()).expect("servers start")
}

async fn setting(servers: &Servers, name: &str) -> String {
    let mut postgres = PgConnection::connect(&servers.postgres_url("postgres")).await.expect("connects");
    sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut postgres).await.expect("a setting")
}

#[tokio::test(flavor = "multi_thread")]
async fn both_answer() {
    let begin = Instant::now();
    let servers = start();
    println!("started in {:?}", begin.elapsed());
    assert_eq!(setting(&servers, "fsync").await, "off");
    assert_eq!(setting(&servers, "max_connections").await, "300");
    assert_eq!(setting(&servers, "TimeZone").await, "UTC");
    let nats = async_nats::connect(servers.nats_url()).await.expect("connects");
    assert_eq!(nats.server_info().version, servers.nats_version());
    assert!(setting(&servers, "server_version").await.starts_with(&servers.postgres_version()));
}

#[tokio::test(flavor = "multi_thread")]
async fn durable_means_synced() {
    let options = ServerOptions { durable: true, max_connections: 40, ..ServerOptions::default() };
    let begin = Instant::now();
    let servers = Servers::start(options).expect("servers start");
    println!("started in {:?}", begin.elapsed());
    for name in ["fsync", "synchronous_commit", "full_page_writes", "autovacuum"] {
        assert_eq!(setting(&servers, name).await, "on", "{name}");
    }
    assert_eq!(setting(&servers, "max_connections").await, "40");
}

#[test]
fn two_pairs_side_by_side_and_nothing_left() {
    let (one, two) = (start(), start());
    assert_ne!(one.postgres_port(), two.postgres_port());
    assert_ne!(one.nats_url(), two.nats_url());
    let folders = [one.folder().to_owned(), two.folder().to_owned()];
    assert!(folders.iter().all(|folder| processes_of(folder).len() >= 2));
    let begin = Instant::now();
    drop(one);
    println!("stopped in {:?}", begin.elapsed());
    assert!(!folders[0].exists() && folders[1].exists());
    assert_eq!(processes_of(&folders[0]), Vec::<String>::new());
    assert!(processes_of(&folders[1]).len() >= 2);
    drop(two);
    assert!(!folders[1].exists());
    assert_eq!(processes_of(&folders[1]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_its_data_through_a_crash() {
    let servers = start();
    let url = servers.postgres_url("postgres");
    let mut before = PgConnection::connect(&url).await.expect("connects");
    sqlx::query("create table kept (n int)").execute(&mut before).await.expect("created");
    sqlx::query("insert into kept values (7)").execute(&mut before).await.expect("inserted");
    sqlx::query("checkpoint").execute(&mut before).await.expect("on disk");

    servers.kill_postgres();
    assert!(PgConnection::connect(&url).await.is_err());
    let begin = Instant::now();
    servers.restart_postgres().expect("comes back");
    println!("postgres again after {:?}", begin.elapsed());
    servers.restart_postgres().expect("does nothing");

    let mut after = PgConnection::connect(&url).await.expect("connects");
    let kept: i32 = sqlx::query_scalar("select n from kept").fetch_one(&mut after).await.expect("still there");
    assert_eq!(kept, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_keeps_its_streams_through_a_crash() {
    let servers = start();
    let client = async_nats::connect(servers.nats_url()).await.expect("connects");
    let jetstream = async_nats::jetstream::new(client.clone());
    let config = async_nats::jetstream::stream::Config {
        name: "KEPT".to_owned(),
        subjects: vec!["kept.>".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(config).await.expect("created");
    jetstream.publish("kept.one", "7".into()).await.expect("sent").await.expect("stored");

    servers.kill_nats();
    let begin = Instant::now();
    servers.restart_nats().expect("comes back");
    println!("nats again after {:?}", begin.elapsed());

    // The same client finds its way back, because the port is the same.
    let connected = || client.connection_state() == async_nats::connection::State::Connected;
    eventually("the client is connected again", connected);
    let stream = jetstream.get_stream("KEPT").await.expect("still there");
    let consumer =
        stream.create_consumer(async_nats::jetstream::consumer::pull::Config::default()).await.expect("created");
    let mut messages = consumer.fetch().max_messages(1).messages().await.expect("asked");
    let message = messages.next().await.expect("one message").expect("readable");
    assert_eq!(message.payload.as_ref(), b"7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_folder_is_continued() {
    let home = tempfile::tempdir().expect("a folder");
    make_passable(home.path());
    let options = ServerOptions { root: Some(home.path().join("kept")), ..ServerOptions::default() };
    let servers = Servers::start(options.clone()).expect("servers start");
    let mut postgres = PgConnection::connect(&servers.postgres_url("postgres")).await.expect("connects");
    sqlx::query("create database kept").execute(&mut postgres).await.expect("created");
    let refused = Servers::start(options.clone()).err().expect("the folder is taken");
    assert!(refused.to_string().contains("in use by process"), "{refused:#}");
    drop(servers);

    let again = Servers::start(options).expect("servers start again");
    PgConnection::connect(&again.postgres_url("kept")).await.expect("still there");
}

fn make_passable(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("ours");
}
