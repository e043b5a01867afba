//! Three times the peak (L11): what is refused is refused at once and stays out, what is accepted is closed, and soon
//! after the end everything is as before.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::peak;
use crate::bench::say;
use crate::driver::Record;
use crate::load::Load;
use crate::point::Window;
use crate::shop::Shop;
use crate::stand::Stand;

const HOLD_SECONDS: u64 = 60;
/// Longest that the recovery is looked for.
const AFTER_SECONDS: u64 = 60;
const TIMES: f64 = 3.0;
/// Normal: the median of a second is at most so many times that of before.
const NORMAL: f64 = 3.0;
/// So many seconds in a row: what the machine does to a single one much later is not of the overload.
const IN_A_ROW: usize = 10;

/// Measures before, during and after.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>) -> Result<Value> {
    let peak = peak(stand, shop).await?;
    let half = (peak / 2.0).max(1.0);
    let seconds = (stand.options.seconds as f64).clamp(2.0, 20.0);
    let hold = stand.options.hold.unwrap_or(HOLD_SECONDS) as f64;
    let after = if stand.options.quick { 3 } else { AFTER_SECONDS };
    stand.settle().await?;
    let calm = Load::open(&stand.driver, shop, half, false);
    let begun = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let before = calm.end().await?;
    let normal = Window::new(begun, seconds).latencies(&before).1;

    let shed = stand.driver.tally().shed.load(Ordering::Relaxed);
    let overload = Load::open(&stand.driver, shop, peak * TIMES, true);
    let window = Window::new(Instant::now(), hold);
    tokio::time::sleep(Duration::from_secs_f64(hold)).await;
    overload.quit();
    let waiting = stand.driver.tally().in_flight();
    say(&format!("the overload is over; {waiting} claims are under way"));
    // At once, while what was accepted is still worked on.
    let calm = Load::open(&stand.driver, shop, half, false);
    let ended = Instant::now();
    tokio::time::sleep(Duration::from_secs(after)).await;
    let later = calm.end().await?;
    let records = overload.end().await?;
    let shed = stand.driver.tally().shed.load(Ordering::Relaxed) - shed;
    let goodput = window.rate(&records);
    let accepted = records.iter().filter(|record| record.acked.is_some()).count();
    let medians: Vec<_> = (0..after).map(|second| median(&later, ended, second)).collect();
    let closed = records.iter().filter(|record| record.ended.is_some()).count();
    Ok(json!({
        "peak_claims_per_s": peak, "offered_per_s": peak * TIMES, "seconds": hold,
        "goodput_per_s": goodput, "ratio": goodput / peak,
        "accepted": accepted, "closed": closed, "refused": shed, "in_flight_at_the_end": waiting,
        "closed_ms_p50_normal": normal.p50, "closed_ms_p50": window.latencies(&records).1.p50,
        "normal_again_s": normal_again(&medians, normal.p50), "looked_for_s": after,
        "closed_ms_p50_of_seconds_after": medians.iter().map(|median| median.map(f64::round)).collect::<Vec<_>>(),
    }))
}

/// The median of what was to be submitted in a second afterwards; none: nothing of it was closed, which tells nothing good.
fn median(records: &[Record], ended: Instant, second: u64) -> Option<f64> {
    let window = Window::new(ended + Duration::from_secs(second), 1.0);
    window.scheduled(records).find_map(|record| record.ended)?;
    Some(window.latencies(records).1.p50)
}

/// The first second from which on the medians of some seconds in a row are normal; none: that never was.
fn normal_again(medians: &[Option<f64>], p50: f64) -> Option<usize> {
    let is_normal = |median: &Option<f64>| median.is_some_and(|median| median <= p50 * NORMAL);
    (0..medians.len()).find(|second| medians[*second..].iter().take(IN_A_ROW).all(is_normal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_before_when_some_seconds_in_a_row_are() {
        let slow_in = |slow: &[usize]| -> Vec<_> {
            (0..60).map(|second| Some(if slow.contains(&second) { 3.1 } else { 3.0 })).collect()
        };
        assert_eq!(normal_again(&slow_in(&[]), 1.0), Some(0));
        assert_eq!(normal_again(&slow_in(&[0, 1, 5, 56]), 1.0), Some(6), "a second much later tells nothing");
        assert_eq!(normal_again(&slow_in(&[9, 18, 27, 36, 45, 54, 59]), 1.0), None);
        assert_eq!(normal_again(&[None, Some(1.0), None], 1.0), None, "nothing closed is nothing good");
    }
}
