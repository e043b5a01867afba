//! What is kept of a claim beside its process: what intake recorded, what the customer added, what was granted and
//! booked. The process knows units and names only; commands to the services are filled from here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::claim::{LinePlan, Plan, ReportedLine, Severity};
use proto::from_wire;
use proto::intake::ClaimSubmitted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::claim_process::{Clock, Job, Leg};
use crate::entitlement::{OrderLine, Sale};

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
    /// The claim that this one was said to repeat, a UUID; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub duplicate_of: String,
    /// Severity by the newest judgement, a number of the contract.
    #[serde(default)]
    pub severity: i32,
    /// Waybill numbers of what was booked.
    #[serde(default)]
    pub waybills: Vec<Waybill>,
    /// What the ledger granted.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Clocks of this round that were stopped, and when.
    #[serde(default)]
    pub stops: Vec<Stop>,
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
    /// The number.
    pub tracking_no: String,
}

/// What the ledger granted for one piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The work.
    pub job: Job,
    /// The order line it is taken from, whatever a later plan says.
    pub line: OrderLine,
    /// Units given for it so far.
    pub given: u32,
    /// What was booked for them, minor units.
    pub amount: i64,
}

impl Case {
    /// The case of a new claim.
    pub fn new(submitted: ClaimSubmitted) -> Self {
        Self {
            submitted,
            order_nos: BTreeMap::new(),
            order_unknown: BTreeSet::new(),
            address_given: false,
            duplicate_of: String::new(),
            severity: Severity::Unspecified as i32,
            waybills: Vec::new(),
            grants: Vec::new(),
            stops: Vec::new(),
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

    /// A parcel was booked.
    pub fn booked(&mut self, job: Job, tracking_no: &str) {
        if !tracking_no.is_empty() {
            self.waybills.retain(|waybill| waybill.job != job);
            self.waybills.push(Waybill { job, tracking_no: tracking_no.to_owned() });
        }
    }

    /// The waybill number of a parcel; empty: none.
    pub fn tracking_no(&self, job: Job) -> String {
        match job.leg {
            Leg::Shipment | Leg::Pickup => {
                let waybill = self.waybills.iter().find(|waybill| waybill.job == job);
                waybill.map(|waybill| waybill.tracking_no.clone()).unwrap_or_default()
            }
            Leg::Entitlement | Leg::Reservation | Leg::Receipt | Leg::Settlement | Leg::Support => String::new(),
        }
    }
}

impl Grant {
    /// The part of the booked amount that belongs to `units` of the given ones; all parts together are the whole.
    pub fn share(&self, units: u32) -> i64 {
        if units >= self.given {
            return self.amount;
        }
        let part = i128::from(self.amount) * i128::from(units) / i128::from(self.given.max(1));
        i64::try_from(part).unwrap_or(self.amount)
    }
}

/// The order line that a planned line takes from, and what was sold on it; `None` if the plan names no sale.
///
/// Somebody may have decided about goods of which no order is known: they are an order line of the claim's own, which no
/// other claim takes from.
pub fn sale(claim: Uuid, line: &LinePlan) -> Option<(OrderLine, Sale)> {
    let price = line.unit_price.as_ref()?;
    if line.sold_quantity == 0 {
        return None;
    }
    let own = || format!("claim:{claim}/{}", line.line);
    let order_no = Some(&line.order_no).filter(|order_no| !order_no.is_empty()).cloned().unwrap_or_else(own);
    let order_line = OrderLine { order_no, sku: line.sku.clone() };
    let currency = price.currency.clone();
    Some((order_line, Sale { sold: line.sold_quantity, unit_price: price.minor_units, currency }))
}

/// What a plan says was sold.
pub fn sales(claim: Uuid, plan: &Plan) -> impl Iterator<Item = (OrderLine, Sale)> {
    plan.lines.iter().filter_map(move |line| sale(claim, line))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        case.booked(job, "T1");
        case.booked(job, "T2");
        assert_eq!(case.tracking_no(job), "T2");
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

    proptest! {
        #[test]
        fn shares_of_a_grant_add_up(given in 1_u32..50, amount in 0_i64..100_000, portions in prop::collection::vec(1_u32..9, 1..60)) {
            let job = Job { round: 1, line: 1, leg: Leg::Entitlement, attempt: 1 };
            let line = OrderLine { order_no: "A".to_owned(), sku: "B".to_owned() };
            let mut grant = Grant { job, line, given, amount };
            let mut back = 0;
            for units in portions {
                let units = units.min(grant.given);
                let part = grant.share(units);
                prop_assert!((0..=grant.amount).contains(&part));
                grant.given -= units;
                grant.amount -= part;
                back += part;
            }
            back += grant.share(grant.given);
            prop_assert_eq!(back, amount);
        }
    }
}
