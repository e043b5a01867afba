//! What becomes of a customer: personal data are there until they are erased, unless a claim or a hold forbids it.

use jiff::Timestamp;
use proto::ids;
use proto::intake::{ErasureReason, HoldReason};
use uuid::Uuid;

use super::Refusal;

/// What can be done with a customer.
#[derive(Clone, Debug)]
pub enum CustomerAction {
    /// Destroy the key.
    Erase {
        /// Why.
        reason: ErasureReason,
        /// Case.
        reference: String,
    },
    /// Forbid that.
    PlaceHold {
        /// Why.
        reason: HoldReason,
        /// Case.
        reference: String,
    },
    /// Forbid it no more.
    ReleaseHold { hold: Uuid },
}

/// A customer, as far as personal data are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// Opaque reference.
    pub customer_ref: String,
    /// All keys, oldest first. At the most the last one is there.
    pub keys: Vec<Key>,
    /// All holds, oldest first.
    pub holds: Vec<Hold>,
    /// Claims that have not ended.
    pub open: usize,
    /// Numbers of some of them.
    pub open_numbers: Vec<String>,
}

/// A key of a customer: what is known of it, not the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub id: Uuid,
    /// By which it would be known again.
    pub fingerprint: Vec<u8>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Its end.
    pub erased: Option<Erased>,
}

/// The end of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// When.
    pub at: Timestamp,
    /// Subject of who asked for it.
    pub by: String,
    /// Why.
    pub reason: ErasureReason,
    /// Case.
    pub reference: String,
}

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub id: Uuid,
    /// Why.
    pub reason: HoldReason,
    /// Case.
    pub reference: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// By whom.
    pub placed_by: String,
    /// When it was released, and by whom.
    pub released: Option<(Timestamp, String)>,
}

/// What leads all commands about a customer into one lane.
pub fn customer_lane(customer_ref: &str) -> Uuid {
    ids::derived(Timestamp::UNIX_EPOCH, &["customer", customer_ref])
}

impl Customer {
    /// Whether personal data can be read.
    pub fn readable(&self) -> bool {
        self.keys.iter().any(|key| key.erased.is_none())
    }

    /// Destroys the key; gives whether there was one to destroy. `others`: who released a hold leaves it to another person.
    pub fn erase(&mut self, erased: Erased, others: bool) -> Result<bool, Refusal> {
        if self.keys.is_empty() {
            return Err(Refusal::NoSuchCustomer);
        }
        let Some(live) = self.keys.iter().position(|key| key.erased.is_none()) else { return Ok(false) };
        if let Some(hold) = self.holds.iter().find(|hold| hold.released.is_none()) {
            return Err(Refusal::LegalHold(Box::new(hold.clone())));
        }
        let released = |hold: &Hold| hold.released.as_ref().is_some_and(|(_, by)| *by == erased.by);
        if others && self.holds.iter().any(released) {
            return Err(Refusal::OwnHold);
        }
        if self.open > 0 {
            return Err(Refusal::OpenClaims { open: self.open, claims: self.open_numbers.join(" ") });
        }
        self.keys[live].erased = Some(erased);
        Ok(true)
    }

    /// Places a hold.
    pub fn hold(&mut self, hold: Hold) -> Result<(), Refusal> {
        if self.keys.is_empty() {
            return Err(Refusal::NoSuchCustomer);
        }
        if !self.readable() {
            return Err(Refusal::CustomerErased);
        }
        self.holds.push(hold);
        Ok(())
    }

    /// Releases a hold; gives whether it was not released before.
    pub fn release(&mut self, id: Uuid, at: Timestamp, by: &str) -> Result<bool, Refusal> {
        let hold = self.holds.iter_mut().find(|hold| hold.id == id).ok_or(Refusal::NoSuchHold)?;
        let first = hold.released.is_none();
        hold.released.get_or_insert_with(|| (at, by.to_owned()));
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn erased() -> Erased {
        Erased { at: at(9), by: "lea".to_owned(), reason: ErasureReason::AskedFor, reference: "P-1".to_owned() }
    }

    fn ada() -> Customer {
        let key = Key { id: Uuid::from_u128(1), fingerprint: vec![1; 32], made_at: at(1), erased: None };
        Customer { customer_ref: "17850".to_owned(), keys: vec![key], ..Customer::default() }
    }

    fn hold(id: u128) -> Hold {
        Hold {
            id: Uuid::from_u128(id),
            reason: HoldReason::Dispute,
            reference: "L-1".to_owned(),
            placed_at: at(2),
            placed_by: "lea".to_owned(),
            released: None,
        }
    }

    #[test]
    fn s25_a_customer_is_erased_once() {
        let mut ada = ada();
        assert_eq!(ada.erase(erased(), true), Ok(true));
        assert!(!ada.readable());
        let before = ada.clone();
        assert_eq!(ada.erase(Erased { by: "max".to_owned(), ..erased() }, true), Ok(false));
        assert_eq!(ada, before, "the second request changes nothing");
        assert_eq!(ada.hold(hold(3)), Err(Refusal::CustomerErased));
        assert_eq!(Customer::default().erase(erased(), true), Err(Refusal::NoSuchCustomer));
    }

    #[test]
    fn s25_a_hold_or_an_open_claim_hinders_it() {
        let mut ada = ada();
        ada.hold(hold(3)).unwrap();
        ada.hold(hold(4)).unwrap();
        assert_eq!(ada.release(Uuid::from_u128(3), at(3), "lou"), Ok(true));
        assert_eq!(ada.release(Uuid::from_u128(3), at(4), "max"), Ok(false));
        assert_eq!(ada.holds[0].released, Some((at(3), "lou".to_owned())));
        assert_eq!(ada.release(Uuid::from_u128(5), at(4), "lou"), Err(Refusal::NoSuchHold));
        assert_eq!(ada.erase(erased(), true), Err(Refusal::LegalHold(Box::new(hold(4)))));
        ada.release(Uuid::from_u128(4), at(5), "lou").unwrap();
        (ada.open, ada.open_numbers) = (2, vec!["RD-1".to_owned(), "RD-2".to_owned()]);
        let claims = "RD-1 RD-2".to_owned();
        assert_eq!(ada.erase(erased(), true), Err(Refusal::OpenClaims { open: 2, claims }));
        assert!(ada.readable());
    }

    #[test]
    fn sr17_who_released_a_hold_leaves_it_to_another_person_to_forget_the_customer() {
        for (by, others, expected) in
            [("lea", true, Err(Refusal::OwnHold)), ("max", true, Ok(true)), ("lea", false, Ok(true))]
        {
            let mut ada = ada();
            ada.hold(hold(3)).unwrap();
            ada.release(Uuid::from_u128(3), at(3), "lea").unwrap();
            assert_eq!(ada.erase(Erased { by: by.to_owned(), ..erased() }, others), expected, "{by}");
        }
    }
}
