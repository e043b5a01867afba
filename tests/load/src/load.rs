//! Load: a closed loop, in which the next claim waits for one to end, and an open one, in which claims arrive by a fixed
//! schedule. In the open loop latency counts from the scheduled time: a claim that is late because others were slow is
//! slow itself (no coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::{JoinHandle, JoinSet};

use crate::driver::{Driver, Record};
use crate::shop::Shop;

/// Load that runs until it is ended.
pub struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<Record>>,
}

impl Load {
    /// So many claims in flight.
    pub fn closed(driver: &Driver, shop: &Arc<Shop>, flights: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut slots = JoinSet::new();
        for _ in 0..flights {
            let (driver, shop, stop) = (driver.clone(), Arc::clone(shop), Arc::clone(&stop));
            slots.spawn(async move {
                let mut records = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let record = driver.fly(&shop, Instant::now(), false).await;
                    if record.acked.is_none() {
                        // Refused for good, and told so: the loop must not spin.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    records.push(record);
                }
                records
            });
        }
        Self { stop, task: tokio::spawn(async move { slots.join_all().await.concat() }) }
    }

    /// So many claims a second. With `shed`, what is refused because too much waits is given up.
    pub fn open(driver: &Driver, shop: &Arc<Shop>, rate: f64, shed: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (driver, shop, ended) = (driver.clone(), Arc::clone(shop), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            let mut flights = JoinSet::new();
            let mut records = Vec::new();
            for n in 0_u32.. {
                let scheduled = begun + Duration::from_secs_f64(f64::from(n) / rate);
                tokio::time::sleep_until(scheduled.into()).await;
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let (driver, shop) = (driver.clone(), Arc::clone(&shop));
                flights.spawn(async move { driver.fly(&shop, scheduled, shed).await });
                while let Some(record) = flights.try_join_next() {
                    records.extend(record);
                }
            }
            records.extend(flights.join_all().await);
            records
        });
        Self { stop, task }
    }

    /// Ends it, and waits for what is under way.
    pub async fn end(self) -> Result<Vec<Record>> {
        self.quit();
        Ok(self.task.await?)
    }

    /// Begins no more claims; those under way go on.
    pub fn quit(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
