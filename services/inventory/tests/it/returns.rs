//! Goods that come back.

use proto::claim::{Job, ReturnCount};
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::*;

use crate::shop::{Shop, cancel_return, expect_return, job, receipt, reserve};

fn counted(count: [u32; 5], complete: bool) -> Told {
    let [accepted, damaged, wrong_item, missing, excess] = count;
    let count = Some(ReturnCount { accepted, damaged, wrong_item, missing, excess });
    Told::ReturnCounted(ReturnCounted { count, complete })
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
    let asked = ExpectReturn { sku: "OLD".to_owned(), batch: "B".to_owned(), quantity: 1 };
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
