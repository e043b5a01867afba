//! More subscribers of the public stream: each gets every event of every claim.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use serde_json::{Value, json};

use super::steady;
use crate::public;
use crate::shop::Shop;
use crate::stand::Stand;

/// Subscribers beside the driver, which is the first.
const COUNTS: [usize; 3] = [0, 9, 49];

/// Measures with 1, 10 and 50.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let events = Arc::new(AtomicU64::new(0));
    let mut readers = Vec::new();
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for count in COUNTS {
        while readers.len() < count {
            let name = format!("load-reader-{}", readers.len());
            let url = stand.stack.nats_url_as(chassis::topology::OPERATOR)?;
            let client = chassis::connect_nats(&name, &url.into()).await?;
            let consumer = public::subscribe(&client, stand.stack.prefix(), &name, Vec::new()).await?;
            let events = Arc::clone(&events);
            readers.push(tokio::spawn(public::read(consumer, move |_| {
                events.fetch_add(1, Ordering::Relaxed);
            })));
        }
        let measured = steady(stand, shop).await?;
        rates.push(measured.claims_per_s);
        costs.push(measured.cpu_ms_per_claim);
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(json!({
        "claims_per_s": rates[0], "claims_per_s_10": rates[1], "claims_per_s_50": rates[2],
        "ratio_10": rates[1] / rates[0], "ratio": rates[2] / rates[0],
        "cpu_ms_per_claim": costs, "events_read": events.load(Ordering::Relaxed),
    }))
}
