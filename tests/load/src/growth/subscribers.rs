//! More subscribers: each gets every event of every claim, as a message of its own from the public stream, or many in one
//! message of the feed. All keep their place on the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use async_nats::jetstream::Message;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::steady;
use crate::options::Options;
use crate::point::Measured;
use crate::shop::Shop;
use crate::stand::Stand;
use crate::{check, public};

/// Subscribers beside the driver, which is the first.
const COUNTS: [usize; 3] = [0, 9, 49];

/// Measures with 1, 10 and 50 of the public stream, with 50 of the feed, and with 1 again: the machine may have become
/// slower or faster meanwhile, and the feed is compared with both.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let events = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    let mut measured: Vec<Measured> = Vec::new();
    for count in COUNTS {
        while readers.len() < count {
            readers.push(reader(stand, "CLAIMS", readers.len(), &events).await?);
        }
        measured.push(steady(stand, shop).await?);
    }
    readers.iter().for_each(JoinHandle::abort);
    let (fed, events_fed) = fed(&stand.options).await?;
    let again = steady(stand, shop).await?;
    let rate = |at: usize| measured[at].claims_per_s;
    let cpu: Vec<_> = measured.iter().chain([&fed, &again]).map(|measured| &measured.cpu_ms_per_claim).collect();
    Ok(json!({
        "claims_per_s": rate(0), "claims_per_s_10": rate(1), "claims_per_s_50": rate(2), "claims_per_s_50_fed": fed.claims_per_s,
        "claims_per_s_again": again.claims_per_s,
        "ratio_10": rate(1) / rate(0), "ratio_50": rate(2) / rate(0), "ratio": fed.claims_per_s / f64::midpoint(rate(0), again.claims_per_s),
        "cpu_ms_per_claim": cpu, "events_read": events.load(Ordering::Relaxed), "events_read_fed": events_fed,
    }))
}

/// The same with 50 subscribers of the feed, on servers of its own: where nobody wants the feed, nobody writes it.
async fn fed(options: &Options) -> Result<(Measured, u64)> {
    let mut stand = Stand::start(&Options { feed: true, ..options.clone() }).await?;
    let shop = stand.open_shop("F", options.skus, options.lines).await?;
    let events = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    for number in 0..COUNTS[2] {
        readers.push(reader(&stand, "FEED", number, &events).await?);
    }
    let measured = steady(&stand, &shop).await?;
    let problems = check::check(&stand).await?;
    all_read(&stand, readers.len(), &events).await?;
    readers.iter().for_each(JoinHandle::abort);
    stand.stop().await?;
    ensure!(problems.is_empty(), "with subscribers of the feed: {problems:?}");
    Ok((measured, events.load(Ordering::Relaxed)))
}

/// Waits until every reader has every event: a feed that is not written costs nothing.
async fn all_read(stand: &Stand, readers: usize, events: &AtomicU64) -> Result<()> {
    let stream = chassis::topology::stream_name(stand.stack.prefix(), "CLAIMS");
    let stream = async_nats::jetstream::new(stand.nats.clone()).get_stream(stream).await?;
    let due = stream.cached_info().state.messages * readers as u64;
    for _ in 0..100 {
        if events.load(Ordering::Relaxed) == due {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("{} events of {due} were read in the feed", events.load(Ordering::Relaxed))
}

/// Somebody who reads all that a stream has.
async fn reader(stand: &Stand, stream: &str, number: usize, events: &Arc<AtomicU64>) -> Result<JoinHandle<()>> {
    let name = format!("load-reader-{number}");
    let url = stand.stack.nats_url_as(chassis::topology::OPERATOR)?;
    let client = chassis::connect_nats(&name, &url.into()).await?;
    let consumer = public::subscribe(&client, stand.stack.prefix(), stream, &name, Vec::new()).await?;
    let (events, fed) = (Arc::clone(events), stream == "FEED");
    Ok(tokio::spawn(public::read(consumer, move |message| {
        events.fetch_add(if fed { events_in(message) } else { 1 }, Ordering::Relaxed);
    })))
}

/// Events in a message of the feed, by its header: what an event says is not read here, as it is not in single ones.
fn events_in(message: &Message) -> u64 {
    let count = message.headers.as_ref().and_then(|headers| headers.get("Redress-Events"));
    count.and_then(|count| count.as_str().parse().ok()).unwrap_or(0)
}
