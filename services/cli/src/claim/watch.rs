//! `redress claim watch`: the public stream of one claim, as any subscriber reads it.

use anyhow::{Context as _, Result};
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures::StreamExt;
use proto::claim::claim_event::Kind;
use proto::claim::{ClaimEvent, ClaimState, WaitingFor};

use super::{get, timeline};
use crate::connect::Session;
use crate::exit::Failure;
use crate::output;
use crate::words::plain;

/// Follows a claim until it has ended.
pub async fn run(name: &str, session: &Session) -> Result<()> {
    let claim = get(name, session).await?;
    let prefix = &session.installation.prefix;
    let nats = session.nats(chassis::topology::OBSERVER).await?;
    let jetstream = async_nats::jetstream::new(nats);
    let stream = chassis::topology::stream_name(prefix, "CLAIMS");
    let stream = jetstream.get_stream(&stream).await.context("the public stream cannot be read")?;
    let consumer = stream
        .create_consumer(pull::OrderedConfig {
            filter_subject: format!("{prefix}.v1.claim.{}.*", claim.claim_id),
            deliver_policy: DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        })
        .await?;
    let mut messages = consumer.messages().await?;
    let mut number = 0;
    while let Some(message) = messages.next().await {
        let message = message.context("the public stream has ended")?;
        let event: ClaimEvent = serde_json::from_slice(&message.payload)?;
        // Delivered at least once: the number tells what is new.
        if event.number <= number {
            continue;
        }
        number = event.number;
        show(&event, session)?;
        if matches!(event.kind, Some(Kind::Ended(_))) {
            return Ok(());
        }
    }
    Err(Failure::Unavailable("the broker has gone".to_owned()).into())
}

fn show(event: &ClaimEvent, session: &Session) -> Result<()> {
    if session.output.is_json() {
        return output::json(event);
    }
    let what = event.kind.as_ref().map(timeline::describe).unwrap_or_default();
    let state = plain::<ClaimState>(event.state);
    let waits = match plain::<WaitingFor>(event.waiting_for) {
        waits if waits.is_empty() => String::new(),
        waits => format!(", waits for {waits}"),
    };
    let at = output::time(event.occurred_at.as_ref());
    output::line(format!("{at} {:>3} {what} [{state}{waits}]", event.number))
}
