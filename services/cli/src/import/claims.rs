//! Claims from credit lines: each is one claim for a return with refund, without order number.

use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt, stream};
use jiff::civil::Date;
use proto::claim::{Category, Channel, Resolution};
use proto::intake::{Claim, Contact, NewLine, SubmitClaimRequest};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::invoice::{self, Line};
use super::report::{Kind, Report};
use super::{Entry, Form, content_id, shift};
use crate::connect::{Clients, Session};
use crate::{again, exit};

/// Calls under way at once.
const AT_ONCE: usize = 16;
/// Days that a report may be told after the customer told it: intake takes no more.
const ANNOUNCED_DAYS: i64 = 400;
/// Tries of one call, when the service is too busy or away.
const TRIES: u32 = 6;

/// Countries of the shop, by the names it uses.
const COUNTRIES: [(&str, &str); 18] = [
    ("Australia", "AU"),
    ("Austria", "AT"),
    ("Belgium", "BE"),
    ("EIRE", "IE"),
    ("France", "FR"),
    ("Germany", "DE"),
    ("Italy", "IT"),
    ("Japan", "JP"),
    ("Lithuania", "LT"),
    ("Malta", "MT"),
    ("Netherlands", "NL"),
    ("Norway", "NO"),
    ("Poland", "PL"),
    ("Portugal", "PT"),
    ("Singapore", "SG"),
    ("Spain", "ES"),
    ("Switzerland", "CH"),
    ("United Kingdom", "GB"),
];

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The claims, with the row each was made from.
    pub claims: Vec<(u64, Claim)>,
    /// About the rows.
    pub report: Report,
}

/// Submits a claim for every credit line of a file. The day of the credit line, moved like those of the sales, is the day
/// the problem occurred, so that a later sale is not what came back; and the day it was told, to which windows count.
pub async fn import(bytes: &[u8], form: &Form, session: &Session) -> Result<Imported> {
    let mut report = Report::new("claims");
    let file = content_id("claims file", bytes);
    let entries = read(bytes, &file, form, &mut report)?;
    let bar = session.output.progress(entries.len() as u64, "claims");
    let calls = entries.into_iter().map(|entry| {
        let clients = session.clients.clone();
        async move { (entry.rows[0], submit(&clients, entry.value).await) }
    });
    let mut answers = stream::iter(calls).buffer_unordered(AT_ONCE);
    let mut claims = Vec::new();
    while let Some((row, answer)) = answers.next().await {
        bar.inc(1);
        match answer? {
            Ok(claim) => claims.push((row, claim)),
            Err(why) => report.add(row, Kind::Refused, "REFUSED", why),
        }
    }
    bar.finish_and_clear();
    claims.sort_by_key(|(row, _)| *row);
    report.taken = claims.len() as u64;
    report.made = report.taken;
    Ok(Imported { claims, report })
}

/// Submits one claim. A claim that intake refuses is a matter of its row; a service that is away ends the import.
async fn submit(clients: &Clients, request: SubmitClaimRequest) -> Result<Result<Claim, String>> {
    let mut tries = 1;
    loop {
        let status = match clients.intake()?.submit_claim(Request::new(request.clone())).await {
            Ok(response) => return Ok(response.into_inner().claim.ok_or_else(|| "the answer has no claim".to_owned())),
            Err(status) => status,
        };
        let later = again::is_worth_it(&status);
        if !later || tries == TRIES {
            return if later || status.code() == Code::DeadlineExceeded {
                Err(status.into())
            } else {
                Ok(Err(why(&status)))
            };
        }
        // The same request id: if the first try was heard after all, this one gets its answer.
        tokio::time::sleep(again::wait(&status, pause(tries))).await;
        tries += 1;
    }
}

/// Longer after each try, and not the same for all.
fn pause(tries: u32) -> Duration {
    chassis::jittered(Duration::from_millis(100 << tries))
}

fn why(status: &Status) -> String {
    let details = status.get_error_details();
    let bad = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let bad: Vec<String> = bad.iter().map(|bad| format!("{} {}", bad.field, bad.description)).collect();
    if bad.is_empty() { format!("{}: {}", exit::reason(status), status.message()) } else { bad.join("; ") }
}

/// The claims of a file.
pub fn read(bytes: &[u8], file: &str, form: &Form, report: &mut Report) -> Result<Vec<Entry<SubmitClaimRequest>>> {
    let lines = invoice::read(bytes, form.dates, report)?;
    let days = shift::days(lines.iter().map(|line| line.day).max(), form.until, &chassis::Clock::default());
    report.days_moved = days;
    let today = shift::today(&chassis::Clock::default());
    let mut entries = Vec::new();
    for line in lines {
        match request(&line, file, days, today) {
            Ok(value) => entries.push(Entry { rows: vec![line.row], value }),
            Err((reason, text)) => report.add(line.row, Kind::Refused, reason, text),
        }
    }
    Ok(entries)
}

