//! How a person decides a work item.

use proto::claim::{LiabilityParty, Money, Resolution};
use proto::escalation::Ruling;
use proto::triage::LineDecision;

use crate::words;

/// Decide a work item.
///
/// Approvals, tasks and escalations take --ruling; judgements take --as-proposed, --reject, --line or --ask.
#[derive(Clone, Debug, clap::Args)]
pub struct Decide {
    /// The work item.
    pub work_item: String,
    /// approve, deny, or retry a leg that failed.
    #[arg(long, value_parser = words::parse::<Ruling>, conflicts_with_all = ["as_proposed", "reject", "lines", "ask"])]
    pub ruling: Option<Ruling>,
    /// Do what the rules propose.
    #[arg(long, conflicts_with_all = ["reject", "lines", "ask"])]
    pub as_proposed: bool,
    /// Reject every line for this reason, as OUTSIDE_WINDOW.
    #[arg(long, value_name = "REASON", conflicts_with_all = ["lines", "ask"])]
    pub reject: Option<String>,
    /// One line: LINE=RESOLUTION[:UNITS[:UNIT_PRICE_IN_MINOR_UNITS CURRENCY]], as `1=return_refund:3`; a rejected line
    /// is LINE=reject:REASON. Repeat it for every line.
    #[arg(long = "line", value_name = "DECISION", value_parser = line, conflicts_with = "ask")]
    pub lines: Vec<LineDecision>,
    /// Ask the customer instead: reason code of the question, as ORDER_NUMBER_NEEDED.
    #[arg(long, value_name = "REASON")]
    pub ask: Option<String>,
    /// Who is liable, if not who the rules think.
    #[arg(long, value_parser = words::parse::<LiabilityParty>)]
    pub liability: Option<LiabilityParty>,
    /// Why.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Decide only if the work item still has this version.
    #[arg(long)]
    pub etag: Option<String>,
}

fn line(text: &str) -> Result<LineDecision, String> {
    let (line, rest) = text.split_once('=').ok_or("write it as LINE=RESOLUTION")?;
    let mut parts = rest.split(':');
    let resolution: Resolution = words::parse(parts.next().unwrap_or_default())?;
    let line = line.parse().map_err(|_| "the line is not a number")?;
    let mut decision = LineDecision { line, resolution: resolution.into(), ..LineDecision::default() };
    if resolution == Resolution::Reject {
        parts.next().ok_or("a rejected line needs a reason")?.clone_into(&mut decision.reason);
        return Ok(decision);
    }
    if let Some(units) = parts.next() {
        decision.quantity = units.parse().map_err(|_| "the units are not a number")?;
    }
    if let Some(price) = parts.next() {
        let (minor, currency) = price.split_once(' ').ok_or("write the price as `250 GBP`")?;
        let minor_units = minor.parse().map_err(|_| "the price is not a number of minor units")?;
        decision.unit_price = Some(Money { minor_units, currency: currency.to_owned() });
    }
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_decision_is_read() {
        let decision = line("2=return_refund:3:250 GBP").unwrap();
        assert_eq!((decision.line, decision.resolution(), decision.quantity), (2, Resolution::ReturnRefund, 3));
        assert_eq!(decision.unit_price.unwrap().minor_units, 250);
        assert_eq!(line("1=reject:OUTSIDE_WINDOW").unwrap().reason, "OUTSIDE_WINDOW");
        for odd in ["1", "x=replace", "1=explode", "1=reject", "1=replace:many", "1=replace:1:2"] {
            assert!(line(odd).is_err(), "{odd}");
        }
    }
}
