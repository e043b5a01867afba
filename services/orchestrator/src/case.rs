//! What is kept of a claim beside its process: what intake recorded, what the customer added, what was granted and
//! booked. The process knows units and names only; commands to the services are filled from here.

mod grant;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::claim::{LinePlan, Plan, ReportedLine, Resolution, Severity};
use proto::from_wire;
use proto::intake::ClaimSubmitted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::claim_process::{Asked, Clock, Job, Leg};
use crate::entitlement::{OrderLine, Sale};
use crate::sums::Counted;

pub use grant::{Allowed, Grant, Part};

/// What is kept of a claim beside its process. Stored as JSON: added to, never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What intake recorded.
    pub submitted: ClaimSubmitted,
    /// Order numbers that the customer gave later, by line.
    #[serde(default)]
    pub order_nos: BTreeMap<u32, String>,
    /// Lines whose order number was asked for and is not known.
    #[serde(default)]
    pub order_unknown: BTreeSet<u32>,
    /// The customer gave a delivery address later.
    #[serde(default)]
    pub address_given: bool,
    /// Staff and systems that answered or agreed for the customer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub answered_by: BTreeSet<String>,
    /// Who approved the plan in force.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approved_by: BTreeSet<String>,
    /// Who said that a payment failed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failed_by: BTreeSet<String>,
    /// The claim that this one was said to repeat, a UUID; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub duplicate_of: String,
    /// Severity by the newest judgement, a number of the contract.
    #[serde(default)]
    pub severity: i32,
    /// Waybill numbers of what was booked.
    #[serde(default)]
    pub waybills: Vec<Waybill>,
    /// The day on which the customer was told last to expect the goods of a line, YYYY-MM-DD; none: as the plan says.
    #[serde(default)]
    pub told_days: BTreeMap<u32, String>,
    /// What the ledgers granted.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// What the claim counts in the sums of its customer and of who gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<Counted>,
    /// What is left of order lines, as far as a plan met it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Left>,
    /// Clocks of this round that were stopped, and when.
    #[serde(default)]
    pub stops: Vec<Stop>,
    /// Deadlines that have moved since they were promised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deadlines: Vec<Deadline>,
    /// What the customer is asked, and has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
}

/// The deadline of a clock that has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadline {
    pub clock: Clock,
    pub round: u16,
    /// When it is due.
    pub at: Timestamp,
}

/// What the customer is asked, and has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The question or the plan.
    pub asked: Asked,
    /// Since when.
    pub since: Timestamp,
    /// Reminders that were sent.
    pub reminded: usize,
}

/// Clocks that were stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The newest round it stops.
    pub round: u16,
    /// Kinds; empty: all.
    pub kinds: Vec<Clock>,
    /// When the promise was kept: told again, it is still then.
    pub at: Timestamp,
}

/// The waybill number of a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waybill {
    /// The shipment or pick-up.
    pub job: Job,
    /// The number: the carrier's, if it has given one.
    pub tracking_no: String,
    #[serde(default)]
    pub carrier: String,
    /// The day on which it is expected, YYYY-MM-DD.
    #[serde(default)]
    pub expected_on: String,
}

/// What was left of an order line when a plan could not take from it what it meant to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub line: OrderLine,
    /// Units that nobody was promised or given.
    pub free: u32,
    /// Units given as goods while what they replace has not come back.
    pub replaced: u32,
    /// What was sold, by the facts that units were promised or given by; unset: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<Sale>,
}

impl Case {
    /// The case of a new claim.
    pub fn new(submitted: ClaimSubmitted) -> Self {
        Self {
            submitted,
            order_nos: BTreeMap::new(),
            order_unknown: BTreeSet::new(),
            address_given: false,
            answered_by: BTreeSet::new(),
            approved_by: BTreeSet::new(),
            failed_by: BTreeSet::new(),
            duplicate_of: String::new(),
            severity: Severity::Unspecified as i32,
            waybills: Vec::new(),
            told_days: BTreeMap::new(),
            grants: Vec::new(),
            counted: Vec::new(),
            left: Vec::new(),
            stops: Vec::new(),
            deadlines: Vec::new(),
            waiting: None,
        }
    }

