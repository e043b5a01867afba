//! Order facts: what was sold to whom at what price.

use std::collections::BTreeMap;

use anyhow::Result;
use proto::claim::Money;
use proto::triage::{OrderLine, RecordOrdersRequest};
use tonic::Request;

use super::invoice::{self, Line};
use super::report::{Kind, Report};
use super::shift::{self, Until};
use super::{Entry, content_id, send};
use crate::connect::Session;

/// How the file is to be read.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Currency of its prices.
    pub currency: String,
    /// The day its newest date is moved to.
    pub until: Option<Until>,
}

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The order lines.
    pub lines: Vec<OrderLine>,
    /// About the rows.
    pub report: Report,
}

/// Records the sales of a file as order facts.
pub async fn import(bytes: &[u8], wanted: &Wanted, session: &Session) -> Result<Imported> {
    let mut report = Report::new("orders");
    let entries = read(bytes, wanted, &mut report)?;
    let lines = entries.iter().map(|entry| entry.value.clone()).collect();
    let rows = entries.iter().map(|entry| entry.rows.len() as u64).sum();
    let bar = session.output.progress(rows, "orders");
    let mut made = 0;
    let triage = session.clients.triage()?;
    let record = async |lines: Vec<OrderLine>| {
        let count = lines.len() as u64;
        let mut request = RecordOrdersRequest { request_id: String::new(), lines };
        request.request_id = content_id("orders", &serde_json::to_vec(&request).unwrap_or_default());
        triage.clone().record_orders(Request::new(request)).await?;
        made += count;
        Ok(())
    };
    report.taken = send(entries, &mut report, "lines", record, &bar).await?;
    report.made = made;
    bar.finish_and_clear();
    Ok(Imported { lines, report })
}

/// The order lines of a file.
pub fn read(bytes: &[u8], wanted: &Wanted, report: &mut Report) -> Result<Vec<Entry<OrderLine>>> {
    let lines = invoice::read(bytes, &wanted.currency, report)?;
    let newest = lines.iter().map(|line| line.day).max();
    let days = shift::days(newest, wanted.until, &chassis::Clock::default());
    report.days_moved = days;
    let mut orders: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for line in lines {
        if line.quantity < 1 || line.price <= 0 {
            report.add(line.row, Kind::Skipped, "NOT_A_SALE", format!("{} units at {}", line.quantity, line.price));
            continue;
        }
        orders.entry((line.invoice.clone(), line.sku.clone())).or_default().push(line);
    }
    Ok(orders.into_values().filter_map(|lines| order_line(&lines, days, &wanted.currency, report)).collect())
}

/// One order line of all lines of an invoice with the same article.
fn order_line(lines: &[Line], days: i64, currency: &str, report: &mut Report) -> Option<Entry<OrderLine>> {
    let rows: Vec<u64> = lines.iter().map(|line| line.row).collect();
    let first = lines.first()?;
    let price = lines.iter().map(|line| line.price).min()?;
    if lines.iter().any(|line| line.price != price) {
        report.rows_add(&rows, Kind::Noted, "PRICES_DIFFER", "the lowest price of this article on this invoice counts");
    }
    if lines.iter().any(|line| line.customer != first.customer) {
        report.rows_add(&rows, Kind::Refused, "CUSTOMERS_DIFFER", "one invoice has several customers");
        return None;
    }
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.quantity));
    let Some(quantity) = sum.and_then(|sum| u32::try_from(sum).ok()) else {
        report.rows_add(&rows, Kind::Refused, "TOO_MANY_UNITS", "the units of this order line are too many");
        return None;
    };
    let value = OrderLine {
        order_no: first.invoice.clone(),
        sku: first.sku.clone(),
        customer_ref: first.customer.clone(),
        quantity,
        unit_price: Some(Money { minor_units: price, currency: currency.to_owned() }),
        purchased_on: shift::moved(first.day, days).to_string(),
        delivered_on: String::new(),
        ..OrderLine::default()
    };
    Some(Entry { rows, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> (Vec<Entry<OrderLine>>, Report) {
        let mut report = Report::new("orders");
        let wanted = Wanted { currency: "GBP".to_owned(), until: Some("2026-11-22".parse().unwrap()) };
        let entries =
            read(format!("{}\n{text}", invoice::HEADINGS.join(",")).as_bytes(), &wanted, &mut report).unwrap();
        (entries, report)
    }

    #[test]
    fn lines_of_one_article_are_added_up_at_the_lowest_price() {
        let (entries, report) = orders(
            "1,A,x,6,1/12/2010,2.55,7,Germany\n1,A,x,4,1/12/2010,2.50,7,Germany\n2,A,x,1,5/12/2010,2.55,7,Germany\n",
        );
        assert_eq!(entries.len(), 2);
        let line = &entries[0].value;
        assert_eq!((line.quantity, line.unit_price.as_ref().unwrap().minor_units), (10, 250));
        assert_eq!(entries[0].rows, [2, 3]);
        assert_eq!((line.purchased_on.as_str(), entries[1].value.purchased_on.as_str()), ("2026-11-18", "2026-11-22"));
        assert_eq!(report.count(Kind::Noted), 2);
    }

    #[test]
    fn what_is_no_sale_is_skipped() {
        let (entries, report) = orders("1,A,,-5,1/12/2010,0,,United Kingdom\n1,B,,5,1/12/2010,0,,United Kingdom\n");
        assert!(entries.is_empty());
        assert_eq!(report.count(Kind::Skipped), 2);
        assert_eq!(report.count(Kind::Refused), 0);
    }

    #[test]
    fn the_shipped_sales_give_what_was_counted_by_hand() {
        let mut report = Report::new("orders");
        let wanted = Wanted { currency: "GBP".to_owned(), until: None };
        let entries = read(crate::demo::SALES, &wanted, &mut report).unwrap();
        assert_eq!((report.read, report.count(Kind::Skipped), report.count(Kind::Refused)), (9_899, 46, 0));
        assert_eq!(entries.len(), 9_507);
        let differ: std::collections::BTreeSet<_> = entries
            .iter()
            .filter(|entry| report.rows.iter().any(|row| row.kind == Kind::Noted && entry.rows.contains(&row.row)))
            .map(|entry| (&entry.value.order_no, &entry.value.sku))
            .collect();
        assert_eq!(differ.len(), 15);
    }
}
