//! Nobody is answered without a valid identity, and nobody does what the contract does not let their role do (G22). The
//! methods and their rules are read from the descriptors, so a new method is in every one of these tests.

use std::collections::BTreeSet;

use chassis::auth::rules::ROLES;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use system::World;
use testkit::{Somebody, Wire, as_somebody, details, reason};
use tonic::{Code, Request, Status};

use crate::corpus::requests;
use crate::dynamic::CONTRACT;
use crate::raw::{call, call_with};
use crate::rpcs::{harmless, path, serves};
use crate::trace::{Trace, changed};

const HEALTH: &str = "grpc.health.v1.Health/Check";
const WATCH: &str = "grpc.health.v1.Health/Watch";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// Every method a service serves, with those that take streams.
fn methods(service: &str) -> Vec<MethodDescriptor> {
    let served = CONTRACT.services().filter(|row| serves(service, row.package_name()));
    served.flat_map(|row| row.methods().collect::<Vec<_>>()).collect()
}

/// The roles that the contract lets call a method, read without the service's own code.
pub fn allowed(method: &MethodDescriptor) -> BTreeSet<String> {
    let option = CONTRACT.get_extension_by_name("redress.access.v1.access").unwrap();
    let options = method.options();
    let access = options.get_extension(&option);
    let roles = access.as_message().unwrap().get_field_by_name("roles").unwrap().into_owned();
    roles.as_list().unwrap().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn somebody(role: &str) -> Somebody {
    match role {
        "customer" => Somebody::customer("eve", "C-EVE"),
        // Systems of others say which they are.
        "carrier" | "warehouse-system" => Somebody::with(&format!("only-{role}"), &[&format!("{role}:NOBODYS")]),
        "orders" => Somebody::with("only-orders", &["orders:O-"]),
        "finance-system" => Somebody::with("only-finance-system", &["finance-system:GBP"]),
        role => Somebody::with(&format!("only-{role}"), &[role]),
    }
}

/// A request that would have an effect, if it were let in.
fn payload(method: &MethodDescriptor) -> Vec<u8> {
    requests(method).first().map(DynamicMessage::encode_to_vec).unwrap_or_default()
}

/// S01: no credentials, every method of every service.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_without_credentials() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let mut wrong = Vec::new();
    let mut calls = 0;
    for service in local::SERVICES {
        let channel = world.bare_channel(service.name).await;
        let mut paths: Vec<_> = methods(service.name).iter().map(|method| (path(method), payload(method))).collect();
        for other in [WATCH, REFLECTION, "redress.nowhere.v1.NoService/Get"] {
            paths.push((other.to_owned(), Vec::new()));
        }
        for (path, payload) in paths {
            calls += 1;
            let refused = match call(&channel, &path, payload).await {
                Ok(_) => false,
                Err(status) => is_unauthenticated(&status, service.name, "NO_CREDENTIALS"),
            };
            if !refused {
                wrong.push(format!("{} {path}", service.name));
            }
        }
        // Probes have no credentials, and are told nothing but serving or not: one enumeration.
        assert_eq!(call(&channel, HEALTH, Vec::new()).await.unwrap(), [8, 1], "{}", service.name);
    }
    assert!(wrong.is_empty(), "answered without credentials: {wrong:?}");
    assert!(calls > 80, "only {calls} calls");
    let traces = changed(&before, &trace.tables().await);
    assert!(traces.is_empty(), "something was kept: {traces:?}");
    world.end().await;
}

fn is_unauthenticated(status: &Status, service: &str, why: &str) -> bool {
    let Some(info) = details(status).error_info().cloned() else { return false };
    status.code() == Code::Unauthenticated
        && info.reason == "UNAUTHENTICATED"
        && info.domain == format!("redress.{service}")
        && info.metadata.get("why").map(String::as_str) == Some(why)
        && status.metadata().contains_key("www-authenticate")
}

