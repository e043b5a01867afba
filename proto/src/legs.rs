//! Which legs a resolution takes: one table, by which plans are made and older plans are read.

use crate::claim::{Leg, Resolution};

/// The legs of a line.
pub fn of(resolution: Resolution, collect: bool) -> &'static [Leg] {
    use Leg::{Entitlement, Pickup, Receipt, Reservation, Settlement, Shipment, Support};
    match (resolution, collect) {
        (Resolution::Replace, true) => &[Entitlement, Reservation, Shipment, Pickup, Receipt],
        (Resolution::Replace, false) | (Resolution::Resend, _) => &[Entitlement, Reservation, Shipment],
        (Resolution::ReturnRefund, _) => &[Entitlement, Pickup, Receipt, Settlement],
        (Resolution::RefundOnly, _) => &[Entitlement, Settlement],
        (Resolution::TechnicalSupport, _) => &[Support],
        (Resolution::Reject | Resolution::Unspecified, _) => &[],
    }
}

/// Whether a line can be carried out with these legs: all that its resolution takes, once and in their order, but for a
/// pick-up, which the customer may spare us by bringing the goods.
pub fn are_sound(resolution: Resolution, collect: bool, legs: &[Leg]) -> bool {
    let all = of(resolution, collect);
    let without = || all.iter().filter(|leg| **leg != Leg::Pickup);
    legs == all || legs.iter().eq(without())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pick_up_may_be_spared_and_nothing_else() {
        let return_refund = |legs: &[Leg]| are_sound(Resolution::ReturnRefund, true, legs);
        assert!(return_refund(of(Resolution::ReturnRefund, true)));
        assert!(return_refund(&[Leg::Entitlement, Leg::Receipt, Leg::Settlement]));
        assert!(!return_refund(&[Leg::Entitlement, Leg::Settlement]), "nothing is refunded that was not counted");
        assert!(
            !return_refund(&[Leg::Pickup, Leg::Receipt, Leg::Settlement]),
            "nothing is promised that was not granted"
        );
        assert!(!return_refund(&[]));
        assert!(
            !are_sound(Resolution::Resend, false, &[Leg::Entitlement, Leg::Shipment]),
            "nothing is sent from nowhere"
        );
    }
}
