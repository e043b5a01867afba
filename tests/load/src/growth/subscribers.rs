//! More subscribers of the public stream: each gets every event of every claim. Durable ones keep their place on the
//! broker. To learn where the time goes, as many are fed what one of them has gathered: a design that is not in Redress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
/// How long events are gathered for those who take many of them in one message.
const TURN: Duration = Duration::from_millis(20);
/// Where these messages are sent.
const FEED: &str = "load.feed";

/// Measures with 1, 10 and 50, and with 50 that are fed many events in one message.
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
        readers.push(fed(stand, number, &events).await?);
    }
    readers.push(feed(stand).await?);
    let feeding = steady(stand, shop).await?;
    readers.iter().for_each(JoinHandle::abort);
    costs.push(feeding.cpu_ms_per_claim);
    Ok(json!({
        "claims_per_s": rates[0], "claims_per_s_10": rates[1], "claims_per_s_50": rates[2],
        "claims_per_s_50_fed": feeding.claims_per_s,
        "ratio_10": rates[1] / rates[0], "ratio": rates[2] / rates[0], "ratio_fed": feeding.claims_per_s / rates[0],
        "cpu_ms_per_claim": costs, "events_read": durably, "events_read_fed": events.load(Ordering::Relaxed),
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

/// Reads as one subscriber, and sends on what has come in a turn as one message: a line for each event.
async fn feed(stand: &Stand) -> Result<JoinHandle<()>> {
    let client = client(stand, "load-feed").await?;
    let consumer = public::subscribe(&client, stand.stack.prefix(), "load-feed", Vec::new()).await?;
    let gathered = Arc::new(Mutex::new(Vec::new()));
    let from = Arc::clone(&gathered);
    tokio::spawn(public::read(consumer, move |message| {
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.extend_from_slice(&message.payload);
        gathered.push(b'\n');
    }));
    Ok(tokio::spawn(async move {
        let mut turns = tokio::time::interval(TURN);
        loop {
            turns.tick().await;
            let lines = std::mem::take(&mut *from.lock().unwrap_or_else(PoisonError::into_inner));
            if !lines.is_empty() && client.publish(FEED, lines.into()).await.is_err() {
                return;
            }
        }
    }))
}

async fn fed(stand: &Stand, number: usize, events: &Arc<AtomicU64>) -> Result<JoinHandle<()>> {
    let client = client(stand, &format!("load-fed-{number}")).await?;
    let mut messages = client.subscribe(FEED).await?;
    let events = Arc::clone(events);
    Ok(tokio::spawn(async move {
        // The connection lives as long as its subscription.
        let _client = client;
        while let Some(message) = messages.next().await {
            let lines = message.payload.iter().filter(|byte| **byte == b'\n').count();
            events.fetch_add(u64::try_from(lines).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }))
}
