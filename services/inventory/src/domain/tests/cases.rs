//! The cases that a person would ask about, one by one.

use super::*;

/// A small warehouse, to be told things.
pub(super) struct Shop {
    pub(super) state: State,
    now: Timestamp,
}

impl Shop {
    pub(super) fn with(units: u32) -> Self {
        let mut shop = Self { state: opened(), now: start() };
        if units > 0 {
            shop.receive("N", "", units);
        }
        shop
    }

    pub(super) fn run(&mut self, command: impl Into<Command>) -> Vec<Event> {
        let command = command.into();
        self.ask(command.clone()).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"))
    }

    pub(super) fn ask(&mut self, command: impl Into<Command>) -> Result<Vec<Event>, Refusal> {
        self.now += SignedDuration::from_secs(60);
        execute(&mut self.state, &terms(), self.now, &command.into())
    }

    pub(super) fn receive(&mut self, warehouse: &str, batch: &str, units: u32) {
        let (warehouse, document) = (warehouse.to_owned(), String::new());
        let lines = vec![goods("A", batch, units)];
        self.run(OfStock::ReceiveGoods { warehouse, zone: Zone::Qualified, document, lines });
    }

    pub(super) fn reserve(&mut self, job: Job, units: u32) -> ReservationState {
        self.run(OfReservation::Reserve { job, wanted: any("A", units), commit: true });
        self.state.reservations[&job].state
    }

    pub(super) fn count(
        &mut self,
        job: Job,
        [accepted, damaged, wrong_item]: [u32; 3],
        last: bool,
    ) -> Result<Vec<Event>, Refusal> {
        let receipt = Receipt { warehouse: "N".to_owned(), accepted, damaged, wrong_item, last, ..Receipt::default() };
        self.ask(OfReturn::ReceiveReturn { job, version: None, receipt })
    }

    pub(super) fn expect(&mut self, job: Job, units: u32) {
        self.expect_for(job, units, Some(ReturnReason::ChangeOfMind));
    }

    pub(super) fn expect_for(&mut self, job: Job, units: u32, reason: Option<ReturnReason>) {
        self.run(OfReturn::ExpectReturn { job, announced: goods("A", "", units), reason });
    }

    pub(super) fn dispose(&mut self, job: Job, quantity: u32, disposition: Disposition) -> Result<Vec<Event>, Refusal> {
        self.ask(OfReturn::DisposeReturn { job, quantity, disposition, other_sku: String::new() })
    }

    pub(super) fn on_hand(&self, zone: Zone) -> i64 {
        self.state.stock.iter().filter(|(place, _)| place.zone == zone).map(|(_, stock)| stock.on_hand).sum()
    }
}

#[test]
fn a_shortage_is_an_answer_with_a_date() {
    let mut shop = Shop::with(2);
    assert_eq!(shop.reserve(job(1, 1), 5), ReservationState::HeldPartly);
    let reservation = &shop.state.reservations[&job(1, 1)];
    assert_eq!((reservation.held(), reservation.short()), (2, 3));
    assert_eq!(reservation.expected_on.unwrap().to_string(), "2026-12-06");
}

/// Half past midnight in London is still yesterday by UTC.
#[test]
fn a_back_order_counts_from_the_day_it_is_where_we_are() {
    let mut shop = Shop::with(0);
    shop.now = "2026-06-30T23:30:00Z".parse().unwrap();
    shop.reserve(job(1, 1), 1);
    assert_eq!(shop.state.reservations[&job(1, 1)].expected_on.unwrap().to_string(), "2026-07-15");
}

#[test]
fn goods_that_arrive_go_to_who_waits_longest() {
    let mut shop = Shop::with(0);
    shop.reserve(job(9, 1), 2);
    shop.reserve(job(1, 1), 2);
    shop.receive("N", "", 3);
    assert_eq!(shop.state.reservations[&job(9, 1)].state, ReservationState::Committed);
    assert_eq!(shop.state.reservations[&job(1, 1)].held(), 1);
}

