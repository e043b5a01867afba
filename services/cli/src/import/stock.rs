//! Goods into stock: articles are registered and received into the qualified zone of their warehouse.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use proto::inventory::{GoodsLine, ReceiveGoodsRequest, RegisterSkusRequest, RegisterWarehouseRequest, Sku, Zone};
use serde::{Deserialize, Serialize};
use tonic::Request;

use super::report::{Kind, Report};
use super::{Entry, content_id, invoice, send};
use crate::connect::Session;
use crate::output::short;

/// Columns of the file.
pub const HEADINGS: [&str; 5] = ["sku", "description", "batch", "warehouse", "quantity"];

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

/// Registers the articles of a file and receives them; `register`: the country of warehouses that are registered first.
pub async fn import(bytes: &[u8], register: Option<&str>, session: &Session) -> Result<Report> {
    let mut report = Report::new("stock");
    let entries = read(bytes, &mut report)?;
    if let Some(country) = register {
        register_warehouses(&entries, country, session).await?;
    }
    let refused = register_skus(&entries, &mut report, session).await?;
    let file = content_id("stock file", bytes);
    let mut warehouses: BTreeMap<String, Vec<Entry<GoodsLine>>> = BTreeMap::new();
    for Entry { rows, value } in entries {
        if refused.contains(&value.sku) || value.quantity == 0 {
            continue;
        }
        let line = GoodsLine { sku: value.sku, batch: value.batch, quantity: value.quantity };
        warehouses.entry(value.warehouse).or_default().push(Entry { rows, value: line });
    }
    let bar = session.output.progress(warehouses.values().map(|lines| lines.len() as u64).sum(), "stock");
    let inventory = session.clients.inventory()?;
    let mut made = 0;
    for (warehouse, lines) in warehouses {
        let receive = async |lines: Vec<GoodsLine>| {
            let count = lines.len() as u64;
            let mut request = ReceiveGoodsRequest {
                request_id: file.clone(),
                warehouse: warehouse.clone(),
                zone: Zone::Qualified.into(),
                document: String::new(),
                lines,
            };
            // The id of the file is part of the content: the same goods in another file are other goods.
            request.request_id = content_id("stock", &serde_json::to_vec(&request).unwrap_or_default());
            request.document = format!("import {}", request.request_id);
            inventory.clone().receive_goods(Request::new(request)).await?;
            made += count;
            Ok(())
        };
        report.taken += send(lines, &mut report, "lines", receive, &bar).await?;
    }
    report.made = made;
    bar.finish_and_clear();
    Ok(report)
}

/// The rows of a file.
pub fn read(bytes: &[u8], report: &mut Report) -> Result<Vec<Entry<Goods>>> {
    let mut reader = invoice::reader(bytes, &HEADINGS)?;
    let mut entries = Vec::new();
    let mut rows = reader.deserialize::<Goods>();
    loop {
        let row = rows.reader().position().line();
        let Some(goods) = rows.next() else { return Ok(entries) };
        report.read += 1;
        match goods {
            Ok(goods) if goods.sku.is_empty() || goods.warehouse.is_empty() => {
                report.add(row, Kind::Refused, "FIELD_MISSING", "sku or warehouse is empty");
            }
            Ok(value) => {
                if value.quantity == 0 {
                    report.add(row, Kind::Noted, "NO_UNITS", "the article is registered, nothing is received");
                }
                entries.push(Entry { rows: vec![row], value });
            }
            Err(error) => report.add(row, Kind::Refused, "NOT_A_ROW", error.to_string()),
        }
    }
}

async fn register_warehouses(entries: &[Entry<Goods>], country: &str, session: &Session) -> Result<()> {
    let warehouses: BTreeSet<&str> = entries.iter().map(|entry| entry.value.warehouse.as_str()).collect();
    for warehouse in warehouses {
        let request = RegisterWarehouseRequest {
            request_id: content_id("warehouse", format!("{warehouse} {country}").as_bytes()),
            warehouse: warehouse.to_owned(),
            country: country.to_owned(),
            custodian: String::new(),
        };
        session.clients.inventory()?.register_warehouse(Request::new(request)).await?;
    }
    Ok(())
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
    fn goods_are_read_and_bad_rows_are_named() {
        let mut report = Report::new("stock");
        let text = "sku,description,batch,warehouse,quantity\nA,Lamp,,MAIN,5\nB,,,,5\nC,,,MAIN,-1\nD,,B7,MAIN,0\n";
        let entries = read(text.as_bytes(), &mut report).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].value.batch, "B7");
        let found: Vec<_> = report.rows.iter().map(|row| (row.row, row.reason)).collect();
        assert_eq!(found, [(3, "FIELD_MISSING"), (4, "NOT_A_ROW"), (5, "NO_UNITS")]);
    }
}
