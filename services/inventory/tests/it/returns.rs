//! Goods that come back.

use proto::claim::{Job, ReturnCount, ReturnReason};
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::*;

use crate::shop::{Shop, cancel_return, expect_for, expect_return, job, receipt, reserve};

fn counted(count: [u32; 5], complete: bool) -> Told {
    let [accepted, damaged, wrong_item, missing, excess] = count;
    let announced = if complete { accepted + damaged + wrong_item + missing - excess } else { u32::MAX };
    let (resalable, not_as_claimed) = (accepted.min(announced), 0);
    let count = ReturnCount { accepted, damaged, wrong_item, missing, excess, resalable, not_as_claimed };
    Told::ReturnCounted(ReturnCounted { count: Some(count), complete, late: 0 })
}

async fn expected(shop: &Shop, units: u32) -> Job {
    let job = job();
    assert_eq!(shop.ask(&job, expect_return(units)).await, counted([0; 5], false));
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_comes_in_several_receipts() {
    let mut shop = Shop::with(0).await;
    let job = expected(&shop, 6).await;
    let known = shop.receive_return(receipt(&job, [2, 1, 0], false)).await.unwrap();
    assert_eq!((known.state(), known.etag.as_str()), (ReturnState::PartlyReceived, "\"2\""));
    assert_eq!(shop.heard(&job).await.last(), Some(&counted([2, 1, 0, 0, 0], false)));
    let known = shop.receive_return(receipt(&job, [1, 0, 1], true)).await.unwrap();
    assert_eq!(known.state(), ReturnState::ClosedShort);
    assert_eq!(shop.heard(&job).await.last(), Some(&counted([3, 1, 1, 1, 0], true)));
    assert_eq!(shop.on_hand(Zone::Qualified).await, 3);
    assert_eq!(shop.on_hand(Zone::PendingInspection).await, 2);
    assert_eq!(shop.ask(&job, expect_return(6)).await, counted([3, 1, 1, 1, 0], true), "asked again, answered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_receipt_twice_is_counted_once() {
    let mut shop = Shop::with(0).await;
    let job = expected(&shop, 3).await;
    let request = receipt(&job, [1, 0, 0], false);
    let first = shop.receive_return(request.clone()).await.unwrap();
    assert_eq!(shop.receive_return(request.clone()).await.unwrap(), first);
    let other = ReceiveReturnRequest { accepted: 2, ..request };
    assert_eq!(testkit::reason(&shop.receive_return(other).await.unwrap_err()), "REQUEST_ID_REUSED");
    assert_eq!(shop.on_hand(Zone::Qualified).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_announced_is_excess() {
    let mut shop = Shop::with(0).await;
    let job = expected(&shop, 2).await;
    shop.receive_return(receipt(&job, [3, 1, 0], false)).await.unwrap();
    assert_eq!(shop.heard(&job).await.last(), Some(&counted([3, 1, 0, 0, 2], true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_goods_go_to_who_waits_for_them() {
    let mut shop = Shop::with(0).await;
    let waits = job();
    shop.say(&waits, reserve(2)).await;
    let back = expected(&shop, 3).await;
    shop.receive_return(receipt(&back, [1, 2, 0], false)).await.unwrap();
    assert!(matches!(shop.heard(&waits).await.last(), Some(Told::ReservedPartly(partly)) if partly.held == 1));
    assert_eq!(shop.dispose(&back, 1, Disposition::Restock).await.unwrap(), 1);
    assert_eq!(shop.heard(&waits).await.last(), Some(&Told::Reserved(Reserved { quantity: 2 })));
    assert_eq!(shop.dispose(&back, 1, Disposition::Scrap).await.unwrap(), 0);
    assert_eq!(shop.on_hand(Zone::PendingInspection).await, 0);
    let request = ListMovementsRequest { sku: "TILE".to_owned(), ..ListMovementsRequest::default() };
    let movements = shop.api.list_movements(request).await.unwrap().into_inner().movements;
    let kinds: Vec<_> = movements.iter().map(|movement| (movement.kind(), movement.quantity)).collect();
    let (returned, restocked) = (MovementKind::Return, MovementKind::Restocked);
    assert_eq!(kinds, [(MovementKind::Scrapped, -1), (restocked, 1), (restocked, -1), (returned, 2), (returned, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_of_an_unknown_sku_come_back_anyway() {
    let mut shop = Shop::with(0).await;
    let job = job();
    let reason = ReturnReason::ChangeOfMind.into();
    let asked = ExpectReturn { sku: "OLD".to_owned(), batch: "B".to_owned(), quantity: 1, reason };
    shop.say(&job, inventory_command::Kind::ExpectReturn(asked)).await;
    shop.receive_return(receipt(&job, [1, 0, 0], true)).await.unwrap();
    let request = GetAvailabilityRequest { sku: "OLD".to_owned(), batch: "B".to_owned() };
    assert_eq!(shop.api.get_availability(request).await.unwrap().into_inner().available, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_return_is_expected_no_more() {
    let mut shop = Shop::with(0).await;
    let cancelled = |accepted| Told::ReturnCancelled(ReturnCancelled { accepted });
    let never = job();
    assert_eq!(shop.ask(&never, cancel_return()).await, cancelled(0));
    assert_eq!(shop.ask(&never, expect_return(2)).await, cancelled(0));
    let open = expected(&shop, 2).await;
    shop.receive_return(receipt(&open, [1, 0, 0], false)).await.unwrap();
    assert_eq!(shop.ask(&open, cancel_return()).await, cancelled(1));
    assert_eq!(shop.ask(&open, cancel_return()).await, cancelled(1));
    assert_eq!(shop.ask(&open, expect_return(2)).await, cancelled(1));
    let status = shop.receive_return(receipt(&open, [1, 0, 0], false)).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "RETURN_CLOSED");
    let done = expected(&shop, 1).await;
    shop.receive_return(receipt(&done, [1, 0, 0], false)).await.unwrap();
    assert_eq!(shop.ask(&done, cancel_return()).await, cancelled(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn faulty_goods_count_and_are_not_sold_again() {
    let mut shop = Shop::with(0).await;
    let (waits, back) = (job(), job());
    shop.say(&waits, reserve(1)).await;
    shop.say(&back, expect_for(3, ReturnReason::Faulty)).await;
    let counted = ReceiveReturnRequest { not_as_claimed: 1, ..receipt(&back, [1, 1, 0], true) };
    let known = shop.receive_return(counted).await.unwrap();
    let count = ReturnCount { accepted: 2, not_as_claimed: 1, ..ReturnCount::default() };
    assert_eq!((known.reason(), known.count, known.waiting), (ReturnReason::Faulty, Some(count), 3));
    assert_eq!((shop.on_hand(Zone::Qualified).await, shop.on_hand(Zone::PendingInspection).await), (0, 3));
    assert!(matches!(shop.heard(&waits).await.last(), Some(Told::ReservedPartly(partly)) if partly.held == 0));
    let of_claim = ListReturnsRequest { claim_id: back.claim_id.clone(), ..ListReturnsRequest::default() };
    let listed = shop.api.list_returns(of_claim.clone()).await.unwrap().into_inner().returns;
    assert_eq!(listed[0], known, "a list says what waits, too");
    // Somebody has looked at it, and nothing is wrong with it.
    assert_eq!(shop.dispose(&back, 1, Disposition::Restock).await.unwrap(), 2);
    assert_eq!(shop.heard(&waits).await.last(), Some(&Told::Reserved(Reserved { quantity: 1 })));
    assert_eq!(shop.dispose(&back, 2, Disposition::Scrap).await.unwrap(), 0);
    assert_eq!(shop.api.list_returns(of_claim).await.unwrap().into_inner().returns[0].waiting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_return_was_closed_is_counted_and_told_once() {
    let mut shop = Shop::with(0).await;
    let job = expected(&shop, 5).await;
    shop.receive_return(receipt(&job, [4, 0, 0], true)).await.unwrap();
    let late = shop.receive_return(receipt(&job, [1, 0, 0], true)).await.unwrap();
    assert_eq!((late.state(), shop.on_hand(Zone::Qualified).await), (ReturnState::FullyReceived, 5));
    let whole = counted([5, 0, 0, 0, 0], true);
    let Told::ReturnCounted(told) = whole.clone() else { unreachable!() };
    let late = Told::ReturnCounted(ReturnCounted { late: 1, ..told });
    assert_eq!(shop.heard(&job).await.last(), Some(&late));
    assert_eq!(shop.ask(&job, expect_return(5)).await, whole, "asked again, it is no news");
    let status = shop.receive_return(receipt(&job, [1, 0, 0], true)).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "RETURN_CLOSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn b_d9_another_article_is_put_to_its_own() {
    let mut shop = Shop::with(0).await;
    let back = job();
    shop.say(&back, expect_for(1, ReturnReason::WrongItem)).await;
    let counted = ReceiveReturnRequest { other_sku: "BRICK".to_owned(), ..receipt(&back, [0, 0, 1], true) };
    let known = shop.receive_return(counted).await.unwrap();
    assert_eq!((known.other_sku.as_str(), known.count.unwrap().accepted), ("BRICK", 1));
    let restock = |other_sku: &str| DisposeReturnRequest {
        request_id: testkit::request_id(),
        job: Some(back.clone()),
        quantity: 1,
        disposition: Disposition::Restock.into(),
        other_sku: other_sku.to_owned(),
    };
    let status = shop.api.dispose_return(restock("")).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "NOTHING_TO_DISPOSE");
    let status = shop.api.dispose_return(restock("STONE")).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "UNKNOWN_SKU");
    assert_eq!(shop.api.dispose_return(restock("BRICK")).await.unwrap().into_inner().waiting, 0);
    let request = GetAvailabilityRequest { sku: "BRICK".to_owned(), batch: String::new() };
    assert_eq!(shop.api.get_availability(request).await.unwrap().into_inner().available, 1);
    assert_eq!(shop.availability().await.available, 0);
}
