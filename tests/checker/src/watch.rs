//! Looks at the stack while the run goes on: what must be true at every moment is looked at in many moments (G4).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::inventory::GetAvailabilityResponse;

use crate::api::{Api, SERVICES};
use crate::gather::{self, Observed};
use crate::log::Log;

/// SKUs that are looked at in one round.
const SKUS: usize = 20;

/// Looks every other second, until it is dropped. What does not answer is not looked at.
pub async fn watch(api: Arc<Api>, log: Arc<Mutex<Log>>, observed: Arc<Mutex<Observed>>) {
    let mut round = 0;
    loop {
        let skus: Vec<String> = {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            gather::skus(&log).into_iter().collect()
        };
        for sku in skus.iter().cycle().skip(round * SKUS).take(SKUS.min(skus.len())) {
            if let Ok(told) = api.call(gather::availability(sku)).await {
                let wrong = over_promised(sku, &told);
                observed.lock().unwrap_or_else(PoisonError::into_inner).stock.extend(wrong);
            }
        }
        for service in SERVICES {
            let ask = proto::operations::ListParkedRequest { page_size: 500, page_token: String::new() };
            if let Ok(told) = api.call_at(service, ask).await {
                let rows = told.parked.into_iter().map(|row| (service.to_owned(), row.event_id));
                observed.lock().unwrap_or_else(PoisonError::into_inner).parked.extend(rows);
            }
        }
        round = if skus.is_empty() { 0 } else { (round + 1) % skus.len() };
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// Places where more is promised than there is.
pub fn over_promised(sku: &str, told: &GetAvailabilityResponse) -> Vec<String> {
    let wrong = told.stock.iter().filter(|stock| stock.reserved > stock.on_hand);
    let text = |stock: &proto::inventory::Stock| {
        let (on_hand, reserved) = (stock.on_hand, stock.reserved);
        format!("{sku} in {} {:?}: {reserved} reserved of {on_hand} on hand", stock.warehouse, stock.zone())
    };
    wrong.map(text).collect()
}
