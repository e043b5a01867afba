//! Requests that no client library would send: too large, unreadable, or to a method that does not exist.

use prost::Message;
use prost_reflect::MethodDescriptor;
use system::World;
use testkit::Wire;
use testkit::{bad_fields, details, reason};
use tonic::{Code, Status};

use crate::corpus::requests;
use crate::raw;
use crate::rpcs::{harmless, methods, path};
use crate::trace::{Trace, changed};

/// Bytes that are no message: of an unknown kind, cut off, of a text that is no UTF-8, of groups in groups.
fn unreadable() -> [Vec<u8>; 5] {
    let no_utf8 = vec![0x0a, 2, 0xff, 0xfe, 0x12, 2, 0xff, 0xfe, 0x1a, 2, 0xff, 0xfe];
    [vec![0xff; 5], vec![0x0a, 100, b'x'], no_utf8, [0x0b].repeat(10_000), [0x0b; 200].to_vec()]
}

/// A request of a size: an unknown field makes it as long as wanted, and is skipped by every reader.
fn sized(payload: &[u8], size: usize) -> Vec<u8> {
    const HEAD: usize = 5;
    let filler = size - payload.len() - HEAD;
    let mut sized = payload.to_vec();
    // Field 1000, length-delimited; the length in three bytes.
    prost::encoding::encode_key(1000, prost::encoding::WireType::LengthDelimited, &mut sized);
    prost::encoding::encode_varint(filler as u64, &mut sized);
    sized.resize(size, b'x');
    assert_eq!(sized.len() - payload.len() - filler, HEAD);
    sized
}

fn expect(answer: Result<Vec<u8>, Status>, service: &str, what: &str, code: Code, why: &str) -> Option<String> {
    let Err(status) = answer else { return Some(format!("{what} was accepted")) };
    let domain = details(&status).error_info().map(|info| info.domain.clone()).unwrap_or_default();
    let right = status.code() == code && reason(&status) == why && domain == format!("redress.{service}");
    (!right).then(|| format!("{what}: {} {} {domain} {:?}", status.code(), reason(&status), status.message()))
}

async fn examine(channel: &Wire, service: &str, method: &MethodDescriptor) -> Vec<String> {
    let path = path(method);
    let limit = proto::REQUEST_BYTES_MAX;
    let mut wrong = Vec::new();
    let example = &requests(method)[0];
    let payload = harmless(example).unwrap_or_else(|| example.clone()).encode_to_vec();
    for size in [limit - 1, limit] {
        let answer = raw::call(channel, &path, sized(&payload, size)).await;
        let taken = match &answer {
            Ok(_) => true,
            Err(status) => status.code() == Code::NotFound || bad_fields(status) == ["request_id"],
        };
        if !taken {
            wrong.push(format!("{path}: {size} bytes: {answer:?}"));
        }
    }
    let large = raw::call(channel, &path, sized(&payload, limit + 1)).await;
    wrong.extend(expect(large, service, &format!("{path}: one byte too many"), Code::OutOfRange, "TOO_LARGE"));
    for bytes in unreadable() {
        let what = format!("{path}: unreadable {:x?}", &bytes[..3]);
        let answer = raw::call(channel, &path, bytes).await;
        // A text where no text is expected is an unknown field or another type.
        wrong.extend(expect(answer, service, &what, Code::InvalidArgument, "MALFORMED"));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_one_clean_error_and_leaves_no_trace() {
    let world = World::new().await;
    let mut trace = Trace::of(&world).await;
    let before = trace.at_rest(&world).await;
    let mut wrong = Vec::new();
    for service in local::SERVICES {
        let channel = world.channel(service.name).await;
        for method in methods(service.name) {
            wrong.extend(examine(&channel, service.name, &method).await);
            let missing = format!("{}/{}Again", method.parent_service().full_name(), method.name());
            let answer = raw::call(&channel, &missing, Vec::new()).await;
            // What the contract does not name is refused, whoever asks (S02).
            wrong.extend(expect(answer, service.name, &missing, Code::PermissionDenied, "FORBIDDEN"));
        }
        for elsewhere in ["redress.nowhere.v1.NoService/Get", "a/b", "%00/%ff"] {
            let answer = raw::call(&channel, elsewhere, Vec::new()).await;
            wrong.extend(expect(answer, service.name, elsewhere, Code::PermissionDenied, "FORBIDDEN"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let traces = changed(&before, &trace.tables().await);
    assert!(traces.is_empty(), "something was kept: {traces:?}");
    world.end().await;
}
