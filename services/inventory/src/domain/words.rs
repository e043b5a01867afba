//! The words of inventory, as the database spells them.

macro_rules! spelled {
    ($name:ident { $($case:ident = $word:literal),* $(,)? }) => {
        impl $name {
            /// Every case, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$case),*];

            /// As the database spells it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$case => $word),* }
            }

            /// Reads the spelling of the database.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|case| case.word() == word)
            }
        }
    };
}

/// Zone of a warehouse (S4-31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Zone {
    /// The only zone that counts as available.
    Qualified,
    /// Not fit for sale.
    Unqualified,
    /// Waits for inspection.
    PendingInspection,
    /// Valuables with a named custodian (S4-38).
    Valuables,
}

spelled!(Zone {
    Qualified = "qualified",
    Unqualified = "unqualified",
    PendingInspection = "pending_inspection",
    Valuables = "valuables",
});

/// Kind of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    /// Goods receipt.
    Receipt,
    /// Adjustment after a count.
    Adjustment,
    /// Sent to a customer.
    Consumed,
    /// Came back from a customer.
    Return,
    /// Put back to qualified stock after inspection.
    Restocked,
    /// Scrapped.
    Scrapped,
    /// Sent back to the supplier.
    SupplierReturn,
    /// Moved to or from another zone.
    Moved,
    /// Sent back to the customer.
    SentBack,
}

spelled!(MovementKind {
    Receipt = "receipt",
    Adjustment = "adjustment",
    Consumed = "consumed",
    Return = "return",
    Restocked = "restocked",
    Scrapped = "scrapped",
    SupplierReturn = "supplier_return",
    Moved = "moved",
    SentBack = "sent_back",
});

/// Which batch goes out (domain rule 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchRule {
    /// Any.
    Any,
    /// Any but the one that is complained about.
    Other,
    /// The one that is complained about and no other.
    Same,
    /// One for all units, whichever.
    Single,
}

spelled!(BatchRule { Any = "any", Other = "other", Same = "same", Single = "single" });

/// State of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReservationState {
    /// Less than wanted is held; the rest is back-ordered.
    HeldPartly,
    /// All is held until it runs out.
    Held,
    /// Promised: it does not run out.
    Committed,
    /// Left the warehouse.
    Consumed,
    /// Given back.
    Released,
    /// The hold ran out.
    Expired,
    /// The SKU is not registered.
    Failed,
    /// The batch was never in stock.
    BatchUnknown,
}

spelled!(ReservationState {
    HeldPartly = "held_partly",
    Held = "held",
    Committed = "committed",
    Consumed = "consumed",
    Released = "released",
    Expired = "expired",
    Failed = "failed",
    BatchUnknown = "batch_unknown",
});

/// State of a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReturnState {
    /// Goods are expected.
    Expected,
    /// Some have come.
    PartlyReceived,
    /// All have come.
    FullyReceived,
    /// Closed with units missing.
    ClosedShort,
    /// Not expected any more.
    Cancelled,
}

spelled!(ReturnState {
    Expected = "expected",
    PartlyReceived = "partly_received",
    FullyReceived = "fully_received",
    ClosedShort = "closed_short",
    Cancelled = "cancelled",
});

impl ReturnState {
    /// No more is expected, and what came was counted.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::FullyReceived | Self::ClosedShort)
    }
}

/// Why goods come back: decides which units count for the claim and which become stock again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReturnReason {
    /// Not said, as before there were reasons.
    #[default]
    Unspecified,
    /// Faulty or damaged.
    Faulty,
    /// Wanted no more.
    ChangeOfMind,
    /// Other goods than ordered.
    WrongItem,
    /// A parcel of ours that was not delivered.
    Undelivered,
}

spelled!(ReturnReason {
    Unspecified = "unspecified",
    Faulty = "faulty",
    ChangeOfMind = "change_of_mind",
    WrongItem = "wrong_item",
    Undelivered = "undelivered",
});

/// What is done with returned goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Back to qualified stock (S1-39).
    Restock,
    /// Scrapped.
    Scrap,
    /// Back to the supplier (S4-37).
    SupplierReturn,
    /// Back to the customer.
    SendBack,
}
