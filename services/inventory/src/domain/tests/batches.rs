//! Which batch goes out (domain rule 5).

use super::cases::Shop;
use super::*;

/// A shop with so many units of each batch in the north.
fn shop(batches: &[(&str, u32)]) -> Shop {
    let mut shop = Shop::with(0);
    batches.iter().for_each(|(batch, units)| shop.receive("N", batch, *units));
    shop
}

impl Shop {
    fn want(&mut self, job: Job, rule: BatchRule, batch: &str, quantity: u32) -> Vec<(String, u32)> {
        let wanted = Wanted { sku: "A".to_owned(), batch: batch.to_owned(), rule, quantity, policy_version: 0 };
        self.run(OfReservation::Reserve { job, wanted, commit: true });
        self.held(job)
    }

    fn held(&self, job: Job) -> Vec<(String, u32)> {
        let held = self.state.reservations[&job].allocations.iter();
        held.map(|(place, units)| (place.batch.clone(), *units)).collect()
    }
}

fn of(batch: &str, units: u32) -> Vec<(String, u32)> {
    vec![(batch.to_owned(), units)]
}

#[test]
fn a_d1_b_d1_never_the_batch_that_is_complained_about() {
    let mut shop = shop(&[("B1", 4), ("B2", 6)]);
    assert_eq!(shop.want(job(1, 1), BatchRule::Other, "B1", 2), of("B2", 2));
    // However it is spelt, and although the other has not enough.
    assert_eq!(shop.want(job(2, 1), BatchRule::Other, " b1 ", 5), of("B2", 4));
    assert_eq!(shop.state.reservations[&job(2, 1)].state, ReservationState::HeldPartly);
}

#[test]
fn ff1b_a_batch_that_nobody_knows_is_no_reason_to_wait() {
    let mut shop = shop(&[("B1", 4), ("B2", 6)]);
    assert_eq!(shop.want(job(1, 1), BatchRule::Other, "(01)09501101530003(10)B1", 3), of("B1", 3));
    assert_eq!(shop.want(job(2, 1), BatchRule::Any, "B9", 3), of("B2", 3));
    assert_eq!(shop.want(job(3, 1), BatchRule::Same, "B9", 3), []);
    assert_eq!(shop.state.reservations[&job(3, 1)].state, ReservationState::BatchUnknown);
    shop.receive("N", "B9", 3);
    assert_eq!(shop.state.reservations[&job(3, 1)].state, ReservationState::BatchUnknown, "the answer stays");
    assert_eq!(shop.want(job(3, 2), BatchRule::Same, "b9 ", 3), of("B9", 3));
}

#[test]
fn goods_that_must_match_wait_for_their_batch_if_it_was_ever_there() {
    let mut shop = shop(&[("B1", 2), ("B2", 6)]);
    assert_eq!(shop.want(job(1, 1), BatchRule::Same, "B1", 3), of("B1", 2));
    shop.receive("S", "B1", 1);
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed);
}

#[test]
fn b_d7_batches_are_not_mixed_and_the_rest_waits_for_one_that_has_all() {
    let mut shop = shop(&[("B1", 4), ("B2", 3)]);
    assert_eq!(shop.want(job(1, 1), BatchRule::Any, "", 5), of("B1", 4));
    assert_eq!(shop.want(job(2, 1), BatchRule::Single, "", 3), of("B2", 3), "who needs less is not held up");
    // Another batch has all of it: what was held goes to whoever waits next.
    assert_eq!(shop.want(job(3, 1), BatchRule::Other, "B3", 2), []);
    shop.receive("N", "B3", 5);
    assert_eq!(shop.held(job(1, 1)), of("B3", 5));
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed);
    assert_eq!(shop.held(job(3, 1)), of("B1", 2));
}

#[test]
fn b_d7_a_pack_may_let_batches_be_mixed_but_not_what_must_match() {
    let mut shop = shop(&[("B1", 2), ("B2", 2)]);
    let terms = terms().map(|terms| Terms { mix_batches: true, ..terms.clone() });
    let mut want = |claim, rule| {
        let wanted = Wanted { sku: "A".to_owned(), batch: "B9".to_owned(), rule, quantity: 3, policy_version: 0 };
        let command = OfReservation::Reserve { job: job(claim, 1), wanted, commit: true }.into();
        execute(&mut shop.state, &terms, start(), &command).unwrap();
        let held = shop.held(job(claim, 1));
        execute(&mut shop.state, &terms, start(), &OfReservation::Release(job(claim, 1)).into()).unwrap();
        held
    };
    assert_eq!(want(1, BatchRule::Single), of("B1", 2));
    assert_eq!(want(2, BatchRule::Other), [of("B1", 2), of("B2", 1)].concat());
}

#[test]
fn a_batch_in_two_warehouses_is_one_batch() {
    let mut shop = shop(&[("B1", 2), ("B2", 2)]);
    shop.receive("S", "B2", 2);
    assert_eq!(shop.want(job(1, 1), BatchRule::Single, "", 4), [of("B2", 2), of("B2", 2)].concat());
}

#[test]
fn a_back_order_is_filled_by_the_version_that_its_claim_began_with() {
    let (one, zone) = (terms().versions()[0].rules.clone(), terms().zone().clone());
    let two = Terms { mix_batches: true, lead_time_days: 3, ..one.clone() };
    let day = |text: &str| text.parse().unwrap();
    let terms = Dated::of("acme", zone, [(1, day("2026-01-01"), one), (2, day("2026-06-01"), two)]);
    let mut shop = shop(&[("B1", 2), ("B2", 2), ("B3", 2)]);
    let run = |shop: &mut Shop, command: OfReservation| execute(&mut shop.state, &terms, start(), &command.into());
    let want = |claim, quantity, policy_version| {
        let wanted = Wanted { policy_version, ..any("A", quantity) };
        OfReservation::Reserve { job: job(claim, 1), wanted, commit: true }
    };
    run(&mut shop, want(1, 3, 1)).unwrap();
    run(&mut shop, want(2, 6, 2)).unwrap();
    assert_eq!(shop.held(job(1, 1)), of("B1", 2));
    assert_eq!(shop.held(job(2, 1)), [of("B2", 2), of("B3", 2)].concat());
    let days = [1, 2].map(|claim| shop.state.reservations[&job(claim, 1)].expected_on.unwrap().to_string());
    assert_eq!(days, ["2026-12-06", "2026-11-25"]);
    // What comes free goes to the one that may mix; the other way round it would wait for its batch.
    run(&mut shop, OfReservation::Release(job(1, 1))).unwrap();
    assert_eq!(shop.state.reservations[&job(2, 1)].state, ReservationState::Committed);
    run(&mut shop, want(3, 3, 1)).unwrap();
    run(&mut shop, OfReservation::Release(job(2, 1))).unwrap();
    assert_eq!(shop.held(job(3, 1)), of("B1", 2));

    assert!(matches!(run(&mut shop, want(4, 1, 3)), Err(Refusal::PolicyUnknown(_))));
}
