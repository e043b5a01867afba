//! Who publishes and who consumes what: one table, from which streams, consumers and permissions are made.

mod permissions;

use std::sync::LazyLock;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PriorityPolicy, pull};
use async_nats::jetstream::stream::{Compression, Config, ConsumerLimits, DiscardPolicy, RetentionPolicy, StorageType};

pub(crate) use permissions::matches;
pub use permissions::{
    CONSUMERS_OF_ONE, OBSERVER, OPERATOR, PROVISIONER, REBUILDER, SUBSCRIBER, User, account, authorization, guest,
    inbox, may_publish, operator, subscriber, users,
};

/// A stream, without the prefix of the installation.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// Name, as `COMMANDS`.
    pub name: &'static str,
    /// Kind of subject it holds: second token behind the version.
    pub kind: &'static str,
    /// How long messages stay.
    pub max_age: Duration,
    /// Its part of the storage, in fifths; what does not fit waits in the journal. The feed has its own besides.
    pub fifths: i64,
    /// The largest message.
    pub message_max: i32,
    /// Consumers at the most, of all subscribers together; none: only services have any, which `provision` makes.
    pub consumers: Option<i32>,
}

/// The one subject of the feed, without the prefix: what the public stream has, many events in one message.
pub const FEED: &str = "feed.claims";

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
const KIB: i32 = 1024;

/// Every stream.
pub const STREAMS: [Stream; 5] = [
    Stream { name: "COMMANDS", kind: "command", max_age: WEEK, fifths: 1, message_max: 128 * KIB, consumers: None },
    Stream { name: "EVENTS", kind: "event", max_age: WEEK, fifths: 1, message_max: 128 * KIB, consumers: None },
    Stream { name: "CLAIMS", kind: "claim", max_age: MONTH, fifths: 2, message_max: 128 * KIB, consumers: Some(80) },
    Stream { name: "NOTICES", kind: "notice", max_age: MONTH, fifths: 1, message_max: 128 * KIB, consumers: Some(80) },
    // As large as the public stream, and as long.
    Stream { name: "FEED", kind: "feed", max_age: MONTH, fifths: 2, message_max: 256 * KIB, consumers: Some(40) },
];

/// What a service publishes and consumes.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The service.
    pub service: &'static str,
    /// Kinds and first tokens of the subjects it publishes; `batch`, for what leaves together, is a name like others.
    pub publishes: &'static [&'static str],
    /// The stream it consumes from.
    pub stream: &'static str,
    /// The subjects it consumes, without the prefix.
    pub consumes: &'static str,
    /// Public events that it listens to as they leave, without the prefix.
    pub overhears: &'static [&'static str],
    /// Questions that it asks others at once, without the prefix: reads for calls of people, nothing that a claim waits for.
    pub asks: &'static [&'static str],
    /// Questions that it answers.
    pub answers: &'static [&'static str],
}

/// Which parcels of a claim are under way, and with which carriers: who brings or fetches something may know where to.
pub const PARCELS: &str = "ask.logistics.parcels";
/// Whether the customer of a claim was told something: who sends it may know where to.
pub const TOLD: &str = "ask.orchestrator.told";

/// Every service.
pub const SERVICES: [Row; 6] = [
    Row {
        service: "intake",
        publishes: &[
            "event.intake.*",
            "notice.customer.*",
            "notice.privacy.*",
            "notice.auditor.*",
            "notice.specialist.possible_duplicate",
        ],
        stream: "COMMANDS",
        consumes: "command.intake.*",
        overhears: &["claim.*.submitted"],
        asks: &[PARCELS, TOLD],
        answers: &[],
    },
    Row {
        service: "triage",
        publishes: &["event.triage.*", "notice.*.work_waiting", "notice.*.work_overdue"],
        stream: "COMMANDS",
        consumes: "command.triage.*",
        overhears: &[],
        asks: &[],
        answers: &[],
    },
    Row {
        service: "inventory",
        publishes: &["event.inventory.*"],
        stream: "COMMANDS",
        consumes: "command.inventory.*",
        overhears: &[],
        asks: &[],
        answers: &[],
    },
    Row {
        service: "logistics",
        publishes: &["event.logistics.*", "notice.carrier.*", "notice.logistics.*", "notice.warehouse.parcel_back"],
        stream: "COMMANDS",
        consumes: "command.logistics.*",
        overhears: &[],
        asks: &[],
        answers: &[PARCELS],
    },
    Row {
        service: "escalation",
        publishes: &["event.escalation.*", "notice.*.work_waiting", "notice.*.work_overdue", "notice.*.clock_breached"],
        stream: "COMMANDS",
        consumes: "command.escalation.*",
        overhears: &[],
        asks: &[],
        answers: &[],
    },
    Row {
        service: "orchestrator",
        publishes: &["command.*.*", "claim.*.*", "notice.customer.*", "notice.finance.settlement_instructed", FEED],
        stream: "EVENTS",
        consumes: "event.*.*",
        overhears: &[],
        asks: &[],
        answers: &[TOLD],
    },
];

