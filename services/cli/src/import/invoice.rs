//! Lines of invoices and credit notes, as a shop exports them.

use jiff::civil::Date;
use serde::Deserialize;

use anyhow::Result;

use super::report::{Kind, Report};
use super::shift;
use crate::exit::Failure;
use crate::money;

/// Columns of the file.
pub const HEADINGS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];

/// One line of an invoice or credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line of the file, the headings being 1.
    pub row: u64,
    /// Invoice number.
    pub invoice: String,
    /// Stock code.
    pub sku: String,
    /// Description; may be empty.
    pub description: String,
    /// Units; negative: credited.
    pub quantity: i64,
    /// Day of the invoice.
    pub day: Date,
    /// Price per unit in minor units.
    pub price: i64,
    /// Customer number; may be empty.
    pub customer: String,
    /// Country by name or ISO code; may be empty.
    pub country: String,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "InvoiceNo")]
    invoice: String,
    #[serde(rename = "StockCode")]
    sku: String,
    #[serde(rename = "Description")]
    description: String,
    #[serde(rename = "Quantity")]
    quantity: String,
    #[serde(rename = "InvoiceDate")]
    day: String,
    #[serde(rename = "UnitPrice")]
    price: String,
    #[serde(rename = "CustomerID")]
    customer: String,
    #[serde(rename = "Country")]
    country: String,
}

/// Reads the file; rows that cannot be read are refused in the report.
pub fn read(bytes: &[u8], currency: &str, report: &mut Report) -> Result<Vec<Line>> {
    let mut reader = reader(bytes, &HEADINGS)?;
    let headings = reader.byte_headers()?.clone();
    let mut lines = Vec::new();
    let mut record = csv::ByteRecord::new();
    loop {
        let row = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(lines),
            Ok(true) => {}
            Err(error) => {
                report.read += 1;
                report.add(row, Kind::Refused, "NOT_A_ROW", error.to_string());
                continue;
            }
        }
        report.read += 1;
        let row = record.position().map_or(row, csv::Position::line);
        match record.deserialize::<Raw>(Some(&headings)).map_err(|error| ("NOT_A_ROW", error.to_string())) {
            Ok(raw) => match line(row, raw, currency) {
                Ok(line) => lines.push(line),
                Err((reason, text)) => report.add(row, Kind::Refused, reason, text),
            },
            Err((reason, text)) => report.add(row, Kind::Refused, reason, text),
        }
    }
}

/// A reader whose headings are those asked for; spaces around every field are trimmed.
pub fn reader<'b>(bytes: &'b [u8], headings: &[&str]) -> Result<csv::Reader<&'b [u8]>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let found = reader.byte_headers().map_err(|error| Failure::Malformed(format!("not a CSV file: {error}")))?.clone();
    let missing: Vec<&str> =
        headings.iter().copied().filter(|heading| found.iter().all(|name| name != heading.as_bytes())).collect();
    if !missing.is_empty() {
        return Err(Failure::Malformed(format!("the file has no column {}", missing.join(", "))).into());
    }
    Ok(reader)
}

fn line(row: u64, raw: Raw, currency: &str) -> Result<Line, (&'static str, String)> {
    let given = |text: String, name: &str| {
        if text.is_empty() { Err(("FIELD_MISSING", format!("{name} is empty"))) } else { Ok(text) }
    };
    Ok(Line {
        row,
        invoice: given(raw.invoice, "InvoiceNo")?,
        sku: given(raw.sku, "StockCode")?,
        description: raw.description,
        quantity: raw
            .quantity
            .parse()
            .map_err(|_| ("NOT_A_NUMBER", format!("quantity {:?} is not a number", raw.quantity)))?,
        day: shift::day(&raw.day).map_err(|why| ("NOT_A_DAY", why))?,
        price: money::minor_units(&raw.price, currency).map_err(|why| ("NOT_A_PRICE", why))?,
        customer: raw.customer,
        country: raw.country,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn lines(text: &str) -> (Vec<Line>, Report) {
        let mut report = Report::new("orders");
        let lines = read(format!("{HEAD}{text}").as_bytes(), "GBP", &mut report).unwrap();
        (lines, report)
    }

    #[test]
    fn a_line_is_trimmed_and_exact() {
        let (lines, report) = lines("536365,85123A ,\"HOLDER, WHITE \",6,1/12/2010,2.55,17850,United Kingdom\n");
        assert_eq!(report.read, 1);
        let line = &lines[0];
        assert_eq!((line.row, line.sku.as_str(), line.description.as_str()), (2, "85123A", "HOLDER, WHITE"));
        assert_eq!((line.quantity, line.price, line.day.to_string().as_str()), (6, 255, "2010-12-01"));
    }

    #[test]
    fn every_bad_row_is_named_and_the_others_are_read() {
        let (lines, report) = lines(
            "1,A,x,six,1/12/2010,1,1,Germany\n1,,x,6,1/12/2010,1,1,Germany\n1,A,x,6,32/12/2010,1,1,Germany\n\
             1,A,x,6,1/12/2010,1.005,1,Germany\n1,A,short\n1,A,x,6,1/12/2010,1,1,Germany\n",
        );
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].row, 7);
        let found: Vec<_> = report.rows.iter().map(|row| (row.row, row.reason)).collect();
        assert_eq!(
            found,
            [(2, "NOT_A_NUMBER"), (3, "FIELD_MISSING"), (4, "NOT_A_DAY"), (5, "NOT_A_PRICE"), (6, "NOT_A_ROW")]
        );
    }

    #[test]
    fn a_file_without_the_columns_is_malformed() {
        let error = read(b"a,b\n1,2\n", "GBP", &mut Report::new("orders")).unwrap_err();
        assert_eq!(crate::exit::code(&error), 4);
    }
}
