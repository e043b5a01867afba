//! Lines of invoices and credit notes, as a shop exports them.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use anyhow::Result;

use super::dates::{self, NoDay};
use super::report::{Kind, Report};
use super::units;
use crate::exit::Failure;
use crate::money;

/// Columns of the file. `DeliveredOn` may be there, too.
pub const HEADINGS: [&str; 8] =
    ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"];
/// Days that are shown of a file whose order of day and month is in doubt.
const SHOWN: usize = 3;

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
    /// Price per unit, as it is written: it may be no whole number of minor units.
    pub price: Decimal,
    /// Customer number; may be empty.
    pub customer: String,
    /// Country by name or ISO code; may be empty.
    pub country: String,
    /// Day of delivery, if the file says it.
    pub delivered: Option<Date>,
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
    #[serde(rename = "DeliveredOn", default)]
    delivered: String,
}

/// Reads the file; rows that cannot be read are refused in the report. Without an order of day and month a file with any
/// day that is none as d/m/yyyy, and is one in another order, is not read at all.
pub fn read(bytes: &[u8], order: Option<dates::Order>, report: &mut Report) -> Result<Vec<Line>> {
    let mut days = Days { order, doubtful: Vec::new(), ambiguous: None, day_first: false };
    let lines = rows(bytes, report, |row, raw| line(row, raw, &mut days))?;
    days.end(report)?;
    Ok(lines)
}

