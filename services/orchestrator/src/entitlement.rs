//! The entitlement ledger: what a customer may still get for an order line, over all claims (domain rule 1, N6).
//!
//! Units go from free to held (promised to an open claim) to given (refunded or replaced), or back. Whatever the order
//! of claims, `held + given <= sold` and `compensated <= paid`; the database checks the same again.
//!
//! Goods and money are kept apart: a unit that was given as goods may fail again. When what it replaces has come back it
//! is given no more, and the customer may get something for it as for any other; until then only who knows of it may
//! grant it again. So no chain of replacements gives more money than was paid.

use jiff::Timestamp;
use proto::share;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// Names an order line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrderLine {
    /// Order number.
    pub order_no: String,
    pub sku: String,
    /// Line of the order, where it has several of one article; empty: the only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line_id: String,
}

/// What was sold, as a plan says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Units sold.
    pub sold: u32,
    /// Paid for all of them after all discounts, minor units.
    pub total: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The tax in the total, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<i64>,
    /// Version of the order facts, from 1; 0: facts without versions.
    pub version: u32,
}

/// What can be asked of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Promise up to so many units to a claim.
    Grant {
        /// Units wanted.
        units: u32,
    },
    /// Promise up to so many units that were given as goods and have failed.
    GrantAgain {
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
        units: u32,
        /// Refund, or value of the goods, in minor units.
        amount: i64,
        /// Goods were given.
        goods: bool,
    },
    /// What was given came back, was never paid, or is closed by what came back for it.
    TakeBack {
        units: u32,
        /// What had been booked for them.
        amount: i64,
        tax: i64,
        /// They had been given as goods.
        goods: bool,
    },
    /// The facts were corrected.
    Correct(Sale),
}

/// What the ledger records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Units were promised, perhaps fewer than wanted, perhaps none.
    Granted { units: u32 },
    /// Units that had been given as goods were promised again.
    GrantedAgain {
        units: u32,
        /// Value that had been booked for them.
        amount: i64,
        tax: i64,
    },
    /// Units are promised no more.
    GivenBack { units: u32 },
    /// Units were refunded or replaced.
    Given {
        units: u32,
        /// Minor units.
        amount: i64,
        tax: i64,
        /// Goods were given.
        goods: bool,
    },
    /// Units are given no more.
    TakenBack {
        units: u32,
        /// Minor units.
        amount: i64,
        tax: i64,
        /// They had been given as goods.
        goods: bool,
    },
    /// These are the facts now.
    Corrected(Sale),
}

/// The ledger of one order line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What was sold, by the newest facts that a plan has named.
    pub sale: Sale,
    /// The most that may be compensated, minor units. Without corrections it is what was paid for the order line.
    pub paid: i64,
    /// Units promised to open claims.
    pub held: u32,
    /// Units refunded or replaced.
    pub given: u32,
    /// Of these, units given as goods while what they replace has not come back.
    pub replaced: u32,
    /// Refunded or replaced so far, minor units.
    pub compensated: i64,
    /// Of this, the value of the units given as goods.
    pub goods: i64,
    /// The tax in what was refunded or replaced, minor units.
    pub taxed: i64,
}

/// One movement of a ledger, with the work it was for. Kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub line: OrderLine,
    pub claim: Uuid,
    /// Round, line and attempt of the work.
    pub job: (u32, u32, u32),
    /// What was recorded.
    pub event: Event,
    /// Version of the facts that the ledger follows then.
    pub version: u32,
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
    /// The facts are older than those the ledger follows, or in another currency than what it holds.
    #[error("facts that the ledger cannot follow")]
    NotFollowed,
}

/// Decides a command. Shortage is an answer, not a refusal: fewer units are granted.
pub fn decide(ledger: &Ledger, command: Command) -> Result<Event, Refusal> {
    match command {
        Command::Grant { units } => Ok(Event::Granted { units: units.min(ledger.free()) }),
        Command::GrantAgain { units } => {
            let units = units.min(ledger.replaced);
            let amount = share::first(ledger.goods, ledger.replaced, units);
            Ok(Event::GrantedAgain { units, amount, tax: ledger.tax_given(amount) })
        }
        Command::GiveBack { units } => {
            if units > ledger.held {
                return Err(Refusal::NotHeld);
            }
            Ok(Event::GivenBack { units })
        }
        Command::Give { units, amount, goods } => {
            if units > ledger.held {
                return Err(Refusal::NotHeld);
            }
            if amount < 0 || amount > ledger.paid - ledger.compensated {
                return Err(Refusal::AbovePaid);
            }
            Ok(Event::Given { units, amount, tax: ledger.tax_due(amount), goods })
        }
        // Some of them may have been promised again since.
        Command::TakeBack { units, amount, goods: true, .. } => {
            let taken = units.min(ledger.replaced);
            let amount = share::first(amount.max(0), units, taken).min(ledger.goods);
            Ok(Event::TakenBack { units: taken, amount, tax: ledger.tax_given(amount), goods: true })
        }
        Command::TakeBack { units, amount, tax, goods: false } => {
            if units > ledger.given || amount < 0 || amount > ledger.compensated || tax < 0 || tax > ledger.taxed {
                return Err(Refusal::NotGiven);
            }
            Ok(Event::TakenBack { units, amount, tax, goods: false })
        }
        Command::Correct(sale) => {
            if !ledger.can_follow(&sale) {
                return Err(Refusal::NotFollowed);
            }
            Ok(Event::Corrected(sale))
        }
    }
}

