//! The canary: a claim that intake submits to itself at an interval, to see that claims get through (P54).
//!
//! It takes the way of every claim: intake → orchestrator → triage, which refuses it by a rule → orchestrator, which ends
//! it → intake; the clocks at escalation are started and stopped. Inventory and logistics are not on its way: it gives
//! nothing away, so it cannot say whether they get on. Their own readiness does.
//!
//! It has the mark of [`proto::canary`]: no customer is told, no person asked, and lists of claims leave it out. What is
//! kept of it is kept for good like that of any claim: one line, no evidence, no words, a made-up contact. One a minute
//! is 1,440 claims a day, and as many claim numbers.
//!
//! Every replica submits the canary of each slot of time under the same request id, so there is one; and every replica
//! looks by itself whether the newest have come back.

use std::sync::LazyLock;
use std::time::Duration;

use chassis::{Call, Check, Clock, Context, Lanes, OwnPart};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use opentelemetry::metrics::{Gauge, Histogram};
use opentelemetry::{KeyValue, global};
use proto::canary::{CUSTOMER_REF, ORDER_NO};
use proto::claim::{Category, Channel, Resolution};
use proto::ids;
use proto::intake::{Contact, NewLine, SubmitClaimRequest, SubmitClaimResponse};
use sqlx::PgPool;
use tonic::{Code, Status};

use crate::handle::Handle;
use crate::{grpc, store};

/// How often is looked.
const LOOK: Duration = Duration::from_secs(1);
/// In this time a canary is to be back.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// So many in a row that are not back degrade the service.
const MISSING_MAX: i64 = 2;
/// So many in a row that are not back are enough: more would only pile up, and each that is not back for a day becomes
/// work for a person at escalation.
const ENOUGH: i64 = 10;
/// When enough are away, another is tried so long after the last.
const ANOTHER: SignedDuration = SignedDuration::from_hours(1);

struct Instruments {
    seconds: Histogram<f64>,
    missing: Gauge<i64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let meter = global::meter("redress");
    Instruments {
        seconds: meter
            .f64_histogram("redress.canary.seconds")
            .with_description("time from the submission of a canary until intake hears of its end")
            .with_boundaries(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0])
            .build(),
        missing: meter
            .i64_gauge("redress.canary.missing")
            .with_description("canaries in a row that are not back after 30 s, or could not be submitted")
            .build(),
    }
});

fn labels() -> [KeyValue; 1] {
    [KeyValue::new("service", "intake")]
}

/// Counts a canary that has come back.
pub fn came_back(after: SignedDuration) {
    INSTRUMENTS.seconds.record(after.as_secs_f64().max(0.0), &labels());
}

/// Starts submitting and looking, if canaries are wanted.
pub fn start(ctx: &Context, every: Option<SignedDuration>, lanes: &Lanes<Handle>) {
    let Some(every) = every else { return };
    let clock = ctx.clock();
    let canary = Canary {
        lanes: lanes.clone(),
        reads: ctx.reads(),
        part: ctx.own_part("canary"),
        every,
        since: clock.now(),
        clock,
        submitted: None,
        enough: false,
        refused: None,
    };
    ctx.task("the canary", canary.run());
}

/// Who submits and looks.
struct Canary {
    lanes: Lanes<Handle>,
    reads: PgPool,
    clock: Clock,
    part: OwnPart,
    every: SignedDuration,
    /// From then on canaries are expected.
    since: Timestamp,
    /// The last slot that has its canary.
    submitted: Option<i64>,
    /// No more are submitted.
    enough: bool,
    /// Why the last could not be submitted.
    refused: Option<String>,
}