#[test]
fn who_asks_again_after_a_hold_ran_out_keeps_the_place_in_the_queue() {
    let mut shop = Shop::with(1);
    shop.reserve(job(9, 1), 2);
    shop.reserve(job(1, 1), 1);
    let due_at = shop.state.reservations[&job(9, 1)].expires_at.unwrap();
    shop.run(OfReservation::Expire(job(9, 1), due_at));
    assert_eq!(shop.state.reservations[&job(9, 1)].state, ReservationState::Expired);
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed, "what was freed is used");
    shop.reserve(job(2, 1), 2);
    shop.reserve(job(9, 2), 2);
    shop.receive("S", "", 2);
    assert_eq!(shop.state.reservations[&job(9, 2)].state, ReservationState::Committed);
    assert_eq!(shop.state.reservations[&job(2, 1)].held(), 0);
}

#[test]
fn a_hold_that_was_promised_or_renewed_does_not_run_out() {
    let mut shop = Shop::with(2);
    let wanted = any("A", 2);
    shop.run(OfReservation::Reserve { job: job(1, 1), wanted: wanted.clone(), commit: false });
    let due_at = shop.state.reservations[&job(1, 1)].expires_at.unwrap();
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Held);
    shop.run(OfReservation::Reserve { job: job(1, 1), wanted, commit: true });
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed);
    assert_eq!(shop.run(OfReservation::Expire(job(1, 1), due_at)), []);
}

#[test]
fn a_hold_that_became_whole_starts_anew() {
    let mut shop = Shop::with(1);
    shop.run(OfReservation::Reserve { job: job(1, 1), wanted: any("A", 2), commit: false });
    let due_at = shop.state.reservations[&job(1, 1)].expires_at.unwrap();
    shop.receive("N", "", 1);
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Held);
    assert_eq!(shop.run(OfReservation::Expire(job(1, 1), due_at)), []);
    let due_at = shop.state.reservations[&job(1, 1)].expires_at.unwrap();
    assert_eq!(shop.run(OfReservation::Expire(job(1, 1), due_at)), [ReservationEvent::Expired(job(1, 1)).into()]);
}

#[test]
fn one_parcel_is_better_than_two() {
    let mut shop = Shop::with(1);
    shop.receive("S", "", 3);
    shop.reserve(job(1, 1), 3);
    let warehouses: Vec<_> = shop.state.reservations[&job(1, 1)].allocations.keys().map(|at| &at.warehouse).collect();
    assert_eq!(warehouses, ["S"]);
}

#[test]
fn goods_that_left_are_taken_from_stock_once() {
    let mut shop = Shop::with(3);
    shop.reserve(job(1, 1), 2);
    shop.run(OfReservation::Consume(job(1, 1)));
    shop.run(OfReservation::Consume(job(1, 1)));
    shop.run(OfReservation::Release(job(1, 1)));
    assert_eq!(shop.on_hand(Zone::Qualified), 1);
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Consumed);
}

#[test]
fn what_was_undone_first_is_never_done() {
    let mut shop = Shop::with(3);
    shop.run(OfReservation::Release(job(1, 1)));
    assert_eq!(shop.reserve(job(1, 1), 2), ReservationState::Released);
    assert_eq!(shop.run(OfReservation::Consume(job(1, 1))), []);
    shop.run(OfReturn::CancelReturn(job(1, 1)));
    shop.expect(job(1, 1), 2);
    assert_eq!(shop.state.returns[&job(1, 1)].state, ReturnState::Cancelled);
    assert_eq!(shop.count(job(1, 1), [1, 0, 0], false), Err(Refusal::NoSuchReturn(job(1, 1))));
}

#[test]
fn an_unknown_sku_cannot_be_held_and_its_job_is_remembered() {
    let mut shop = Shop::with(0);
    let reserve = OfReservation::Reserve { job: job(1, 1), wanted: any("X", 1), commit: true };
    shop.run(reserve.clone());
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Failed);
    let sku = Sku { sku: "X".to_owned(), description: String::new() };
    shop.run(OfStock::RegisterSkus(vec![sku]));
    assert_eq!(shop.run(reserve), [], "the answer stays");
    shop.run(OfReservation::Release(job(1, 1)));
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Released);
}

