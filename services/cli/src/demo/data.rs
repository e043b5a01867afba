//! The data of the demo, inside the program so that it runs from anywhere.
//!
//! Chen, D. (2015), Online Retail, UCI Machine Learning Repository, CC BY 4.0; see tests/data/README.md.

use std::collections::BTreeMap;

use anyhow::Result;
use proto::triage::OrderLine;

use crate::import::invoice;
use crate::import::report::Report;
use crate::import::stock::Goods;

/// Invoice lines of five days.
pub const SALES: &[u8] = include_bytes!("../../../../tests/data/sales.csv");
/// Credit lines of the same five days.
pub const RETURNS: &[u8] = include_bytes!("../../../../tests/data/returns.csv");
/// Currency of both.
pub const CURRENCY: &str = "GBP";
/// The warehouse of the demo.
pub const WAREHOUSE: &str = "MAIN";

/// A stock file made from the sales: of each article as many as were sold.
pub fn stock_file(sales: &[u8]) -> Result<Vec<u8>> {
    let mut articles: BTreeMap<String, Goods> = BTreeMap::new();
    for line in invoice::read(sales, CURRENCY, &mut Report::new("stock"))? {
        let Ok(quantity) = u32::try_from(line.quantity) else { continue };
        let goods = articles.entry(line.sku.clone()).or_insert_with(|| Goods {
            sku: line.sku,
            description: String::new(),
            batch: String::new(),
            warehouse: WAREHOUSE.to_owned(),
            quantity: 0,
        });
        goods.quantity = goods.quantity.saturating_add(quantity);
        if goods.description.is_empty() {
            goods.description = line.description;
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    articles.values().try_for_each(|goods| writer.serialize(goods))?;
    Ok(writer.into_inner()?)
}

/// Price paid per unit of each order line, in minor units: what the demo checks refunds with.
pub fn prices(lines: &[OrderLine]) -> BTreeMap<(String, String), i64> {
    let price = |line: &OrderLine| line.unit_price.as_ref().map_or(0, |price| price.minor_units);
    lines.iter().map(|line| ((line.order_no.clone(), line.sku.clone()), price(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::stock;

    #[test]
    fn every_sold_article_is_in_the_stock_file() {
        let file = stock_file(SALES).unwrap();
        let mut report = Report::new("stock");
        let goods = stock::read(&file, &mut report).unwrap();
        assert!(report.rows.is_empty());
        let units: u64 = goods.iter().map(|entry| u64::from(entry.value.quantity)).sum();
        assert_eq!(goods.iter().filter(|entry| entry.value.sku == "85123A").count(), 1);
        assert!(goods.len() > 1_900 && units > 80_000, "{} articles, {units} units", goods.len());
    }
}
