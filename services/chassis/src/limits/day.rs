//! How often one customer may do something within a day that leaves a row for long (S31). Counted in memory, as calls are:
//! a restart is worth one more day, and each replica has its own.

use super::buckets::Buckets;
use crate::{Actor, Refusal};

/// A number for each customer and day.
pub struct Day {
    of: &'static str,
    limit: u32,
    buckets: Buckets,
}

impl Day {
    /// So many of something, as `reads`, for each customer and day.
    pub fn new(of: &'static str, limit: u32) -> Self {
        Self { of, limit, buckets: Buckets::per_day(limit) }
    }

    /// Counts one more of somebody who is let in as a customer. Others are not counted.
    pub fn take(&self, actor: &Actor) -> Result<(), Refusal> {
        let Some(customer) = &actor.customer else { return Ok(()) };
        self.buckets.take(customer).map_err(|wait| {
            let message = "the customer has asked for as much as a day may have; come again later";
            let refusal = Refusal::quota("CUSTOMER_QUOTA", message, format!("customer:{customer}"), wait);
            refusal.with("quota", self.of).with("limit", self.limit)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sr22_a_customer_has_so_many_a_day_and_others_are_not_counted() {
        let day = Day::new("reads", 200);
        let taken = |customer: Option<&str>| {
            let actor = Actor { customer: customer.map(str::to_owned), ..Actor::new("phone", &["customer"]) };
            (0..300).filter(|_| day.take(&actor).is_ok()).count()
        };
        assert_eq!((taken(Some("C-1")), taken(Some("C-2")), taken(None)), (200, 200, 300));
    }
}