    /// When the claim was received.
    pub fn received_at(&self) -> Timestamp {
        self.submitted.received_at.as_ref().and_then(from_wire).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The customer answered a question about a line: an order number, or that it is not known.
    pub fn answered(&mut self, line: u32, order_no: &str) {
        let Some(reported) = self.submitted.lines.iter().find(|reported| reported.line == line) else { return };
        if !order_no.is_empty() {
            self.order_unknown.remove(&line);
            self.order_nos.insert(line, order_no.to_owned());
        } else if reported.order_no.is_empty() && !self.order_nos.contains_key(&line) {
            self.order_unknown.insert(line);
        }
    }

    /// Whether goods can be sent to the customer, or collected there; `None`: it was not told.
    pub fn address_known(&self) -> Option<bool> {
        if self.address_given { Some(true) } else { self.submitted.address_known }
    }

    /// Who reported the claim, or answered for the customer.
    pub fn involved(&self) -> BTreeSet<String> {
        let reported_by = Some(&self.submitted.reported_by).filter(|by| !by.is_empty());
        self.answered_by.iter().chain(reported_by).cloned().collect()
    }

    /// Somebody answered for the customer; empty: the customer did.
    pub fn answered_for_customer(&mut self, by: &str) {
        if !by.is_empty() {
            self.answered_by.insert(by.to_owned());
        }
    }

    /// The lines as reported, with the order numbers that were given later.
    pub fn lines(&self) -> Vec<ReportedLine> {
        let mut lines = self.submitted.lines.clone();
        for line in &mut lines {
            if let Some(order_no) = self.order_nos.get(&line.line) {
                line.order_no.clone_from(order_no);
            }
        }
        lines
    }

    /// Clocks are stopped: when that was first told.
    pub fn stopped(&mut self, round: u16, kinds: &[Clock], now: Timestamp) -> Timestamp {
        if let Some(known) = self.stops.iter().find(|stop| stop.round == round && stop.kinds == kinds) {
            return known.at;
        }
        // The first round's only: what is read back is read back late (S0-13).
        self.stops.retain(|stop| stop.round == round || stop.round == 1);
        self.stops.push(Stop { round, kinds: kinds.to_vec(), at: now });
        now
    }

    /// A clock is due at another time.
    pub fn deadline_moved(&mut self, moved: Deadline) {
        self.deadlines.retain(|known| known.clock != moved.clock);
        self.deadlines.push(moved);
    }

    /// A parcel was booked.
    pub fn booked(&mut self, job: Job, tracking_no: &str, carrier: &str, expected_on: &str) {
        if !tracking_no.is_empty() {
            self.waybills.retain(|waybill| waybill.job != job);
            let (tracking_no, carrier, expected_on) =
                (tracking_no.to_owned(), carrier.to_owned(), expected_on.to_owned());
            self.waybills.push(Waybill { job, tracking_no, carrier, expected_on });
        }
    }

    /// The carrier has its own number for a parcel, or it comes on another day; empty: as before.
    pub fn changed(&mut self, job: Job, tracking_no: &str, expected_on: &str) {
        let Some(waybill) = self.waybills.iter_mut().find(|waybill| waybill.job == job) else { return };
        for (text, new) in [(&mut waybill.tracking_no, tracking_no), (&mut waybill.expected_on, expected_on)] {
            if !new.is_empty() {
                new.clone_into(text);
            }
        }
    }

    /// What is known of a parcel.
    pub fn waybill(&self, job: Job) -> Option<&Waybill> {
        self.waybills.iter().find(|waybill| waybill.job == job)
    }

    /// The waybill number of a parcel; empty: none.
    pub fn tracking_no(&self, job: Job) -> String {
        match job.leg {
            Leg::Shipment | Leg::Pickup => {
                self.waybill(job).map(|waybill| waybill.tracking_no.clone()).unwrap_or_default()
            }
            Leg::Entitlement | Leg::Reservation | Leg::Receipt | Leg::Settlement | Leg::Support | Leg::Visit => {
                String::new()
            }
        }
    }
}

/// What a planned line takes from an order line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    pub line: OrderLine,
    /// What was sold on it, as the plan says.
    pub sale: Sale,
    pub units: u32,
    /// The most that may be booked for them, minor units.
    pub amount: i64,
}

