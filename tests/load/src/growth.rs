//! The same load when something grows or breaks. Each part gives its figures with the ratio that the goal is stated in.

mod closed_claims;
mod deadlines;
mod hot_sku;
mod outage;
mod overload;
mod snapshot;
mod subscribers;

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;

use crate::options::{Growth, Point};
use crate::point::{self, Measured};
use crate::shop::Shop;
use crate::stand::Stand;

/// Claims in flight when things are compared, and in a quick run.
const STEADY: usize = 64;
const STEADY_QUICK: usize = 8;
/// Claims in flight when most are closed.
const PEAK: usize = 256;

/// Runs one part; gives its name and its figures.
pub async fn run(stand: &mut Stand, shop: &Arc<Shop>, what: Growth) -> Result<(&'static str, Value)> {
    Ok(match what {
        Growth::ClosedClaims => ("closed_claims", closed_claims::run(stand, shop).await?),
        Growth::HotSku => ("hot_sku", hot_sku::run(stand).await?),
        Growth::Subscribers => ("subscribers", subscribers::run(stand, shop).await?),
        Growth::Snapshot => ("snapshot", snapshot::run(stand, shop).await?),
        Growth::Deadlines => ("deadlines", deadlines::run(stand, shop).await?),
        Growth::Outage => ("outage", outage::run(stand, shop).await?),
        Growth::Overload => ("overload", overload::run(stand, shop).await?),
    })
}

/// Claims in flight when things are compared.
fn flights(stand: &Stand) -> usize {
    if stand.options.quick { STEADY_QUICK } else { STEADY }
}

/// The steady load once.
async fn steady(stand: &Stand, shop: &Arc<Shop>) -> Result<Measured> {
    stand.settle().await?;
    point::measure(stand, shop, Point::Closed(flights(stand)), None).await
}

/// Claims a second at the most.
async fn peak(stand: &Stand, shop: &Arc<Shop>) -> Result<f64> {
    stand.settle().await?;
    let flights = if stand.options.quick { STEADY_QUICK } else { PEAK };
    Ok(point::measure(stand, shop, Point::Closed(flights), None).await?.claims_per_s)
}
