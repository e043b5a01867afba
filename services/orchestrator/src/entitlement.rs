//! The entitlement ledger: what a customer may still get for an order line, over all claims (domain rule 1, N6).
//!
//! Units go from free to held (promised to an open claim) to given (refunded or replaced), or back. Whatever the order
//! of claims, `held + given <= sold` and `compensated <= paid`; the database checks the same again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names an order line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderLine {
    /// Order number.
    pub order_no: String,
    /// SKU.
    pub sku: String,
}

/// What was sold, as the plan says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// Units sold.
    pub sold: u32,
    /// Price paid per unit after discounts, minor units.
    pub unit_price: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// What can be asked of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Promise up to so many units to a claim.
    Grant {
        /// Units wanted.
        units: u32,
    },
    /// Take a promise back.
    GiveBack {
        /// Units that are promised no more.
        units: u32,
    },
    /// Promised units were refunded or replaced.
    Give {
        /// Units.
        units: u32,
        /// Refund, or value of the replacement, in minor units.
        amount: i64,
    },
    /// What was given came back, or was never paid.
    TakeBack {
        /// Units.
        units: u32,
        /// What had been booked for them.
        amount: i64,
    },
}

/// What the ledger records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Units were promised, perhaps fewer than wanted, perhaps none.
    Granted {
        /// Units.
        units: u32,
    },
    /// Units are promised no more.
    GivenBack {
        /// Units.
        units: u32,
    },
    /// Units were refunded or replaced.
    Given {
        /// Units.
        units: u32,
        /// Minor units.
        amount: i64,
    },
    /// Units came back.
    TakenBack {
        /// Units.
        units: u32,
        /// Minor units.
        amount: i64,
    },
}

/// The ledger of one order line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What was sold.
    pub sale: Sale,
    /// Paid for the order line, minor units.
    pub paid: i64,
    /// Units promised to open claims.
    pub held: u32,
    /// Units refunded or replaced.
    pub given: u32,
    /// Refunded or replaced so far, minor units.
    pub compensated: i64,
}

/// One movement of a ledger, with the work it was for. Kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The order line.
    pub line: OrderLine,
    /// The claim.
    pub claim: Uuid,
    /// Round, line and attempt of the work.
    pub job: (u32, u32, u32),
    /// What was recorded.
    pub event: Event,
    /// When.
    pub at: Timestamp,
}

/// Why the ledger says no. None of these is a customer's doing: a correct process never asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More is given or given back than is held.
    #[error("more units than are held")]
    NotHeld,
    /// More is taken back than was given.
    #[error("more units or money than were given")]
    NotGiven,
    /// More money than was paid for the order line.
    #[error("more money than was paid for the order line")]
    AbovePaid,
}

/// Decides a command. Shortage is an answer, not a refusal: fewer units are granted.
pub fn decide(ledger: &Ledger, command: Command) -> Result<Event, Refusal> {
    match command {
        Command::Grant { units } => Ok(Event::Granted { units: units.min(ledger.free()) }),
        Command::GiveBack { units } => {
            if units > ledger.held {
                return Err(Refusal::NotHeld);
            }
            Ok(Event::GivenBack { units })
        }
        Command::Give { units, amount } => {
            if units > ledger.held {
                return Err(Refusal::NotHeld);
            }
            if amount < 0 || amount > ledger.paid - ledger.compensated {
                return Err(Refusal::AbovePaid);
            }
            Ok(Event::Given { units, amount })
        }
        Command::TakeBack { units, amount } => {
            if units > ledger.given || amount < 0 || amount > ledger.compensated {
                return Err(Refusal::NotGiven);
            }
            Ok(Event::TakenBack { units, amount })
        }
    }
}

/// Applies what was recorded.
pub fn evolve(ledger: &mut Ledger, event: Event) {
    match event {
        Event::Granted { units } => ledger.held += units,
        Event::GivenBack { units } => ledger.held -= units,
        Event::Given { units, amount } => {
            ledger.held -= units;
            ledger.given += units;
            ledger.compensated += amount;
        }
        Event::TakenBack { units, amount } => {
            ledger.given -= units;
            ledger.compensated -= amount;
        }
    }
}

impl Ledger {
    /// The ledger of an order line that nothing was given for yet.
    pub fn new(sale: Sale) -> Self {
        let paid = sale.unit_price.saturating_mul(i64::from(sale.sold));
        Self { sale, paid, held: 0, given: 0, compensated: 0 }
    }

    /// Units that may still be promised.
    pub fn free(&self) -> u32 {
        self.sale.sold.saturating_sub(self.held).saturating_sub(self.given)
    }
}

impl Event {
    /// Units and money that moved.
    pub fn amounts(self) -> (u32, i64) {
        match self {
            Self::Granted { units } | Self::GivenBack { units } => (units, 0),
            Self::Given { units, amount } | Self::TakenBack { units, amount } => (units, amount),
        }
    }

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted { .. } => "granted",
            Self::GivenBack { .. } => "given_back",
            Self::Given { .. } => "given",
            Self::TakenBack { .. } => "taken_back",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settlement;