/// Who makes plans that no person has made.
pub const RULES: &str = "rules";

/// How the order number of an order line of the claim's own begins.
pub const OWN_ORDER: &str = "claim:";

/// What a planned line takes, order line by order line; none if the plan names no sale.
///
/// Somebody may have decided about goods of which no order is known: they are an order line of the claim's own, which no
/// other claim takes from.
pub fn takes(claim: Uuid, line: &LinePlan) -> Vec<Take> {
    let own = || format!("{OWN_ORDER}{claim}/{}", line.line);
    let order_no = |order_no: &str| if order_no.is_empty() { own() } else { order_no.to_owned() };
    if line.takes.is_empty() {
        return of_before(line, order_no(&line.order_no)).into_iter().collect();
    }
    let takes = line.takes.iter().filter_map(|take| {
        let paid = take.paid_total.as_ref()?;
        let (order_no, sku, line_id) = (order_no(&take.order_no), take.sku.clone(), take.line_id.clone());
        let sale = Sale {
            sold: take.sold_quantity,
            total: paid.minor_units,
            currency: paid.currency.clone(),
            tax: take.tax_total.as_ref().map(|tax| tax.minor_units),
            version: take.version,
        };
        let amount = take.amount.as_ref().map_or(0, |amount| amount.minor_units);
        Some(Take { line: OrderLine { order_no, sku, line_id }, sale, units: take.quantity, amount })
    });
    takes.filter(|take| take.sale.sold > 0).collect()
}

/// A line of a plan that names its one order line itself.
fn of_before(line: &LinePlan, order_no: String) -> Option<Take> {
    let price = line.unit_price.as_ref().filter(|_| line.sold_quantity > 0)?;
    let value = |units: u32| price.minor_units.saturating_mul(i64::from(units));
    let (total, currency) = (value(line.sold_quantity), price.currency.clone());
    Some(Take {
        line: OrderLine { order_no, sku: line.sku.clone(), line_id: String::new() },
        sale: Sale { sold: line.sold_quantity, total, currency, tax: None, version: 0 },
        units: line.quantity,
        amount: value(line.quantity),
    })
}

/// The most that finance may be told for a line, freight kept not yet taken off.
pub fn allowed(claim: Uuid, line: &LinePlan) -> i64 {
    let sum = || takes(claim, line).iter().map(|take| take.amount).sum();
    line.amount.as_ref().map_or_else(sum, |amount| amount.minor_units)
}

/// What a plan says was sold: its lines that give something. Advice about goods names the order line roughly, and nothing is
/// ever booked for it.
pub fn sales(claim: Uuid, plan: &Plan) -> impl Iterator<Item = (OrderLine, Sale)> {
    let giving = plan.lines.iter().filter(|line| gives(line));
    giving.flat_map(move |line| takes(claim, line)).map(|take| (take.line, take.sale))
}

