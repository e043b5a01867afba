//! What carriers saw, from a file: each row is answered by itself, in the order of the file.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use jiff::civil::Date;
use proto::logistics::{
    ParcelEvent, ParcelEventResult, ReportTrackingBatchRequest, ShipmentState, TrackingEvent, TrackingReason,
};
use serde::{Deserialize, Serialize};
use tonic::{Request, Status};

use super::{BATCH, Batch, Entry, answered, content_id, invoice};
use crate::connect::{Clients, Session};
use crate::output::{self, table};
use crate::words::{self, plain};
use crate::{again, reasons};

/// Columns of the file. `reason`, `detail`, `held_until` and `expected_on` may be there, too.
pub const HEADINGS: [&str; 4] = ["tracking_no", "carrier_event_id", "state", "occurred_at"];
/// Rows that people see, of those that changed nothing or were refused; a script sees all.
const SHOWN: usize = 100;
/// Tries of one call, when the service is too busy or away.
const TRIES: u32 = 4;

#[derive(Deserialize)]
struct Raw {
    tracking_no: String,
    carrier_event_id: String,
    state: String,
    occurred_at: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    held_until: String,
    #[serde(default)]
    expected_on: String,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The parcel is in another state, or somebody was told.
    Changed,
    /// It was known, or older than the state.
    Unchanged,
    /// It could not be taken: somebody should look.
    Refused,
}

/// The answer to a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Line of the file, the headings being 1.
    pub row: u64,
    /// Waybill number.
    pub tracking_no: String,
    /// The carrier's own id of the event.
    pub carrier_event_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// State of the parcel afterwards; empty: it was refused.
    pub state: String,
    /// Stable reason of a refusal, UPPER_SNAKE.
    pub reason: String,
    /// Each bad field of a refused row.
    pub text: String,
}

/// The answers to a file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answers {
    /// Rows of the file, without the headings.
    pub read: usize,
    /// Rows that were sent no more, since the service was away; import the file again.
    pub unsent: usize,
    /// The answers.
    pub rows: Vec<Answer>,
}

impl Answers {
    /// Rows with an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    fn refuse(&mut self, row: u64, event: &ParcelEvent, reason: &str, text: String) {
        self.rows.push(Answer {
            row,
            tracking_no: event.tracking_no.clone(),
            carrier_event_id: event.event.as_ref().map(|event| event.carrier_event_id.clone()).unwrap_or_default(),
            outcome: Outcome::Refused,
            state: String::new(),
            reason: reason.to_owned(),
            text,
        });
    }

    fn answer(&mut self, row: u64, told: ParcelEventResult) {
        self.rows.push(Answer {
            row,
            tracking_no: told.tracking_no,
            carrier_event_id: told.carrier_event_id,
            outcome: match (told.refused.is_empty(), told.changed) {
                (false, _) => Outcome::Refused,
                (true, true) => Outcome::Changed,
                (true, false) => Outcome::Unchanged,
            },
            state: plain::<ShipmentState>(told.state),
            text: if told.refused.is_empty() { String::new() } else { reasons::told(&told.refused) },
            reason: told.refused,
        });
    }

    /// Prints the answers.
    pub fn print(&self, session: &Session) -> Result<()> {
        let (changed, unchanged, refused) =
            (self.count(Outcome::Changed), self.count(Outcome::Unchanged), self.count(Outcome::Refused));
        if session.output.is_json() {
            return output::json(&serde_json::json!({
                "read": self.read, "changed": changed, "unchanged": unchanged, "refused": refused, "unsent": self.unsent,
                "rows": self.rows,
            }));
        }
        output::line(format!(
            "{} rows read: {changed} changed something, {unchanged} were known or older, {refused} were refused",
            self.read
        ))?;
        if self.unsent > 0 {
            output::line(format!("{} rows were not sent: report the same file again", self.unsent))?;
        }
        let mut table = table(["row", "waybill", "event", "answer", "state", "why"]);
        let quiet = self.rows.iter().filter(|row| row.outcome != Outcome::Changed);
        for row in quiet.clone().take(SHOWN) {
            table.add_row([
                row.row.to_string(),
                row.tracking_no.clone(),
                row.carrier_event_id.clone(),
                if row.outcome == Outcome::Refused { "refused" } else { "known or older" }.to_owned(),
                row.state.clone(),
                row.text.clone(),
            ]);
        }
        if quiet.clone().count() > 0 {
            output::line(table)?;
        }
        match quiet.count().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => output::line(format!("and {more} more: see --output json")),
        }
    }
}

