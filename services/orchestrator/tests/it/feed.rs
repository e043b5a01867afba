//! The feed: everything that the public stream has, in its order, many events in one message.

use std::io::Read as _;

use async_nats::HeaderMap;
use async_nats::jetstream::stream::Stream;
use chassis::Clock;
use chassis::topology::{FEED, stream_name};
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use proto::claim::Channel;
use proto::{ClaimId, Subject};
use serde_json::Value;
use testkit::{Home, TestService, eventually};
use uuid::Uuid;

use crate::story::World;

/// An event as both have it: its id and its words.
type Event = (String, Value);

async fn stream(service: &TestService, name: &str) -> Stream {
    service.jetstream().get_stream(stream_name(&service.home.prefix, name)).await.unwrap()
}

/// Messages that a stream has, in their order, but for answers that the broker was made to store.
async fn messages(service: &TestService, name: &str) -> Vec<(HeaderMap, Vec<u8>)> {
    let stream = stream(service, name).await;
    let mut messages = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        if let Ok(message) = stream.direct_get(sequence).await
            && !message.payload.is_empty()
        {
            messages.push((message.headers, message.payload.to_vec()));
        }
    }
    messages
}

async fn public(service: &TestService) -> Vec<Event> {
    let read = |(headers, payload): (HeaderMap, Vec<u8>)| {
        Some((headers.get("ce-id")?.to_string(), serde_json::from_slice(&payload).ok()?))
    };
    messages(service, "CLAIMS").await.into_iter().filter_map(read).collect()
}

/// The events in a message of the feed.
fn read(payload: &[u8]) -> Vec<Value> {
    let mut json = Vec::new();
    GzDecoder::new(payload).read_to_end(&mut json).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// A message of the feed with these events.
fn written(events: &str) -> Vec<u8> {
    let mut written = Vec::new();
    GzEncoder::new(events.as_bytes(), Compression::fast()).read_to_end(&mut written).unwrap();
    written
}

async fn fed(service: &TestService) -> Vec<Event> {
    let batches = messages(service, "FEED").await.into_iter();
    let event = |event: Value| (event["id"].as_str().unwrap().to_owned(), event["data"].clone());
    batches.flat_map(|(_, payload)| read(&payload)).map(event).collect()
}

/// Waits until the feed has these, and nothing else.
async fn feeds(service: &TestService, events: &[Event]) {
    eventually(|| async { (fed(service).await.len() >= events.len()).then_some(()) }).await;
    let fed = fed(service).await;
    let ids = |events: &[Event]| events.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&fed), ids(events));
    assert_eq!(fed, events);
}

async fn start(home: &Home, feed: bool) -> World {
    let variables = vec![("NATS__FEED".to_owned(), feed.to_string())];
    World { service: TestService::at(Home { variables, ..home.clone() }, Clock::default()).await }
}

/// Tells of a claim, and waits until that is public.
async fn tell(world: &World) {
    let before = public(&world.service).await.len();
    world.submitted().await;
    eventually(|| async { (public(&world.service).await.len() > before).then_some(()) }).await;
}

