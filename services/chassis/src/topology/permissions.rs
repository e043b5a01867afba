//! Who may do what on the broker: its users, from the one table. Allow-lists only: deny rules were bypassed before (P12).
//!
//! A service may publish its own subjects, pull and acknowledge with its own consumer, ask for the state of what it uses
//! and read it back, and listen to its own inbox, to public events and to questions that the table names, which it answers once. It cannot make, change or delete a stream or a consumer: where the
//! broker lost messages, a service *resets* its consumer, which cannot change what the consumer is.
//!
//! What the broker cannot refuse: an answer goes to whatever subject the question names. So a service can make the broker
//! put an old message, or an answer, under a subject that is not its own. Receivers tell that apart (see
//! [`crate::consumer`]): such a message has no source that may publish there, or was read out of a stream. Subscribers
//! cannot: each lives in an account of its own, where no stream of ours is, and gets the public streams by what the account
//! of the installation exports. There they have consumers under names of their own and no others.
//!
//! What is left open: a service reads more than it must (SR28). It has no consumer but that which `provision` made with its own
//! filter, and makes none. But what it *reads back* is a message by its sequence, and that is asked of a stream, whosever the
//! message is: so a service can read the events of others on the stream of events, and commands to others on that of commands.
//! Neither has personal data. The broker (2.15.1) can bind a read to a subject, as `$JS.API.DIRECT.GET.<stream>.<subject>`,
//! and then refuses every other question in its body; but it gives the *last* message of the subject only. That says that the
//! tail is lost where it is older than what was acknowledged. It does not where it is newer: after a loss, sequences are used
//! again (P02), and a message that lay in a buffer may stand behind one that is gone. So relay and consumer ask for the very
//! sequence. A stream for each service would close it: nine more streams, each with storage of its own, a consumer of the
//! orchestrator on each, and a move of what is under way at the upgrade.

use proto::Subject;

use super::{Row, SERVICES, STREAMS, Stream, consumer_name, row, stream_name};

/// The user of `provision`: makes and updates streams and consumers.
pub const PROVISIONER: &str = "provisioner";
/// The user of `redress rebuild`: may also delete streams.
pub const REBUILDER: &str = "rebuilder";
/// A subscriber of claims and notices; a template for others, each with a name of its own.
pub const SUBSCRIBER: &str = "subscriber";
/// Who reads the public streams on the machine of an installation: the tools of whoever runs it, and tests.
pub const OBSERVER: &str = "observer";
/// Consumers that a subscriber has on each public stream: they are called as it is, with `-1`, `-2`, ….
pub const CONSUMERS_OF_ONE: usize = 4;
/// Who may do everything: for tests, never in a deployment.
pub const OPERATOR: &str = "operator";

/// A user of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Subjects it may publish to.
    pub publish: Vec<String>,
    /// Subjects it may listen to.
    pub subscribe: Vec<String>,
    /// The account that it has for itself; none: it is in that of the installation.
    pub account: Option<String>,
    /// It may answer what it hears, once and at once.
    pub answers: bool,
}

