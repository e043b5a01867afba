//! Every subject that a service reads: what is wrong with a message parks it with its reason, and nothing else happens.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::jetstream::{self, Context};
use async_nats::{HeaderMap, jetstream::context::PublishAckFuture};
use futures::StreamExt;
use prost::Message;
use prost_reflect::{DynamicMessage, Kind, ReflectMessage};
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{DiscardParkedRequest, ListParkedRequest};
use sqlx::{Connection, PgConnection, Row};
use system::World;
use testkit::request_id;
use uuid::Uuid;

use crate::bad::{fields, one_by_one};
use crate::letters::{self, Letter};
use crate::trace::{Trace, changed};

/// What is wrong with any field of any message between services; numbers are left to the rules.
const WRONG: [&str; 13] =
    ["nul", "control", "c1", "long", "wide", "unknown", "negative", "long_ago", "far", "min", "max", "nanos", "many"];

/// A message on its way.
struct Sent {
    id: Uuid,
    reader: &'static str,
    what: String,
}

/// Puts messages on the broker, as fast as it takes them.
struct Post {
    jetstream: Context,
    prefix: String,
    sent: Vec<Sent>,
    acks: Vec<PublishAckFuture>,
}

impl Post {
    async fn of(world: &World) -> Self {
        let client = chassis::connect_nats("test", &world.nats_url().into()).await.unwrap();
        let prefix = world.stack.prefix().to_owned();
        Self { jetstream: jetstream::new(client), prefix, sent: Vec::new(), acks: Vec::new() }
    }

    async fn send(&mut self, letter: &Letter, header: Option<Uuid>, what: &str, payload: Vec<u8>) {
        let id = Uuid::now_v7();
        let mut headers = HeaderMap::new();
        headers.insert("ce-id", id.to_string());
        let source = match &letter.subject {
            proto::Subject::Event { service, .. } => service.as_str(),
            _ => "orchestrator",
        };
        headers.insert("ce-source", format!("/redress/{source}"));
        if let Some(claim) = header {
            headers.insert("ce-subject", claim.to_string());
        }
        let subject = letter.subject.under(&self.prefix);
        let ack = self.jetstream.publish_with_headers(subject, headers, payload.into()).await.unwrap();
        self.acks.push(ack);
        self.sent.push(Sent { id, reader: letter.reader, what: format!("{}: {what}", letter.subject) });
        if self.acks.len() >= 200 {
            self.kept().await;
        }
    }

    async fn kept(&mut self) {
        for ack in self.acks.drain(..) {
            ack.await.expect("the broker keeps it");
        }
    }

    /// Waits until every message was answered; gives the reason of each that was parked.
    async fn answered(&mut self, world: &World) -> BTreeMap<Uuid, (String, String)> {
        self.kept().await;
        let mut parked = BTreeMap::new();
        for service in local::SERVICES {
            let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await.unwrap();
            let ids: Vec<Uuid> =
                self.sent.iter().filter(|sent| sent.reader == service.name).map(|sent| sent.id).collect();
            for _ in 0.. {
                let query = "SELECT event_id, reason, detail FROM parked WHERE event_id = ANY($1)";
                let rows = sqlx::query(query).bind(&ids).fetch_all(&mut database).await.unwrap();
                let query = "SELECT count(*) FROM inbox WHERE id = ANY($1)";
                let done: i64 = sqlx::query_scalar(query).bind(&ids).fetch_one(&mut database).await.unwrap();
                if rows.len() + usize::try_from(done).unwrap() == ids.len() {
                    parked.extend(rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))));
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
        parked
    }
}

/// The wrong variant, nothing, noise, and headers that name another claim or none.
async fn misaddressed(post: &mut Post, letter: &Letter, others: &[Letter]) {
    let claim = Uuid::now_v7();
    let good = letter.about(&claim.to_string()).encode_to_vec();
    post.send(letter, Some(Uuid::now_v7()), "the header names another claim", good.clone()).await;
    post.send(letter, None, "the header names no claim", good.clone()).await;
    let cut = good[..good.len() - 1].to_vec();
    let deep = [good, [0x0b; 200].to_vec()].concat();
    for (what, payload) in
        [("empty", Vec::new()), ("noise", vec![0xff; 5]), ("cut off", cut), ("200 groups deep", deep)]
    {
        post.send(letter, Some(Uuid::now_v7()), what, payload).await;
    }
    let next = others.iter().find(|other| other.descriptor == letter.descriptor && other.subject != letter.subject);
    let claim = Uuid::now_v7();
    let payload = next.unwrap().about(&claim.to_string()).encode_to_vec();
    post.send(letter, Some(claim), "another variant", payload).await;
}

/// Every bad field; gives the names of the fields it has looked at.
async fn misspelt(post: &mut Post, letter: &Letter) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let example = letter.about(crate::dynamic::NOBODY);
    for bad in one_by_one(&example) {
        seen.insert(bad.field.clone());
        let is_number = bad.message.descriptor().full_name() != "google.protobuf.Timestamp"
            && matches!(bad.case, "max" | "min" | "negative")
            && !is_time_or_choice(&example, &bad.field);
        if WRONG.contains(&bad.case) && !is_number {
            let claim = Uuid::now_v7();
            let message = readdressed(&bad.message, &claim);
            post.send(letter, Some(claim), &format!("{} is {}", bad.path, bad.case), message).await;
        }
    }
    seen
}

/// Whether a field holds a time or an enumeration.
fn is_time_or_choice(message: &DynamicMessage, name: &str) -> bool {
    let (owner, field) = name.rsplit_once('.').unwrap();
    let pool = message.descriptor().parent_pool().clone();
    let field = pool.get_message_by_name(owner).unwrap().get_field_by_name(field).unwrap();
    matches!(field.kind(), Kind::Enum(_) | Kind::Message(_))
}

