//! Every field of every request of every RPC: a bad value is refused with INVALID_ARGUMENT and named by its path.

use std::collections::BTreeSet;

use prost::Message;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use system::World;
use testkit::Wire;
use testkit::{bad_fields, details, reason};
use tonic::{Code, Status};

use crate::bad::{Bad, all_at_once, fields, one_by_one};
use crate::dynamic::CONTRACT;
use crate::legal::{is_legal, may_also_name};
use crate::trace::{Trace, changed};
use crate::{corpus, raw};

/// Whether a service serves a package: its own, that of every service, and the work list if it has one.
pub fn serves(service: &str, package: &str) -> bool {
    package == format!("redress.{service}.v1")
        || package == "redress.operations.v1"
        || package == "redress.work.v1" && proto::WORK_LISTS.contains(&service)
}

/// The methods that a service serves: its own and those that others serve, too.
pub fn methods(service: &str) -> Vec<MethodDescriptor> {
    let served = CONTRACT.services().filter(|row| serves(service, row.package_name()));
    let methods = served.flat_map(|row| row.methods().collect::<Vec<_>>());
    // An upload is more than one request: intake's own tests say what is refused there.
    let methods: Vec<_> = methods.filter(|method| !method.is_client_streaming()).collect();
    assert!(methods.len() > 6, "{service} serves only {} methods", methods.len());
    methods
}

/// The path of a method.
pub fn path(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// Makes a request that can have no effect, whatever else is in it: its own id cannot be read.
pub fn harmless(message: &DynamicMessage) -> Option<DynamicMessage> {
    let field = message.descriptor_field("request_id")?;
    let mut harmless = message.clone();
    harmless.set_field(&field, Value::String("none".to_owned()));
    Some(harmless)
}

trait Fields {
    fn descriptor_field(&self, name: &str) -> Option<prost_reflect::FieldDescriptor>;
}

impl Fields for DynamicMessage {
    fn descriptor_field(&self, name: &str) -> Option<prost_reflect::FieldDescriptor> {
        prost_reflect::ReflectMessage::descriptor(self).get_field_by_name(name)
    }
}

/// What is wrong with an answer to a bad request; nothing: it is the one right error.
fn misjudged(answer: &Result<Vec<u8>, Status>, service: &str, bad: &Bad) -> Option<String> {
    let Err(status) = answer else { return Some("was accepted".to_owned()) };
    if status.code() != Code::InvalidArgument || reason(status) != "MALFORMED" {
        return Some(format!("got {} {} {:?}", status.code(), reason(status), status.message()));
    }
    let domain = details(status).error_info().map(|info| info.domain.clone()).unwrap_or_default();
    if domain != format!("redress.{service}") {
        return Some(format!("came from {domain:?}"));
    }
    let named: BTreeSet<String> = bad_fields(status).into_iter().collect();
    let mut others = named.iter().filter(|name| **name != bad.path && !may_also_name(&bad.field, bad.case, name));
    // Ten thousand empty entries are each wrong as well.
    let alone = bad.case == "many" || others.next().is_none();
    (!named.contains(&bad.path) || !alone).then(|| format!("named {named:?}"))
}

/// A legal value is not named, though it looks bad.
async fn is_taken(channel: &Wire, path: &str, bad: &Bad) -> Option<String> {
    let request = harmless(&bad.message);
    let is_harmless = request.is_some();
    let payload = request.unwrap_or_else(|| bad.message.clone()).encode_to_vec();
    match raw::call(channel, path, payload).await {
        Err(status) if is_harmless => {
            let named: BTreeSet<String> = bad_fields(&status).into_iter().collect();
            let only = named == BTreeSet::from(["request_id".to_owned()]);
            (!only).then(|| format!("is listed as legal, but {} named {named:?}", status.code()))
        }
        Ok(_) if is_harmless => Some("was accepted without a request id".to_owned()),
        Err(status) if !matches!(status.code(), Code::NotFound | Code::FailedPrecondition) => {
            Some(format!("is listed as legal, but got {} {:?}", status.code(), bad_fields(&status)))
        }
        Ok(_) | Err(_) => None,
    }
}

async fn examine(channel: &Wire, service: &str, method: &MethodDescriptor, wrong: &mut Vec<String>) -> usize {
    let path = path(method);
    let examples = corpus::requests(method);
    assert!(!examples.is_empty(), "{path} has no example in the contract");
    let mut calls = 0;
    let mut untouched = fields(&method.input());
    for example in examples {
        let good = Bad { path: String::new(), field: String::new(), case: "good", message: example.clone() };
        if let Some(why) = is_taken(channel, &path, &good).await {
            wrong.push(format!("{path}: the example {why}"));
        }
        for bad in one_by_one(&example) {
            calls += 1;
            untouched.remove(&bad.field);
            let why = if is_legal(&bad.field, bad.case) {
                is_taken(channel, &path, &bad).await
            } else {
                misjudged(&raw::call(channel, &path, bad.message.encode_to_vec()).await, service, &bad)
            };
            if let Some(why) = why {
                wrong.push(format!("{path}: {} ({}) {}: {why}", bad.path, bad.field, bad.case));
            }
        }
        let (worst, paths) = all_at_once(&example, "");
        if paths.is_empty() {
            continue;
        }
        let Err(status) = raw::call(channel, &path, worst.encode_to_vec()).await else {
            wrong.push(format!("{path}: everything bad was accepted"));
            continue;
        };
        let named = bad_fields(&status);
        let missing: Vec<_> = paths.iter().filter(|path| !named.contains(path)).collect();
        if !missing.is_empty() || reason(&status) != "MALFORMED" {
            wrong.push(format!("{path}: everything bad at once, {} did not name {missing:?}", status.code()));
        }
    }
    assert!(untouched.is_empty(), "the examples of {path} say nothing of {untouched:?}");
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_field_of_every_rpc_is_named_and_leaves_no_trace() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let mut wrong = Vec::new();
    let mut calls = 0;
    for service in local::SERVICES {
        let channel = world.channel(service.name).await;
        for method in methods(service.name) {
            calls += examine(&channel, service.name, &method, &mut wrong).await;
        }
        let after = trace.tables().await;
        let traces = changed(&before, &after);
        assert!(traces.is_empty(), "{} kept something of a malformed request: {traces:?}", service.name);
    }
    assert!(wrong.is_empty(), "{} of {calls} calls:\n{}", wrong.len(), wrong.join("\n"));
    assert!(calls > 1_000, "only {calls} bad requests were made");
    world.end().await;
}
