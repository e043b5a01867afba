//! More subscribers of the public stream: each gets every event of every claim. Durable ones keep their place on the
//! broker; live ones are plain subscriptions, and read what they miss from the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::steady;
use crate::public;
use crate::shop::Shop;
use crate::stand::Stand;

/// Subscribers beside the driver, which is the first.
const COUNTS: [usize; 3] = [0, 9, 49];

/// Measures with 1, 10 and 50, and with 50 that are live.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let events = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for count in COUNTS {
        while readers.len() < count {
            readers.push(durable(stand, readers.len(), &events).await?);
        }
        let measured = steady(stand, shop).await?;
        rates.push(measured.claims_per_s);
        costs.push(measured.cpu_ms_per_claim);
    }
    readers.iter().for_each(JoinHandle::abort);
    let (durably, mut readers) = (events.swap(0, Ordering::Relaxed), Vec::new());
    for number in 0..COUNTS[2] {
        readers.push(live(stand, number, &events).await?);
    }
    let lively = steady(stand, shop).await?;
    readers.iter().for_each(JoinHandle::abort);
    costs.push(lively.cpu_ms_per_claim);
    Ok(json!({
        "claims_per_s": rates[0], "claims_per_s_10": rates[1], "claims_per_s_50": rates[2],
        "claims_per_s_50_live": lively.claims_per_s,
        "ratio_10": rates[1] / rates[0], "ratio": rates[2] / rates[0], "ratio_live": lively.claims_per_s / rates[0],
        "cpu_ms_per_claim": costs, "events_read": durably, "events_read_live": events.load(Ordering::Relaxed),
    }))
}

async fn client(stand: &Stand, name: &str) -> Result<async_nats::Client> {
    let url = stand.stack.nats_url_as(chassis::topology::OPERATOR)?;
    chassis::connect_nats(name, &url.into()).await
}

async fn durable(stand: &Stand, number: usize, events: &Arc<AtomicU64>) -> Result<JoinHandle<()>> {
    let name = format!("load-reader-{number}");
    let consumer = public::subscribe(&client(stand, &name).await?, stand.stack.prefix(), &name, Vec::new()).await?;
    let events = Arc::clone(events);
    Ok(tokio::spawn(public::read(consumer, move |_| {
        events.fetch_add(1, Ordering::Relaxed);
    })))
}

async fn live(stand: &Stand, number: usize, events: &Arc<AtomicU64>) -> Result<JoinHandle<()>> {
    let client = client(stand, &format!("load-listener-{number}")).await?;
    let mut messages = client.subscribe(format!("{}.v1.claim.>", stand.stack.prefix())).await?;
    let events = Arc::clone(events);
    Ok(tokio::spawn(async move {
        // The connection lives as long as its subscription.
        let _client = client;
        while messages.next().await.is_some() {
            events.fetch_add(1, Ordering::Relaxed);
        }
    }))
}
