//! What a batch looks at and changes, and what a lane remembers of it, noun by noun.

use crate::{shipment, visit};

/// What a lane remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// Of parcels.
    pub shipments: shipment::world::Memory,
}

/// What a batch looks at and changes.
#[derive(Debug, Default)]
pub struct World {
    /// Parcels.
    pub shipments: shipment::world::World,
    /// Technicians and visits.
    pub visits: visit::world::World,
}
