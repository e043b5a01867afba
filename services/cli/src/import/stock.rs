//! Goods into stock: articles are registered and received into the qualified zone of their warehouse. Every row is taken, or
//! named with a reason; the good ones are taken.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use proto::inventory::{GoodsLine, ReceiveGoodsRequest, RegisterSkusRequest, RegisterWarehouseRequest, Sku, Zone};
use serde::{Deserialize, Serialize};
use tonic::Request;

use super::report::{Kind, Report};
use super::{BATCH, Entry, Refusal, content_id, invoice, refusal, send, units};
use crate::connect::{Session, fresh_id};
use crate::output::short;

/// Columns of the file. `document` may be there, too.
pub const HEADINGS: [&str; 5] = ["sku", "description", "batch", "warehouse", "quantity"];

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Goods {
    /// Stock-keeping unit.
    pub sku: String,
    /// Description; may be empty.
    pub description: String,
    /// Batch; may be empty.
    pub batch: String,
    /// Warehouse.
    pub warehouse: String,
    /// Units.
    pub quantity: u32,
    /// Number of the delivery note; empty: the file is the delivery.
    pub document: String,
}

#[derive(Deserialize)]
struct Raw {
    sku: String,
    description: String,
    batch: String,
    warehouse: String,
    quantity: String,
    #[serde(default)]
    document: String,
}

/// Registers the articles of a file and receives them; `register`: the country of warehouses that are registered first.
pub async fn import(bytes: &[u8], register: Option<&str>, session: &Session) -> Result<Report> {
    let mut report = Report::new("stock");
    let mut entries = read(bytes, &mut report)?;
    if let Some(country) = register {
        let bad = register_warehouses(&entries, country, session).await?;
        entries.retain(|Entry { rows, value }| {
            bad.get(&value.warehouse).is_none_or(|why| {
                report.rows_add(
                    rows,
                    Kind::Refused,
                    why.reason,
                    &format!("warehouse {:?}: {}", value.warehouse, why.text),
                );
                false
            })
        });
    }
    let refused = register_skus(&entries, &mut report, session).await?;
    entries.retain(|entry| !refused.contains(&entry.value.sku) && entry.value.quantity > 0);
    let file = content_id("stock file", bytes);
    let bar = session.output.progress(entries.len() as u64, "stock");
    let inventory = session.clients.inventory()?;
    let (mut made, mut repeated) = (0, Vec::new());
    for ((warehouse, document), lines) in deliveries(entries, &file) {
        let receive = async |lines: Vec<GoodsLine>| {
            let count = lines.len() as u64;
            let request = ReceiveGoodsRequest {
                // The document names the delivery: told again, it is said to be one that is known.
                request_id: fresh_id(),
                warehouse: warehouse.clone(),
                zone: Zone::Qualified.into(),
                document: document.clone(),
                lines,
            };
            if inventory.clone().receive_goods(Request::new(request)).await?.into_inner().repeated {
                repeated.push(document.clone());
            } else {
                made += count;
            }
            Ok(())
        };
        report.taken += send(lines, &mut report, "lines", receive, &bar).await?;
    }
    report.made = made;
    bar.finish_and_clear();
    report.notes.extend(
        repeated.iter().map(|document| {
            format!("{document:?} was booked before with the same goods: nothing of it was booked now")
        }),
    );
    if report.taken > 0 && report.count(Kind::Refused) > 0 {
        report.notes.push(
            "what was taken is in stock: import the refused rows, mended, in a file of their own, or the others come twice".to_owned(),
        );
    }
    Ok(report)
}

/// What arrives at a warehouse under one document. The id of the file names a delivery without a document of its own: the
/// same goods in another file are other goods. A document is one request, so a long one is told in several parts.
fn deliveries(entries: Vec<Entry<Goods>>, file: &str) -> BTreeMap<(String, String), Vec<Entry<GoodsLine>>> {
    let mut found: BTreeMap<(String, String), Vec<Entry<GoodsLine>>> = BTreeMap::new();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for Entry { rows, value } in entries {
        let document = if value.document.is_empty() { format!("import {file}") } else { value.document };
        let count = counts.entry((value.warehouse.clone(), document.clone())).or_default();
        let part = *count / BATCH;
        *count += 1;
        let document = if part == 0 { document } else { format!("{document} ({})", part + 1) };
        let line = GoodsLine { sku: value.sku, batch: value.batch, quantity: value.quantity };
        found.entry((value.warehouse, document)).or_default().push(Entry { rows, value: line });
    }
    found
}

/// The rows of a file.
pub fn read(bytes: &[u8], report: &mut Report) -> Result<Vec<Entry<Goods>>> {
    let mut reader = invoice::reader(bytes, &HEADINGS)?;
    let mut entries = Vec::new();
    let mut rows = reader.deserialize::<Raw>();
    loop {
        let row = rows.reader().position().line();
        let Some(raw) = rows.next() else { return Ok(entries) };
        report.read += 1;
        match raw.map_err(|error| ("NOT_A_ROW", error.to_string())).and_then(goods) {
            Ok(value) => {
                if value.quantity == 0 {
                    report.add(row, Kind::Noted, "NO_UNITS", "the article is registered, nothing is received");
                }
                entries.push(Entry { rows: vec![row], value });
            }
            Err((reason, text)) => report.add(row, Kind::Refused, reason, text),
        }
    }
}

