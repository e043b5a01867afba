//! What the policy pack says of parcels.

use proto::policy::Pack;

use super::domain::{Carriers, Days};

/// The rules of the pack.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The carriers.
    pub carriers: Carriers,
    /// How days are counted.
    pub days: Days,
}

impl Rules {
    /// The rules of a pack.
    pub fn of(pack: &Pack) -> Self {
        Self {
            carriers: Carriers { list: pack.logistics.carriers.clone(), currency: pack.currency.clone() },
            days: Days { zone: pack.time_zone().clone(), late: pack.logistics.late_days },
        }
    }
}
