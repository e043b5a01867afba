//! SR15: what a customer is told of a claim. `customer.txt` lists every field; a new one gets there by
//! `REDRESS_WRITE_TOLD=1 cargo test -p proto --test customer`, and is to be looked at.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use filled::{pool, samples};
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use proto::claim::{ClaimEvent, ClaimState};
use proto::intake::{Claim, EvidenceAudience};
use proto::orchestrator::Process;

mod filled;

/// The fields that are set in a message, as paths.
fn fields(prefix: &str, message: &DynamicMessage, told: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        let path = format!("{prefix}.{}", field.name());
        let values = match value {
            Value::List(list) => list.iter().collect(),
            one => vec![one],
        };
        if values.is_empty() {
            continue;
        }
        let mut leaf = true;
        for value in values {
            if let Value::Message(inner) = value
                && inner.descriptor().full_name().starts_with("redress.")
            {
                leaf = false;
                fields(&path, inner, told);
            }
        }
        if leaf {
            told.insert(path);
        }
    }
}

fn told(name: &str, bytes: &[u8], of: &str) -> BTreeSet<String> {
    let descriptor = pool().get_message_by_name(name).unwrap();
    let mut told = BTreeSet::new();
    fields(of, &DynamicMessage::decode(descriptor, bytes).unwrap(), &mut told);
    told
}

#[test]
fn sr15_these_fields_and_no_others_are_told_to_customers() {
    let mut all = BTreeSet::new();
    let full = |name: &str| samples(&pool().get_message_by_name(name).unwrap());
    for state in [ClaimState::Executing, ClaimState::AwaitingApproval] {
        for (name, sample) in full("redress.claim.v1.ClaimEvent") {
            let mut event = ClaimEvent::decode(sample.encode_to_vec().as_slice()).unwrap();
            event.state = state.into();
            let kind = name.rsplit('/').next().unwrap();
            // Of the others it makes no difference where the claim is.
            let told_later = state == ClaimState::Executing || matches!(kind, "planned" | "approved");
            if told_later && let Some(event) = proto::customer::event(&event) {
                let of = format!("{state:?} event {kind}");
                all.extend(told("redress.claim.v1.ClaimEvent", &event.encode_to_vec(), &of));
            }
        }
        for (_, sample) in full("redress.orchestrator.v1.Process") {
            let mut process = Process::decode(sample.encode_to_vec().as_slice()).unwrap();
            process.state = state.into();
            let process = proto::customer::process(&process);
            let of = format!("{state:?} process");
            all.extend(told("redress.orchestrator.v1.Process", &process.encode_to_vec(), &of));
        }
    }
    for (_, sample) in full("redress.intake.v1.Claim") {
        let mut claim = Claim::decode(sample.encode_to_vec().as_slice()).unwrap();
        claim.evidence[0].audience = EvidenceAudience::Customer.into();
        let seen = proto::customer::claim(&claim, "ada");
        assert_eq!(seen.evidence.len(), 1, "what is for staff is left out");
        all.extend(told("redress.intake.v1.Claim", &seen.encode_to_vec(), "claim"));
    }
    let text: String = all.iter().map(|path| format!("{path}\n")).collect();
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/customer.txt");
    if std::env::var_os("REDRESS_WRITE_TOLD").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "see the head of this file");
    let ours = ["assessment", "priority", "liability", "policy", "proposed_by", "judged_by", ".cost", "own_price"];
    for path in &all {
        assert!(ours.iter().all(|word| !path.contains(word)), "{path}");
        let plan = path.contains(".plan.") || path.contains(".legs.");
        assert!(!(path.starts_with("AwaitingApproval") && plan), "{path}: nobody has proposed it yet");
    }
}