fn request(line: &Line, file: &str, days: i64, today: Date) -> Result<SubmitClaimRequest, (&'static str, String)> {
    if line.quantity >= 0 {
        return Err(("NOT_A_RETURN", format!("{} units were not sent back", line.quantity)));
    }
    let quantity =
        u32::try_from(line.quantity.unsigned_abs()).map_err(|_| ("TOO_MANY_UNITS", format!("{}", line.quantity)))?;
    if line.customer.is_empty() {
        return Err(("NO_CUSTOMER", "who sent it back is not known, so nobody can be answered".to_owned()));
    }
    let country = country(&line.country).ok_or(("NO_COUNTRY", format!("{:?} is no country", line.country)))?;
    let customer = &line.customer;
    let day = shift::moved(line.day, days);
    let is_told = day.duration_until(today).as_hours() / 24 <= ANNOUNCED_DAYS;
    Ok(SubmitClaimRequest {
        request_id: content_id("claim", format!("{file} {}", line.row).as_bytes()),
        channel: Channel::Platform.into(),
        customer_ref: customer.clone(),
        // The file has no contact data, and the demo must not have any: these are made up, and look it.
        contact: Some(Contact {
            customer_name: format!("Customer {customer}"),
            email: format!("customer{customer}@example.com"),
            address: format!("{customer} Example Road"),
            ..Contact::default()
        }),
        lines: vec![NewLine {
            sku: line.sku.clone(),
            quantity,
            category: Category::ReturnRequest.into(),
            wish: Resolution::ReturnRefund.into(),
            occurred_on: day.to_string(),
            description: format!("{} (credit note {})", line.description, line.invoice),
            ..NewLine::default()
        }],
        country,
        // It was told when the shop wrote the credit line, if that is not longer ago than anybody may say.
        announced_on: if is_told { day.to_string() } else { String::new() },
        attested: true,
        ..SubmitClaimRequest::default()
    })
}

/// ISO code of a country by name or code.
fn country(name: &str) -> Option<String> {
    let known = COUNTRIES.iter().find(|(known, _)| *known == name).map(|(_, code)| (*code).to_owned());
    let is_code = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_uppercase());
    known.or_else(|| is_code.then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::shift::Until;

    #[test]
    fn each_try_is_further_away() {
        let pauses: Vec<_> = (1..TRIES).map(|tries| pause(tries).as_millis()).collect();
        assert!(pauses.iter().enumerate().all(|(at, pause)| (100 << at..=200 << at).contains(pause)), "{pauses:?}");
    }

    fn form(until: Option<Until>) -> Form {
        Form { currency: "KWD".to_owned(), dates: Some(crate::demo::DATES), until }
    }

    #[test]
    fn each_credit_line_is_a_claim_told_on_its_day() {
        let mut report = Report::new("claims");
        let entries = read(crate::demo::RETURNS, "file", &form(Some(Until::Today)), &mut report).unwrap();
        assert_eq!((entries.len(), report.count(Kind::Refused)), (959, 41));
        let first = &entries[0].value;
        let line = &first.lines[0];
        assert_eq!((first.customer_ref.as_str(), line.sku.as_str(), line.quantity), ("17897", "22960", 6));
        assert_eq!(first.announced_on, line.occurred_on);
        let newest = entries.iter().map(|entry| entry.value.announced_on.as_str()).max().unwrap();
        assert_eq!(newest, shift::today(&chassis::Clock::default()).to_string());
        let ids: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.value.request_id).collect();
        assert_eq!(ids.len(), entries.len(), "two rows that look the same are two claims");
        // What nobody may say any more is not said.
        let old = read(crate::demo::RETURNS, "file", &form(None), &mut report).unwrap();
        assert_eq!(
            (old[0].value.announced_on.as_str(), old[0].value.lines[0].occurred_on.as_str()),
            ("", "2010-12-01")
        );
    }

    #[test]
    fn the_currency_of_the_prices_does_not_matter() {
        let mut report = Report::new("claims");
        let text = format!("{}\nC1,A,x,-1,1/12/2010,1.255,7,FI\n", invoice::HEADINGS.join(","));
        let entries = read(text.as_bytes(), "file", &form(None), &mut report).unwrap();
        assert_eq!((entries.len(), report.rows.len()), (1, 0));
    }

    #[test]
    fn rows_that_are_no_claim_are_refused_with_a_reason() {
        let mut report = Report::new("claims");
        let text = format!(
            "{}\nC1,A,x,-1,1/12/2010,1,,Germany\nC1,A,x,1,1/12/2010,1,7,Germany\nC1,A,x,-1,1/12/2010,1,7,Atlantis\n\
             C1,A,x,-1,1/12/2010,1,7,FI\n",
            invoice::HEADINGS.join(",")
        );
        let entries = read(text.as_bytes(), "file", &form(None), &mut report).unwrap();
        assert_eq!(entries[0].value.country, "FI");
        let found: Vec<_> = report.rows.iter().map(|row| (row.row, row.reason)).collect();
        assert_eq!(found, [(2, "NO_CUSTOMER"), (3, "NOT_A_RETURN"), (4, "NO_COUNTRY")]);
    }
}
