//! What became of each credit line: what the shop credited then, and what Redress does today.

use std::collections::BTreeMap;

use proto::claim::{ClaimState, WaitingFor};
use proto::orchestrator::Process;
use proto::policy::Pack;
use serde::Serialize;

use super::finish::is_ended;
use super::world::Seen;
use crate::import::invoice::Line;
use crate::import::report::{Kind, Report};
use crate::words::plain;

/// What became of all credit lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Credits {
    /// Credit lines.
    pub lines: usize,
    /// Of those, whose purchase was found.
    pub matched: usize,
    /// Closed with the refund that the file itself credits.
    pub refunded_as_credited: usize,
    /// Closed with another refund, by why.
    pub refunded_otherwise: BTreeMap<String, usize>,
    /// Not refunded, by why.
    pub not_refunded: BTreeMap<String, usize>,
}

/// What is known of the claim of a credit line.
pub struct Claim<'a> {
    /// Its process.
    pub process: Option<&'a Process>,
    /// What its subscribers saw.
    pub seen: Option<&'a Seen>,
    /// What finance has paid, in minor units.
    pub paid: i64,
}

impl Credits {
    /// Judges every line; `claim` finds the claim that was made of a row.
    pub fn of<'a>(lines: &[Line], report: &Report, pack: &Pack, claim: impl Fn(u64) -> Option<Claim<'a>>) -> Self {
        let mut found = Self { lines: lines.len(), ..Self::default() };
        for line in lines {
            let is_no_goods = pack.triage.non_goods.contains(&line.sku);
            let Some(claim) = claim(line.row) else {
                let refused = report.rows.iter().find(|row| row.row == line.row && row.kind == Kind::Refused);
                let why = if is_no_goods { "NOT_GOODS" } else { refused.map_or("NOT_TAKEN", |row| row.reason) };
                *found.not_refunded.entry(why.to_owned()).or_default() += 1;
                continue;
            };
            let plan = claim.seen.and_then(|seen| seen.plan.first());
            found.matched += usize::from(plan.is_some_and(|plan| !plan.takes.is_empty()));
            match verdict(line, &claim) {
                Ok(true) => found.refunded_as_credited += 1,
                Ok(false) => *found.refunded_otherwise.entry(otherwise(line, &claim).to_owned()).or_default() += 1,
                Err(why) => *found.not_refunded.entry(why).or_default() += 1,
            }
        }
        found
    }

    /// Rows of a table for people.
    pub fn rows(&self) -> Vec<(usize, String)> {
        let refunded: usize = self.refunded_as_credited + self.refunded_otherwise.values().sum::<usize>();
        let mut rows = vec![
            (self.lines, "credit lines".to_owned()),
            (self.matched, "matched to a purchase".to_owned()),
            (refunded, "refunded".to_owned()),
            (self.refunded_as_credited, "  as the file itself credits".to_owned()),
        ];
        let mut add = |reasons: &BTreeMap<String, usize>| {
            rows.extend(reasons.iter().map(|(why, lines)| (*lines, format!("  {why}"))));
        };
        add(&self.refunded_otherwise);
        let not: usize = self.not_refunded.values().sum();
        rows.push((not, "not refunded".to_owned()));
        rows.extend(self.not_refunded.iter().map(|(why, lines)| (*lines, format!("  {why}"))));
        rows
    }
}

/// Whether it was refunded as credited; why not, if it was not refunded.
fn verdict(line: &Line, claim: &Claim<'_>) -> Result<bool, String> {
    let Some(process) = claim.process else { return Err("NO_PROCESS".to_owned()) };
    if !is_ended(process.state()) {
        return Err(format!("open, waits for {}", plain::<WaitingFor>(process.waiting_for)));
    }
    if process.state() == ClaimState::Closed && claim.paid > 0 {
        return Ok(claim.paid == credited(line));
    }
    let state = plain::<ClaimState>(process.state);
    Err(if process.end_reason.is_empty() { state } else { process.end_reason.clone() })
}

/// Why a refund is not what the file credits.
fn otherwise(line: &Line, claim: &Claim<'_>) -> &'static str {
    let plan = claim.seen.and_then(|seen| seen.plan.first());
    let planned = plan.map_or(0, |plan| i64::from(plan.quantity));
    let amount = plan.and_then(|plan| plan.amount.as_ref()).map_or(0, |amount| amount.minor_units);
    if planned < -line.quantity {
        "fewer units were sold than credited"
    } else if claim.paid < amount {
        "fewer units came back in good order"
    } else {
        "the newest purchase had another price"
    }
}

/// What the file credits, in minor units.
fn credited(line: &Line) -> i64 {
    crate::import::orders::paid_for(-line.quantity, line.price, super::data::CURRENCY).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::claim::{LinePlan, Money, Take};

    use super::*;

    fn line(row: u64, sku: &str) -> Line {
        Line {
            row,
            invoice: "C1".to_owned(),
            sku: sku.to_owned(),
            description: String::new(),
            quantity: -2,
            day: date(2026, 11, 1),
            price: "2.50".parse().unwrap(),
            customer: "7".to_owned(),
            country: "France".to_owned(),
            delivered: None,
        }
    }

    fn seen(quantity: u32, minor_units: i64) -> Seen {
        let amount = Some(Money { minor_units, currency: "GBP".to_owned() });
        let plan = LinePlan { quantity, amount, takes: vec![Take::default()], ..LinePlan::default() };
        let mut seen = Seen::default();
        seen.plan.push(plan);
        seen
    }

    #[test]
    fn every_credit_line_has_one_fate() {
        let process = |state: ClaimState, end_reason: &str| Process {
            state: state.into(),
            end_reason: end_reason.to_owned(),
            ..Process::default()
        };
        let closed = process(ClaimState::Closed, "");
        let rejected = process(ClaimState::Rejected, "OUTSIDE_WINDOW");
        let (whole, dear, few) = (seen(2, 500), seen(2, 520), seen(1, 250));
        let mut report = Report::new("claims");
        report.add(8, Kind::Refused, "NO_CUSTOMER", "");
        report.add(9, Kind::Refused, "NO_CUSTOMER", "");
        let lines =
            [line(2, "A"), line(3, "A"), line(4, "A"), line(5, "A"), line(6, "A"), line(8, "A"), line(9, "POST")];
        let pack = Pack::load(None).unwrap();
        let found = Credits::of(&lines, &report, &pack, |row| {
            let (process, seen, paid) = match row {
                2 => (&closed, Some(&whole), 500),
                3 => (&closed, Some(&dear), 520),
                4 => (&closed, Some(&few), 250),
                5 => (&closed, Some(&whole), 250),
                6 => (&rejected, None, 0),
                _ => return None,
            };
            Some(Claim { process: Some(process), seen, paid })
        });
        assert_eq!((found.lines, found.matched, found.refunded_as_credited), (7, 4, 1));
        let whys = |reasons: &BTreeMap<String, usize>| reasons.values().sum::<usize>();
        assert_eq!((whys(&found.refunded_otherwise), found.refunded_otherwise.len()), (3, 3));
        assert_eq!(found.not_refunded.keys().collect::<Vec<_>>(), ["NOT_GOODS", "NO_CUSTOMER", "OUTSIDE_WINDOW"]);
        assert_eq!(
            whys(&found.refunded_otherwise) + whys(&found.not_refunded) + found.refunded_as_credited,
            found.lines
        );
    }
}
