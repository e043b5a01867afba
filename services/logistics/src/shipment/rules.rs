//! What the policy pack says of parcels.

use proto::policy::{Dated, Packs};

use super::domain::{Carriers, Days};

/// The rules of all its versions.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The carriers: a parcel goes with those of the version that its claim began with.
    pub carriers: Dated<Carriers>,
    /// How days are counted.
    pub days: Days,
}

impl Rules {
    /// The rules of the versions of a pack.
    pub fn of(packs: &Packs) -> Self {
        let late = packs.map(|pack| pack.logistics.late_days);
        Self {
            carriers: packs
                .map(|pack| Carriers { list: pack.logistics.carriers.clone(), currency: pack.currency.clone() }),
            days: Days { zone: packs.zone().clone(), late },
        }
    }
}
