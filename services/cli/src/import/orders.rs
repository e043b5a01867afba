//! Order facts: what was sold to whom, and what was paid for it.

mod lines;
mod paid;
mod recorded;

use std::collections::BTreeMap;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use proto::triage::{ListOrderFactsRequest, OrderFacts, OrderLine, RecordOrdersRequest};
use tonic::Request;

use super::report::Report;
use super::{Entry, Form, content_id, invoice, send, shift};
use crate::connect::{Clients, Session};

pub use paid::{of as paid_for, total};
pub use recorded::Existing;

/// Questions under way at once.
const AT_ONCE: usize = 16;

/// How the file is to be read.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its form.
    pub form: Form,
    /// Articles that stand for a discount on the invoice, besides those that are known.
    pub discounts: Vec<String>,
    /// What becomes of lines of which something else is recorded.
    pub existing: Option<Existing>,
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
    let rows = entries.iter().map(|entry| entry.rows.len() as u64).sum();
    let bar = session.output.progress(rows, "orders");
    let known = known(&entries, &session.clients).await?;
    // Lines whose dates were moved are those of another day each day: a guess about their day is none.
    let is_moved = report.days_moved != 0;
    let recorded::Settled { entries, versions, same } =
        recorded::settle(entries, &known, wanted.existing, is_moved, &mut report);
    let lines = entries.iter().map(|entry| entry.value.clone()).collect();
    let mut made = 0;
    let triage = session.clients.triage()?;
    let record = async |lines: Vec<OrderLine>| {
        let count = lines.len() as u64;
        let mut request = RecordOrdersRequest { request_id: String::new(), lines };
        // What was recorded, replaced, and is recorded again is another request than the first time.
        let rests_on: Vec<u32> =
            request.lines.iter().map(|line| versions.get(&recorded::key(line)).copied().unwrap_or(0)).collect();
        let content = serde_json::to_vec(&(&request, rests_on)).unwrap_or_default();
        request.request_id = content_id("orders", &content);
        triage.clone().record_orders(Request::new(request)).await?;
        made += count;
        Ok(())
    };
    report.taken += same.iter().map(|entry| entry.rows.len() as u64).sum::<u64>();
    report.taken += send(entries, &mut report, "lines", record, &bar).await?;
    report.made = made + same.len() as u64;
    if !same.is_empty() {
        report.notes.push(format!("{} of them were recorded before as they stand", same.len()));
    }
    bar.finish_and_clear();
    Ok(Imported { lines, report })
}

/// What is recorded of the orders of a file: the newest version of each line.
async fn known(entries: &[Entry<OrderLine>], clients: &Clients) -> Result<Vec<OrderFacts>> {
    let orders: std::collections::BTreeSet<&str> = entries.iter().map(|entry| entry.value.order_no.as_str()).collect();
    let facts = stream::iter(orders).map(|order_no| facts(order_no, clients)).buffer_unordered(AT_ONCE);
    let all: Vec<Vec<OrderFacts>> = facts.try_collect().await?;
    let mut newest: BTreeMap<recorded::Key, OrderFacts> = BTreeMap::new();
    for facts in all.into_iter().flatten() {
        let Some(line) = &facts.line else { continue };
        let key = recorded::key(line);
        if newest.get(&key).is_none_or(|known| known.version < facts.version) {
            newest.insert(key, facts);
        }
    }
    Ok(newest.into_values().collect())
}

async fn facts(order_no: &str, clients: &Clients) -> Result<Vec<OrderFacts>> {
    let mut request =
        ListOrderFactsRequest { page_size: 500, page_token: String::new(), order_no: order_no.to_owned() };
    let mut facts = Vec::new();
    loop {
        let page = clients.triage()?.list_order_facts(Request::new(request.clone())).await?.into_inner();
        facts.extend(page.facts);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(facts);
        }
    }
}

/// The order lines of a file.
pub fn read(bytes: &[u8], wanted: &Wanted, report: &mut Report) -> Result<Vec<Entry<OrderLine>>> {
    let form = &wanted.form;
    let mut lines = invoice::read(bytes, form.dates, report)?;
    let newest = lines.iter().map(|line| line.day).max();
    let days = shift::days(newest, form.until, &chassis::Clock::default());
    report.days_moved = days;
    for line in &mut lines {
        line.day = shift::moved(line.day, days);
        line.delivered = line.delivered.map(|day| shift::moved(day, days));
    }
    Ok(lines::of(lines, &form.currency, &wanted.discounts, report))
}

#[cfg(test)]
mod tests {
    use super::super::report::Kind;
    use super::*;

