//! Frozen samples: what was once written can always be read.
//!
//! Every message of the contract has a sample for each of its variants in `tests/samples/`, in protobuf and, for the
//! public streams, in canonical JSON. A changed sample is a bug and is never to be accepted. New messages get new
//! lines: `REDRESS_ADD_SAMPLES=1 cargo test -p proto --test samples` appends what is missing and changes nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use filled::{pool, samples};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use proto::claim::{ClaimEvent, Notice};

mod filled;

fn ours(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    pool.all_messages().filter(|m| m.full_name().starts_with("redress.") && !m.is_map_entry()).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn frozen(file: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder().join(file)).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, rest)| (name.to_owned(), rest.to_owned()))
        .collect()
}

fn write(file: &str, samples: &BTreeMap<String, String>) {
    let mut text = String::new();
    samples.iter().for_each(|(name, sample)| writeln!(text, "{name} {sample}").unwrap());
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(folder().join(file), text).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn adding() -> bool {
    std::env::var_os("REDRESS_ADD_SAMPLES").is_some()
}

#[test]
fn every_message_has_a_frozen_sample_that_still_decodes() {
    let pool = pool();
    let mut known = frozen("protobuf.txt");
    assert!(ours(&pool).len() > 100);
    for message in ours(&pool) {
        for (name, sample) in samples(&message) {
            if adding() {
                known.entry(name).or_insert_with(|| hex(&sample.encode_to_vec()));
            } else {
                assert!(known.contains_key(&name), "{name} has no sample: see the head of this file");
            }
        }
    }
    for (name, sample) in &known {
        let of = name.split('/').next().unwrap();
        let message = pool.get_message_by_name(of).unwrap_or_else(|| panic!("{of} is gone"));
        let decoded = DynamicMessage::decode(message, unhex(sample).as_slice()).unwrap();
        assert_eq!(decoded.unknown_fields().count(), 0, "{name} has lost a field");
        assert_eq!(hex(&decoded.encode_to_vec()), *sample, "{name} reads otherwise than it was written");
    }
    if adding() {
        write("protobuf.txt", &known);
    }
}

/// A public message as subscribers get it.
fn json(name: &str, bytes: &[u8]) -> String {
    let json = match name.split('/').next().unwrap() {
        "redress.claim.v1.Notice" => serde_json::to_string(&Notice::decode(bytes).unwrap()),
        _ => serde_json::to_string(&ClaimEvent::decode(bytes).unwrap()),
    };
    json.unwrap()
}

#[test]
fn every_public_event_has_a_frozen_json_that_still_decodes() {
    let pool = pool();
    let (mut known, twins) = (frozen("json.txt"), frozen("protobuf.txt"));
    for name in ["redress.claim.v1.ClaimEvent", "redress.claim.v1.Notice"] {
        for (name, sample) in samples(&pool.get_message_by_name(name).unwrap()) {
            if adding() {
                let bytes = twins.get(&name).map_or_else(|| sample.encode_to_vec(), |twin| unhex(twin));
                known.entry(name.clone()).or_insert_with(|| json(&name, &bytes));
            } else {
                assert!(known.contains_key(&name), "{name} has no sample: see the head of this file");
            }
        }
    }
    for (name, sample) in &known {
        let again = match name.split('/').next().unwrap() {
            "redress.claim.v1.Notice" => serde_json::to_string(&serde_json::from_str::<Notice>(sample).unwrap()),
            _ => serde_json::to_string(&serde_json::from_str::<ClaimEvent>(sample).unwrap()),
        };
        assert_eq!(again.unwrap(), *sample, "{name} reads otherwise than it was written");
        // A contract that has grown, say by a value of an enumeration, fills a new sample otherwise. The frozen message
        // is still written as it was.
        match twins.get(name) {
            Some(twin) => assert_eq!(json(name, &unhex(twin)), *sample, "{name} is written otherwise than it was"),
            None => assert!(adding(), "{name} has no sample in protobuf"),
        }
    }
    if adding() {
        write("json.txt", &known);
    }
}

/// The zero value is never a meaning: a field that was not set is seen.
#[test]
fn every_enumeration_begins_with_unspecified() {
    for of in pool().all_enums().filter(|of| of.full_name().starts_with("redress.")) {
        let first = of.values().next().unwrap();
        assert!(first.number() == 0 && first.name().ends_with("_UNSPECIFIED"), "{}", of.full_name());
    }
}

/// Every message, field, RPC and value is documented.
#[test]
fn everything_is_documented() {
    let mut bare = Vec::new();
    for file in std::fs::read_dir(env!("CARGO_MANIFEST_DIR").to_owned() + "/redress").unwrap() {
        let folder = file.unwrap().path().join("v1");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (at, line) in lines.iter().enumerate() {
                let declares =
                    ["message ", "enum ", "service ", "rpc ", "oneof "].iter().any(|word| line.starts_with(word))
                        || (line.ends_with(';') && line.contains(" = "));
                let exempt = line.starts_with("syntax") || line.starts_with("option ");
                if declares && !exempt && !lines[at - 1].starts_with("//") {
                    bare.push(format!("{}:{}", path.display(), at + 1));
                }
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new());
}