/// S03: every role and every method. Whoever the contract does not name is refused, and nothing is kept of it.
#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_do_what_the_contract_says_and_nothing_else() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let (mut wrong, mut denied, mut let_in) = (Vec::new(), 0, Vec::new());
    for service in local::SERVICES {
        let channel = world.channel(service.name).await;
        for method in methods(service.name) {
            let (path, allowed) = (path(&method), allowed(&method));
            for role in ROLES.iter().chain(&["nobody"]) {
                if allowed.contains(*role) {
                    let_in.push((service.name, method.clone(), *role));
                    continue;
                }
                denied += 1;
                let answer = call_as(&channel, &path, payload(&method), role).await;
                let refused = answer.err().is_some_and(|status| is_forbidden(&status, &path, &allowed));
                if !refused {
                    wrong.push(format!("{role} was let in to {path}"));
                }
            }
        }
    }
    let traces = changed(&before, &trace.tables().await);
    assert!(traces.is_empty(), "something was kept of a denied call: {traces:?}");
    for (service, method, role) in &let_in {
        let channel = world.channel(service).await;
        let harmless = requests(method).first().and_then(harmless).map(|message| message.encode_to_vec());
        let answer = call_as(&channel, &path(method), harmless.unwrap_or_default(), role).await;
        let code = answer.err().map_or(Code::Ok, |status| status.code());
        if matches!(code, Code::PermissionDenied | Code::Unauthenticated) {
            wrong.push(format!("{role} was not let in to {}: {code:?}", path(method)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(denied > 300 && let_in.len() > 200, "{denied} denied, {} let in", let_in.len());
    world.end().await;
}

async fn call_as(channel: &Wire, path: &str, payload: Vec<u8>, role: &str) -> Result<Vec<u8>, Status> {
    call_with(channel, path, as_somebody(payload, somebody(role))).await
}

fn is_forbidden(status: &Status, path: &str, allowed: &BTreeSet<String>) -> bool {
    let Some(info) = details(status).error_info().cloned() else { return false };
    let roles = info.metadata.get("roles").map(|roles| roles.split(',').map(str::to_owned).collect::<BTreeSet<_>>());
    status.code() == Code::PermissionDenied
        && info.reason == "FORBIDDEN"
        && info.metadata.get("method").map(String::as_str) == Some(path)
        && roles.as_ref() == Some(allowed)
}

/// What is beside the contract: an unlisted method is refused to everybody (S02), and reflection needs an identity.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_rule_is_refused_to_everybody() {
    let world = World::new().await;
    for service in local::SERVICES {
        let channel = world.channel(service.name).await;
        let every = as_somebody(Vec::new(), Somebody::with("everybody", &ROLES[1..]));
        let refused = call_with(&channel, "redress.intake.v1.IntakeService/Rob", every).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "FORBIDDEN"));
        // An empty stream of questions has an empty stream of answers: the local stack lets tools ask.
        let asked = call(&channel, REFLECTION, Vec::new()).await;
        let code = asked.err().map_or(Code::Ok, |status| status.code());
        assert!(!matches!(code, Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented), "{code:?}");
    }
    world.end().await;
}

/// S04, S05 at the doors of the running services: what is no token, and two at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_refused() {
    let world = World::new().await;
    let channel = world.bare_channel("intake").await;
    let good = Somebody::with("anna", &["auditor"]).token(world.stack.secrets());
    let list = "redress.intake.v1.IntakeService/ListClaims";
    let ask = async |values: &[&str]| {
        let mut request = Request::new(Vec::new());
        for value in values {
            request.metadata_mut().append("authorization", value.parse().unwrap());
        }
        call_with(&channel, list, request).await
    };
    let bearer = format!("Bearer {good}");
    assert!(ask(&[&bearer]).await.is_ok());
    assert!(ask(&[&format!("bearer {good}")]).await.is_ok(), "the scheme has no case");
    let no_signature = format!("Bearer {}.", good.rsplit_once('.').unwrap().0);
    for bad in ["Bearer", "Bearer ", "Basic YW5uYTphbm5h", &good, &no_signature, "Bearer null", "Bearer a.b.c"] {
        let refused = ask(&[bad]).await.unwrap_err();
        assert!(is_unauthenticated(&refused, "intake", "TOKEN_INVALID"), "{bad}: {refused:?}");
    }
    let refused = ask(&[&bearer, &bearer]).await.unwrap_err();
    assert!(is_unauthenticated(&refused, "intake", "TOKEN_INVALID"), "two tokens: {refused:?}");
    // What callers once said of themselves is worth nothing.
    let mut old = Request::new(Vec::new());
    old.metadata_mut().insert("redress-actor", "anna".parse().unwrap());
    old.metadata_mut().insert("redress-roles", "auditor".parse().unwrap());
    let refused = call_with(&channel, list, old).await.unwrap_err();
    assert!(is_unauthenticated(&refused, "intake", "NO_CREDENTIALS"));
    world.end().await;
}