#[test]
fn what_no_correct_sender_says_is_broken() {
    let mut shop = Shop::with(1);
    assert!(matches!(shop.ask(OfReservation::Consume(job(1, 1))), Err(Refusal::Broken(_))));
    shop.reserve(job(1, 1), 2);
    assert!(matches!(shop.ask(OfReservation::Consume(job(1, 1))), Err(Refusal::Broken(_))));
    let other = OfReservation::Reserve { job: job(1, 1), wanted: any("A", 9), commit: true };
    assert!(matches!(shop.ask(other.clone()), Err(Refusal::Broken(_))));
    shop.expect(job(1, 1), 1);
    let other = OfReturn::ExpectReturn {
        job: job(1, 1),
        announced: goods("B", "", 1),
        reason: Some(ReturnReason::ChangeOfMind),
    };
    assert!(matches!(shop.ask(other.clone()), Err(Refusal::Broken(_))));
}

#[test]
fn a_return_is_counted_receipt_by_receipt() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 5);
    shop.count(job(1, 1), [2, 1, 0], false).unwrap();
    let known = shop.state.returns[&job(1, 1)].clone();
    assert_eq!((known.state, known.missing(), known.excess()), (ReturnState::PartlyReceived, 0, 0));
    shop.count(job(1, 1), [1, 0, 0], true).unwrap();
    let known = shop.state.returns[&job(1, 1)].clone();
    assert_eq!((known.state, known.accepted, known.missing()), (ReturnState::ClosedShort, 3, 1));
    assert_eq!((shop.on_hand(Zone::Qualified), shop.on_hand(Zone::PendingInspection)), (3, 1));
    assert_eq!(shop.count(job(1, 1), [0, 0, 0], true), Err(Refusal::ReturnClosed(ReturnState::ClosedShort)));
}

#[test]
fn excess_is_recorded_and_nothing_at_all_can_close_a_return() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 2);
    shop.count(job(1, 1), [3, 0, 1], false).unwrap();
    let known = &shop.state.returns[&job(1, 1)];
    assert_eq!((known.state, known.excess(), known.missing()), (ReturnState::FullyReceived, 2, 0));
    shop.expect(job(2, 1), 2);
    shop.count(job(2, 1), [0, 0, 0], true).unwrap();
    let known = &shop.state.returns[&job(2, 1)];
    assert_eq!((known.state, known.accepted, known.missing()), (ReturnState::ClosedShort, 0, 2));
}

#[test]
fn a_return_that_comes_in_endless_pieces_is_closed_by_its_last() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 1_000);
    let taken = (0..1_000).take_while(|_| shop.count(job(1, 1), [1, 0, 0], false).is_ok()).count();
    assert_eq!(taken, 199);
    assert_eq!(shop.count(job(1, 1), [1, 0, 0], false), Err(Refusal::TooManyReceipts));
    shop.count(job(1, 1), [1, 0, 0], true).unwrap();
    assert_eq!(shop.state.returns[&job(1, 1)].state, ReturnState::ClosedShort);
}

#[test]
fn returned_goods_fill_back_orders() {
    let mut shop = Shop::with(0);
    shop.reserve(job(1, 1), 2);
    shop.expect(job(2, 1), 2);
    shop.count(job(2, 1), [1, 1, 0], true).unwrap();
    assert_eq!(shop.state.reservations[&job(1, 1)].held(), 1);
    shop.dispose(job(2, 1), 1, Disposition::Restock).unwrap();
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed);
    let again = shop.dispose(job(2, 1), 1, Disposition::Restock);
    assert_eq!(again, Err(Refusal::NothingToDispose { waiting: 0 }));
}