/// Applies what was recorded.
pub fn evolve(ledger: &mut Ledger, event: &Event) {
    match event {
        Event::Granted { units } => ledger.held += units,
        Event::GrantedAgain { units, amount, tax } => {
            ledger.take_back(*units, *amount, *tax, true);
            ledger.held += units;
        }
        Event::GivenBack { units } => ledger.held -= units,
        Event::Given { units, amount, tax, goods } => {
            ledger.held -= units;
            ledger.given += units;
            ledger.compensated += amount;
            ledger.taxed += tax;
            if *goods {
                ledger.replaced += units;
                ledger.goods += amount;
            }
        }
        Event::TakenBack { units, amount, tax, goods } => ledger.take_back(*units, *amount, *tax, *goods),
        Event::Corrected(sale) => {
            let priced_alike = (ledger.sale.sold, ledger.sale.total) == (sale.sold, sale.total);
            ledger.sale.clone_from(sale);
            if !priced_alike {
                ledger.reprice();
            }
        }
    }
}

impl Ledger {
    /// The ledger of an order line that nothing was given for yet.
    pub fn new(sale: Sale) -> Self {
        let paid = sale.total;
        Self { sale, paid, held: 0, given: 0, replaced: 0, compensated: 0, goods: 0, taxed: 0 }
    }

    /// Units sold; a correction takes nothing from those who hold it or got it.
    pub fn sold(&self) -> u32 {
        self.sale.sold.max(self.held.saturating_add(self.given))
    }

    /// Units that may still be promised.
    pub fn free(&self) -> u32 {
        self.sold() - self.held - self.given
    }

    /// What the next `units` are worth: what is left is spread over the units that are left, and after a correction none
    /// is worth more than its corrected price.
    pub fn worth(&self, units: u32) -> i64 {
        let (left, rest) = (self.paid - self.compensated, self.sale.sold.saturating_sub(self.given));
        if rest == 0 {
            return 0;
        }
        share::first(left, rest, units).min(share::first(self.sale.total, self.sale.sold, units))
    }

    /// Whether the ledger can go by these facts: newer ones, in the currency of what it holds and gave.
    pub fn can_follow(&self, sale: &Sale) -> bool {
        sale.version > self.sale.version && (sale.currency == self.sale.currency || !self.has_moved())
    }

    /// Whether units were promised or given by its facts.
    pub fn has_moved(&self) -> bool {
        self.held + self.given > 0
    }

    /// Whether newer facts pay more for a unit than those that units were promised or given by.
    pub fn is_raised_by(&self, sale: &Sale) -> bool {
        let price = |of: &Sale, units: u32| i128::from(of.total) * i128::from(units);
        let dearer = price(sale, self.sale.sold) > price(&self.sale, sale.sold);
        self.has_moved() && self.sale.version > 0 && sale.version > self.sale.version && dearer
    }

    /// The tax in the next amount that is given: in whatever portions, together they have the tax that was paid.
    fn tax_due(&self, amount: i64) -> i64 {
        let Sale { total, tax: Some(tax), .. } = self.sale else { return 0 };
        let after = (self.compensated + amount).min(total);
        let due = i128::from(tax) * i128::from(after) / i128::from(total.max(1));
        (i64::try_from(due).unwrap_or(i64::MAX) - self.taxed).clamp(0, amount.max(0))
    }

    /// The tax in an amount of what was given.
    fn tax_given(&self, amount: i64) -> i64 {
        let part = i128::from(self.taxed) * i128::from(amount) / i128::from(self.compensated.max(1));
        i64::try_from(part).unwrap_or(0)
    }

    fn take_back(&mut self, units: u32, amount: i64, tax: i64, goods: bool) {
        self.given -= units;
        self.compensated -= amount;
        self.taxed = (self.taxed - tax).clamp(0, self.compensated);
        if goods {
            self.replaced = self.replaced.saturating_sub(units);
            self.goods = (self.goods - amount).max(0);
        }
        // Of before, when goods were not kept apart.
        self.replaced = self.replaced.min(self.given);
        self.goods = self.goods.min(self.compensated);
        // What was given at a price that has been corrected since is worth its corrected price again.
        if self.paid != self.sale.total {
            self.reprice();
        }
    }

    /// What was compensated stays so; what is not given yet has the price of the facts.
    fn reprice(&mut self) {
        let Sale { sold, total, .. } = self.sale;
        self.paid = self.compensated + total - share::first(total, sold, self.given);
    }
}

impl Event {
    /// Units and money that moved.
    pub fn amounts(&self) -> (u32, i64) {
        match self {
            Self::Granted { units } | Self::GivenBack { units } => (*units, 0),
            Self::GrantedAgain { units, amount, .. } => (*units, *amount),
            Self::Given { units, amount, .. } | Self::TakenBack { units, amount, .. } => (*units, *amount),
            Self::Corrected(sale) => (sale.sold, sale.total),
        }
    }

    /// The tax in the money that moved.
    pub fn tax(&self) -> i64 {
        match self {
            Self::GrantedAgain { tax, .. } | Self::Given { tax, .. } | Self::TakenBack { tax, .. } => *tax,
            Self::Granted { .. } | Self::GivenBack { .. } | Self::Corrected(_) => 0,
        }
    }

    /// Whether anything has moved.
    pub fn is_movement(&self) -> bool {
        matches!(self, Self::Corrected(_)) || self.amounts().0 > 0
    }

    /// Its name in the database.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Granted { .. } => "granted",
            Self::GrantedAgain { .. } => "granted_again",
            Self::GivenBack { .. } => "given_back",
            Self::Given { goods: false, .. } => "given",
            Self::Given { goods: true, .. } => "given_goods",
            Self::TakenBack { goods: false, .. } => "taken_back",
            Self::TakenBack { goods: true, .. } => "taken_back_goods",
            Self::Corrected(_) => "corrected",
        }
    }
}
