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
