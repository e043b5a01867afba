//! The words of this service, with their spelling in the database and in subjects, and their numbers on the wire.

use proto::{claim, escalation};

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $word,)*
        }

        impl $name {
            /// Every word.
            pub const ALL: &[Self] = &[$(Self::$word,)*];

            /// Its spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// The word that is spelt so.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }
    };
    ($(#[$doc:meta])* $name:ident = $wire:ty { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* }) => {
        word! { $(#[$doc])* $name { $($(#[$word_doc])* $word = $text,)* } }

        impl From<$name> for $wire {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$word => Self::$word,)*
                }
            }
        }

        impl TryFrom<$wire> for $name {
            type Error = ();

            fn try_from(wire: $wire) -> Result<Self, ()> {
                match wire {
                    <$wire>::Unspecified => Err(()),
                    $(<$wire>::$word => Ok(Self::$word),)*
                }
            }
        }
    };
}

word! {
    /// What a clock runs for.
    ClockKind = escalation::ClockKind {
        /// Acknowledge the claim (S1-08).
        Acknowledgement = "acknowledgement",
        /// First feedback (S0-15).
        FirstFeedback = "first_feedback",
        /// Approve a plan (S0-49).
        Approval = "approval",
        /// Solve the claim (S2-21).
        FinalSolution = "final_solution",
    }
}

word! {
    /// State of a clock.
    ClockState = escalation::ClockState {
        /// Running.
        Running = "running",
        /// Paused while the customer is asked (S2-31).
        Paused = "paused",
        /// The promise was kept, or is no longer due.
        Stopped = "stopped",
        /// Breached: kept for ever.
        Breached = "breached",
    }
}

word! {
    /// State of an approval.
    ApprovalState {
        /// It waits for somebody.
        Open = "open",
        /// Everybody who was asked has approved.
        Granted = "granted",
        /// Somebody has denied.
        Denied = "denied",
        /// It was taken back, or another plan has taken its place.
        Cancelled = "cancelled",
    }
}

word! {
    /// Kind of a work item.
    WorkKind = escalation::WorkKind {
        /// One step of an approval (S0-49).
        Approval = "approval",
        /// Advise the customer (S0-45).
        Support = "support",
        /// A leg failed or was lost.
        LegFailed = "leg_failed",
        /// A compensation could not be done.
        CompensationFailed = "compensation_failed",
        /// A promise was broken.
        Escalation = "escalation",
        /// What came back is not as announced.
        ReturnMismatch = "return_mismatch",
    }
}

word! {
    /// State of a work item.
    ItemState {
        /// It waits for somebody.
        Open = "open",
        /// Somebody has decided.
        Decided = "decided",
        /// It was taken off its list.
        Closed = "closed",
    }
}

word! {
    /// What a person decides.
    Ruling = escalation::Ruling {
        /// Yes; done.
        Approve = "approve",
        /// No; given up.
        Deny = "deny",
        /// Once more.
        Retry = "retry",
    }
}

word! {
    /// Whom a work item waits for.
    Role = claim::Role {
        /// After-sales specialist.
        Specialist = "specialist",
        /// After-sales supervisor.
        Supervisor = "supervisor",
        /// Warehouse keeper.
        Warehouse = "warehouse",
        /// Quality department.
        Quality = "quality",
        /// Logistics department.
        Logistics = "logistics",
        /// Finance.
        Finance = "finance",
        /// Senior management.
        Management = "management",
    }
}

word! {
    /// How bad it is.
    Severity = claim::Severity {
        /// Minor.
        Minor = "minor",
        /// General; also what is not judged yet.
        General = "general",
        /// Serious.
        Serious = "serious",
        /// Urgent.
        Urgent = "urgent",
    }
}

word! {
    /// One strand of execution.
    Leg = claim::Leg {
        /// What the customer may still get.
        Entitlement = "entitlement",
        /// Stock for the line.
        Reservation = "reservation",
        /// Goods to the customer.
        Shipment = "shipment",
        /// Goods from the customer: the carrier's part.
        Pickup = "pickup",
        /// Goods from the customer: counted by the warehouse.
        Receipt = "receipt",
        /// Money to the customer.
        Settlement = "settlement",
        /// Advice by a person.
        Support = "support",
    }
}

impl WorkKind {
    /// Whether a ruling answers what is asked.
    pub fn takes(self, ruling: Ruling) -> bool {
        match self {
            Self::Approval | Self::Support | Self::ReturnMismatch => ruling != Ruling::Retry,
            Self::LegFailed => ruling != Ruling::Approve,
            Self::CompensationFailed => true,
            Self::Escalation => ruling == Ruling::Approve,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_text_and_number_and_back() {
        for kind in ClockKind::ALL.iter().copied() {
            assert_eq!(ClockKind::parse(kind.as_str()), Some(kind));
            assert_eq!(ClockKind::try_from(escalation::ClockKind::from(kind)), Ok(kind));
            let name = escalation::ClockKind::from(kind).as_str_name();
            assert_eq!(name.trim_start_matches("CLOCK_KIND_").to_lowercase(), kind.as_str());
        }
        for role in Role::ALL.iter().copied() {
            let name = claim::Role::from(role).as_str_name();
            assert_eq!(
                name.trim_start_matches("ROLE_").to_lowercase(),
                role.as_str(),
                "roles are named as in the proto"
            );
        }
        assert_eq!(ClockKind::parse("unspecified"), None);
        assert_eq!(Role::try_from(claim::Role::Unspecified), Err(()));
    }
}
