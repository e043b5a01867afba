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

/// Rounds of the feed: within minutes the machine becomes slower or faster by a tenth.
const ROUNDS: usize = 5;

/// Measures with 1, 10 and 50 of the public stream; then, in turn, with 50 of the feed and with the one again.
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
    leave(stand, readers).await?;
    let fed = Fed::open(&stand.options).await?;
    let rounds = if stand.options.quick { 1 } else { ROUNDS };
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        many.push(steady(&fed.stand, &fed.shop).await?);
        one.push(steady(stand, shop).await?);
    }
    let mut ratios: Vec<f64> = many.iter().zip(&one).map(|(many, one)| many.claims_per_s / one.claims_per_s).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let rates = |of: &[Measured]| of.iter().map(|measured| measured.claims_per_s).collect::<Vec<_>>();
    let cpu = |of: &[Measured]| of.iter().map(|measured| json!(measured.cpu_ms_per_claim)).collect::<Vec<_>>();
    let rate = |at: usize| measured[at].claims_per_s;
    Ok(json!({
        "claims_per_s": rates(&measured), "ratio_10": rate(1) / rate(0), "ratio_50": rate(2) / rate(0),
        "claims_per_s_50_fed": rates(&many), "claims_per_s_1": rates(&one), "ratios": ratios, "ratio": ratios[ratios.len() / 2],
        "cpu_ms_per_claim": cpu(&measured), "cpu_ms_per_claim_50_fed": cpu(&many), "cpu_ms_per_claim_1": cpu(&one),
        "events_read": events.load(Ordering::Relaxed), "events_read_fed": fed.close().await?,
    }))
}

/// Fifty subscribers of the feed, on servers of their own: where nobody wants the feed, nobody writes it.
struct Fed {
    stand: Stand,
    shop: Arc<Shop>,
    readers: Vec<JoinHandle<()>>,
    events: Arc<AtomicU64>,
}

impl Fed {
    async fn open(options: &Options) -> Result<Self> {
        let mut stand = Stand::start(&Options { feed: true, ..options.clone() }).await?;
        let shop = stand.open_shop("F", options.skus, options.lines).await?;
        let events = Arc::new(AtomicU64::new(0));
        let mut readers = Vec::new();
        for number in 0..COUNTS[2] {
            readers.push(reader(&stand, "FEED", number, &events).await?);
        }
        Ok(Self { stand, shop, readers, events })
    }

    /// Ends when everything has been read; gives the number of events.
    async fn close(self) -> Result<u64> {
        let problems = check::check(&self.stand).await?;
        all_read(&self.stand, self.readers.len(), &self.events).await?;
        self.readers.iter().for_each(JoinHandle::abort);
        self.stand.stop().await?;
        ensure!(problems.is_empty(), "with subscribers of the feed: {problems:?}");
        Ok(self.events.load(Ordering::Relaxed))
    }
}

/// Readers of the public stream leave, and their places on the broker with them: they would cost it something.
async fn leave(stand: &Stand, readers: Vec<JoinHandle<()>>) -> Result<()> {
    let stream = public::stream(&stand.nats, stand.stack.prefix(), "CLAIMS").await?;
    for (number, reader) in readers.into_iter().enumerate() {
        reader.abort();
        stream.delete_consumer(&name(number)).await?;
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("load-reader-{number}")
}

/// Waits until every reader has every event: a feed that is not written costs nothing.
async fn all_read(stand: &Stand, readers: usize, events: &AtomicU64) -> Result<()> {
    let stream = public::stream(&stand.nats, stand.stack.prefix(), "CLAIMS").await?;
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
    let name = name(number);
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
