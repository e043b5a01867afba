//! A subscriber of the public stream that is slow, then stops, then comes back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, Message};
use chassis::topology::OBSERVER;
use futures::StreamExt;
use local::stack::PREFIX;

use super::{Act, Fault, Stage};

pub(super) const FAULTS: [Fault; 1] = [Fault::new(
    "F16",
    "a subscriber reads one event a second, stops, and comes back",
    "G5 G16",
    Act::Do(|stage| Box::pin(slow(stage))),
)];

async fn slow(stage: &mut Stage) -> Result<()> {
    stage.begin("slow subscriber")?;
    let client = chassis::connect_nats("slow", &stage.rig.nats_url(OBSERVER)?.into()).await?;
    let jetstream = jetstream::new(client);
    let config = pull::Config {
        durable_name: Some("slow".to_owned()),
        filter_subject: format!("{PREFIX}.v1.claim.>"),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(60),
        max_ack_pending: 1,
        ..pull::Config::default()
    };
    let stream = format!("{}_CLAIMS", PREFIX.to_uppercase());
    let consumer = jetstream.create_consumer_on_stream(config, &stream).await?;
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    let begun = Instant::now();
    while stage.goes_on(begun, 10) {
        let mut batch = consumer.fetch().max_messages(1).messages().await?;
        if let Some(message) = batch.next().await {
            take(&message.map_err(anyhow::Error::from_boxed)?, &mut numbers).await?;
        }
        stage.pass(1000).await;
    }
    // Away, with nothing acknowledged; then back, and as fast as it can.
    stage.pass(5000).await;
    stage.end("slow subscriber")?;
    loop {
        let mut batch = consumer.fetch().max_messages(1).messages().await?;
        match batch.next().await {
            Some(message) => take(&message.map_err(anyhow::Error::from_boxed)?, &mut numbers).await?,
            None if stage.is_over() => break,
            None => stage.pass(200).await,
        }
    }
    ensure!(!numbers.is_empty(), "the subscriber heard nothing");
    Ok(())
}

/// Numbers of a claim go up one by one; an earlier one may come again.
async fn take(message: &Message, numbers: &mut BTreeMap<String, u64>) -> Result<()> {
    let headers = message.headers.as_ref().context("an event has no headers")?;
    let header = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    let claim = header("ce-subject").context("an event names no claim")?;
    let number: u64 = header("ce-sequence").context("an event has no number")?.parse()?;
    let heard = numbers.entry(claim.clone()).or_default();
    ensure!(number <= *heard + 1, "G5: a slow subscriber heard {number} of claim {claim} after {heard}");
    *heard = number.max(*heard);
    message.ack().await.map_err(anyhow::Error::from_boxed)
}