/// Messages of a consumer of a subscriber that may be under way at once: the broker keeps account of each.
/// (Who asks for no end, as -1, gets none: the broker, 2.15.1, compares numbers only.)
const SUBSCRIBER_PENDING_MAX: i64 = 10_000;

/// Messages of a consumer that may be under way at once.
pub const ACK_PENDING_MAX: i64 = 512;
/// Time after which a message without a sign of life is delivered again: what a crashed service had in hand waits for it.
pub const ACK_WAIT: Duration = Duration::from_secs(9);

/// The group in which the replicas of a service pull: the broker delivers to one of them, the others stand by.
pub const GROUP: &str = "replicas";
/// Time without a sign of life after which another replica takes over.
pub const TAKE_OVER: Duration = Duration::from_secs(5);

/// The service that takes the events of all others.
pub(crate) static EVENTS_TO: LazyLock<Option<&str>> =
    LazyLock::new(|| SERVICES.iter().find(|row| row.consumes.starts_with("event.")).map(|row| row.service));

/// The row of a service.
pub fn row(service: &str) -> Option<&'static Row> {
    SERVICES.iter().find(|row| row.service == service)
}

/// Name of a stream in an installation: `redress` gives `REDRESS_COMMANDS`.
pub fn stream_name(prefix: &str, name: &str) -> String {
    format!("{}_{name}", prefix.to_uppercase().replace(['.', '-'], "_"))
}

/// Name of the durable consumer of a service.
pub fn consumer_name(service: &str) -> String {
    format!("{service}-main")
}

impl Stream {
    /// The configuration of the stream. A full stream refuses new messages; nothing that is needed is evicted.
    /// `storage_mib` is what all streams of the installation have together, but for the feed, which has two fifths of it
    /// besides; the broker reserves it.
    pub fn config(&self, prefix: &str, storage_mib: u32) -> Config {
        Config {
            name: stream_name(prefix, self.name),
            subjects: vec![format!("{prefix}.v1.{}.>", self.kind)],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            compression: Some(Compression::S2),
            max_age: self.max_age,
            max_bytes: i64::from(storage_mib) * (1 << 20) / 5 * self.fifths,
            max_message_size: self.message_max,
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            deny_delete: true,
            num_replicas: 1,
            max_consumers: self.consumers.unwrap_or(-1),
            // What nobody uses for as long as messages stay is forgotten: it has nothing to tell.
            consumer_limits: self
                .consumers
                .map(|_| ConsumerLimits { inactive_threshold: self.max_age, max_ack_pending: SUBSCRIBER_PENDING_MAX }),
            ..Config::default()
        }
    }
}

impl Row {
    /// The configuration of the durable consumer. Attempts are counted by us: `max_deliver` has no limit. One replica
    /// gets the messages: between two, the messages of a claim would wait for each other all the time.
    pub fn config(&self, prefix: &str) -> pull::Config {
        pull::Config {
            durable_name: Some(consumer_name(self.service)),
            filter_subjects: vec![format!("{prefix}.v1.{}", self.consumes)],
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: ACK_PENDING_MAX,
            priority_policy: PriorityPolicy::PinnedClient,
            priority_groups: vec![GROUP.to_owned()],
            priority_timeout: TAKE_OVER,
            ..pull::Config::default()
        }
    }
}