impl Canary {
    async fn run(mut self) {
        loop {
            let slot = slot(self.clock.now(), self.every);
            if self.submitted != Some(slot) && !self.enough {
                match self.submit(slot).await {
                    Ok(()) => (self.submitted, self.refused) = (Some(slot), None),
                    Err(status) => self.refused = Some(status.message().to_owned()),
                }
            }
            self.look().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Under a method of its own: whoever guesses the request id cannot take it away.
    async fn submit(&self, slot: i64) -> Result<(), Status> {
        let body = report(slot, self.every);
        let command = grpc::submit(Check::new(), &body, false, &TimeZone::UTC, self.clock.now())?;
        let (call, request_id) = (Call::own("intake"), proto::ids::parse(&body.request_id).unwrap_or_default());
        let answer: Result<SubmitClaimResponse, Status> =
            self.lanes.run(&call, "SubmitCanary", request_id, &body, command).await;
        match answer {
            // A replica of another version was first, and says it in other words.
            Err(status) if status.code() == Code::AlreadyExists => Ok(()),
            Err(status) => Err(status),
            Ok(_) => Ok(()),
        }
    }

    async fn look(&mut self) {
        // Without the database nothing can be said; readiness says that already.
        let Ok(newest) = store::canaries(&self.reads, 2 * ENOUGH).await else { return };
        let seen = Seen::of(&newest, self.since, self.every, self.clock.now(), self.enough);
        self.enough = seen.is_enough();
        INSTRUMENTS.missing.record(seen.missing, &labels());
        self.part.say(seen.trouble(self.refused.as_deref()));
    }
}

/// The slot of time that a moment is in: replicas agree on it.
fn slot(at: Timestamp, every: SignedDuration) -> i64 {
    at.as_millisecond().div_euclid(millis(every))
}

fn millis(every: SignedDuration) -> i64 {
    i64::try_from(every.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// The same for every replica, word by word.
fn report(slot: i64, every: SignedDuration) -> SubmitClaimRequest {
    let begins = Timestamp::from_millisecond(slot.saturating_mul(millis(every))).unwrap_or_default();
    let line = NewLine {
        order_no: ORDER_NO.to_owned(),
        sku: ORDER_NO.to_owned(),
        quantity: 1,
        category: Category::ReturnRequest.into(),
        wish: Resolution::ReturnRefund.into(),
        ..NewLine::default()
    };
    let contact = Contact {
        customer_name: "Canary".to_owned(),
        email: "canary@redress.invalid".to_owned(),
        ..Contact::default()
    };
    SubmitClaimRequest {
        request_id: ids::derived(begins, &[CUSTOMER_REF]).to_string(),
        // A channel that demands no read-back: nobody is there to confirm it.
        channel: Channel::Api.into(),
        customer_ref: CUSTOMER_REF.to_owned(),
        contact: Some(contact),
        lines: vec![line],
        // No country.
        country: "ZZ".to_owned(),
        attested: true,
        ..SubmitClaimRequest::default()
    }
}

/// What the newest canaries tell.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// In a row, up to now, that are not back or could not be submitted.
    missing: i64,
    /// Of them those that were submitted.
    away: i64,
    /// Since the last was submitted.
    last: SignedDuration,
}

impl Seen {
    /// `newest` has the newest first. While there were `enough`, none is missed that was not submitted.
    fn of(newest: &[(Timestamp, bool)], since: Timestamp, every: SignedDuration, now: Timestamp, enough: bool) -> Self {
        let age = |at: Timestamp| now.duration_since(at);
        // The youngest may still be on their way; one of them that is back already says that all is well.
        let told = newest.iter().filter(|(at, ended)| *ended || age(*at) >= PATIENCE);
        let away = i64::try_from(told.take_while(|(_, ended)| !ended).count()).unwrap_or(i64::MAX);
        let last = age(newest.first().map_or(since, |(at, _)| *at));
        let silent = last.min(age(since)) - PATIENCE;
        let unsubmitted = if enough { 0 } else { (millis_of(silent) / millis(every)).max(0) };
        Self { missing: away + unsubmitted, away, last }
    }

    fn is_enough(&self) -> bool {
        self.away >= ENOUGH && self.last < ANOTHER
    }

    fn trouble(&self, refused: Option<&str>) -> Option<String> {
        if self.missing < MISSING_MAX {
            return None;
        }
        let trouble = format!("the last {} canaries are not back after {} s", self.missing, PATIENCE.as_secs());
        Some(refused.map_or(trouble.clone(), |refused| format!("{trouble}; the last was not submitted: {refused}")))
    }
}

fn millis_of(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn seen(canaries: &[(i64, bool)], running: i64, enough: bool) -> Seen {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let ago = |seconds: i64| now - SignedDuration::from_secs(seconds);
        let newest: Vec<_> = canaries.iter().map(|(seconds, ended)| (ago(*seconds), *ended)).collect();
        Seen::of(&newest, ago(running), MINUTE, now, enough)
    }

    fn missing(canaries: &[(i64, bool)]) -> i64 {
        seen(canaries, 100_000, false).missing
    }

    #[test]
    fn replicas_agree_on_slot_and_words() {
        let at = |text: &str| slot(text.parse().unwrap(), MINUTE);
        assert_eq!(at("2026-11-22T10:00:00Z"), at("2026-11-22T10:00:59.999Z"));
        assert_eq!(at("2026-11-22T10:00:00Z") + 1, at("2026-11-22T10:01:00Z"));
        assert_eq!(report(7, MINUTE), report(7, MINUTE));
        assert_ne!(report(7, MINUTE).request_id, report(8, MINUTE).request_id);
        let taken = grpc::submit(
            Check::new(),
            &report(7, MINUTE),
            false,
            &TimeZone::UTC,
            "2026-11-22T10:00:00Z".parse().unwrap(),
        );
        assert!(taken.is_ok(), "{taken:?}");
    }

    #[test]
    fn those_in_a_row_are_missing_that_are_not_back_in_time() {
        assert_eq!(missing(&[(5, true), (65, true)]), 0);
        assert_eq!(missing(&[(5, false), (65, true)]), 0, "it may still be on its way");
        assert_eq!(missing(&[(30, false), (90, true)]), 1);
        assert_eq!(missing(&[(5, false), (65, false), (125, false), (185, true)]), 2);
        assert_eq!(missing(&[(5, true), (65, false), (125, false)]), 0, "they get through again");
        assert_eq!(missing(&[(5, true), (65, true), (125, false)]), 0, "one that is parked says nothing of now");
    }

    #[test]
    fn those_are_missing_too_that_could_not_be_submitted() {
        assert_eq!(missing(&[(89, true)]), 0);
        assert_eq!(missing(&[(90, true)]), 1);
        assert_eq!(missing(&[(150, true)]), 2);
        assert_eq!(missing(&[(150, false)]), 3);
        assert_eq!(seen(&[(7200, true)], 20, false).missing, 0, "nobody was here to submit one");
        assert_eq!(seen(&[], 150, false).missing, 2);
        assert_eq!(seen(&[], -5, false).missing, 0, "a clock that was set back");
    }

    #[test]
    fn two_are_trouble_and_ten_are_enough_for_an_hour() {
        assert_eq!(seen(&[(65, false)], 100, false).trouble(None), None);
        let two = seen(&[(65, false), (125, false)], 200, false).trouble(Some("busy")).unwrap();
        assert!(two.contains("last 2 canaries") && two.ends_with("busy"), "{two}");
        let away = |newest: i64| (0..10).map(|n| (newest + 60 * n, false)).collect::<Vec<_>>();
        assert!(!seen(&away(60)[..9], 10_000, true).is_enough());
        assert!(seen(&away(60), 10_000, true).is_enough());
        assert_eq!(seen(&away(3500), 10_000, true).missing, 10, "nobody wanted another");
        assert!(!seen(&away(3600), 10_000, true).is_enough());
    }
}
