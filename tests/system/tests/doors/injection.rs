//! S12: what has meaning for a database, a broker, a file system, a template, a table, a browser or a terminal means
//! nothing in any text field of any RPC: the field is named, or the text is taken as a text. Which of its own texts
//! intake keeps letter by letter is tested there.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{DynamicMessage, Kind, MethodDescriptor, ReflectMessage, Value};
use system::World;
use testkit::{Wire, bad_fields, reason};
use tonic::{Code, Status};

use crate::dynamic::is_time;
use crate::rpcs::{harmless, methods, path};
use crate::trace::{Trace, changed};
use crate::{corpus, raw};

const TEXTS: &[&str] = &[
    "'; DROP TABLE claim; --",
    "100%_[a]*\\",
    "redress.event.>",
    "a b\r\nPUB redress.v1.event 0\r\n",
    "../../../../etc/passwd",
    "${jndi:ldap://example.org/a}{{7*7}}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}[0m",
    "\u{202e}gnp.exe",
    "\u{1F4A5}\u{10FFFF}",
    // Stands for bytes that are no text: half of a pair of UTF-16.
    SURROGATE,
];
const SURROGATE: &str = "\u{E123}";

/// The paths of all text fields that a message has, each with the message when the field holds `text`.
fn with_text(message: &DynamicMessage, at: &str, text: &str) -> Vec<(String, DynamicMessage)> {
    let mut all = Vec::new();
    for field in message.descriptor().fields().filter(|field| message.has_field(field)) {
        let path = if at.is_empty() { field.name().to_owned() } else { format!("{at}.{}", field.name()) };
        let now = message.get_field(&field).into_owned();
        let (first, path) = match &now {
            Value::List(entries) => (entries.first().cloned(), format!("{path}[0]")),
            one => (Some(one.clone()), path),
        };
        let Some(first) = first else { continue };
        let put = |value: Value| {
            let mut changed = message.clone();
            let value = match &now {
                Value::List(entries) => {
                    let mut entries = entries.clone();
                    entries[0] = value;
                    Value::List(entries)
                }
                _ => value,
            };
            changed.set_field(&field, value);
            changed
        };
        match (field.kind(), first) {
            (Kind::String, _) => all.push((path, put(Value::String(text.to_owned())))),
            (Kind::Message(kind), Value::Message(below)) if !is_time(&kind) => {
                let below = with_text(&below, &path, text);
                all.extend(below.into_iter().map(|(path, below)| (path, put(Value::Message(below)))));
            }
            _ => {}
        }
    }
    all
}

/// The bytes of a message, in which the stand-in is what it stands for.
fn bytes(message: &DynamicMessage) -> Vec<u8> {
    let mut bytes = message.encode_to_vec();
    let stand_in = SURROGATE.as_bytes();
    while let Some(at) = bytes.windows(stand_in.len()).position(|part| part == stand_in) {
        bytes[at..at + 3].copy_from_slice(&[0xED, 0xA0, 0x80]);
    }
    bytes
}

/// What is wrong with an answer.
fn misjudged(answer: &Result<Vec<u8>, Status>, field: &str, text: &str, is_harmless: bool) -> Option<String> {
    let status = match answer {
        Ok(_) if is_harmless => return Some("was accepted without a request id".to_owned()),
        Ok(_) => return (text == SURROGATE).then(|| "bytes that are no text were accepted".to_owned()),
        Err(status) => status,
    };
    if text == SURROGATE {
        let right = status.code() == Code::InvalidArgument && reason(status) == "MALFORMED";
        return (!right).then(|| format!("got {} {}", status.code(), reason(status)));
    }
    let named: BTreeSet<String> = bad_fields(status).into_iter().collect();
    let others = named.iter().filter(|name| *name != field && *name != "request_id").count();
    match status.code() {
        // A list that is one bad field short may name the whole of it.
        Code::InvalidArgument
            if others == 0 || named.iter().all(|name| field.starts_with(name.as_str()) || name == "request_id") =>
        {
            None
        }
        Code::NotFound | Code::FailedPrecondition | Code::PermissionDenied if !is_harmless => None,
        code => Some(format!("got {code} {} {named:?} {:?}", reason(status), status.message())),
    }
}

async fn examine(channel: &Wire, method: &MethodDescriptor, wrong: &mut Vec<String>) -> usize {
    let path = path(method);
    let mut calls = 0;
    for example in corpus::requests(method) {
        for text in TEXTS {
            for (field, message) in with_text(&example, "", text) {
                let request = if field == "request_id" { Some(message.clone()) } else { harmless(&message) };
                let is_harmless = request.is_some();
                let answer = raw::call(channel, &path, bytes(&request.unwrap_or(message))).await;
                calls += 1;
                if let Some(why) = misjudged(&answer, &field, text, is_harmless) {
                    wrong.push(format!("{path}: {field} = {text:?}: {why}"));
                }
            }
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn s12_no_text_means_anything_but_itself_in_any_field_of_any_rpc() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let (mut wrong, mut calls) = (Vec::new(), 0);
    for service in local::SERVICES {
        let channel = world.channel(service.name).await;
        for method in methods(service.name) {
            calls += examine(&channel, &method, &mut wrong).await;
        }
    }
    let traces = changed(&before, &trace.tables().await);
    assert!(traces.is_empty(), "something was kept of a request without an id: {traces:?}");
    assert!(wrong.is_empty(), "{} of {calls} calls:\n{}", wrong.len(), wrong.join("\n"));
    assert!(calls > 1_000, "only {calls} calls were made");
    world.end().await;
}
