//! Money to a customer for one line: computed from the ledger, instructed to finance, confirmed by finance (S1-36).
//!
//! Only accepted units are refunded, at what was paid for them (domain rule 2), and never above what the plan allowed.
//! Freight that the customer bears is kept of it (domain rule 7). Nothing is paid here: finance is instructed and answers.

use jiff::Timestamp;
use proto::ids;
use uuid::Uuid;

/// What finance says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// It was paid.
    ConfirmPaid {
        /// Amount in minor units.
        amount: i64,
        /// ISO 4217 code.
        currency: String,
        /// Reference of the payment.
        reference: String,
        /// Number of the credit note; may be empty.
        credit_note: String,
    },
    /// It could not be paid.
    ConfirmFailed {
        /// Reference of the attempt.
        reference: String,
        /// Why.
        failure: String,
    },
    /// It is not to be paid any more; finance has not paid.
    Cancel,
}

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Finance has paid.
    Paid {
        /// Reference of the payment.
        reference: String,
        /// Number of the credit note; may be empty.
        credit_note: String,
        /// When.
        at: Timestamp,
    },
    /// Finance could not pay.
    Failed {
        /// Reference of the attempt.
        reference: String,
        /// Why.
        failure: String,
        /// When.
        at: Timestamp,
    },
    /// It was taken back.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// Where a settlement is; the numbers are those of the contract and of the CHECK in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Instructed to finance.
    Instructed = 1,
    Paid = 2,
    Failed = 3,
    /// Taken back before it was paid.
    Cancelled = 4,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Names it.
    pub settlement_id: Uuid,
    pub claim: Uuid,
    /// Round, line and attempt of the work.
    pub job: (u32, u32, u32),
    /// Units it is for.
    pub quantity: u32,
    /// What finance pays, minor units.
    pub amount: i64,
    /// Freight that the customer bears and that was kept, minor units.
    pub freight_kept: i64,
    /// The tax in amount and freight together; unset: not known.
    pub tax: Option<i64>,
    /// The most that the plan allowed for amount and freight together; unset: instructed before it was kept.
    pub allowed: Option<i64>,
    /// ISO 4217 code.
    pub currency: String,
    /// Where it is.
    pub state: State,
    /// Reference of finance.
    pub reference: String,
    /// Number of the credit note; may be empty.
    pub credit_note: String,
    /// Why it could not be paid; may be empty.
    pub failure: String,
    /// Who confirmed it; empty: nobody has.
    pub confirmed_by: String,
    /// When it was instructed.
    pub instructed_at: Timestamp,
    /// When finance answered, or it was taken back.
    pub decided_at: Option<Timestamp>,
}

/// Why finance is told no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was confirmed or cancelled before.
    #[error("the settlement was confirmed or cancelled before")]
    Closed,
    /// Not the instructed amount.
    #[error("the amount is not the instructed one")]
    AmountMismatch,
    /// Another settlement was paid under the same reference.
    #[error("another settlement was paid under this reference")]
    ReferenceUsed,
}

impl Refusal {
    /// The stable reason, as in the contract.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Closed => "SETTLEMENT_CLOSED",
            Self::AmountMismatch => "AMOUNT_MISMATCH",
            Self::ReferenceUsed => "REFERENCE_USED",
        }
    }
}

/// Decides what finance says.
pub fn decide(settlement: &Settlement, now: Timestamp, command: &Command) -> Result<Event, Refusal> {
    if settlement.state != State::Instructed {
        return Err(Refusal::Closed);
    }
    match command {
        Command::ConfirmPaid { amount, currency, reference, credit_note } => {
            if *amount != settlement.amount || *currency != settlement.currency {
                return Err(Refusal::AmountMismatch);
            }
            Ok(Event::Paid { reference: reference.clone(), credit_note: credit_note.clone(), at: now })
        }
        Command::ConfirmFailed { reference, failure } => {
            Ok(Event::Failed { reference: reference.clone(), failure: failure.clone(), at: now })
        }
        Command::Cancel => Ok(Event::Cancelled { at: now }),
    }
}

/// Applies what was recorded.
pub fn evolve(settlement: &mut Settlement, event: Event) {
    match event {
        Event::Paid { reference, credit_note, at } => {
            settlement.credit_note = credit_note;
            settlement.end(State::Paid, reference, at);
        }
        Event::Failed { reference, failure, at } => {
            settlement.failure = failure;
            settlement.end(State::Failed, reference, at);
        }
        Event::Cancelled { at } => settlement.end(State::Cancelled, String::new(), at),
    }
}