/// Where a user gets answers; nobody else may listen there.
pub fn inbox(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The users of a deployment: one for each service, and those of provisioning, rebuilding, tools and subscribers.
pub fn users(prefix: &str) -> Vec<User> {
    let services = SERVICES.iter().map(|row| row.user(prefix));
    let others = [provisioner(prefix), rebuilder(prefix), observer(prefix), subscriber(prefix, SUBSCRIBER)];
    services.chain(others).collect()
}

/// The user who may do everything: for tests.
pub fn operator() -> User {
    let everything = || vec![">".to_owned()];
    let (publish, subscribe) = (everything(), everything());
    User { name: OPERATOR.to_owned(), publish, subscribe, account: None, answers: false }
}

fn provisioner(prefix: &str) -> User {
    let mut publish = Vec::new();
    for name in STREAMS.iter().map(|stream| stream_name(prefix, stream.name)) {
        publish.extend(["INFO", "CREATE", "UPDATE"].map(|action| format!("$JS.API.STREAM.{action}.{name}")));
    }
    for row in SERVICES {
        let (stream, consumer) = (stream_name(prefix, row.stream), consumer_name(row.service));
        publish.extend(["INFO", "CREATE"].map(|action| format!("$JS.API.CONSUMER.{action}.{stream}.{consumer}")));
    }
    User::new(PROVISIONER, publish)
}

fn rebuilder(prefix: &str) -> User {
    let names = STREAMS.iter().map(|stream| stream_name(prefix, stream.name));
    let delete = names.map(|name| format!("$JS.API.STREAM.DELETE.{name}"));
    User::new(REBUILDER, provisioner(prefix).publish.into_iter().chain(delete).collect())
}

/// The account of an installation on the broker, which may have several.
pub fn account(prefix: &str) -> String {
    prefix.to_uppercase().replace(['.', '-'], "_")
}

fn public(prefix: &str) -> impl Iterator<Item = String> {
    STREAMS.iter().filter(|stream| stream.is_public()).map(move |stream| stream_name(prefix, stream.name))
}

/// Reads the public streams by consumers under names of its own, in an account of its own. Clients of NATS find them there as
/// those of a domain that is called as the prefix.
pub fn subscriber(prefix: &str, name: &str) -> User {
    let mut publish = Vec::new();
    for stream in public(prefix) {
        let api = |what: String| format!("$JS.{prefix}.API.{what}");
        publish.extend(["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET"].map(|what| api(format!("{what}.{stream}"))));
        for consumer in (1..=CONSUMERS_OF_ONE).map(|number| format!("{stream}.{name}-{number}")) {
            let what = ["CREATE", "INFO", "MSG.NEXT", "DELETE"];
            publish.extend(what.map(|what| api(format!("CONSUMER.{what}.{consumer}"))));
            publish.push(api(format!("CONSUMER.CREATE.{consumer}.>")));
            publish.extend([format!("$JS.ACK.{consumer}.>"), format!("$JS.ACK._.*.{consumer}.>")]);
        }
    }
    let account = stream_name(prefix, &account(name));
    User { account: Some(account), ..User::new(name, publish) }
}

/// What the account of the installation lets others ask, and whether an answer has many parts. Who may ask it for which
/// consumer is said by the permissions of each.
fn exports(prefix: &str) -> Vec<(String, bool)> {
    let mut subjects = Vec::new();
    for stream in public(prefix) {
        for (what, many) in [
            (format!("STREAM.INFO.{stream}"), false),
            (format!("STREAM.MSG.GET.{stream}"), false),
            (format!("DIRECT.GET.{stream}"), true),
            (format!("CONSUMER.CREATE.{stream}.>"), false),
            (format!("CONSUMER.INFO.{stream}.*"), false),
            (format!("CONSUMER.DELETE.{stream}.*"), false),
            (format!("CONSUMER.MSG.NEXT.{stream}.*"), true),
        ] {
            subjects.push((format!("$JS.API.{what}"), many));
        }
        subjects.extend([format!("$JS.ACK.{stream}.>"), format!("$JS.ACK._.*.{stream}.>")].map(|ack| (ack, false)));
    }
    subjects
}

/// Reads the public streams by consumers with any name. It is in the account of the installation: for its own tools.
fn observer(prefix: &str) -> User {
    let mut publish = Vec::new();
    for name in public(prefix) {
        publish.extend(["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET"].map(|what| format!("$JS.API.{what}.{name}")));
        publish.push(format!("$JS.API.CONSUMER.CREATE.{name}"));
        publish.push(format!("$JS.API.CONSUMER.CREATE.{name}.>"));
        publish.extend(["INFO", "MSG.NEXT", "DELETE"].map(|what| format!("$JS.API.CONSUMER.{what}.{name}.*")));
        publish.extend([format!("$JS.ACK.{name}.>"), format!("$JS.ACK._.*.{name}.>")]);
    }
    User::new(OBSERVER, publish)
}

impl User {
    fn new(name: &str, publish: Vec<String>) -> Self {
        let subscribe = vec![format!("{}.>", inbox(name))];
        Self { name: name.to_owned(), publish, subscribe, account: None, answers: false }
    }

    /// Its entry in the configuration of the broker. `password` is as the configuration has it: quoted, or a variable.
    fn entry(&self, password: &str) -> String {
        let list = |subjects: &[String]| {
            subjects.iter().map(|subject| format!("            \"{subject}\"\n")).collect::<String>()
        };
        let answers = if self.answers { "          allow_responses: { max: 1, expires: \"5s\" }\n" } else { "" };
        format!(
            "      {{\n        user: \"{}\"\n        password: {password}\n        permissions: {{\n          publish: {{ allow: [\n{}          ] }}\n          \
             subscribe: {{ allow: [\n{}          ] }}\n{answers}        }}\n      }}\n",
            self.name,
            list(&self.publish),
            list(&self.subscribe)
        )
    }
}

/// The users as a part of the configuration of the broker, in the account of the installation or each in its own; passwords
/// as it has them: quoted, or variables.
pub fn authorization(prefix: &str, users: &[User], password: impl Fn(&str) -> String) -> String {
    let entry = |user: &User| user.entry(&password(&user.name));
    let own: String = users.iter().filter(|user| user.account.is_none()).map(entry).collect();
    let export = |(subject, many): (String, bool)| {
        let many = if many { ", response_type: stream" } else { "" };
        format!("      {{ service: \"{subject}\"{many} }}\n")
    };
    let exports: String = exports(prefix).into_iter().map(export).collect();
    let mut text = format!(
        "authorization {{ timeout: 5 }}\naccounts {{\n  {} {{\n    jetstream: enabled\n    users: [\n{own}    ]\n    exports: [\n{exports}    ]\n  }}\n",
        account(prefix)
    );
    for user in users.iter().filter(|user| user.account.is_some()) {
        text += &guest(prefix, user, &password(&user.name));
    }
    text + "}\n"
}

/// The account of a subscriber, as a part of the configuration of the broker. In it JetStream is another domain: its own name
/// for that of the installation.
pub fn guest(prefix: &str, user: &User, password: &str) -> String {
    let (name, users) = (user.account.as_deref().unwrap_or_default(), user.entry(password));
    let import = |(subject, _): (String, bool)| {
        let to = subject.strip_prefix("$JS.API.").map(|what| format!(", to: \"$JS.{prefix}.API.{what}\""));
        let account = account(prefix);
        format!("      {{ service: {{ account: {account}, subject: \"{subject}\" }}{} }}\n", to.unwrap_or_default())
    };
    let imports: String = exports(prefix).into_iter().map(import).collect();
    format!("  {name} {{\n    users: [\n{users}    ]\n    imports: [\n{imports}    ]\n  }}\n")
}

impl Stream {
    /// Whether subscribers read it.
    fn is_public(&self) -> bool {
        matches!(self.kind, "claim" | "notice" | "feed")
    }
}

impl Row {
    /// Whether the service publishes to a stream or consumes from it.
    pub fn uses(&self, stream: &Stream) -> bool {
        let publishes = self.publishes.iter().any(|subject| subject.split('.').next() == Some(stream.kind));
        publishes || self.stream == stream.name
    }

    /// What the service may do on the broker.
    pub fn user(&self, prefix: &str) -> User {
        let consumer = format!("{}.{}", stream_name(prefix, self.stream), consumer_name(self.service));
        let own = self.publishes.iter().chain(self.asks);
        let mut publish: Vec<String> = own.map(|subject| format!("{prefix}.v1.{subject}")).collect();
        // The relay reads back what it has published, and looks whether its database is older; the consumer looks whether
        // the broker lost what it has got; readiness compares all that is used with the table.
        for stream in STREAMS.iter().filter(|stream| self.uses(stream)).map(|stream| stream_name(prefix, stream.name)) {
            publish.push(format!("$JS.API.DIRECT.GET.{stream}"));
            publish.push(format!("$JS.API.STREAM.INFO.{stream}"));
        }
        // An event of a claim goes directly after the last one, which is asked for.
        if self.publishes.iter().any(|subject| subject.starts_with("claim.")) {
            publish.push(format!("$JS.API.STREAM.MSG.GET.{}", stream_name(prefix, "CLAIMS")));
        }
        // Where the broker lost messages, a service resets its own consumer.
        let actions = ["MSG.NEXT", "INFO", "UNPIN", "RESET"];
        publish.extend(actions.map(|action| format!("$JS.API.CONSUMER.{action}.{consumer}")));
        // The second form is that of newer brokers. Its domain is `_`, and must not be left open: `$JS.ACK.*.*` would
        // match the acknowledgements of every consumer in the first form.
        publish.extend([format!("$JS.ACK.{consumer}.>"), format!("$JS.ACK._.*.{consumer}.>")]);
        let mut user = User::new(self.service, publish);
        let heard = self.overhears.iter().chain(self.answers);
        user.subscribe.extend(heard.map(|subject| format!("{prefix}.v1.{subject}")));
        user.answers = !self.answers.is_empty();
        user
    }
}

/// Whether a service may publish a subject, as the table has it.
pub fn may_publish(service: &str, subject: &Subject) -> bool {
    let subject = subject.to_string();
    row(service).is_some_and(|row| row.publishes.iter().any(|pattern| matches(pattern, &subject)))
}

/// Whether a subject falls under a pattern with `*` and `>`.
pub(crate) fn matches(pattern: &str, subject: &str) -> bool {
    let (mut pattern, mut subject) = (pattern.split('.'), subject.split('.'));
    loop {
        match (pattern.next(), subject.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
