//! What comes back: money and stock are two answers, and each surprise is one of its own.

use super::cases::Shop;
use super::*;

/// What is counted in one go: accepted, damaged, wrong, unsalable, not as claimed.
fn receipt([accepted, damaged, wrong_item, unsalable, not_as_claimed]: [u32; 5]) -> Receipt {
    let (warehouse, other_sku) = ("N".to_owned(), String::new());
    Receipt { warehouse, accepted, damaged, wrong_item, unsalable, not_as_claimed, other_sku, last: true }
}

impl Shop {
    fn receive_back(&mut self, job: Job, counted: [u32; 5]) -> Vec<Event> {
        self.run(OfReturn::ReceiveReturn { job, version: None, receipt: receipt(counted) })
    }

    fn places(&self) -> (i64, i64) {
        (self.on_hand(Zone::Qualified), self.on_hand(Zone::PendingInspection))
    }
}

#[test]
fn each_reason_has_its_two_answers() {
    use ReturnReason as R;
    // Of one unit of each kind: what counts for the claim, and what is sold again.
    for (reason, counting, resalable) in [
        (None, 2, 1),
        (Some(R::Faulty), 3, 0),
        (Some(R::ChangeOfMind), 2, 1),
        (Some(R::WrongItem), 4, 0),
        (Some(R::Undelivered), 3, 1),
    ] {
        let mut shop = Shop::with(0);
        shop.expect_for(job(1, 1), 5, reason);
        shop.receive_back(job(1, 1), [1, 1, 1, 1, 1]);
        let known = &shop.state.returns[&job(1, 1)];
        assert_eq!((known.counting(), known.resalable()), (counting, resalable), "{reason:?}");
        assert_eq!(shop.places(), (i64::from(resalable), 5 - i64::from(resalable)), "{reason:?}");
    }
}

#[test]
fn what_is_too_many_is_not_sold_before_somebody_has_decided() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 2);
    shop.receive_back(job(1, 1), [3, 0, 0, 0, 0]);
    assert_eq!(shop.places(), (2, 1));
    assert_eq!(shop.state.returns[&job(1, 1)].excess(), 1);
    shop.dispose(job(1, 1), 1, Disposition::SendBack).unwrap();
    assert_eq!(shop.places(), (2, 0));
}

#[test]
fn what_was_missing_is_stock_when_it_comes() {
    let mut shop = Shop::with(0);
    shop.expect(job(1, 1), 3);
    shop.receive_back(job(1, 1), [1, 0, 0, 0, 0]);
    assert_eq!(shop.state.returns[&job(1, 1)].state, ReturnState::ClosedShort);
    let late = |events: &[Event]| {
        events.iter().any(|event| matches!(event, Event::Return(ReturnEvent::ReturnCounted { late: true, .. })))
    };
    assert!(late(&shop.count(job(1, 1), [1, 0, 0], false).unwrap()));
    assert_eq!((shop.state.returns[&job(1, 1)].state, shop.places()), (ReturnState::ClosedShort, (2, 0)));
    assert!(late(&shop.count(job(1, 1), [1, 0, 0], true).unwrap()));
    assert_eq!((shop.state.returns[&job(1, 1)].state, shop.places()), (ReturnState::FullyReceived, (3, 0)));
    let more = shop.count(job(1, 1), [1, 0, 0], true);
    assert_eq!(more, Err(Refusal::ReturnClosed(ReturnState::FullyReceived)));
}