/// The message about another claim, so that it waits behind nothing.
fn readdressed(message: &DynamicMessage, claim: &Uuid) -> Vec<u8> {
    let mut bytes = message.encode_to_vec();
    let (from, to) = (crate::dynamic::NOBODY.as_bytes(), claim.to_string());
    for at in 0..bytes.len().saturating_sub(from.len() - 1) {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_message_is_parked_and_does_nothing_else() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let letters = letters::all();
    let mut post = Post::of(&world).await;
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for letter in &letters {
        misaddressed(&mut post, letter, &letters).await;
        seen.entry(letter.descriptor.full_name().to_owned()).or_default().extend(misspelt(&mut post, letter).await);
    }
    for letter in &letters {
        let fields = fields(&letter.descriptor);
        let unseen: Vec<_> = fields.difference(&seen[letter.descriptor.full_name()]).collect();
        assert!(unseen.is_empty(), "letters.rs says nothing of {unseen:?}");
    }
    let parked = post.answered(&world).await;
    let reason = |sent: &Sent| parked.get(&sent.id).map(|(reason, _)| reason.as_str());
    let taken = post.sent.iter().filter(|sent| !matches!(reason(sent), Some("UNDECODABLE")));
    // What names no claim waits with all that name none.
    let taken = taken.filter(|sent| !(sent.what.ends_with("no claim") && reason(sent) == Some("BEHIND_PARKED")));
    let taken: Vec<_> = taken.map(|sent| format!("{} {:?}", sent.what, parked.get(&sent.id))).collect();
    assert!(taken.is_empty(), "{} of {}:\n{}", taken.len(), post.sent.len(), taken.join("\n"));
    assert!(post.sent.len() > 1_000, "only {} messages were sent", post.sent.len());
    let traces = changed(&before, &trace.at_rest(&world).await);
    let elsewhere: Vec<_> = traces.keys().filter(|(_, table)| table != "parked").collect();
    assert!(elsewhere.is_empty(), "something else was kept: {elsewhere:?}");
    given_up(&world, post.sent.len()).await;
    good_ones_are_read(&world, &letters).await;
    world.stack.stop().await.unwrap();
}

/// An operator gives all of them up: nothing is parked any more.
async fn given_up(world: &World, count: usize) {
    let mut gone = 0;
    for service in local::SERVICES {
        let mut operations = OperationsServiceClient::new(world.channel(service.name).await);
        loop {
            let page = ListParkedRequest { page_size: 500, ..ListParkedRequest::default() };
            let parked = operations.list_parked(page).await.unwrap().into_inner().parked;
            if parked.is_empty() {
                break;
            }
            // Those that name no claim are behind each other: each that goes redrives the rest, so one after the other.
            let (together, alone): (Vec<_>, Vec<_>) =
                parked.into_iter().partition(|row| row.aggregate_id == Uuid::nil().to_string());
            for (rows, at_once) in [(together, 1), (alone, 8)] {
                let discards = rows.into_iter().map(|row| {
                    let mut operations = operations.clone();
                    let discard = DiscardParkedRequest { request_id: request_id(), parked_id: row.parked_id };
                    async move { operations.discard_parked(discard).await.map(drop) }
                });
                let done: Vec<_> = futures::stream::iter(discards).buffered(at_once).collect().await;
                gone += done.iter().filter(|done| done.is_ok()).count();
            }
        }
    }
    assert_eq!(gone, count);
}

/// The examples themselves can be read: what was refused was refused for what is wrong with it.
async fn good_ones_are_read(world: &World, letters: &[Letter]) {
    let mut post = Post::of(world).await;
    for letter in letters {
        for (what, more) in [("as it is", Vec::new()), ("a field of tomorrow, 64 groups deep", tomorrow())] {
            let claim = Uuid::now_v7();
            let payload = [letter.about(&claim.to_string()).encode_to_vec(), more].concat();
            post.send(letter, Some(claim), what, payload).await;
        }
    }
    let parked = post.answered(world).await;
    let unread = post.sent.iter().filter_map(|sent| Some((sent, parked.get(&sent.id)?)));
    let unread = unread.filter(|(_, (reason, _))| reason != "BROKEN" && reason != "BEHIND_PARKED");
    let unread: Vec<_> = unread.map(|(sent, why)| format!("{} {why:?}", sent.what)).collect();
    assert!(unread.is_empty(), "a good message was not read:\n{}", unread.join("\n"));
}

/// An unknown field of 64 groups within each other, opened and closed.
fn tomorrow() -> Vec<u8> {
    let mut bytes = Vec::new();
    for wire in [prost::encoding::WireType::StartGroup, prost::encoding::WireType::EndGroup] {
        for _ in 0..64 {
            prost::encoding::encode_key(900, wire, &mut bytes);
        }
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_by_the_stream_and_reaches_nobody() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let client = chassis::connect_nats("test", &world.nats_url().into()).await.unwrap();
    let jetstream = jetstream::new(client);
    for letter in letters::all() {
        let payload = vec![b'x'; 129 * 1024];
        let subject = letter.subject.under(world.stack.prefix());
        let sent = jetstream.publish(subject, payload.into()).await.unwrap().await;
        assert!(sent.is_err(), "{} was kept", letter.subject);
    }
    let traces = changed(&before, &trace.at_rest(&world).await);
    assert!(traces.is_empty(), "something was kept: {traces:?}");
    world.end().await;
}
