//! One hot SKU against 10,000: everything about a SKU goes through one row of stock.

use anyhow::Result;
use serde_json::{Value, json};

use super::steady;
use crate::stand::Stand;

const SKUS: u32 = 10_000;

/// Measures both in turn.
pub async fn run(stand: &mut Stand) -> Result<Value> {
    let skus = if stand.options.quick { 50 } else { SKUS };
    let lines = stand.options.lines.max(skus);
    let many = stand.open_shop("M", skus, lines).await?;
    let hot = stand.open_shop("H", 1, lines).await?;
    let (mut spread, mut single) = (0.0, 0.0);
    // In turn, so that a change of the machine meets both.
    for _ in 0..2 {
        spread += steady(stand, &many).await?.claims_per_s / 2.0;
        single += steady(stand, &hot).await?.claims_per_s / 2.0;
    }
    Ok(json!({ "skus": skus, "claims_per_s": spread, "hot_claims_per_s": single, "ratio": single / spread }))
}