fn goods(raw: Raw) -> Result<Goods, (&'static str, String)> {
    if raw.sku.is_empty() || raw.warehouse.is_empty() {
        return Err(("FIELD_MISSING", "sku or warehouse is empty".to_owned()));
    }
    let units = units::whole(&raw.quantity).map_err(|why| ("NOT_A_NUMBER", why))?;
    let quantity = u32::try_from(units).map_err(|_| ("NOT_A_NUMBER", format!("quantity {units} cannot arrive")))?;
    let Raw { sku, description, batch, warehouse, document, .. } = raw;
    Ok(Goods { sku, description, batch, warehouse, quantity, document })
}

/// Registers the warehouses of a file; gives those that cannot be, and why.
async fn register_warehouses(
    entries: &[Entry<Goods>],
    country: &str,
    session: &Session,
) -> Result<BTreeMap<String, Refusal>> {
    let warehouses: BTreeSet<&str> = entries.iter().map(|entry| entry.value.warehouse.as_str()).collect();
    let mut bad = BTreeMap::new();
    for warehouse in warehouses {
        let request = RegisterWarehouseRequest {
            request_id: content_id("warehouse", format!("{warehouse} {country}").as_bytes()),
            warehouse: warehouse.to_owned(),
            country: country.to_owned(),
            custodian: String::new(),
        };
        if let Err(status) = session.clients.inventory()?.register_warehouse(Request::new(request)).await {
            // A country that is none is nobody's row.
            let why = refusal(&status).filter(|why| !why.text.starts_with("country"));
            bad.insert(warehouse.to_owned(), why.ok_or(status)?);
        }
    }
    Ok(bad)
}
/// Registers each article once; gives those that were refused.
async fn register_skus(entries: &[Entry<Goods>], report: &mut Report, session: &Session) -> Result<BTreeSet<String>> {
    let mut skus: BTreeMap<&str, Entry<Sku>> = BTreeMap::new();
    for Entry { rows, value } in entries {
        let description = short(&value.description, 200);
        let entry = skus.entry(&value.sku).or_insert_with(|| Entry {
            rows: Vec::new(),
            value: Sku { sku: value.sku.clone(), description: String::new() },
        });
        entry.rows.extend(rows);
        if entry.value.description.is_empty() {
            entry.value.description = description;
        }
    }
    let mut taken = BTreeSet::new();
    let inventory = session.clients.inventory()?;
    let register = async |skus: Vec<Sku>| {
        let names: Vec<String> = skus.iter().map(|sku| sku.sku.clone()).collect();
        let mut request = RegisterSkusRequest { request_id: String::new(), skus };
        request.request_id = content_id("skus", &serde_json::to_vec(&request).unwrap_or_default());
        inventory.clone().register_skus(Request::new(request)).await?;
        taken.extend(names);
        Ok(())
    };
    let all: BTreeSet<String> = skus.keys().map(|sku| (*sku).to_owned()).collect();
    let bar = session.output.progress(entries.len() as u64, "articles");
    send(skus.into_values().collect(), report, "skus", register, &bar).await?;
    bar.finish_and_clear();
    Ok(all.difference(&taken).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_one_bad_row_ends_the_stock_import() {
        let mut report = Report::new("stock");
        let text = "sku,description,batch,warehouse,quantity,document\nA,Lamp,,MAIN,5.0,LS-1\nB,,,,5,\nC,,,MAIN,-1,\nD,,B7,MAIN,0,\n\
                    E,,,MAIN,2.5,\nF,,,MAIN,\"1,000\",\nG,,,MAIN\n";
        let entries = read(text.as_bytes(), &mut report).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].value.quantity, entries[0].value.document.as_str()), (5, "LS-1"));
        assert_eq!(entries[1].value.batch, "B7");
        let found: Vec<_> = report.rows.iter().map(|row| (row.row, row.reason)).collect();
        assert_eq!(
            found,
            [
                (3, "FIELD_MISSING"),
                (4, "NOT_A_NUMBER"),
                (5, "NO_UNITS"),
                (6, "NOT_A_NUMBER"),
                (7, "NOT_A_NUMBER"),
                (8, "NOT_A_ROW")
            ]
        );
        assert!(report.rows[4].text.contains("1,000"), "{:?}", report.rows[4]);
    }

    #[test]
    fn a_delivery_is_named_by_its_document_or_by_its_file() {
        let goods = |document: &str| Entry {
            rows: vec![2],
            value: Goods {
                sku: "A".to_owned(),
                description: String::new(),
                batch: String::new(),
                warehouse: "MAIN".to_owned(),
                quantity: 1,
                document: document.to_owned(),
            },
        };
        let entries = [vec![goods("LS-1"), goods("")], vec![goods("LS-2"); BATCH + 1]].concat();
        let found = deliveries(entries, "f");
        let names: Vec<_> = found.iter().map(|((_, document), lines)| (document.as_str(), lines.len())).collect();
        assert_eq!(names, [("LS-1", 1), ("LS-2", BATCH), ("LS-2 (2)", 1), ("import f", 1)]);
    }
}
