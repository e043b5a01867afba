//! How much one caller may ask.

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
    /// Calls of one customer within 24 hours that change something, or try to: what is answered is kept for a month.
    pub customer_changes_per_day: u32,
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
            customer_changes_per_day: 1_000,
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
            ("customer_changes_per_day", self.customer_changes_per_day),
        ];
        for (key, value) in all {
            anyhow::ensure!((1..=1_000_000).contains(&value), "limits.{key} must be 1 to 1000000");
        }
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
