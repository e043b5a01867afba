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

/// The same with a technician's visit: support is given by it, what is sent is installed.
pub fn with_visit(legs: &[Leg]) -> Vec<Leg> {
    let others = legs.iter().filter(|leg| **leg != Leg::Support);
    others.copied().chain([Leg::Visit]).collect()
}

/// Whether a line can be carried out with these legs: all that its resolution takes, once and in their order, but for a
/// pick-up, which the customer may spare us by bringing the goods, and perhaps a visit.
pub fn are_sound(resolution: Resolution, collect: bool, legs: &[Leg]) -> bool {
    let all = of(resolution, collect);
    let is_visited = matches!(resolution, Resolution::TechnicalSupport | Resolution::Replace | Resolution::Resend);
    let spared = |all: &[Leg]| legs == all || legs.iter().eq(all.iter().filter(|leg| **leg != Leg::Pickup));
    spared(all) || (is_visited && spared(&with_visit(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_comes_last_or_in_place_of_advice() {
        let sound = |resolution, legs: &[Leg]| are_sound(resolution, false, legs);
        assert!(sound(Resolution::TechnicalSupport, &[Leg::Visit]));
        assert!(!sound(Resolution::TechnicalSupport, &[Leg::Support, Leg::Visit]));
        assert!(sound(Resolution::Resend, &with_visit(of(Resolution::Resend, false))));
        assert!(!sound(Resolution::Resend, &[Leg::Visit]), "nothing is installed that was not sent");
        assert!(!sound(Resolution::RefundOnly, &with_visit(of(Resolution::RefundOnly, false))));
    }

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
