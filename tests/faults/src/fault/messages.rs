//! Messages: poison, and the whole past again.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::{self, Context};
use chassis::topology::OPERATOR;
use futures::StreamExt;
use local::stack::PREFIX;
use prost::Message as _;
use proto::Subject;
use proto::intake::{ClaimWithdrawn, IntakeEvent, intake_event};
use proto::triage::{AssessClaim, TriageCommand, triage_command};
use uuid::Uuid;

use super::{Act, Fault, Stage};
use crate::log::{Line, now_ms};

pub(super) const FAULTS: [Fault; 2] = [
    Fault::new(
        "F15",
        "poison for every service: bytes, types, enums, NUL, nesting, transitions",
        "G14 G15",
        Act::Do(|stage| Box::pin(poison(stage))),
    )
    .in_quick(),
    Fault::new(
        "F20",
        "every command and every event is published again, twice",
        "G6",
        Act::Do(|stage| Box::pin(again(stage))),
    )
    .in_every(),
];

/// What is published: subject, payload.
fn poisons(claim: Uuid) -> Vec<(Subject, Vec<u8>)> {
    let command = |service: &str, name: &str, bytes: Vec<u8>| {
        (Subject::Command { service: service.to_owned(), name: name.to_owned() }, bytes)
    };
    let event = |service: &str, name: &str, bytes: Vec<u8>| {
        (Subject::Event { service: service.to_owned(), name: name.to_owned() }, bytes)
    };
    let commands = [
        ("intake", "end_claim"),
        ("triage", "assess_claim"),
        ("inventory", "reserve"),
        ("logistics", "ship"),
        ("escalation", "start_clocks"),
    ];
    let mut poisons = Vec::new();
    for (service, name) in commands {
        // No protobuf: a field that says it is longer than the message.
        poisons.push(command(service, name, vec![0x0A, 0xFF, 0x01]));
        poisons.push(command(service, "dance", id_field(claim)));
        // A claim, but no kind that is known: field 99, as a later version might have.
        poisons.push(command(service, name, [id_field(claim), vec![0x9A, 0x06, 0x00]].concat()));
        poisons.push(command(service, name, text_field("a\0b")));
        poisons.push(command(service, name, nested(claim)));
        poisons.push(event(service, "nothing_known", vec![0x0A, 0xFF, 0x01]));
    }
    // An enum without a meaning, where one is required: reason 99 of assess_claim, the first of a claim.
    let ask = AssessClaim { assessment: 1, plan_number: 1, reason: 99, ..AssessClaim::default() };
    let ask = TriageCommand { claim_id: claim.to_string(), kind: Some(triage_command::Kind::AssessClaim(ask)) };
    poisons.push(command("triage", "assess_claim", ask.encode_to_vec()));
    // An impossible transition: a well-formed answer about a claim that nobody ever submitted.
    let withdrawn = intake_event::Kind::ClaimWithdrawn(ClaimWithdrawn::default());
    let withdrawn = IntakeEvent { claim_id: claim.to_string(), kind: Some(withdrawn) };
    poisons.push(event("intake", "claim_withdrawn", withdrawn.encode_to_vec()));
    poisons
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(0x7F);
    [&[number << 3 | 2, length], bytes].concat()
}

/// Field 1 of most messages.
fn id_field(claim: Uuid) -> Vec<u8> {
    field(1, claim.to_string().as_bytes())
}

fn text_field(text: &str) -> Vec<u8> {
    field(1, text.as_bytes())
}

/// An unknown group within a group, deeper than any parser should follow.
fn nested(claim: Uuid) -> Vec<u8> {
    // Start and end of group 15.
    [id_field(claim), vec![0x7B; 200], vec![0x7C; 200]].concat()
}

async fn poison(stage: &mut Stage) -> Result<()> {
    let client = chassis::connect_nats("test", &stage.rig.nats_url(OPERATOR)?.into()).await?;
    let jetstream = jetstream::new(client);
    stage.begin("poison")?;
    // Each about a claim of its own: what is behind a parked message waits for a person.
    let count = poisons(Uuid::nil()).len();
    for number in 0..count {
        let claim = Uuid::now_v7();
        let (subject, payload) = poisons(claim).swap_remove(number);
        let event_id = Uuid::now_v7();
        let (source, service) = match &subject {
            Subject::Event { service, .. } => (service.as_str(), "orchestrator"),
            Subject::Command { service, .. } => ("orchestrator", service.as_str()),
            Subject::Claim { .. } | Subject::Notice { .. } => continue,
        };
        let mut headers = HeaderMap::new();
        headers.insert("ce-id", event_id.to_string());
        headers.insert("ce-specversion", "1.0");
        headers.insert("ce-source", format!("/redress/{source}"));
        headers.insert("ce-type", subject.event_type());
        headers.insert("ce-subject", claim.to_string());
        stage.rig.log().write(&Line::Poison {
            at_ms: now_ms(),
            event_id: event_id.to_string(),
            subject: subject.under(PREFIX),
            claim: claim.to_string(),
            service: service.to_owned(),
            expect: "parked".to_owned(),
        })?;
        let sent = jetstream.publish_with_headers(subject.under(PREFIX), headers, payload.into()).await?;
        sent.await.context("NATS did not keep the poison")?;
        stage.pass(50).await;
    }
    stage.end("poison")
}

/// A rogue publisher sends the past again, under names that the broker does not know but with the same event ids.
async fn again(stage: &mut Stage) -> Result<()> {
    let client = chassis::connect_nats("test", &stage.rig.nats_url(OPERATOR)?.into()).await?;
    let jetstream = jetstream::new(client);
    // There should be a past.
    stage.pass(4000).await;
    for round in 0..2 {
        for stream in ["COMMANDS", "EVENTS"] {
            let what = format!("all of {stream} again, {}", round + 1);
            stage.begin(&what)?;
            let sent = republish(&jetstream, &format!("{}_{stream}", PREFIX.to_uppercase())).await?;
            ensure!(sent > 0, "{stream} had no past");
            stage.end(&what)?;
        }
        stage.pass(2000).await;
    }
    Ok(())
}

async fn republish(jetstream: &Context, stream: &str) -> Result<usize> {
    let stream = jetstream.get_stream(stream).await?;
    let last = stream.cached_info().state.last_sequence;
    let config = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        inactive_threshold: Duration::from_secs(30),
        ..pull::Config::default()
    };
    let mut messages = stream.create_consumer(config).await?.messages().await?;
    let mut sent = Vec::new();
    while let Ok(Some(message)) = tokio::time::timeout(Duration::from_secs(2), messages.next()).await {
        let message = message?;
        let at = message.info().map_err(anyhow::Error::from_boxed)?.stream_sequence;
        let mut headers = HeaderMap::new();
        for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
            let text: &str = name.as_ref();
            if text == "Nats-Msg-Id" {
                continue;
            }
            for value in values {
                headers.append(name.clone(), value.clone());
            }
        }
        headers.insert("Nats-Msg-Id", Uuid::now_v7().to_string());
        let message = message.message;
        sent.push(jetstream.publish_with_headers(message.subject, headers, message.payload).await?);
        if at >= last {
            break;
        }
    }
    let count = sent.len();
    for sent in sent {
        sent.await.context("NATS did not keep a message")?;
    }
    Ok(count)
}
