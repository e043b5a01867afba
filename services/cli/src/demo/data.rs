//! The data of the demo, inside the program so that it runs from anywhere.
//!
//! Chen, D. (2015), Online Retail, UCI Machine Learning Repository, CC BY 4.0; see tests/data/README.md.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use jiff::civil::Date;
use proto::triage::OrderLine;

use crate::import::invoice::{self, Line};
use crate::import::orders;
use crate::import::report::Report;
use crate::import::shift::{self, Until};
use crate::import::stock::Goods;
use crate::import::{Form, dates};

/// Invoice lines of seven months: all that was sold to those who returned something.
pub const SALES: &[u8] = include_bytes!("../../../../tests/data/sales.csv");
/// Credit lines of the same months.
pub const RETURNS: &[u8] = include_bytes!("../../../../tests/data/returns.csv");
/// Currency of both.
pub const CURRENCY: &str = "GBP";
/// What comes first in their dates.
pub const DATES: dates::Order = dates::Order::Mdy;
/// The warehouse of the demo.
pub const WAREHOUSE: &str = "MAIN";

/// What is played.
pub struct Data {
    /// Sales.
    pub sales: Vec<u8>,
    /// Credit lines.
    pub returns: Vec<u8>,
    /// Their lines.
    pub credits: Vec<Line>,
    /// How the sales are to be read.
    pub sales_form: Form,
    /// How the credit lines are to be read.
    pub returns_form: Form,
}

impl Data {
    /// The first so many credit lines, or all, and the sales to their customers. Every date is moved by the same days, as if
    /// all of it was played: the last of them is today.
    pub fn of(lines: Option<usize>) -> Result<Self> {
        let (sales, mut credits) = (read(SALES)?, read(RETURNS)?);
        let days = shift::days(newest(&[&sales, &credits]), Some(Until::Today), &chassis::Clock::default());
        credits.truncate(lines.unwrap_or(usize::MAX));
        let customers: BTreeSet<&str> = credits.iter().map(|line| line.customer.as_str()).collect();
        let kept: Vec<&Line> = sales.iter().filter(|line| customers.contains(line.customer.as_str())).collect();
        let form = |newest: Option<Date>| Form {
            currency: CURRENCY.to_owned(),
            dates: Some(DATES),
            until: newest.map(|newest| Until::Day(shift::moved(newest, days))),
        };
        let sales_form = form(kept.iter().map(|line| line.day).max());
        let returns_form = form(newest(&[&credits]));
        let rows = |lines: &mut dyn Iterator<Item = u64>| lines.collect::<BTreeSet<u64>>();
        Ok(Self {
            sales: only(SALES, &rows(&mut kept.iter().map(|line| line.row)))?,
            returns: only(RETURNS, &rows(&mut credits.iter().map(|line| line.row)))?,
            credits,
            sales_form,
            returns_form,
        })
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Line>> {
    invoice::read(bytes, Some(DATES), &mut Report::new("demo"))
}

fn newest(files: &[&[Line]]) -> Option<Date> {
    files.iter().flat_map(|lines| lines.iter()).map(|line| line.day).max()
}

/// Some rows of a file, with its headings.
fn only(bytes: &[u8], rows: &BTreeSet<u64>) -> Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in reader.byte_records() {
        let record = record?;
        let row = record.position().map_or(0, csv::Position::line);
        if row == 1 || rows.contains(&row) {
            writer.write_byte_record(&record)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// A stock file made from the sales: of each article as many as were sold.
pub fn stock_file(sales: &[u8]) -> Result<Vec<u8>> {
    let mut articles: BTreeMap<String, Goods> = BTreeMap::new();
    for line in read(sales)? {
        let Ok(quantity) = u32::try_from(line.quantity) else { continue };
        let goods = articles.entry(line.sku.clone()).or_insert_with(|| Goods {
            sku: line.sku,
            description: String::new(),
            batch: String::new(),
            warehouse: WAREHOUSE.to_owned(),
            quantity: 0,
            document: String::new(),
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

/// Names an order line: order, article, line.
pub type Sold = (String, String, String);

/// Price paid per unit of each order line, in minor units: what the demo checks refunds with.
pub fn prices(lines: &[OrderLine]) -> BTreeMap<Sold, i64> {
    let key = |line: &OrderLine| (line.order_no.clone(), line.sku.clone(), line.line_id.clone());
    let price = |line: &OrderLine| orders::total(line).unwrap_or(0) / i64::from(line.quantity.max(1));
    lines.iter().map(|line| (key(line), price(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::orders::Wanted;
    use crate::import::{orders, stock};

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

    #[test]
    fn the_sales_give_what_was_counted_by_hand() {
        let data = Data::of(None).unwrap();
        assert_eq!((data.sales.as_slice().len(), data.credits.len()), (SALES.len(), 1_000));
        let mut report = Report::new("orders");
        let wanted = Wanted { form: data.sales_form, discounts: Vec::new(), existing: None };
        let entries = orders::read(&data.sales, &wanted, &mut report).unwrap();
        assert_eq!((report.read, report.rows.len()), (16_645, 0), "{:?}", report.rows.first());
        // What the prices check refunds with are whole pence.
        assert!(entries.iter().all(|entry| entry.value.unit_price.is_some()));
        let several = entries.iter().filter(|entry| !entry.value.line_id.is_empty()).count();
        assert_eq!((entries.len(), several), (16_404, 8));
    }

    #[test]
    fn a_part_has_the_same_days_as_the_whole() {
        let (all, part) = (Data::of(None).unwrap(), Data::of(Some(150)).unwrap());
        assert_eq!(part.credits[..], all.credits[..150]);
        assert!(part.sales.len() > 100_000 && part.sales.len() < all.sales.len() / 2 * 2, "{}", part.sales.len());
        let first = |data: &Data| {
            let form = &data.returns_form;
            crate::import::claims::read(&data.returns, "f", form, &mut Report::new("claims")).unwrap()[0].value.clone()
        };
        assert_eq!(first(&part).lines[0].occurred_on, first(&all).lines[0].occurred_on);
    }
}
