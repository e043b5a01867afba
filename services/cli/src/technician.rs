//! `redress technician`: who is sent to customers, with skills, certificates, regions and hours.

use std::path::PathBuf;

use anyhow::{Context, Result};
use proto::logistics::{
    Certificate, ListTechniciansRequest, RecordTechniciansRequest, Technician as Wire, TechnicianRow, WorkingHours,
};
use serde::Deserialize;
use serde_json::json;
use tonic::Request;

use crate::connect::Session;
use crate::exit::Failure;
use crate::import::{BATCH, content_id};
use crate::output::{self, table};
use crate::pages::Limit;
use crate::reasons;

/// Technicians who are sent to customers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Technician {
    /// Record technicians from a CSV file with the columns technician_id,skills,certificates,regions and, if they are known,
    /// hours,days_off,left.
    ///
    /// Entries of one column are separated by blanks: skills HVAC GAS, certificates F-GAS=2027-10-13, hours 1=08:00-16:00 for
    /// a Monday. The same technician again replaces what was recorded.
    Import {
        /// CSV file with a line of headings.
        file: PathBuf,
    },
    /// List technicians by their names.
    List {
        /// Only those with this skill.
        #[arg(long, default_value = "")]
        skill: String,
        /// Only those who work in this region, as GB or GB-LND.
        #[arg(long, default_value = "")]
        region: String,
        /// How many.
        #[command(flatten)]
        limit: Limit,
    },
}

#[derive(Deserialize)]
struct Raw {
    technician_id: String,
    skills: String,
    certificates: String,
    regions: String,
    #[serde(default)]
    hours: String,
    #[serde(default)]
    days_off: String,
    #[serde(default)]
    left: bool,
}

/// Does what was asked.
pub async fn run(command: Technician, session: &Session) -> Result<()> {
    match command {
        Technician::Import { file } => {
            let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
            record(&read(&bytes)?, &bytes, session).await
        }
        Technician::List { skill, region, limit } => {
            let request = ListTechniciansRequest { skill, region, ..Default::default() };
            list(request, limit, session).await
        }
    }
}

/// The technicians of a file, or what is wrong with the first row that is none.
fn read(bytes: &[u8]) -> Result<Vec<Wire>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let rows = reader.deserialize::<Raw>().enumerate().map(|(at, row)| {
        let wrong = |why: String| Failure::Malformed(format!("row {}: {why}", at + 2));
        technician(row.map_err(|error| wrong(error.to_string()))?).map_err(|why| wrong(why).into())
    });
    rows.collect()
}

fn technician(raw: Raw) -> Result<Wire, String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let pair = |text: &str| {
        let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| format!("{text} has no ="))
    };
    let certificate = |text: &str| {
        let (certificate, valid_until) = pair(text)?;
        Ok::<_, String>(Certificate { certificate, valid_until })
    };
    let hours = |text: &str| {
        let (weekday, span) = pair(text)?;
        let weekday = weekday.parse().map_err(|_| format!("{weekday} is no day of the week, 1 to 7"))?;
        let (begin, end) = span.split_once('-').ok_or_else(|| format!("{span} has no -"))?;
        Ok::<_, String>(WorkingHours { weekday, begin: begin.to_owned(), end: end.to_owned() })
    };
    Ok(Wire {
        technician_id: raw.technician_id,
        skills: words(&raw.skills),
        certificates: raw.certificates.split_whitespace().map(certificate).collect::<Result<_, _>>()?,
        regions: words(&raw.regions),
        hours: raw.hours.split_whitespace().map(hours).collect::<Result<_, _>>()?,
        days_off: words(&raw.days_off),
        left: raw.left,
        etag: String::new(),
    })
}

async fn record(technicians: &[Wire], bytes: &[u8], session: &Session) -> Result<()> {
    let mut service = session.clients.logistics()?;
    let mut results = Vec::new();
    for (at, part) in technicians.chunks(BATCH).enumerate() {
        let row = |one: &Wire| TechnicianRow { technician: Some(one.clone()), etag: String::new() };
        let request = RecordTechniciansRequest {
            request_id: content_id(&format!("technicians {at}"), bytes),
            technicians: part.iter().map(row).collect(),
        };
        results.extend(service.record_technicians(Request::new(request)).await?.into_inner().results);
    }
    if session.output.is_json() {
        return output::json(&json!({ "results": results }));
    }
    let refused = results.iter().filter(|result| !result.refused.is_empty());
    for result in refused {
        output::line(format!("{}: {}", result.technician_id, reasons::told(&result.refused)))?;
    }
    let taken = results.iter().filter(|result| result.refused.is_empty()).count();
    output::line(format!("{taken} technician(s) recorded"))
}

async fn list(request: ListTechniciansRequest, limit: Limit, session: &Session) -> Result<()> {
    let mut service = session.clients.logistics()?;
    let found = limit.read(async |page_size, page_token| {
        let request = ListTechniciansRequest { page_size, page_token, ..request.clone() };
        let page = service.list_technicians(Request::new(request)).await?.into_inner();
        Ok((page.technicians, page.next_page_token))
    });
    let found = found.await?;
    if session.output.is_json() {
        return output::json(&json!({ "technicians": found.rows, "more": found.more }));
    }
    let mut table = table(["technician", "skills", "certificates", "regions", "hours", "days off"]);
    for one in &found.rows {
        let certificate = |own: &Certificate| format!("{} until {}", own.certificate, own.valid_until);
        let hours = |own: &WorkingHours| format!("{}: {} to {}", own.weekday, own.begin, own.end);
        let name = if one.left { format!("{} (left)", one.technician_id) } else { one.technician_id.clone() };
        table.add_row([
            name,
            one.skills.join("\n"),
            one.certificates.iter().map(certificate).collect::<Vec<_>>().join("\n"),
            one.regions.join("\n"),
            one.hours.iter().map(hours).collect::<Vec<_>>().join("\n"),
            one.days_off.join("\n"),
        ]);
    }
    output::line(table)?;
    found.tell_more()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_technician() {
        let file = "technician_id,skills,certificates,regions,hours\nT-2,HVAC GAS,F-GAS=2027-10-13,GB,1=08:00-16:00\n";
        let read = read(file.as_bytes()).unwrap();
        assert_eq!(read[0].skills, ["HVAC", "GAS"]);
        assert_eq!(read[0].certificates[0].valid_until, "2027-10-13");
        assert_eq!((read[0].hours[0].weekday, read[0].hours[0].end.as_str()), (1, "16:00"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_row() {
        let file = "technician_id,skills,certificates,regions\nT-1,HVAC,,GB\nT-2,HVAC,F-GAS,GB\n";
        assert!(read(file.as_bytes()).unwrap_err().to_string().contains("row 3: F-GAS has no ="));
    }
}