/// Whether a line of a plan gives goods or money.
pub fn gives(line: &LinePlan) -> bool {
    match line.resolution() {
        Resolution::Replace | Resolution::Resend | Resolution::ReturnRefund | Resolution::RefundOnly => true,
        Resolution::Unspecified | Resolution::TechnicalSupport | Resolution::Reject => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(order_nos: &[&str]) -> Case {
        let lines = order_nos.iter().zip(1..).map(|(order_no, line)| ReportedLine {
            line,
            order_no: (*order_no).to_owned(),
            ..ReportedLine::default()
        });
        Case::new(ClaimSubmitted { lines: lines.collect(), ..ClaimSubmitted::default() })
    }

    #[test]
    fn an_answer_fills_the_order_number_or_marks_it_unknown() {
        let mut case = case(&["", "", "A"]);
        case.answered(1, "536365");
        case.answered(2, "");
        case.answered(3, "");
        case.answered(9, "x");
        let order_nos: Vec<String> = case.lines().into_iter().map(|line| line.order_no).collect();
        assert_eq!(order_nos, ["536365", "", "A"]);
        assert_eq!(case.order_unknown, BTreeSet::from([2]));
        case.answered(2, "536366");
        assert!(case.order_unknown.is_empty());
    }

    #[test]
    fn a_case_is_json_and_back() {
        let mut case = case(&["A"]);
        let job = Job { round: 1, line: 1, leg: Leg::Shipment, attempt: 2 };
        case.booked(job, "T1", "swift", "2026-12-01");
        case.booked(job, "T2", "swift", "2026-12-02");
        assert_eq!(case.tracking_no(job), "T2");
        case.changed(job, "C-2", "");
        case.changed(job, "", "2026-12-03");
        let waybill = case.waybill(job).unwrap();
        assert_eq!((waybill.tracking_no.as_str(), waybill.expected_on.as_str()), ("C-2", "2026-12-03"));
        let text = serde_json::to_string(&case).unwrap();
        assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
    }

    #[test]
    fn a_stop_is_told_with_its_first_time() {
        let mut case = case(&["A"]);
        let (first, later) = (Timestamp::from_second(10).unwrap(), Timestamp::from_second(20).unwrap());
        assert_eq!(case.stopped(1, &[Clock::FirstFeedback], first), first);
        assert_eq!(case.stopped(1, &[Clock::FirstFeedback], later), first);
        assert_eq!(case.stopped(2, &[Clock::FirstFeedback], later), later);
        assert_eq!(case.stopped(2, &[], later), later);
        assert_eq!(case.stops.len(), 3);
    }

    #[test]
    fn a_plan_of_before_takes_from_the_order_line_it_names() {
        let money = |minor_units| Some(proto::claim::Money { minor_units, currency: "GBP".to_owned() });
        let (sku, unit_price) = ("B".to_owned(), money(250));
        let line = LinePlan { line: 2, sku, quantity: 2, sold_quantity: 3, unit_price, ..LinePlan::default() };
        let take = takes(Uuid::nil(), &line).remove(0);
        assert_eq!(take.line.order_no, format!("claim:{}/2", Uuid::nil()), "no order is known");
        assert_eq!((take.sale.sold, take.sale.total, take.sale.version), (3, 750, 0));
        assert_eq!((take.units, take.amount, allowed(Uuid::nil(), &line)), (2, 500, 500));
        assert_eq!(takes(Uuid::nil(), &LinePlan { sold_quantity: 0, ..line }), Vec::new());
    }

    #[test]
    fn advice_about_one_of_several_lines_of_an_article_opens_no_ledger_of_another_line() {
        let line = |resolution: Resolution| LinePlan {
            order_no: "A".to_owned(),
            sku: "B".to_owned(),
            resolution: resolution.into(),
            quantity: 1,
            sold_quantity: 1,
            unit_price: Some(proto::claim::Money { minor_units: 250, currency: "GBP".to_owned() }),
            ..LinePlan::default()
        };
        let of = |resolution| sales(Uuid::nil(), &Plan { lines: vec![line(resolution)], ..Plan::default() }).count();
        assert_eq!((of(Resolution::TechnicalSupport), of(Resolution::Reject), of(Resolution::RefundOnly)), (0, 0, 1));
    }

    #[test]
    fn a_plan_takes_from_several_order_lines() {
        let money = |minor_units| Some(proto::claim::Money { minor_units, currency: "EUR".to_owned() });
        let take = |order_no: &str, quantity, amount| proto::claim::Take {
            order_no: order_no.to_owned(),
            sku: "B".to_owned(),
            line_id: "2".to_owned(),
            version: 4,
            sold_quantity: 3,
            paid_total: money(1_000),
            quantity,
            amount: money(amount),
            tax_total: None,
        };
        let line = LinePlan { takes: vec![take("A", 1, 334), take("C", 2, 667)], ..LinePlan::default() };
        let found = takes(Uuid::nil(), &line);
        assert_eq!(found.iter().map(|take| take.line.order_no.as_str()).collect::<Vec<_>>(), ["A", "C"]);
        assert_eq!((found[1].sale.version, found[1].sale.currency.as_str(), found[1].units), (4, "EUR", 2));
        assert_eq!(allowed(Uuid::nil(), &line), 1_001);
        assert_eq!(allowed(Uuid::nil(), &LinePlan { amount: money(900), ..line }), 900, "the line says less");
    }
}