#[test]
fn a_return_disposes_of_its_own_goods_only_and_never_restocks_another_article() {
    let mut shop = Shop::with(0);
    for claim in [1, 2] {
        shop.expect(job(claim, 1), 3);
        shop.count(job(claim, 1), [0, 1, 1], true).unwrap();
    }
    let mut dispose = |quantity, disposition| shop.dispose(job(1, 1), quantity, disposition).map(|_| ());
    assert_eq!(dispose(3, Disposition::Scrap), Err(Refusal::NothingToDispose { waiting: 2 }));
    assert_eq!(dispose(2, Disposition::Restock), Err(Refusal::NothingToDispose { waiting: 1 }));
    assert_eq!(dispose(1, Disposition::Restock), Ok(()));
    assert_eq!(dispose(1, Disposition::SupplierReturn), Ok(()));
    assert_eq!((shop.on_hand(Zone::Qualified), shop.on_hand(Zone::PendingInspection)), (1, 2));
}

#[test]
fn what_a_count_did_not_find_cannot_be_disposed_of() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 4);
    shop.count(job(1, 1), [0, 2, 2], true).unwrap();
    let (sku, batch, warehouse) = ("A".to_owned(), String::new(), "N".to_owned());
    let place = Place { sku, batch, warehouse, zone: Zone::PendingInspection };
    shop.run(OfStock::AdjustStock { place, delta: -1, reason: "count".to_owned() });
    let mut dispose = |quantity, disposition| shop.dispose(job(1, 1), quantity, disposition).map(|_| ());
    assert_eq!(dispose(4, Disposition::Scrap), Err(Refusal::NothingToDispose { waiting: 3 }));
    assert_eq!(dispose(2, Disposition::Restock), Ok(()));
    assert_eq!(dispose(2, Disposition::Scrap), Err(Refusal::NothingToDispose { waiting: 1 }));
    assert_eq!(dispose(1, Disposition::Scrap), Ok(()));
}

#[test]
fn goods_come_back_even_if_their_sku_was_never_registered() {
    let mut shop = Shop::with(0);
    let (announced, reason) = (goods("X", "", 1), Some(ReturnReason::Faulty));
    shop.run(OfReturn::ExpectReturn { job: job(1, 1), announced, reason });
    shop.count(job(1, 1), [1, 0, 0], true).unwrap();
    assert!(shop.state.skus.contains("X"));
}

#[test]
fn a_cancelled_return_keeps_what_was_counted() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 3);
    shop.count(job(1, 1), [1, 1, 0], false).unwrap();
    shop.run(OfReturn::CancelReturn(job(1, 1)));
    assert_eq!(shop.count(job(1, 1), [1, 0, 0], true), Err(Refusal::ReturnClosed(ReturnState::Cancelled)));
    assert_eq!(shop.state.returns[&job(1, 1)].accepted, 1);
    shop.dispose(job(1, 1), 1, Disposition::Scrap).unwrap();
}

#[test]
fn each_refusal_says_the_state_of_the_world() {
    let mut shop = Shop::with(3);
    shop.reserve(job(1, 1), 2);
    let place = |warehouse: &str, sku: &str, zone| Place {
        sku: sku.to_owned(),
        batch: String::new(),
        warehouse: warehouse.to_owned(),
        zone,
    };
    let mut adjust = |place, delta| shop.ask(OfStock::AdjustStock { place, delta, reason: "count".to_owned() });
    assert_eq!(adjust(place("N", "A", Zone::Qualified), -2), Err(Refusal::OutOfStock { free: 1 }));
    assert_eq!(adjust(place("N", "X", Zone::Qualified), 1), Err(Refusal::UnknownSku("X".to_owned())));
    assert_eq!(adjust(place("?", "A", Zone::Qualified), 1), Err(Refusal::UnknownWarehouse("?".to_owned())));
    assert_eq!(adjust(place("S", "A", Zone::Valuables), 1), Err(Refusal::NoCustodian("S".to_owned())));
    assert!(adjust(place("N", "A", Zone::Valuables), 1).is_ok());
    assert_eq!(shop.count(job(7, 1), [1, 0, 0], true), Err(Refusal::NoSuchReturn(job(7, 1))));
    shop.expect(job(7, 1), 1);
    let receipt = Receipt { warehouse: "N".to_owned(), accepted: 1, last: true, ..Receipt::default() };
    let stale = OfReturn::ReceiveReturn { job: job(7, 1), version: Some(9), receipt };
    assert_eq!(shop.ask(stale.clone()), Err(Refusal::ReturnChanged));
}
