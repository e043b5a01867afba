//! Each service has its own user on the broker, and may do what the table gives it and nothing else.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::jetstream;
use async_nats::jetstream::consumer::pull;
use async_nats::{Client, ConnectOptions, Event, HeaderMap, Request};
use chassis::topology::{
    self, OBSERVER, PROVISIONER, SERVICES, STREAMS, SUBSCRIBER, User, consumer_name, inbox, stream_name,
};
use chassis::{Clock, Running, Settings};
use local::{Secrets, ServerOptions, Servers};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::stand::{reason, until_ready};
use crate::toy;

pub const PREFIX: &str = "redress";
const INVENTORY: &str = "inventory";
/// Another subscriber.
pub const OTHER: &str = "warehouse";

/// Servers with the users of a deployment.
pub struct Guarded {
    servers: Servers,
    secrets: Secrets,
}

/// The part of the broker's configuration with these users.
fn authorization(secrets: &Secrets, users: &[User]) -> String {
    let password = |user: &User| (user.name.clone(), secrets.nats_password(&user.name).unwrap());
    let passwords: BTreeMap<_, _> = users.iter().map(password).collect();
    topology::authorization(PREFIX, users, |user| format!("{:?}", passwords[user]))
}

fn everybody() -> Vec<User> {
    let more = [topology::subscriber(PREFIX, OTHER), topology::operator()];
    topology::users(PREFIX).into_iter().chain(more).collect()
}

impl Guarded {
    pub async fn start() -> Self {
        let start = || {
            let mut secrets = None;
            let servers = Servers::start_with(ServerOptions::default(), |folder| {
                let secrets = secrets.insert(Secrets::make(&folder.join("secrets"))?);
                Ok(authorization(secrets, &everybody()))
            });
            Self { servers: servers.unwrap(), secrets: secrets.unwrap() }
        };
        let guarded = tokio::task::spawn_blocking(start).await.unwrap();
        let client = chassis::connect_nats("test", &guarded.url(PROVISIONER).into()).await.unwrap();
        chassis::provision(&client, PREFIX, 50).await.unwrap();
        guarded
    }

    pub fn url(&self, user: &str) -> String {
        self.secrets.nats_url(&self.servers.nats_url(), user).unwrap()
    }

    /// Takes permissions away from a service, and lets the broker know.
    fn without(&self, service: &str, taken: impl Fn(&str) -> bool) {
        let mut users = everybody();
        let user = users.iter_mut().find(|user| user.name == service).unwrap();
        user.publish.retain(|subject| !taken(subject));
        user.subscribe.retain(|subject| !taken(subject));
        if user.subscribe.is_empty() {
            // An empty list would allow everything.
            user.subscribe.push("nothing.at.all".to_owned());
        }
        self.servers.set_nats_users(authorization(&self.secrets, &users)).unwrap();
    }

    /// The toy service, as the user it is in a deployment.
    async fn toy(&self) -> (Running, PgPool) {
        let url = testkit::make_database(&self.servers, &self.secrets, &toy::SERVICE, INVENTORY).await;
        let log = std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned());
        let own = [
            ("DATABASE__URL", url),
            ("DATABASE__UNSAFE_DURABILITY_FOR_TESTS", "true".to_owned()),
            ("NATS__URL", self.servers.nats_url()),
            ("TELEMETRY__LOG", log),
        ];
        let own = own.map(|(key, value)| (format!("REDRESS_INVENTORY__{key}"), value));
        let variables = self.secrets.variables(INVENTORY).into_iter().chain(own).collect();
        let settings = Settings::from(&toy::SERVICE, None, Some(variables)).unwrap();
        let running = chassis::start(&toy::SERVICE, settings, Clock::default()).await.unwrap();
        (running, PgPool::connect(&self.servers.postgres_url(INVENTORY)).await.unwrap())
    }

    /// Messages on each stream, and its consumers.
    pub async fn state(&self) -> Vec<(u64, usize)> {
        let client = chassis::connect_nats("test", &self.url(topology::OPERATOR).into()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let mut state = Vec::new();
        for stream in STREAMS {
            let stream = jetstream.get_stream(stream_name(PREFIX, stream.name)).await.unwrap();
            state.push((stream.cached_info().state.messages, stream.cached_info().state.consumer_count));
        }
        state
    }
}

