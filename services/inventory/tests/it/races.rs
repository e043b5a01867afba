//! Many at once, and several replicas: correctness depends on rows, not on lanes.

use std::collections::BTreeMap;

use futures::future::join_all;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use sqlx::PgPool;
use testkit::TestService;

use crate::shop::{Shop, command, consume, expect_return, job, receipt, release, reserve};

/// What is promised is what is held, and what is on hand is what has moved.
async fn adds_up(pool: &PgPool) {
    let wrong: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM stock s WHERE s.on_hand <> (SELECT sum(m.quantity) FROM movement m \
         WHERE (m.sku, m.batch, m.warehouse, m.zone) = (s.sku, s.batch, s.warehouse, s.zone)) \
         OR s.reserved <> (SELECT coalesce(sum(a.quantity), 0) FROM allocation a \
         WHERE (a.sku, a.batch, a.warehouse, a.zone) = (s.sku, s.batch, s.warehouse, s.zone))",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(wrong, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_claims_want_ten_units() {
    let mut shop = Shop::with(10).await;
    let jobs: Vec<_> = (0..100).map(|_| job()).collect();
    let told = join_all(jobs.iter().map(|job| shop.service.tell(command(job, reserve(1))))).await;
    for event_id in told {
        shop.service.settled(event_id).await;
    }
    let mut answers = BTreeMap::new();
    for job in &jobs {
        let answer = matches!(shop.heard(job).await.last(), Some(Told::Reserved(_)));
        *answers.entry(answer).or_insert(0) += 1;
    }
    assert_eq!(answers, [(false, 90), (true, 10)].into());
    let availability = shop.availability().await;
    assert_eq!((availability.available, availability.back_ordered), (0, 90));
    adds_up(shop.service.pool()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_one_stock() {
    let shop = Shop::with(40).await;
    let twin = TestService::at(shop.service.home.clone(), shop.service.clock.clone()).await;
    let mut apis = [shop.api.clone(), InventoryServiceClient::new(twin.channel())];
    let jobs: Vec<_> = (0..60).map(|_| job()).collect();
    let mut told = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        told.push(shop.service.tell(command(job, reserve(1))).await);
        told.push(shop.service.tell(command(job, expect_return(2))).await);
        if at % 3 == 0 {
            told.push(shop.service.tell(command(job, release())).await);
        }
        if at % 10 == 0 {
            let mut api = apis[at / 10 % 2].clone();
            api.receive_goods(Shop::delivery(1)).await.unwrap();
        }
    }
    for event_id in told {
        shop.service.settled(event_id).await;
    }
    // The same and different returns are counted through both replicas at once.
    let counted = jobs.iter().flat_map(|job| [receipt(job, [1, 0, 0], false), receipt(job, [1, 0, 0], false)]);
    let calls = counted.enumerate().map(|(at, request)| {
        let mut api = apis[at % 2].clone();
        async move { api.receive_return(request).await.map(|_| ()) }
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    adds_up(shop.service.pool()).await;
    assert_eq!(shop.parked().await, 0);
    let closed: i64 = sqlx::query_scalar("SELECT count(*) FROM goods_return WHERE state = 'fully_received'")
        .fetch_one(shop.service.pool())
        .await
        .unwrap();
    assert_eq!(closed, 60);
    let query = proto::inventory::GetAvailabilityRequest { sku: "TILE".to_owned(), batch: String::new() };
    let availability = apis[1].get_availability(query).await.unwrap().into_inner();
    // 40 + 6 arrived, 120 came back, 40 of 60 jobs hold one each.
    assert_eq!((availability.available, availability.stock[0].reserved), (126, 40));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_through_two_replicas_has_one_effect() {
    let mut shop = Shop::with(0).await;
    let twin = TestService::at(shop.service.home.clone(), shop.service.clock.clone()).await;
    let mut other = InventoryServiceClient::new(twin.channel());
    for _ in 0..10 {
        let delivery = Shop::delivery(1);
        let (first, second) =
            tokio::join!(shop.api.receive_goods(delivery.clone()), other.receive_goods(delivery.clone()));
        assert_eq!(first.unwrap().into_inner(), second.unwrap().into_inner());
    }
    assert_eq!(shop.availability().await.available, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn do_and_undo_of_a_job_cross() {
    let mut shop = Shop::with(50).await;
    let jobs: Vec<_> = (0..40).map(|_| job()).collect();
    let said = jobs.iter().flat_map(|job| [command(job, release()), command(job, reserve(1)), command(job, release())]);
    for event_id in join_all(said.map(|message| shop.service.tell(message))).await {
        shop.service.settled(event_id).await;
    }
    assert_eq!(shop.availability().await.available, 50);
    for job in &jobs {
        shop.say(job, consume()).await;
        assert!(matches!(shop.heard(job).await.last(), Some(Told::Released(_))));
    }
    assert_eq!((shop.availability().await.available, shop.parked().await), (50, 0));
}
