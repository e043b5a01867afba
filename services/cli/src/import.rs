//! `redress import`: CSV files become order facts, stock and claims. Every row is taken, or named with a reason.
//!
//! Requests are named by what they say, so the same file imported again changes nothing.

pub mod claims;
pub mod dates;
pub mod invoice;
pub mod orders;
pub mod report;
pub mod shift;
pub mod stock;
pub mod tracking;
mod units;

use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::connect::Session;
use crate::exit::{self, Failure};
use report::{Kind, Report};
use shift::Until;

/// Entries of one request at the most.
pub const BATCH: usize = 500;

/// Import a CSV file.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Import {
    /// Order facts from invoice lines, columns InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,
    /// CustomerID,Country and, if it is known, DeliveredOn.
    ///
    /// Lines of one invoice with the same article and price are added up; those with other prices are order lines of their
    /// own. What was paid is units times price: a price may have more digits than the currency if that is a whole amount.
    /// A discount line is spread over the lines of its invoice by value. Other lines with a quantity below 1 are no sales and
    /// are skipped. A missing customer is kept: the goods were sold to nobody known.
    Orders(Orders),
    /// Goods into stock, columns sku,description,batch,warehouse,quantity and, if it is known, document.
    ///
    /// The document is the number of the delivery note: the same again is a repetition, another is another delivery. Without,
    /// the file is the delivery.
    Stock(Goods),
    /// Claims from credit lines, columns as for orders: each line with a quantity below 0 is one claim for a return
    /// with refund, without order number, told on the day of the line: windows count to it.
    Claims(Invoices),
}

/// A file of invoice lines.
#[derive(Clone, Debug, clap::Args)]
pub struct Invoices {
    /// CSV file with a line of headings; dates are d/m/yyyy or YYYY-MM-DD, or as --dates says.
    pub file: PathBuf,
    /// What comes first in dates as 04/03/2026, whose year may have two digits then. Without, a file with a date that is
    /// none as d/m/yyyy is not read at all.
    #[arg(long, value_enum)]
    pub dates: Option<dates::Order>,
    /// Currency of the prices, ISO 4217.
    #[arg(long, default_value = "GBP", value_parser = crate::money::code)]
    pub currency: String,
    /// Move every date by one constant, so that the newest of the file is `today` or this day.
    #[arg(long, value_name = "DAY")]
    pub until: Option<Until>,
    /// Write every skipped, refused or noted row to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl Invoices {
    fn form(&self) -> Form {
        Form { currency: self.currency.clone(), dates: self.dates, until: self.until }
    }
}

/// How a file of invoice lines is to be read.
#[derive(Clone, Debug)]
pub struct Form {
    /// Currency of its prices.
    pub currency: String,
    /// What comes first in its dates.
    pub dates: Option<dates::Order>,
    /// The day its newest date is moved to.
    pub until: Option<Until>,
}

/// A file of sales.
#[derive(Clone, Debug, clap::Args)]
pub struct Orders {
    /// The file.
    #[command(flatten)]
    pub file: Invoices,
    /// Article numbers that stand for a discount on the invoice, besides D and DISCOUNT. May be repeated.
    #[arg(long = "discount", value_name = "ARTICLE")]
    pub discounts: Vec<String>,
    /// What becomes of lines of an order and article of which something else is recorded. Without, lines of another day are
    /// added (a part that was invoiced later), and those of the same day are refused: only you know what they mean.
    #[arg(long, value_enum)]
    pub existing: Option<orders::Existing>,
}