/// Reads each row of the file by `take`; what it refuses is refused in the report.
fn rows<T>(
    bytes: &[u8],
    report: &mut Report,
    mut take: impl FnMut(u64, Raw) -> Result<T, (&'static str, String)>,
) -> Result<Vec<T>> {
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
        let raw = record.deserialize::<Raw>(Some(&headings)).map_err(|error| ("NOT_A_ROW", error.to_string()));
        match raw.and_then(|raw| take(row, raw)) {
            Ok(line) => lines.push(line),
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

fn line(row: u64, raw: Raw, days: &mut Days) -> Result<Line, (&'static str, String)> {
    let given = |text: String, name: &str| {
        if text.is_empty() { Err(("FIELD_MISSING", format!("{name} is empty"))) } else { Ok(text) }
    };
    let delivered = if raw.delivered.is_empty() { None } else { Some(days.read(row, &raw.delivered)?) };
    Ok(Line {
        row,
        invoice: given(raw.invoice, "InvoiceNo")?,
        sku: given(raw.sku, "StockCode")?,
        description: raw.description,
        quantity: units::whole(&raw.quantity).map_err(|why| ("NOT_A_NUMBER", why))?,
        day: days.read(row, &raw.day)?,
        price: money::decimal(&raw.price).map_err(|why| ("NOT_A_PRICE", why))?,
        customer: raw.customer,
        country: raw.country,
        delivered,
    })
}

/// What the days of a file say about the order of day and month.
struct Days {
    order: Option<dates::Order>,
    doubtful: Vec<(u64, String)>,
    /// One that is another day when month and day change places.
    ambiguous: Option<String>,
    /// One shows that the day comes first.
    day_first: bool,
}

impl Days {
    fn read(&mut self, row: u64, text: &str) -> Result<Date, (&'static str, String)> {
        if self.order.is_none() {
            self.day_first |= dates::is_day_first(text);
            if self.ambiguous.is_none() && dates::is_ambiguous(text) {
                self.ambiguous = Some(text.to_owned());
            }
        }
        dates::day(text, self.order).map_err(|why| match why {
            NoDay::Wrong(why) => ("NOT_A_DAY", why),
            NoDay::Doubt => {
                self.doubtful.push((row, text.to_owned()));
                ("NOT_A_DAY", format!("{text:?} is not a day as d/m/yyyy"))
            }
        })
    }

    /// Nothing of a file is taken whose days may all be meant otherwise.
    fn end(self, report: &mut Report) -> Result<()> {
        if self.doubtful.is_empty() {
            if let Some(text) = self.ambiguous.filter(|_| !self.day_first) {
                report.notes.push(format!(
                    "no date shows whether day or month comes first: {text:?} and the others are read as d/m/yyyy; --dates says it"
                ));
            }
            return Ok(());
        }
        let texts: Vec<&str> = self.doubtful.iter().map(|(_, text)| text.as_str()).collect();
        let shown: Vec<String> =
            self.doubtful.iter().take(SHOWN).map(|(row, text)| format!("row {row}: {text:?}")).collect();
        let fit = dates::that_fit(&texts);
        let fit = if fit.is_empty() { String::new() } else { format!("; they can be read as {}", fit.join(" or ")) };
        Err(Failure::Malformed(format!(
            "nothing was taken: {} date(s) are none as d/m/yyyy ({}), so the others may be meant otherwise, too: say by --dates what \
             comes first{fit}",
            texts.len(),
            shown.join(", ")
        ))
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn lines(text: &str) -> (Vec<Line>, Report) {
        let mut report = Report::new("orders");
        let lines = read(format!("{HEAD}{text}").as_bytes(), None, &mut report).unwrap();
        (lines, report)
    }

    #[test]
    fn a_line_is_trimmed_and_exact() {
        let (lines, report) = lines("536365,85123A ,\"HOLDER, WHITE \",6,1/12/2010,2.55,17850,United Kingdom\n");
        assert_eq!(report.read, 1);
        let line = &lines[0];
        assert_eq!((line.row, line.sku.as_str(), line.description.as_str()), (2, "85123A", "HOLDER, WHITE"));
        assert_eq!((line.quantity, line.price.to_string().as_str()), (6, "2.55"));
        assert_eq!((line.day.to_string().as_str(), line.delivered), ("2010-12-01", None));
    }

    #[test]
    fn every_bad_row_is_named_and_the_others_are_read() {
        let (lines, report) = lines(
            "1,A,x,six,1/12/2010,1,1,Germany\n1,,x,6,1/12/2010,1,1,Germany\n1,A,x,6,32/12/2010,1,1,Germany\n\
             1,A,x,6,1/12/2010,1e3,1,Germany\n1,A,short\n1,A,x,6,1/12/2010,1,1,Germany\n",
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
    fn case_month_and_day_changed_places() {
        let file = format!(
            "{HEAD}7006,ART-1,x,2,11/25/2026,12.50,C1,United States\n7018,ART-1,x,1,04/03/2026,12.50,C1,United States\n"
        );
        let error = read(file.as_bytes(), None, &mut Report::new("orders")).unwrap_err();
        assert_eq!(crate::exit::code(&error), 4);
        let told = error.to_string();
        assert!(told.contains("row 2: \"11/25/2026\"") && told.contains("can be read as mdy"), "{told}");
        let lines = read(file.as_bytes(), Some(dates::Order::Mdy), &mut Report::new("orders")).unwrap();
        assert_eq!(lines.iter().map(|line| line.day.to_string()).collect::<Vec<_>>(), ["2026-11-25", "2026-04-03"]);
        // One that says nothing by itself is read as it always was, and that is said.
        let (lines, report) = self::lines("7018,ART-1,x,1,04/03/2026,12.50,C1,Germany\n");
        assert_eq!(lines[0].day.to_string(), "2026-03-04");
        assert!(report.notes[0].contains("04/03/2026"), "{:?}", report.notes);
        let (_, report) = self::lines("1,A,x,1,04/03/2026,1,C1,Germany\n1,A,x,1,25/11/2026,1,C1,Germany\n");
        assert!(report.notes.is_empty(), "the second day shows the order of all: {:?}", report.notes);
    }

    #[test]
    fn a_day_of_delivery_may_be_there() {
        let mut report = Report::new("orders");
        let head = HEAD.trim();
        let text = format!(
            "{head},DeliveredOn\n1,A,x,1,2026-10-16,1,C1,Germany,2026-11-25\n1,B,x,1,2026-10-16,1,C1,Germany,\n"
        );
        let lines = read(text.as_bytes(), None, &mut report).unwrap();
        let days: Vec<_> = lines.iter().map(|line| line.delivered.map(|day| day.to_string())).collect();
        assert_eq!(days, [Some("2026-11-25".to_owned()), None]);
    }

    #[test]
    fn a_file_without_the_columns_is_malformed() {
        let error = read(b"a,b\n1,2\n", None, &mut Report::new("orders")).unwrap_err();
        assert_eq!(crate::exit::code(&error), 4);
    }
}