    fn ledger(sold: u32, unit_price: i64) -> Ledger {
        Ledger::new(Sale { sold, unit_price, currency: "GBP".to_owned() })
    }

    #[test]
    fn shortage_is_an_answer() {
        let mut line = ledger(5, 100);
        for (wanted, got) in [(3, 3), (3, 2), (1, 0)] {
            let event = decide(&line, Command::Grant { units: wanted }).unwrap();
            assert_eq!(event, Event::Granted { units: got });
            evolve(&mut line, event);
        }
        assert_eq!((line.held, line.free()), (5, 0));
    }

    #[test]
    fn each_refusal_has_its_case() {
        let mut line = ledger(2, 100);
        assert_eq!(decide(&line, Command::GiveBack { units: 1 }), Err(Refusal::NotHeld));
        assert_eq!(decide(&line, Command::Give { units: 1, amount: 0 }), Err(Refusal::NotHeld));
        assert_eq!(decide(&line, Command::TakeBack { units: 1, amount: 0 }), Err(Refusal::NotGiven));
        evolve(&mut line, Event::Granted { units: 2 });
        assert_eq!(decide(&line, Command::Give { units: 1, amount: 201 }), Err(Refusal::AbovePaid));
        assert_eq!(decide(&line, Command::Give { units: 1, amount: -1 }), Err(Refusal::AbovePaid));
    }

    /// A claim that may do anything at any time, with what it holds and was given.
    #[derive(Clone, Debug)]
    enum Act {
        Grant(usize, u32),
        GiveBack(usize, u32),
        Give(usize, u32),
        TakeBack(usize),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            (0_usize..6, 0_u32..8).prop_map(|(claim, units)| Act::Grant(claim, units)),
            (0_usize..6, 0_u32..8).prop_map(|(claim, units)| Act::GiveBack(claim, units)),
            (0_usize..6, 0_u32..8).prop_map(|(claim, units)| Act::Give(claim, units)),
            (0_usize..6).prop_map(Act::TakeBack),
        ];
        prop::collection::vec(act, 0..60)
    }

    fn apply(line: &mut Ledger, command: Command) -> Option<Event> {
        let event = decide(line, command).ok()?;
        evolve(line, event);
        Some(event)
    }

    proptest! {
        /// Whatever many claims do in any order, no unit is compensated twice and no money above what was paid.
        #[test]
        fn a_ledger_is_never_exceeded(sold in 0_u32..20, price in 0_i64..10_000, acts in acts()) {
            let mut line = ledger(sold, price);
            let mut held = [0_u32; 6];
            let mut given = [(0_u32, 0_i64); 6];
            for act in acts {
                match act {
                    Act::Grant(claim, units) => {
                        if let Some(Event::Granted { units }) = apply(&mut line, Command::Grant { units }) {
                            held[claim] += units;
                        }
                    }
                    Act::GiveBack(claim, units) => {
                        let units = units.min(held[claim]);
                        let done = apply(&mut line, Command::GiveBack { units });
                        prop_assert!(done.is_some());
                        held[claim] -= units;
                    }
                    Act::Give(claim, units) => {
                        let units = units.min(held[claim]);
                        let amount = settlement::refund(&line, units);
                        let done = apply(&mut line, Command::Give { units, amount });
                        prop_assert!(done.is_some());
                        held[claim] -= units;
                        given[claim] = (given[claim].0 + units, given[claim].1 + amount);
                    }
                    Act::TakeBack(claim) => {
                        let (units, amount) = std::mem::take(&mut given[claim]);
                        let done = apply(&mut line, Command::TakeBack { units, amount });
                        prop_assert!(done.is_some());
                    }
                }
                prop_assert!(line.held + line.given <= line.sale.sold);
                prop_assert!(line.compensated <= line.paid);
                prop_assert_eq!(line.held, held.iter().sum::<u32>());
                prop_assert_eq!(line.given, given.iter().map(|(units, _)| units).sum::<u32>());
                prop_assert_eq!(line.compensated, given.iter().map(|(_, amount)| amount).sum::<i64>());
            }
        }

        /// Nonsense is refused and changes nothing that matters.
        #[test]
        fn whatever_is_asked_the_limits_hold(
            sold in 0_u32..20,
            asked in prop::collection::vec((0_u8..4, 0_u32..30, -500_i64..5_000), 0..60),
        ) {
            let mut line = ledger(sold, 100);
            for (kind, units, amount) in asked {
                let command = match kind {
                    0 => Command::Grant { units },
                    1 => Command::GiveBack { units },
                    2 => Command::Give { units, amount },
                    _ => Command::TakeBack { units, amount },
                };
                apply(&mut line, command);
                prop_assert!(line.held + line.given <= line.sale.sold);
                prop_assert!((0..=line.paid).contains(&line.compensated));
            }
        }
    }
}