#[test]
fn b_d9_another_article_becomes_stock_of_its_own() {
    let mut shop = Shop::with(0);
    shop.expect_for(job(1, 1), 2, Some(ReturnReason::WrongItem));
    let counted = Receipt { other_sku: "B".to_owned(), ..receipt([0, 0, 2, 0, 0]) };
    shop.run(OfReturn::ReceiveReturn { job: job(1, 1), version: None, receipt: counted });
    assert_eq!(shop.state.returns[&job(1, 1)].other_sku, "B");
    let mut restock = |other: &str, quantity| {
        let (disposition, other_sku) = (Disposition::Restock, other.to_owned());
        shop.ask(OfReturn::DisposeReturn { job: job(1, 1), quantity, disposition, other_sku }).map(|_| ())
    };
    assert_eq!(restock("", 1), Err(Refusal::NothingToDispose { waiting: 0 }));
    assert_eq!(restock("X", 1), Err(Refusal::UnknownSku("X".to_owned())));
    assert_eq!(restock("B", 3), Err(Refusal::NothingToDispose { waiting: 2 }));
    assert_eq!(restock("B", 2), Ok(()));
    let place = |sku: &str| Place {
        sku: sku.to_owned(),
        batch: String::new(),
        warehouse: "N".to_owned(),
        zone: Zone::Qualified,
    };
    assert_eq!(shop.state.stock.get(&place("A")).map_or(0, |stock| stock.on_hand), 0);
    assert_eq!(shop.state.stock[&place("B")].on_hand, 2);
}

#[test]
fn a_d5_valuables_and_inspected_goods_are_moved_and_fill_back_orders() {
    let mut shop = Shop::with(0);
    shop.reserve(job(1, 1), 3);
    let place = |warehouse: &str, zone| Place {
        sku: "A".to_owned(),
        batch: String::new(),
        warehouse: warehouse.to_owned(),
        zone,
    };
    let document = String::new();
    for zone in [Zone::Valuables, Zone::PendingInspection] {
        let (warehouse, lines) = ("N".to_owned(), vec![goods("A", "", 2)]);
        shop.run(OfStock::ReceiveGoods { warehouse, zone, document: document.clone(), lines });
    }
    let mut go = |from, to, quantity| {
        shop.ask(OfStock::MoveStock { from, to, quantity, reason: "looked at".to_owned() }).map(|_| ())
    };
    assert_eq!(go(place("N", Zone::Valuables), Zone::Qualified, 3), Err(Refusal::OutOfStock { free: 2 }));
    assert_eq!(go(place("N", Zone::Valuables), Zone::Qualified, 2), Ok(()));
    assert_eq!(go(place("N", Zone::PendingInspection), Zone::Qualified, 1), Ok(()));
    assert_eq!(go(place("N", Zone::Qualified), Zone::Unqualified, 1), Err(Refusal::OutOfStock { free: 0 }));
    let nobody = go(place("S", Zone::Qualified), Zone::Valuables, 1);
    assert_eq!(nobody, Err(Refusal::NoCustodian("S".to_owned())), "S4-38");
    assert_eq!(shop.state.reservations[&job(1, 1)].state, ReservationState::Committed);
}

#[test]
fn u6_a_document_names_a_delivery() {
    let mut shop = Shop::with(0);
    let mut deliver = |warehouse: &str, document: &str, lines: &[GoodsLine]| {
        let (warehouse, document) = (warehouse.to_owned(), document.to_owned());
        shop.ask(OfStock::ReceiveGoods { warehouse, zone: Zone::Qualified, document, lines: lines.to_vec() })
            .map(|events| events.len())
    };
    let two = [goods("A", "", 1), goods("B", "", 2), goods("A", "", 3)];
    assert_eq!(deliver("N", "DN-1", &two), Ok(4), "the document, and three movements");
    assert_eq!(deliver("N", "DN-1", &two), Ok(0));
    assert_eq!(deliver("N", "DN-1", &[goods("B", "", 2), goods("A", "", 4)]), Ok(0), "the same, told otherwise");
    assert_eq!(deliver("N", "DN-1", &two[..2]), Err(Refusal::DocumentReused("DN-1".to_owned())));
    assert_eq!(deliver("S", "DN-1", &two[..1]), Ok(2), "of another warehouse");
    assert_eq!(deliver("N", "DN-2", &two), Ok(4), "another number is another delivery");
    assert_eq!(deliver("N", "", &two[..1]), Ok(1));
    assert_eq!(deliver("N", "", &two[..1]), Ok(1), "nothing tells them apart");
}
