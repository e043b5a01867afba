//! How much one caller may ask.

use jiff::SignedDuration;
use serde::Deserialize;

use super::buckets::Rate;

/// How much one caller may ask. The defaults are far above what people and their systems do; they stop whoever loops.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls a second of one caller, in the long run.
    pub per_second: u32,
    /// Calls of one caller that may come together after a pause.
    pub burst: u32,
    /// Calls of one caller that may run at once.
    pub calls: u32,
    /// Calls a second of one customer, in the long run: of a caller with the role customer and no other. Customers are many and
    /// anybody can become one, so each has less than the staff.
    pub customer_per_second: u32,
    /// Calls of one customer that may come together after a pause.
    pub customer_burst: u32,
    /// Calls of one customer that may run at once.
    pub customer_calls: u32,
    /// The same for callers with the role integration or operator, behind whom there are many people.
    pub system_per_second: u32,
    /// Calls of one such caller that may come together after a pause.
    pub system_burst: u32,
    /// Calls of one such caller that may run at once.
    pub system_calls: u32,
    /// Calls a second that nobody is recognised by, of one address; more are refused unlogged.
    pub stranger_per_second: u32,
    /// Such calls that may come together after a pause.
    pub stranger_burst: u32,
    /// Longest that claims may wait until the process begins them; then no more are let in than begin. Of intake only.
    pub begun_within: SignedDuration,
    /// Claims that the process is told of before it has begun them; with so many, the others wait with intake (until none
    /// has begun for a second, and three seconds in a round at most), and what is begun is finished first. Lanes remember a thousand
    /// claims. More where the process begins thousands of claims a second. Of intake only.
    pub ahead: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: 300,
            burst: 3_000,
            calls: 128,
            customer_per_second: 20,
            customer_burst: 200,
            customer_calls: 16,
            system_per_second: 5_000,
            system_burst: 20_000,
            system_calls: 768,
            stranger_per_second: 100,
            stranger_burst: 1_000,
            begun_within: SignedDuration::from_millis(500),
            ahead: 128,
        }
    }
}

impl Limits {
    /// Whether anybody could call at all.
    pub fn check(&self) -> anyhow::Result<()> {
        let all = [
            ("per_second", self.per_second),
            ("burst", self.burst),
            ("calls", self.calls),
            ("customer_per_second", self.customer_per_second),
            ("customer_burst", self.customer_burst),
            ("customer_calls", self.customer_calls),
            ("system_per_second", self.system_per_second),
            ("system_burst", self.system_burst),
            ("system_calls", self.system_calls),
            ("stranger_per_second", self.stranger_per_second),
            ("stranger_burst", self.stranger_burst),
            ("ahead", self.ahead),
        ];
        for (key, value) in all {
            anyhow::ensure!((1..=1_000_000).contains(&value), "limits.{key} must be 1 to 1000000");
        }
        let least = SignedDuration::from_millis(100);
        anyhow::ensure!(self.begun_within >= least, "limits.begun_within must be 100 ms or more");
        Ok(())
    }

    pub(super) fn person(&self) -> Rate {
        Rate { per_second: self.per_second, burst: self.burst }
    }

    pub(super) fn customer(&self) -> Rate {
        Rate { per_second: self.customer_per_second, burst: self.customer_burst }
    }

    pub(super) fn system(&self) -> Rate {
        Rate { per_second: self.system_per_second, burst: self.system_burst }
    }

    pub(super) fn stranger(&self) -> Rate {
        Rate { per_second: self.stranger_per_second, burst: self.stranger_burst }
    }
}