    pub(super) fn wanted(until: Option<&str>) -> Wanted {
        let until = until.map(|day| day.parse().unwrap());
        let form = Form { currency: "GBP".to_owned(), dates: None, until };
        Wanted { form, discounts: Vec::new(), existing: None }
    }

    pub(super) fn orders(text: &str, wanted: &Wanted) -> (Vec<Entry<OrderLine>>, Report) {
        let mut report = Report::new("orders");
        let file = format!("{}\n{text}", invoice::HEADINGS.join(","));
        let entries = read(file.as_bytes(), wanted, &mut report).unwrap();
        (entries, report)
    }

    #[test]
    fn lines_of_one_article_and_price_are_added_up() {
        let (entries, report) = orders(
            "1,A,x,6,1/12/2010,2.55,7,Germany\n1,A,x,4,1/12/2010,2.55,7,Germany\n2,A,x,1,5/12/2010,2.55,7,Germany\n",
            &wanted(Some("2026-11-22")),
        );
        assert_eq!(entries.len(), 2);
        let line = &entries[0].value;
        assert_eq!((line.quantity, line.unit_price.as_ref().unwrap().minor_units), (10, 255));
        assert_eq!(entries[0].rows, [2, 3]);
        assert_eq!((line.purchased_on.as_str(), entries[1].value.purchased_on.as_str()), ("2026-11-18", "2026-11-22"));
        assert!(report.rows.is_empty());
    }

    #[test]
    fn case_one_article_at_two_prices() {
        let (entries, report) = orders(
            "7002,ART-1,mug,2,2026-11-20,10.00,C1,United Kingdom\n7002,ART-1,mug,1,2026-11-20,7.00,C1,United Kingdom\n",
            &wanted(None),
        );
        let found: Vec<_> = entries
            .iter()
            .map(|Entry { value, .. }| (value.line_id.as_str(), value.quantity, paid::total(value).unwrap()))
            .collect();
        assert_eq!(found, [("", 2, 2_000), ("2", 1, 700)], "27.00 was paid");
        assert!(report.rows.is_empty(), "{:?}", report.rows);
    }

    #[test]
    fn case_unit_price_is_no_whole_penny() {
        let (entries, report) = orders("7001,ART-1,mug,10,2026-11-20,17.925,C1,United Kingdom\n", &wanted(None));
        let line = &entries[0].value;
        assert_eq!((line.quantity, line.paid_total.as_ref().unwrap().minor_units), (10, 17_925));
        assert!(line.unit_price.is_none() && report.rows.is_empty(), "{:?}", report.rows);
        // One alone is no amount of money.
        let (entries, report) = orders("7001,ART-1,mug,1,2026-11-20,17.925,C1,United Kingdom\n", &wanted(None));
        assert!(entries.is_empty());
        assert_eq!(report.rows[0].reason, "NOT_A_PRICE");
    }

    #[test]
    fn case_free_goods_can_be_faulty() {
        let (entries, report) = orders("7017,ART-1,gift,3,2026-11-20,0.00,C1,Germany\n", &wanted(None));
        assert_eq!((entries[0].value.quantity, paid::total(&entries[0].value)), (3, Some(0)));
        assert!(report.rows.is_empty());
        // What was written off is no sale.
        let (entries, report) = orders("1,A,,-5,1/12/2010,0,,United Kingdom\n", &wanted(None));
        assert!(entries.is_empty());
        assert_eq!((report.count(Kind::Skipped), report.count(Kind::Refused)), (1, 0));
    }

    #[test]
    fn case_currencies_without_pence() {
        let mut francs = wanted(None);
        francs.form.currency = "XOF".to_owned();
        let (entries, report) =
            orders("1,A,x,1,2026-11-20,9899,C1,Senegal\n1,B,x,1,2026-11-20,5000.5,C1,Senegal\n", &francs);
        assert_eq!((entries.len(), paid::total(&entries[0].value)), (1, Some(9_899)));
        assert_eq!((report.rows[0].row, report.rows[0].reason), (3, "NOT_A_PRICE"));
        assert!(report.rows[0].text.contains("XOF"), "{}", report.rows[0].text);
    }

    #[test]
    fn case_delivery_day_is_not_known() {
        let mut report = Report::new("orders");
        let file =
            format!("{},DeliveredOn\n1,A,x,1,2026-10-16,10,C1,Germany,2026-11-25\n", invoice::HEADINGS.join(","));
        let entries = read(file.as_bytes(), &wanted(None), &mut report).unwrap();
        assert_eq!(entries[0].value.delivered_on, "2026-11-25");
    }
}