/// Puts events into the public stream, as a relay did before.
async fn publish(service: &TestService, count: usize) {
    for number in 0..count {
        let claim = Uuid::now_v7();
        let subject = Subject::Claim { claim: ClaimId(claim), name: "submitted".to_owned() };
        let payload = format!("{{\"number\": {number}}}");
        let id = Uuid::now_v7();
        testkit::publish(service.jetstream(), &service.home.prefix, id, &subject, claim, payload.as_bytes()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_has_what_the_public_stream_has_across_restarts() {
    let home = Home::new(&orchestrator::SERVICE).await;
    let mut world = start(&home, false).await;
    tell(&world).await;
    tell(&world).await;
    assert_eq!(fed(&world.service).await, [], "nobody asked for it");
    for _ in 0..2 {
        world.service.stop().await;
        world = start(&home, true).await;
        feeds(&world.service, &public(&world.service).await).await;
        tell(&world).await;
        tell(&world).await;
        feeds(&world.service, &public(&world.service).await).await;
    }
    let event = &read(&messages(&world.service, "FEED").await[0].1)[0];
    assert_eq!((&event["specversion"], &event["source"]), (&"1.0".into(), &"/redress/orchestrator".into()));
    assert_eq!((&event["sequence"], &event["data"]["number"]), (&"1".into(), &1.into()));
    world.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_at_once_is_many_events_in_a_message_and_two_writers_write_it_once() {
    let home = Home::new(&orchestrator::SERVICE).await;
    let mut quiet = start(&home, false).await;
    quiet.service.stop().await;
    publish(&quiet.service, 2_000).await;
    let foreign = Subject::Claim { claim: ClaimId(Uuid::now_v7()), name: "submitted".to_owned() };
    let events = public(&quiet.service).await;
    // What is no event in JSON must not make the others unreadable.
    let id = Uuid::now_v7();
    let jetstream = quiet.service.jetstream();
    testkit::publish(jetstream, &home.prefix, id, &foreign, Uuid::nil(), b"}] not JSON").await;
    // Nor must what the broker was made to write into either stream: its own answer that there is no such message.
    let asked = format!("$JS.API.DIRECT.GET.{}", stream_name(&home.prefix, "CLAIMS"));
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    for into in [foreign.under(&home.prefix), format!("{}.v1.{FEED}", home.prefix)] {
        client.publish_with_reply(asked.clone(), into, r#"{"seq": 999999}"#.into()).await.unwrap();
    }
    eventually(|| async { (stream(&quiet.service, "FEED").await.cached_info().state.messages == 1).then_some(()) })
        .await;
    let (mut one, mut other) = tokio::join!(start(&home, true), start(&home, true));
    feeds(&one.service, &events).await;
    publish(&one.service, 1).await;
    let events = [&events[..], &public(&one.service).await[events.len()..]].concat();
    feeds(&one.service, &events).await;
    // Both have looked by now, whoever was first; and who was second has waited.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    feeds(&one.service, &events).await;
    let batches = messages(&one.service, "FEED").await;
    assert!(batches.len() <= 10, "{} messages", batches.len());
    one.service.stop().await;
    other.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_was_not_lost() {
    let home = Home::new(&orchestrator::SERVICE).await;
    let mut world = start(&home, true).await;
    publish(&world.service, 5).await;
    let mut events = public(&world.service).await;
    feeds(&world.service, &events).await;
    world.service.stop().await;
    publish(&world.service, 3).await;
    events.extend_from_slice(&public(&world.service).await[7..]);
    // What has been fed, and two that have not.
    stream(&world.service, "CLAIMS").await.purge().sequence(8).await.unwrap();
    let world = start(&home, true).await;
    feeds(&world.service, &events).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_lost_comes_again() {
    let home = Home::new(&orchestrator::SERVICE).await;
    let mut world = start(&home, true).await;
    publish(&world.service, 3).await;
    tell(&world).await;
    let mut events = public(&world.service).await;
    feeds(&world.service, &events).await;
    world.service.stop().await;

    // The feed has an event that the public stream has lost, and what came instead was stored at another time.
    let mut headers = HeaderMap::new();
    headers.insert("Redress-Last", (events.len() + 1).to_string());
    headers.insert("Redress-Last-Stored", "2199-01-01T00:00:00Z");
    let lost = written(r#"[{"id": "lost", "data": {}}]"#);
    let address = format!("{}.v1.{FEED}", home.prefix);
    let sent = world.service.jetstream().publish_with_headers(address, headers, lost.into()).await;
    sent.unwrap().await.unwrap();
    publish(&world.service, 2).await;
    let world = start(&home, true).await;
    let after = public(&world.service).await;
    let expected =
        [&events[..], &[("lost".to_owned(), Value::Object(serde_json::Map::default()))], &after[events.len()..]];
    feeds(&world.service, &expected.concat()).await;

    // The feed itself is lost while it is written.
    let name = stream_name(&home.prefix, "FEED");
    world.service.jetstream().delete_stream(&name).await.unwrap();
    let client = chassis::connect_nats("test", &testkit::nats_url().into()).await.unwrap();
    chassis::provision(&client, &home.prefix, 50).await.unwrap();
    world.story().tell(world.story().submit(Channel::Web)).await;
    eventually(|| async { (fed(&world.service).await.len() > after.len()).then_some(()) }).await;
    events = public(&world.service).await;
    feeds(&world.service, &events).await;

    // The public stream is another one, as after `redress rebuild`.
    world.service.jetstream().delete_stream(stream_name(&home.prefix, "CLAIMS")).await.unwrap();
    chassis::provision(&client, &home.prefix, 50).await.unwrap();
    publish(&world.service, 1).await;
    let again = start(&home, true).await;
    events.extend(public(&again.service).await);
    feeds(&again.service, &events).await;
}