/// A file of goods.
#[derive(Clone, Debug, clap::Args)]
pub struct Goods {
    /// CSV file with a line of headings.
    pub file: PathBuf,
    /// Register the warehouses of the file first, in this country (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "COUNTRY")]
    pub register: Option<String>,
    /// Write every skipped, refused or noted row to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Imports, and tells about every row that was not taken as it stands.
pub async fn run(import: Import, session: &Session) -> Result<()> {
    let (report, to) = match import {
        Import::Orders(Orders { file, discounts, existing }) => {
            let invoices = read(&file.file)?;
            let wanted = orders::Wanted { form: file.form(), discounts, existing };
            (orders::import(&invoices, &wanted, session).await?.report, file.report)
        }
        Import::Stock(file) => {
            (stock::import(&read(&file.file)?, file.register.as_deref(), session).await?, file.report)
        }
        Import::Claims(file) => (claims::import(&read(&file.file)?, &file.form(), session).await?.report, file.report),
    };
    if let Some(to) = to {
        report.write(&to)?;
    }
    report.print(session.output)?;
    match report.count(Kind::Refused) {
        0 => Ok(()),
        rows => Err(Failure::RowsRefused(rows).into()),
    }
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path);
    Ok(bytes.map_err(|error| Failure::Malformed(format!("cannot read {}: {error}", path.display())))?)
}

/// A request id that is the same for the same content, and for no other.
pub fn content_id(kind: &str, content: &[u8]) -> String {
    use std::fmt::Write;
    let hash = Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    proto::ids::derived(Timestamp::UNIX_EPOCH, &["import", kind, &hash]).to_string()
}

/// An entry of a batch, with the rows of the file it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<T> {
    /// Rows, the line of headings being row 1.
    pub rows: Vec<u64>,
    /// What is sent.
    pub value: T,
}

/// Why rows are refused.
struct Refusal {
    reason: &'static str,
    text: String,
}

/// The refusal that a status is, if it is about what was sent.
fn refusal(status: &Status) -> Option<Refusal> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let about_it = match status.code() {
        Code::InvalidArgument => !violations.is_empty(),
        Code::NotFound | Code::FailedPrecondition | Code::AlreadyExists => true,
        _ => false,
    };
    let reason = exit::reason(status);
    let known = ["MALFORMED", "UNKNOWN_WAREHOUSE", "UNKNOWN_SKU", "NO_CUSTODIAN", "DOCUMENT_REUSED"];
    let bad: Vec<String> = violations.iter().map(|bad| format!("{} {}", bad.field, bad.description)).collect();
    let text = if bad.is_empty() { status.message().to_owned() } else { bad.join("; ") };
    about_it.then(|| match known.iter().find(|known| **known == reason) {
        Some(reason) => Refusal { reason, text },
        None if reason.is_empty() => Refusal { reason: "REFUSED", text },
        None => Refusal { reason: "REFUSED", text: format!("{reason}: {text}") },
    })
}

/// What came of a batch.
enum Batch<T> {
    /// The service has taken it.
    Taken,
    /// The service takes none of it, for a reason that is that of every row.
    Refused(Refusal),
    /// Entries it cannot read, and why; the others may be sent again without them.
    Partly(Vec<(Entry<T>, String)>, Vec<Entry<T>>),
}

/// Sends entries in batches; entries the service cannot read are refused in the report, the others go through.
async fn send<T: Clone>(
    mut entries: Vec<Entry<T>>,
    report: &mut Report,
    field: &str,
    mut call: impl AsyncFnMut(Vec<T>) -> Result<(), Status>,
    progress: &indicatif::ProgressBar,
) -> Result<u64> {
    let mut taken = 0;
    while !entries.is_empty() {
        let rest = entries.split_off(entries.len().min(BATCH));
        let mut batch = std::mem::replace(&mut entries, rest);
        loop {
            let sent = call(batch.iter().map(|entry| entry.value.clone()).collect()).await;
            match answered(sent, batch.clone(), field)? {
                Batch::Taken => {
                    taken += batch.iter().map(|entry| entry.rows.len() as u64).sum::<u64>();
                    break;
                }
                Batch::Refused(why) => {
                    for entry in &batch {
                        report.rows_add(&entry.rows, Kind::Refused, why.reason, &why.text);
                    }
                    break;
                }
                Batch::Partly(bad, good) => {
                    for (entry, why) in bad {
                        progress.inc(entry.rows.len() as u64);
                        report.rows_add(&entry.rows, Kind::Refused, "MALFORMED", &why);
                    }
                    batch = good;
                    if batch.is_empty() {
                        break;
                    }
                }
            }
        }
        progress.inc(batch.iter().map(|entry| entry.rows.len() as u64).sum());
    }
    Ok(taken)
}