/// Somebody with the credentials of a user, who tries what they do not allow.
pub struct Intruder {
    user: String,
    client: Client,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Intruder {
    pub async fn of(guarded: &Guarded, user: &str) -> Self {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let options = ConnectOptions::new()
            .user_and_password(user.to_owned(), guarded.secrets.nats_password(user).unwrap())
            .custom_inbox_prefix(inbox(user))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    hears.lock().unwrap().push(error.to_string());
                }
                async {}
            });
        let client = options.connect(guarded.servers.nats_url()).await.unwrap();
        Self { user: user.to_owned(), client, heard }
    }

    async fn hears(&self, what: &str) -> bool {
        for _ in 0..200 {
            if self.heard.lock().unwrap().iter().any(|heard| heard.contains(what)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// Asks for something; whether the broker denies it.
    pub async fn is_denied(&self, subject: &str) -> bool {
        let request = Request::new().payload("{}".into()).timeout(Some(Duration::from_secs(2)));
        let denied = format!("Publish to \"{subject}\"");
        tokio::select! {
            answer = self.client.send_request(subject.to_owned(), request) => match answer {
                Ok(_) => false,
                Err(error) => error.kind() != RequestErrorKind::NoResponders && self.hears(&denied).await,
            },
            denied = self.hears(&denied) => denied,
        }
    }

    async fn cannot_hear(&self, subject: &str) -> bool {
        let subscription = self.client.subscribe(subject.to_owned()).await.unwrap();
        let denied = self.hears(&format!("Subscription to \"{subject}\"")).await;
        drop(subscription);
        denied
    }
}

/// What no service may do, whoever it is; for each subject whether it is some service's own is decided by the table.
fn everything() -> Vec<String> {
    let mut subjects: Vec<String> =
        ["INFO", "STREAM.NAMES", "STREAM.LIST"].map(|what| format!("$JS.API.{what}")).into();
    for stream in STREAMS.iter().map(|stream| stream_name(PREFIX, stream.name)).chain(["NEW".to_owned()]) {
        let what = ["CREATE", "UPDATE", "DELETE", "PURGE", "INFO", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"];
        subjects.extend(what.map(|what| format!("$JS.API.STREAM.{what}.{stream}")));
        subjects.extend(["PEER.REMOVE", "LEADER.STEPDOWN"].map(|what| format!("$JS.API.STREAM.{what}.{stream}")));
        subjects.extend(["NAMES", "LIST", "CREATE"].map(|what| format!("$JS.API.CONSUMER.{what}.{stream}")));
        subjects.push(format!("$JS.API.DIRECT.GET.{stream}"));
        subjects.push(format!("$JS.API.DIRECT.GET.{stream}.redress.v1.event.triage.assessed"));
        subjects.push(format!("$JS.API.CONSUMER.CREATE.{stream}.new.redress.v1.>"));
    }
    for row in SERVICES {
        let consumer = format!("{}.{}", stream_name(PREFIX, row.stream), consumer_name(row.service));
        let what = ["CREATE", "DURABLE.CREATE", "DELETE", "INFO", "MSG.NEXT", "RESET", "UNPIN", "PAUSE"];
        subjects.extend(what.map(|what| format!("$JS.API.CONSUMER.{what}.{consumer}")));
        subjects.push(format!("$JS.ACK.{consumer}.1.1.1.1.0"));
        subjects.push(format!("$JS.ACK._.x.{consumer}.1.1.1.1.0.x"));
        // Shaped so that a careless rule for the newer form would let it through.
        for other in SERVICES {
            let other = format!("{}.{}", stream_name(PREFIX, other.stream), consumer_name(other.service));
            subjects.push(format!("$JS.ACK.{consumer}.{other}.1"));
        }
        subjects.push(format!("redress.v1.event.{}.x", row.service));
        subjects.push(format!("redress.v1.command.{}.x", row.service));
        subjects.push(format!("{}.x", inbox(row.service)));
    }
    let claim = Uuid::from_u128(1);
    subjects.extend([format!("redress.v1.claim.{claim}.submitted"), "redress.v1.notice.customer.x".to_owned()]);
    subjects.extend(["redress.v2.event.intake.x", "other.v1.event.intake.x"].map(str::to_owned));
    subjects.extend(["$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING.VARZ"].map(str::to_owned));
    subjects
}

fn falls_under(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
            _ => return false,
        }
    }
}

/// S18, and the same for those who are no services.
#[tokio::test(flavor = "multi_thread")]
async fn s18_nobody_can_do_on_the_broker_what_is_not_theirs() {
    let guarded = Guarded::start().await;
    let before = guarded.state().await;
    for user in topology::users(PREFIX) {
        let intruder = Intruder::of(&guarded, &user.name).await;
        let foreign =
            everything().into_iter().filter(|subject| !user.publish.iter().any(|own| falls_under(own, subject)));
        let foreign: Vec<String> = foreign.collect();
        assert!(foreign.len() > 100, "{} may do nearly everything", user.name);
        let mut allowed = Vec::new();
        // The client forgets what it is told when it is told too much at once.
        for some in foreign.chunks(50) {
            let denied = futures::future::join_all(some.iter().map(|subject| intruder.is_denied(subject))).await;
            allowed.extend(some.iter().zip(denied).filter(|(_, denied)| !denied).map(|(subject, _)| subject));
        }
        assert!(allowed.is_empty(), "{} may: {allowed:?}", intruder.user);
        let other = inbox(if user.name == "intake" { "triage" } else { "intake" });
        for subject in [">", "redress.>", "redress.v1.event.*.*", "_INBOX.>", "$SYS.>", "$JS.>", "*.*"] {
            assert!(intruder.cannot_hear(subject).await, "{} hears {subject}", intruder.user);
        }
        assert!(intruder.cannot_hear(&format!("{other}.>")).await, "{} hears {other}", intruder.user);
    }
    assert_eq!(guarded.state().await, before, "something was changed");
    // Who has no password gets nothing at all.
    assert!(async_nats::connect(guarded.servers.nats_url()).await.is_err());
    let wrong = ConnectOptions::new().user_and_password("intake".to_owned(), "intake".to_owned());
    assert!(wrong.connect(guarded.servers.nats_url()).await.is_err());
}

/// The counter-proof: a subscriber with its user reads the public streams, and a service gets everything done.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_table_gives_is_enough() {
    let guarded = Guarded::start().await;
    let (running, pool) = guarded.toy().await;
    until_ready(running.admin(), true).await;
    let operator = chassis::connect_nats("test", &guarded.url(topology::OPERATOR).into()).await.unwrap();
    let jetstream = async_nats::jetstream::new(operator);
    let message = toy::grow("a", 3);
    let (subject, aggregate) = (message.subject(), message.aggregate());
    testkit::publish(&jetstream, PREFIX, Uuid::now_v7(), subject, aggregate, message.payload()).await;
    testkit::eventually(async || (size(&pool, "a").await == 3).then_some(())).await;
    // It is acknowledged, its event is published, and the self-test goes on without a complaint.
    testkit::eventually(async || {
        let events = jetstream.get_stream("REDRESS_EVENTS").await.ok()?;
        (events.cached_info().state.messages == 1).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let told = until_ready(running.admin(), true).await;
    assert_eq!(told["parts"]["permissions"]["ok"], true, "{told}");
    assert_eq!(guarded.state().await.iter().map(|(messages, _)| *messages).collect::<Vec<_>>(), [1, 1, 0, 0, 0]);
    let subscriber = chassis::connect_nats("test", &guarded.url(SUBSCRIBER).into()).await.unwrap();
    let claims = jetstream::with_domain(subscriber, PREFIX).get_stream("REDRESS_CLAIMS").await.unwrap();
    drop(claims.create_consumer(named("subscriber-1")).await.unwrap().messages().await.unwrap());
    let observer = chassis::connect_nats("test", &guarded.url(OBSERVER).into()).await.unwrap();
    let claims = jetstream::new(observer).get_stream("REDRESS_CLAIMS").await.unwrap();
    let consumer = claims.create_consumer(pull::OrderedConfig::default()).await.unwrap();
    drop(consumer.messages().await.unwrap());
    running.stop().await.unwrap();
}

pub fn named(name: &str) -> pull::Config {
    pull::Config { durable_name: Some(name.to_owned()), ..pull::Config::default() }
}

async fn size(pool: &PgPool, pile: &str) -> i64 {
    let size = sqlx::query_scalar("SELECT size FROM pile WHERE name = $1").bind(pile).fetch_optional(pool).await;
    size.unwrap().unwrap_or(0)
}

async fn parked(pool: &PgPool) -> Vec<(String, String)> {
    sqlx::query_as("SELECT reason, detail FROM parked ORDER BY parked_id").fetch_all(pool).await.unwrap()
}

fn headers(source: &str, message: &chassis::Outgoing) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("ce-id", Uuid::now_v7().to_string());
    headers.insert("ce-source", format!("/redress/{source}"));
    headers.insert("ce-type", message.subject().event_type());
    headers.insert("ce-subject", message.aggregate().to_string());
    headers.insert("ce-sequence", "1");
    headers
}

/// S19: whatever somebody with the credentials of another service does, it has no effect and holds nothing up.
#[tokio::test(flavor = "multi_thread")]
async fn s19_a_message_in_the_name_of_somebody_else_is_parked() {
    let guarded = Guarded::start().await;
    let (running, pool) = guarded.toy().await;
    let operator = chassis::connect_nats("test", &guarded.url(topology::OPERATOR).into()).await.unwrap();
    let jetstream = async_nats::jetstream::new(operator);
    let message = toy::grow("a", 5);
    let subject = message.subject().under(PREFIX);
    let payload = || message.payload().to_vec().into();

    // Under the right subject, by somebody whose permission was too wide.
    let sent = jetstream.publish_with_headers(subject.clone(), headers("triage", &message), payload()).await.unwrap();
    sent.await.unwrap();
    testkit::eventually(async || (parked(&pool).await.len() == 1).then_some(())).await;
    let (reason, detail) = parked(&pool).await.remove(0);
    assert_eq!(reason, "WRONG_ORIGIN");
    assert!(detail.contains("triage may not publish command.inventory."), "{detail}");

    // By the broker: intake keeps a command among its own events, and asks for it to be sent to inventory.
    let intake = Intruder::of(&guarded, "intake").await;
    assert!(intake.is_denied(&subject).await);
    let forged = toy::grow("a", 7);
    let request = Request::new().headers(headers("orchestrator", &forged)).payload(forged.payload().to_vec().into());
    intake.client.send_request("redress.v1.event.intake.forged".to_owned(), request).await.unwrap();
    let read_out = Request::new().payload(r#"{"seq":1}"#.into()).timeout(Some(Duration::from_secs(1)));
    let read_out = read_out.inbox(subject.clone());
    let _ = intake.client.send_request("$JS.API.DIRECT.GET.REDRESS_EVENTS".to_owned(), read_out).await;
    // And an answer of the broker.
    let answer = Request::new().timeout(Some(Duration::from_secs(1))).inbox(subject.clone());
    let _ = intake.client.send_request("$JS.API.STREAM.INFO.REDRESS_EVENTS".to_owned(), answer).await;
    testkit::eventually(async || (parked(&pool).await.len() == 3).then_some(())).await;
    assert!(parked(&pool).await.iter().all(|(reason, _)| reason == "WRONG_ORIGIN"), "{:?}", parked(&pool).await);

    // Under a subject that no table knows, of a message that says whatever it wants.
    let nobody = format!("{subject}-BAD");
    let sent = jetstream.publish_with_headers(nobody, headers("orchestrator", &message), payload()).await.unwrap();
    sent.await.unwrap();
    testkit::eventually(async || (parked(&pool).await.len() == 4).then_some(())).await;
    assert!(parked(&pool).await.iter().all(|(reason, _)| reason == "WRONG_ORIGIN"), "{:?}", parked(&pool).await);

    // Nothing of it happened, and the claim that it names goes on with its first number.
    assert_eq!(size(&pool, "a").await, 0);
    let own = headers("orchestrator", &message);
    let sent = jetstream.publish_with_headers(subject, own, payload()).await.unwrap();
    sent.await.unwrap();
    testkit::eventually(async || (size(&pool, "a").await == 5).then_some(())).await;
    running.stop().await.unwrap();
}

async fn metric(running: &Running, name: &str) -> Option<String> {
    let mut stream = tokio::net::TcpStream::connect(running.admin()).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().find(|line| line.starts_with(name)).map(str::to_owned)
}

/// P10 and S20 at the start: a permission that is missing is named, and found when it is there.
#[tokio::test(flavor = "multi_thread")]
async fn s20_a_permission_that_is_missing_at_the_start_is_named() {
    let guarded = Guarded::start().await;
    guarded.without(INVENTORY, |subject| subject.starts_with("redress.v1.event."));
    let (running, _pool) = guarded.toy().await;
    let told = until_ready(running.admin(), false).await;
    assert!(reason(&told, "permissions").contains("publish to redress.v1.event.inventory."), "{told}");
    let counted = metric(&running, "redress_nats_permission_denied_total").await;
    assert!(counted.is_some_and(|line| !line.ends_with(" 0")));
    guarded.without(INVENTORY, |_| false);
    testkit::eventually(async || crate::stand::readiness(running.admin()).await.0.then_some(())).await;
    running.stop().await.unwrap();
}

/// S20 while it runs, for each kind of permission.
#[tokio::test(flavor = "multi_thread")]
async fn s20_a_permission_that_is_taken_away_is_noticed() {
    let guarded = Guarded::start().await;
    let (running, _pool) = guarded.toy().await;
    for taken in
        ["redress.v1.event.inventory.", "$JS.API.CONSUMER.RESET.", "$JS.ACK.REDRESS_COMMANDS.", "_INBOX_inventory."]
    {
        until_ready_again(&running).await;
        guarded.without(INVENTORY, |subject| subject.starts_with(taken));
        let told = until_ready(running.admin(), false).await;
        let why = reason(&told, "permissions");
        assert!(why.contains(taken), "{taken}: {told}");
        guarded.without(INVENTORY, |_| false);
    }
    until_ready_again(&running).await;
    running.stop().await.unwrap();
}

/// What was refused is remembered for a while: the next try must not be taken for it.
async fn until_ready_again(running: &Running) {
    for _ in 0..300 {
        if crate::stand::readiness(running.admin()).await.0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it is not ready again after 30 s: {}", crate::stand::readiness(running.admin()).await.1);
}

/// F19: the password is changed; the service comes back with the new one, without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_is_read_again() {
    let guarded = Guarded::start().await;
    let (running, _pool) = guarded.toy().await;
    until_ready(running.admin(), true).await;
    let file = guarded.secrets.nats_password_file(INVENTORY);
    let old = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "another-password").unwrap();
    guarded.servers.set_nats_users(authorization(&guarded.secrets, &everybody())).unwrap();
    std::fs::write(&file, &old).unwrap();
    // The broker has the new one, the service still the old one.
    testkit::eventually(async || {
        let told = crate::stand::readiness(running.admin()).await.1;
        reason(&told, "permissions").contains("does not let it in").then_some(())
    })
    .await;
    std::fs::write(&file, "another-password\n").unwrap();
    testkit::eventually(async || {
        let (ready, told) = crate::stand::readiness(running.admin()).await;
        (ready && told["degraded"] == false).then_some(())
    })
    .await;
    running.stop().await.unwrap();
}