/// Reports every row of a file. A row that cannot be read is refused with all its bad fields before any of its batch is
/// stored, and the others go through. If the service stays away, what was answered before is still told.
pub async fn report(bytes: &[u8], session: &Session) -> Result<(Answers, Result<()>)> {
    let mut answers = Answers::default();
    let mut entries = read(bytes, &mut answers)?;
    // What is said once more is known to the service by the carrier's own id; who wants the same answers names the request.
    let name = session.request_id();
    let bar = session.output.progress(entries.len() as u64, "tracking");
    let mut end = Ok(());
    while !entries.is_empty() && end.is_ok() {
        let rest = entries.split_off(entries.len().min(BATCH));
        let batch = std::mem::replace(&mut entries, rest);
        let rows = batch.len();
        match send(batch, &name, &mut answers, &session.clients).await {
            Ok(()) => bar.inc(rows as u64),
            Err(error) => {
                answers.unsent = rows + entries.len();
                end = Err(error);
            }
        }
    }
    bar.finish_and_clear();
    answers.rows.sort_by_key(|row| row.row);
    Ok((answers, end))
}

async fn send(mut batch: Vec<Entry<ParcelEvent>>, name: &str, answers: &mut Answers, clients: &Clients) -> Result<()> {
    let mut refused = Vec::new();
    while !batch.is_empty() {
        let mut request = ReportTrackingBatchRequest::default();
        request.events.extend(batch.iter().map(|entry| entry.value.clone()));
        let text = format!("{name} {}", serde_json::to_string(&request)?);
        request.request_id = content_id("tracking", text.as_bytes());
        let (results, sent) = match call(request, clients).await {
            Ok(results) => (results, Ok(())),
            Err(status) => (Vec::new(), Err(status)),
        };
        let whole = batch.clone();
        match answered(sent, std::mem::take(&mut batch), "events")? {
            Batch::Taken => {
                whole.iter().zip(results).for_each(|(entry, told)| answers.answer(entry.rows[0], told));
            }
            Batch::Refused(why) => {
                refused.extend(whole.into_iter().map(|entry| (entry, why.reason, why.text.clone())));
            }
            Batch::Partly(bad, good) => {
                refused.extend(bad.into_iter().map(|(entry, why)| (entry, "MALFORMED", why)));
                batch = good;
            }
        }
    }
    for (entry, reason, text) in refused {
        answers.refuse(entry.rows[0], &entry.value, reason, text);
    }
    Ok(())
}

/// One call, made again as long as the service is too busy or away: the request id is the same, so is the answer.
async fn call(request: ReportTrackingBatchRequest, clients: &Clients) -> Result<Vec<ParcelEventResult>, Status> {
    let mut logistics = clients.logistics().map_err(|error| Status::unavailable(error.to_string()))?;
    let mut tries = 1;
    loop {
        match logistics.report_tracking_batch(Request::new(request.clone())).await {
            Ok(answer) => return Ok(answer.into_inner().results),
            Err(status) if again::is_worth_it(&status) && tries < TRIES => {
                let pause = chassis::jittered(Duration::from_millis(100 << tries));
                tokio::time::sleep(again::wait(&status, pause)).await;
                tries += 1;
            }
            Err(status) => return Err(status),
        }
    }
}