fn answered<T>(sent: Result<(), Status>, batch: Vec<Entry<T>>, field: &str) -> Result<Batch<T>> {
    let status = match sent {
        Ok(()) => return Ok(Batch::Taken),
        Err(status) => status,
    };
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let mut whys: std::collections::BTreeMap<usize, Vec<String>> = std::collections::BTreeMap::new();
    for violation in &violations {
        if let Some((index, rest)) = indexed(&violation.field, field) {
            let field = if rest.is_empty() { String::new() } else { format!("{rest} ") };
            whys.entry(index).or_default().push(format!("{field}{}", violation.description));
        }
    }
    if status.code() != Code::InvalidArgument || whys.is_empty() {
        return refusal(&status).map(Batch::Refused).ok_or_else(|| status.into());
    }
    let (mut bad, mut good) = (Vec::new(), Vec::new());
    for (index, entry) in batch.into_iter().enumerate() {
        match whys.remove(&index) {
            Some(whys) => bad.push((entry, whys.join("; "))),
            None => good.push(entry),
        }
    }
    if bad.is_empty() { Err(status.into()) } else { Ok(Batch::Partly(bad, good)) }
}

/// Reads `lines[3].sku` into 3 and `sku`.
fn indexed<'a>(text: &'a str, field: &str) -> Option<(usize, &'a str)> {
    let rest = text.strip_prefix(field)?.strip_prefix('[')?;
    let (index, rest) = rest.split_once(']')?;
    Some((index.parse().ok()?, rest.trim_start_matches('.')))
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn a_request_is_named_by_its_content() {
        assert_eq!(content_id("orders", b"a"), content_id("orders", b"a"));
        assert_ne!(content_id("orders", b"a"), content_id("orders", b"b"));
        assert_ne!(content_id("orders", b"a"), content_id("stock", b"a"));
        assert!(proto::ids::parse(&content_id("orders", b"a")).is_ok());
    }

    #[test]
    fn only_the_bad_entries_of_a_batch_are_refused() {
        let entry = |row: u64| Entry { rows: vec![row], value: row };
        let mut details = ErrorDetails::new();
        details.set_bad_request(vec![
            FieldViolation::new("lines[1].sku", "must have 1 to 64 characters"),
            FieldViolation::new("lines[1].quantity", "must be at least 1"),
        ]);
        let status = Status::with_error_details(Code::InvalidArgument, "bad", details);
        let batch = vec![entry(2), entry(3), entry(4)];
        let Batch::Partly(bad, good) = answered(Err(status), batch.clone(), "lines").unwrap() else { panic!() };
        assert_eq!(bad, [(entry(3), "sku must have 1 to 64 characters; quantity must be at least 1".to_owned())]);
        assert_eq!(good, [entry(2), entry(4)]);
        assert!(answered(Err(Status::invalid_argument("all of it")), batch.clone(), "lines").is_err());
        // What every row has in common is named with each of them.
        let mut details = ErrorDetails::new();
        details.set_bad_request(vec![FieldViolation::new("warehouse", "must have capitals")]);
        let status = Status::with_error_details(Code::InvalidArgument, "bad", details);
        let Batch::Refused(why) = answered(Err(status), batch.clone(), "lines").unwrap() else { panic!() };
        assert_eq!(why.text, "warehouse must have capitals");
        let details = ErrorDetails::with_error_info("UNKNOWN_WAREHOUSE", "redress.inventory", []);
        let status = Status::with_error_details(Code::NotFound, "there is no such warehouse", details);
        let Batch::Refused(why) = answered(Err(status), batch, "lines").unwrap() else { panic!() };
        assert_eq!(why.reason, "UNKNOWN_WAREHOUSE");
    }
}
