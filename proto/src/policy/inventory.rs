//! Rules of inventory.

use serde::Deserialize;

use super::Problems;

/// Longest hold, in seconds: a year.
const HOLD_MAX_S: u32 = 366 * 86_400;
/// Longest lead time, in days: ten years.
const LEAD_TIME_MAX_DAYS: u32 = 3_660;

/// Section `[inventory]` of a pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Seconds after which a hold that is not committed runs out.
    pub hold_s: u32,
    /// Days after which goods that are missing are expected.
    pub lead_time_days: u32,
    /// Goods of several batches may go out together, if no single batch has enough.
    pub mix_batches: bool,
}

impl Inventory {
    pub(super) fn check(&self, problems: &mut Problems) {
        let hold = (1..=HOLD_MAX_S).contains(&self.hold_s);
        problems.require(hold, "inventory.hold_s", "must be 1 to 31,622,400 seconds");
        let lead_time = self.lead_time_days <= LEAD_TIME_MAX_DAYS;
        problems.require(lead_time, "inventory.lead_time_days", "must be 0 to 3,660 days");
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Pack, SUPPLY_CHAIN};

    #[test]
    fn a_hold_of_no_time_is_refused_with_its_line() {
        let good = SUPPLY_CHAIN.lines().position(|line| line.starts_with("hold_s")).unwrap();
        let text: Vec<&str> =
            SUPPLY_CHAIN.lines().enumerate().map(|(at, line)| if at == good { "hold_s = 0" } else { line }).collect();
        let error = Pack::parse("pack.toml", &text.join("\n")).unwrap_err();
        assert_eq!(error.lines(), [(good + 1, "inventory.hold_s: must be 1 to 31,622,400 seconds".to_owned())]);
    }
}