fn read(bytes: &[u8], answers: &mut Answers) -> Result<Vec<Entry<ParcelEvent>>> {
    let mut reader = invoice::reader(bytes, &HEADINGS)?;
    let mut entries = Vec::new();
    let mut rows = reader.deserialize::<Raw>();
    loop {
        let row = rows.reader().position().line();
        let Some(raw) = rows.next() else { return Ok(entries) };
        answers.read += 1;
        match raw.map(event) {
            Ok((value, bad)) if bad.is_empty() => entries.push(Entry { rows: vec![row], value }),
            Ok((value, bad)) => answers.refuse(row, &value, "MALFORMED", bad.join("; ")),
            Err(error) => answers.refuse(row, &ParcelEvent::default(), "NOT_A_ROW", error.to_string()),
        }
    }
}

/// The event of a row, and each field of it that cannot be read.
fn event(raw: Raw) -> (ParcelEvent, Vec<String>) {
    let mut bad = Vec::new();
    for (field, text) in [("tracking_no", &raw.tracking_no), ("carrier_event_id", &raw.carrier_event_id)] {
        if text.is_empty() {
            bad.push(format!("{field} is empty"));
        }
    }
    let state = words::parse::<ShipmentState>(&raw.state);
    let state = state.unwrap_or_else(|why| {
        bad.push(format!("state {:?}: {why}", raw.state));
        ShipmentState::default()
    });
    let at = raw.occurred_at.parse::<Timestamp>().map_err(|_| {
        bad.push(format!("occurred_at {:?} is not a time as 2026-03-04T05:06:07Z", raw.occurred_at));
    });
    let mut reason = TrackingReason::default();
    if !raw.reason.is_empty() {
        match words::parse::<TrackingReason>(&raw.reason) {
            Ok(word) => reason = word,
            Err(why) => bad.push(format!("reason {:?}: {why}", raw.reason)),
        }
    }
    for (field, day) in [("held_until", &raw.held_until), ("expected_on", &raw.expected_on)] {
        if !day.is_empty() && day.parse::<Date>().is_err() {
            bad.push(format!("{field} {day:?} is not a day as 2026-03-04"));
        }
    }
    let event = TrackingEvent {
        carrier_event_id: raw.carrier_event_id,
        state: state.into(),
        occurred_at: at.ok().map(proto::to_wire),
        detail: raw.detail,
        reason: reason.into(),
        held_until: raw.held_until,
        expected_on: raw.expected_on,
    };
    (ParcelEvent { tracking_no: raw.tracking_no, event: Some(event) }, bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_row_is_refused_with_all_its_fields_and_the_others_are_read() {
        let text = "tracking_no,carrier_event_id,state,occurred_at,reason,held_until\n\
                    RX1,E-1,in_transit,2026-03-04T05:06:07Z,held_for_collection,2026-03-09\n\
                    ,,flying,yesterday,tired,soon\nRX2,E-2,delivered\nRX2,E-3,Delivered,2026-03-04T05:06:07+01:00,,\n";
        let mut answers = Answers::default();
        let entries = read(text.as_bytes(), &mut answers).unwrap();
        let rows: Vec<_> = entries.iter().map(|entry| entry.rows[0]).collect();
        assert_eq!((rows, answers.read), (vec![2, 5], 4));
        let first = entries[0].value.event.clone().unwrap();
        assert_eq!((first.reason(), first.held_until.as_str()), (TrackingReason::HeldForCollection, "2026-03-09"));
        let refused: Vec<_> = answers.rows.iter().map(|row| (row.row, row.reason.as_str())).collect();
        assert_eq!(refused, [(3, "MALFORMED"), (4, "NOT_A_ROW")]);
        for field in ["tracking_no", "carrier_event_id", "state", "occurred_at", "reason", "held_until"] {
            assert!(answers.rows[0].text.contains(field), "{field}: {}", answers.rows[0].text);
        }
        assert!(read(b"tracking_no,state\n", &mut Answers::default()).is_err(), "columns are missing");
    }
}
