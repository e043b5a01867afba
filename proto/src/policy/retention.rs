//! How long what is over is kept. Journal and audit rows have no personal data, and the audit chain rests on them: they stay.

use serde::Deserialize;

use super::Problems;

/// Days in which nothing is forgotten, whatever a pack says: claims are opened again, and payments questioned.
const LEAST: u32 = 30;
/// A hundred years.
const MOST: u32 = 36_525;

/// Section `[retention]` of a pack: days after the end. Legal holds, and open claims, keep everything.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Files of evidence, after the end of their claim.
    pub evidence_days: u32,
    /// Contacts and words of a customer, after the end of the last claim: the key is destroyed, as by an erasure.
    pub personal_days: u32,
}

impl Retention {
    pub(super) fn check(&self, problems: &mut Problems) {
        for (key, days) in self.told() {
            let fits = (LEAST..=MOST).contains(&days);
            problems.require(fits, format!("retention.{key}"), format!("must be {LEAST} to {MOST} days"));
        }
        let order = self.evidence_days <= self.personal_days;
        problems.require(
            order,
            "retention.personal_days",
            "must not be less than evidence_days: files go with the key",
        );
    }

    /// Each with its key.
    pub fn told(&self) -> [(&'static str, u32); 2] {
        [("evidence_days", self.evidence_days), ("personal_days", self.personal_days)]
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Pack, SUPPLY_CHAIN};

    #[test]
    fn what_is_kept_no_time_or_in_the_wrong_order_is_told_with_its_line() {
        for (from, to) in
            [("evidence_days = 1_096", "evidence_days = 1"), ("personal_days = 2_192", "personal_days = 100")]
        {
            let error = Pack::parse("pack.toml", &SUPPLY_CHAIN.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains("retention."), "{error}");
        }
    }
}
