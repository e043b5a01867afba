//! Goods in, adjustments, and the same request twice.

use proto::inventory::*;
use testkit::request_id;

use crate::shop::{Shop, job, reserve};

fn adjustment(delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        request_id: request_id(),
        warehouse: "NORTH".to_owned(),
        zone: Zone::Qualified.into(),
        sku: "TILE".to_owned(),
        batch: String::new(),
        delta,
        reason: "counted".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goods_that_arrive_are_available() {
    let mut shop = Shop::with(0).await;
    let answer = shop.receive(7).await;
    assert_eq!((answer.units, answer.reservations_filled), (7, 0));
    let availability = shop.availability().await;
    assert_eq!((availability.available, availability.back_ordered), (7, 0));
    let adjusted = shop.api.adjust_stock(adjustment(-3)).await.unwrap().into_inner();
    assert_eq!(adjusted.on_hand, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_qualified_zones_are_available() {
    let mut shop = Shop::with(2).await;
    let delivery = ReceiveGoodsRequest { zone: Zone::Unqualified.into(), ..Shop::delivery(5) };
    shop.api.receive_goods(delivery).await.unwrap();
    let availability = shop.availability().await;
    assert_eq!((availability.available, availability.stock.len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_has_one_effect_and_one_answer() {
    let mut shop = Shop::with(0).await;
    let delivery = Shop::delivery(3);
    let first = shop.api.receive_goods(delivery.clone()).await.unwrap().into_inner();
    let second = shop.api.receive_goods(delivery.clone()).await.unwrap().into_inner();
    assert_eq!(first, second);
    assert_eq!(shop.availability().await.available, 3);

    let other = ReceiveGoodsRequest { document: "PO-2".to_owned(), ..delivery };
    let status = shop.api.receive_goods(other).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "REQUEST_ID_REUSED");
    assert_eq!(shop.availability().await.available, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lines_of_one_article_are_several_movements() {
    let mut shop = Shop::with(1).await;
    let mut delivery = Shop::delivery(2);
    delivery.lines = vec![delivery.lines[0].clone(), delivery.lines[0].clone(), delivery.lines[0].clone()];
    delivery.lines[1].batch = "B1".to_owned();
    assert_eq!(shop.api.receive_goods(delivery).await.unwrap().into_inner().units, 6);
    let availability = shop.availability().await;
    let on_hand: Vec<_> = availability.stock.iter().map(|stock| (stock.batch.as_str(), stock.on_hand)).collect();
    assert_eq!(on_hand, [("", 5), ("B1", 2)]);
    let request = GetAvailabilityRequest { sku: "TILE".to_owned(), batch: "B1".to_owned() };
    assert_eq!(shop.api.get_availability(request).await.unwrap().into_inner().available, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_tells_how_many_reservations_it_filled() {
    let mut shop = Shop::with(0).await;
    for _ in 0..3 {
        shop.say(&job(), reserve(2)).await;
    }
    assert_eq!(shop.availability().await.back_ordered, 6);
    assert_eq!(shop.receive(5).await.reservations_filled, 2);
    assert_eq!(shop.availability().await.back_ordered, 1);
    let adjusted = shop.api.adjust_stock(adjustment(1)).await.unwrap().into_inner();
    assert_eq!(adjusted.on_hand, 6);
    assert_eq!(shop.availability().await.back_ordered, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_is_replaced_only_by_another() {
    let shop = Shop::with(0).await;
    let described = |text: &str| Sku { sku: "TILE".to_owned(), description: text.to_owned() };
    let skus = vec![described("old"), described("new")];
    shop.api.clone().register_skus(RegisterSkusRequest { request_id: request_id(), skus }).await.unwrap();
    let query = "SELECT description FROM sku WHERE sku = 'TILE'";
    let description: String = sqlx::query_scalar(query).fetch_one(shop.service.pool()).await.unwrap();
    assert_eq!(description, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_d5_valuables_are_moved_with_who_and_why_and_fill_back_orders() {
    let mut shop = Shop::with(0).await;
    let custodian = RegisterWarehouseRequest {
        request_id: request_id(),
        warehouse: "NORTH".to_owned(),
        country: "GB".to_owned(),
        custodian: "cy".to_owned(),
    };
    shop.api.register_warehouse(custodian).await.unwrap();
    let waits = job();
    shop.say(&waits, reserve(2)).await;
    let delivery = ReceiveGoodsRequest { zone: Zone::Valuables.into(), ..Shop::delivery(3) };
    shop.api.receive_goods(delivery).await.unwrap();
    let go = |from: Zone, to: Zone, quantity| MoveStockRequest {
        request_id: request_id(),
        warehouse: "NORTH".to_owned(),
        from_zone: from.into(),
        to_zone: to.into(),
        sku: "TILE".to_owned(),
        batch: String::new(),
        quantity,
        reason: "sold singly".to_owned(),
    };
    let status = shop.api.move_stock(go(Zone::Valuables, Zone::Qualified, 4)).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "OUT_OF_STOCK");
    let asked = testkit::actor(go(Zone::Valuables, Zone::Qualified, 2), "quinn", &["quality"]);
    let moved = shop.api.move_stock(asked).await.unwrap().into_inner();
    assert_eq!(moved, MoveStockResponse { on_hand: 2, reservations_filled: 1 });
    let status = shop.api.move_stock(go(Zone::Qualified, Zone::Unqualified, 1)).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "OUT_OF_STOCK", "it is promised");
    let request = ListMovementsRequest { sku: "TILE".to_owned(), page_size: 2, ..ListMovementsRequest::default() };
    let movements = shop.api.list_movements(request).await.unwrap().into_inner().movements;
    let told: Vec<_> = movements
        .iter()
        .map(|it| (it.kind(), it.zone(), it.quantity, it.document.as_str(), it.actor.as_str()))
        .collect();
    let (moved, why, who) = (MovementKind::Moved, "sold singly", "quinn");
    assert_eq!(told, [(moved, Zone::Qualified, 2, why, who), (moved, Zone::Valuables, -2, why, who)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_moves_are_refused_with_every_field() {
    let mut shop = Shop::with(0).await;
    let status = shop.api.move_stock(MoveStockRequest::default()).await.unwrap_err();
    let mut fields = testkit::bad_fields(&status);
    fields.sort();
    fields.dedup();
    assert_eq!(fields, ["from_zone", "quantity", "reason", "request_id", "sku", "to_zone", "warehouse"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn u6_a_second_equal_delivery_is_one_only_with_another_number() {
    let mut shop = Shop::with(0).await;
    let named = |document: &str, units| ReceiveGoodsRequest { document: document.to_owned(), ..Shop::delivery(units) };
    let mut deliver = async |document: &str, units| shop.api.receive_goods(named(document, units)).await;
    let first = deliver("DN-1", 5).await.unwrap().into_inner();
    assert_eq!(first, ReceiveGoodsResponse { units: 5, reservations_filled: 0, repeated: false });
    let again = deliver("DN-1", 5).await.unwrap().into_inner();
    assert_eq!(again, ReceiveGoodsResponse { units: 0, reservations_filled: 0, repeated: true });
    let status = deliver("DN-1", 6).await.unwrap_err();
    assert_eq!(testkit::reason(&status), "DOCUMENT_REUSED");
    assert!(!deliver("DN-2", 5).await.unwrap().into_inner().repeated);
    assert_eq!(shop.availability().await.available, 10);
}
