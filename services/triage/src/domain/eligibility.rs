//! Until when a line may be claimed: windows and warranty, in days of the policy's time zone.

use jiff::Span;
use jiff::civil::Date;
use proto::claim::Category;
use proto::policy::Pack;
use proto::policy::triage::{Start, Term};

use super::ask::Line;
use super::orders::Order;

/// How a purchase lies to the day that counts for the claim, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Eligibility {
    /// Inside the window of its kind, or there is none.
    Inside,
    /// Outside the window, but faults are still made good by replacement.
    Warranty,
    /// Too late.
    Outside,
}

/// Judges a purchase by what is recorded: an unknown delivery is taken as the day of purchase.
pub fn eligibility(pack: &Pack, category: Category, order: &Order, claimed_on: Date) -> Eligibility {
    judge(pack, category, order, claimed_on, order.delivered_on.unwrap_or(order.purchased_on))
}

/// Judges a purchase whose delivery is not recorded by the latest day that it can have had: the customer's word if they
/// gave one that can be true, else the longest that goods are on their way. None: the day is recorded.
pub fn at_best(pack: &Pack, category: Category, line: &Line, order: &Order, claimed_on: Date) -> Option<Eligibility> {
    if order.delivered_on.is_some() {
        return None;
    }
    let possible = order.purchased_on..=claimed_on;
    let longest = || order.purchased_on.saturating_add(Span::new().days(i64::from(pack.triage.delivery_days_max)));
    let word = line.delivered_on.filter(|day| possible.contains(day));
    Some(judge(pack, category, order, claimed_on, word.unwrap_or_else(longest)))
}

fn judge(pack: &Pack, category: Category, order: &Order, claimed_on: Date, delivered_on: Date) -> Eligibility {
    let terms = pack.triage.terms(category, &order.sku, order.purchased_on);
    // What is claimed before the term begins is early, not late.
    let inside = |term: &Term, repaired_on| {
        let start = match term.from {
            Start::Purchase => order.purchased_on,
            Start::Delivery => delivered_on,
        };
        claimed_on <= term.last_day(start, repaired_on, &pack.escalation.calendars)
    };
    if terms.window.is_none_or(|window| inside(window, None)) {
        return Eligibility::Inside;
    }
    // What was promised with the goods wins over the rule.
    let under_warranty = terms.warranty.is_some_and(|warranty| match order.warranty_until {
        Some(last) => claimed_on <= last,
        None => inside(warranty, order.repaired_on),
    });
    if under_warranty { Eligibility::Warranty } else { Eligibility::Outside }
}
