//! What a customer brings by own calls, and how much of it a day may have. Staff and systems of the shop, who report on
//! behalf of customers, are not meant: they are known to the shop, and customers can be anybody.

use jiff::{SignedDuration, Timestamp};

use super::Refusal;

/// What counts, back from now.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How much one customer may bring within a day.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    pub claims: u64,
    /// Bytes of evidence files, as they are stored.
    pub bytes: u64,
}

/// What a customer has brought within the last day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// Claims, also those that have ended: who withdraws a claim does not get another one for it.
    pub claims: u64,
    /// When the first of them came.
    pub first_claim: Option<Timestamp>,
    /// Bytes of evidence files.
    pub bytes: u64,
    /// When the first of them came.
    pub first_file: Option<Timestamp>,
}

/// Something a customer brings: it counts for a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Claim,
    /// A file with so many bytes.
    File(u64),
}

/// A quota that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Opaque reference of the customer.
    pub customer_ref: String,
    /// Of what there is no more.
    pub of: Piece,
    /// How much was brought.
    pub brought: u64,
    /// How much can be.
    pub limit: u64,
    /// When some of it counts no more, at the earliest.
    pub wait: SignedDuration,
}

impl Brought {
    /// Counts one more piece, if there is room for it.
    pub fn add(&mut self, quota: Quota, customer_ref: &str, now: Timestamp, piece: Piece) -> Result<(), Refusal> {
        let (brought, limit, more, first) = match piece {
            Piece::Claim => (&mut self.claims, quota.claims, 1, &mut self.first_claim),
            Piece::File(bytes) => (&mut self.bytes, quota.bytes, bytes, &mut self.first_file),
        };
        let all = brought.saturating_add(more);
        if all > limit {
            let gone = first.map(|at| DAY.saturating_sub(now.duration_since(at)));
            let wait = gone.unwrap_or(DAY).clamp(SignedDuration::ZERO, DAY);
            let spent = Spent { customer_ref: customer_ref.to_owned(), of: piece, brought: *brought, limit, wait };
            return Err(Refusal::CustomerQuota(Box::new(spent)));
        }
        *brought = all;
        first.get_or_insert(now);
        Ok(())
    }

    /// Whether a file may still come: what will be refused for sure is refused before its bytes come.
    pub fn has_room(mut self, quota: Quota, customer_ref: &str, now: Timestamp) -> Result<(), Refusal> {
        self.add(quota, customer_ref, now, Piece::File(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { claims: 2, bytes: 100 };

    fn wait(refused: Result<(), Refusal>) -> SignedDuration {
        let Err(Refusal::CustomerQuota(spent)) = refused else { panic!("{refused:?}") };
        spent.wait
    }

    #[test]
    fn a_day_has_so_much_and_not_more() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let first = now - SignedDuration::from_hours(23);
        let mut brought = Brought { claims: 1, first_claim: Some(first), ..Brought::default() };
        brought.add(QUOTA, "C-1", now, Piece::Claim).unwrap();
        let full = brought;
        assert_eq!(wait(brought.add(QUOTA, "C-1", now, Piece::Claim)), SignedDuration::from_hours(1));
        assert_eq!(brought, full, "what is refused does not count");

        brought.add(QUOTA, "C-1", now, Piece::File(60)).unwrap();
        assert_eq!(wait(brought.add(QUOTA, "C-1", now, Piece::File(41))), DAY);
        brought.has_room(QUOTA, "C-1", now).unwrap();
        brought.add(QUOTA, "C-1", now, Piece::File(40)).unwrap();
        assert_eq!(wait(brought.has_room(QUOTA, "C-1", now)), DAY);
        assert_eq!(wait(Brought::default().add(QUOTA, "C-1", now, Piece::File(u64::MAX))), DAY);
    }
}
