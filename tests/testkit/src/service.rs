//! One service under test, and what a test says to it and hears from it.

use async_nats::HeaderMap;
use async_nats::jetstream;
use chassis::{Clock, Outgoing, Running, Service};
use proto::Subject;
use proto::delivery::Item;
use sqlx::{PgPool, Row};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::eventually;
use crate::home::{Home, nats_url, secrets};
use crate::wire::{Bearer, Wire};

/// A running service with a fresh database and private subjects.
pub struct TestService {
    /// Where it lives.
    pub home: Home,
    /// Its clock, to be moved by hand.
    pub clock: Clock,
    running: Option<Running>,
    channel: Channel,
    bearer: Bearer,
    pool: PgPool,
    jetstream: jetstream::Context,
}

/// Starts a service on a fresh database.
pub async fn start(service: &'static Service) -> TestService {
    TestService::at(Home::new(service).await, Clock::default()).await
}

impl TestService {
    /// Starts a service in a home, which may have been lived in before.
    pub async fn at(home: Home, clock: Clock) -> Self {
        let running = chassis::start(home.service, home.settings(), clock.clone()).await.expect("the service starts");
        let address = format!("http://{}", running.grpc());
        let channel = Channel::from_shared(address).expect("an address").connect().await.expect("the service answers");
        let client = chassis::connect_nats("test", &nats_url().into()).await.expect("NATS answers");
        let pool = home.pool().await;
        let bearer = Bearer::new(secrets());
        Self { home, clock, running: Some(running), channel, bearer, pool, jetstream: jetstream::new(client) }
    }

    /// A channel to its gRPC port, on which every call has a token.
    pub fn channel(&self) -> Wire {
        self.bearer.on(self.channel.clone())
    }

    /// A channel to its gRPC port, on which calls have what the caller gives them.
    pub fn bare_channel(&self) -> Wire {
        Bearer::none().on(self.channel.clone())
    }

    /// Address of its gRPC port.
    pub fn grpc(&self) -> std::net::SocketAddr {
        self.running.as_ref().expect("it runs").grpc()
    }

    /// Address of its admin port.
    pub fn admin(&self) -> std::net::SocketAddr {
        self.running.as_ref().expect("it runs").admin()
    }

    /// A pool on its database, as superuser.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// JetStream, as an outsider.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Stops the service in order.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await.expect("it stops in time");
        }
    }

    /// Stops the service and starts it again in the same home.
    pub async fn restart(mut self) -> Self {
        self.stop().await;
        Self::at(self.home.clone(), self.clock.clone()).await
    }

    /// Publishes a message as its sender would; gives its event id.
    pub async fn tell(&self, message: Outgoing) -> Uuid {
        let event_id = Uuid::now_v7();
        self.tell_as(event_id, message).await;
        event_id
    }

    /// Publishes a message with an event id of one's choice: the same id is the same message. The broker's own
    /// filter for repeated ids is by-passed, so that the message is delivered.
    pub async fn tell_as(&self, event_id: Uuid, message: Outgoing) {
        publish(
            &self.jetstream,
            &self.home.prefix,
            event_id,
            message.subject(),
            message.aggregate(),
            message.payload(),
        )
        .await;
    }

    /// Publishes a message with its number in what its sender tells about the aggregate.
    pub async fn tell_numbered(&self, event_id: Uuid, number: u32, message: &Outgoing) {
        let mut headers = headers(event_id, message.subject(), Some(message.aggregate()));
        headers.insert("ce-sequence", number.to_string());
        let address = message.subject().under(&self.home.prefix);
        let sent = self.jetstream.publish_with_headers(address, headers, message.payload().to_vec().into()).await;
        sent.expect("NATS takes the message").await.expect("NATS keeps the message");
    }

    /// Publishes messages to it as one batch.
    pub async fn tell_batch(&self, items: Vec<Item>) {
        let subject = Subject::Command { service: self.home.service.name.to_owned(), name: "any".to_owned() };
        crate::publish_batch(&self.jetstream, &self.home.prefix, &subject, items).await;
    }

    /// Publishes any bytes on a subject, for a claim.
    pub async fn tell_bytes(&self, subject: &Subject, claim: Uuid, payload: &[u8]) -> Uuid {
        let event_id = Uuid::now_v7();
        publish(&self.jetstream, &self.home.prefix, event_id, subject, claim, payload).await;
        event_id
    }

    /// Every message it has journalled so far, in order.
    pub async fn events(&self) -> Vec<(Subject, Vec<u8>)> {
        let rows = sqlx::query("SELECT subject, payload FROM journal ORDER BY seq").fetch_all(&self.pool).await;
        let rows = rows.expect("the journal can be read");
        let subject = |text: String| Subject::parse("x", &format!("x.v1.{text}")).expect("a subject of ours");
        rows.into_iter().map(|row| (subject(row.get("subject")), row.get("payload"))).collect()
    }

    /// Waits until it has journalled a message that `pick` picks.
    pub async fn wait_event<T>(&self, pick: impl Fn(&Subject, &[u8]) -> Option<T>) -> T {
        eventually(|| async { self.events().await.iter().find_map(|(subject, payload)| pick(subject, payload)) }).await
    }

    /// Waits until a message was processed (or parked): nothing of it is under way any more.
    pub async fn settled(&self, event_id: Uuid) {
        eventually(|| async {
            let query =
                "SELECT EXISTS (SELECT FROM inbox WHERE id = $1) OR EXISTS (SELECT FROM parked WHERE event_id = $1)";
            let settled: bool = sqlx::query_scalar(query).bind(event_id).fetch_one(&self.pool).await.ok()?;
            settled.then_some(())
        })
        .await;
    }
}

/// Publishes a message with the headers that the relay sets, but for the number.
pub async fn publish(
    jetstream: &jetstream::Context,
    prefix: &str,
    event_id: Uuid,
    subject: &Subject,
    claim: Uuid,
    payload: &[u8],
) {
    let headers = headers(event_id, subject, Some(claim));
    let sent = jetstream.publish_with_headers(subject.under(prefix), headers, payload.to_vec().into()).await;
    sent.expect("NATS takes the message").await.expect("NATS keeps the message");
}

pub(crate) fn headers(event_id: Uuid, subject: &Subject, claim: Option<Uuid>) -> HeaderMap {
    let source = match subject {
        Subject::Event { service, .. } => service.as_str(),
        Subject::Command { .. } | Subject::Claim { .. } | Subject::Notice { .. } => "orchestrator",
    };
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", event_id.to_string());
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-source", format!("/redress/{source}"));
    headers.insert("ce-type", subject.event_type());
    if let Some(claim) = claim {
        headers.insert("ce-subject", claim.to_string());
    }
    headers
}