impl Settlement {
    fn end(&mut self, state: State, reference: String, at: Timestamp) {
        self.state = state;
        self.reference = reference;
        self.decided_at = Some(at);
    }
}

impl State {
    /// The state of a number in the database.
    pub fn of(number: i16) -> Option<Self> {
        [Self::Instructed, Self::Paid, Self::Failed, Self::Cancelled].into_iter().find(|state| *state as i16 == number)
    }
}

/// Names the settlement of a piece of work: the same however often it is instructed.
pub fn id(received_at: Timestamp, claim: Uuid, (round, line, attempt): (u32, u32, u32)) -> Uuid {
    let [round, line, attempt] = [round, line, attempt].map(|number| number.to_string());
    ids::derived(received_at, &["settlement", &claim.to_string(), &round, &line, &attempt])
}

/// What is kept of a refund, and what finance pays: freight that the customer bears is never more than the refund.
pub fn net(gross: i64, freight: i64) -> (i64, i64) {
    let kept = freight.clamp(0, gross.max(0));
    (kept, gross - kept)
}

impl Settlement {
    /// What the units were worth before freight was kept.
    pub fn gross(&self) -> i64 {
        self.amount + self.freight_kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instructed() -> Settlement {
        Settlement {
            settlement_id: Uuid::nil(),
            claim: Uuid::nil(),
            job: (1, 1, 1),
            quantity: 2,
            amount: 500,
            freight_kept: 40,
            tax: Some(90),
            allowed: Some(600),
            currency: "GBP".to_owned(),
            state: State::Instructed,
            reference: String::new(),
            credit_note: String::new(),
            failure: String::new(),
            confirmed_by: String::new(),
            instructed_at: Timestamp::UNIX_EPOCH,
            decided_at: None,
        }
    }

    fn paid(amount: i64, currency: &str) -> Command {
        Command::ConfirmPaid {
            amount,
            currency: currency.to_owned(),
            reference: "p1".to_owned(),
            credit_note: "c1".to_owned(),
        }
    }

    #[test]
    fn it_is_paid_once_and_as_instructed() {
        let mut settlement = instructed();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(decide(&settlement, now, &paid(499, "GBP")), Err(Refusal::AmountMismatch));
        assert_eq!(decide(&settlement, now, &paid(500, "EUR")), Err(Refusal::AmountMismatch));
        let event = decide(&settlement, now, &paid(500, "GBP")).unwrap();
        evolve(&mut settlement, event);
        assert_eq!((settlement.state, settlement.reference.as_str()), (State::Paid, "p1"));
        assert_eq!((settlement.credit_note.as_str(), settlement.gross()), ("c1", 540));
        for again in [
            paid(500, "GBP"),
            Command::ConfirmFailed { reference: String::new(), failure: "closed".to_owned() },
            Command::Cancel,
        ] {
            assert_eq!(decide(&settlement, now, &again), Err(Refusal::Closed));
        }
    }

    #[test]
    fn its_name_is_the_same_on_every_try() {
        let claim = Uuid::from_u128(7);
        let name = id(Timestamp::UNIX_EPOCH, claim, (1, 2, 3));
        assert_eq!(name, id(Timestamp::UNIX_EPOCH, claim, (1, 2, 3)));
        assert_ne!(name, id(Timestamp::UNIX_EPOCH, claim, (1, 2, 4)));
        assert_ne!(name, id(Timestamp::UNIX_EPOCH, claim, (1, 23, 0)));
    }

    #[test]
    fn every_state_has_its_number() {
        for number in 1..=4 {
            assert_eq!(State::of(number).unwrap() as i16, number);
        }
        assert_eq!(State::of(5), None);
    }

    proptest! {
        /// Refund and freight kept are what the units were worth, and nobody is charged.
        #[test]
        fn what_is_kept_and_what_is_paid_are_the_whole(gross in 0_i64..1_000_000, freight in 0_i64..1_000_000) {
            let (kept, paid) = net(gross, freight);
            prop_assert_eq!(kept + paid, gross);
            prop_assert!(kept >= 0 && paid >= 0 && kept <= freight);
        }
    }
}
