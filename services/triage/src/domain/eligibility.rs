//! Until when a line may be claimed: windows and warranty, in days of the policy's time zone.

use jiff::civil::Date;
use proto::policy::triage::{Kind, Term, Triage};

use super::orders::Order;

/// How a purchase lies to the day the claim was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eligibility {
    /// Inside the window of its kind, or there is none.
    Inside,
    /// Outside the window, but faults are still made good by replacement.
    Warranty,
    /// Too late.
    Outside,
}

/// Judges the day the claim was received.
pub fn eligibility(rules: &Triage, kind: Kind, order: &Order, received_on: Date) -> Eligibility {
    let inside = |term: &Term| within(term, order, received_on);
    let windows = &rules.windows;
    match kind {
        Kind::Quality if inside(&windows.quality) => Eligibility::Inside,
        Kind::Quality if inside(&rules.warranty) => Eligibility::Warranty,
        Kind::ChangeOfMind if inside(&windows.change_of_mind) => Eligibility::Inside,
        Kind::Fulfilment if inside(&windows.fulfilment) => Eligibility::Inside,
        Kind::Advice | Kind::Judgement => Eligibility::Inside,
        Kind::Quality | Kind::ChangeOfMind | Kind::Fulfilment => Eligibility::Outside,
    }
}

/// The last day counts; what was claimed before the term began is early, not late.
fn within(term: &Term, order: &Order, received_on: Date) -> bool {
    let passed = received_on.duration_since(order.day(term.from)).as_hours() / 24;
    passed <= i64::from(term.days)
}
