//! The right goods go out.

use proto::claim::{Category, Resolution};
use proto::inventory::{GetAvailabilityRequest, GoodsLine, ReceiveGoodsRequest, Zone};
use proto::logistics::Direction;
use system::{World, line};
use testkit::request_id;

/// Units of a batch that are promised.
async fn reserved(world: &World, batch: &str) -> u64 {
    let ask = GetAvailabilityRequest { sku: "ART-2".to_owned(), batch: batch.to_owned() };
    let found = world.inventory().await.get_availability(ask).await.unwrap().into_inner();
    found.stock.iter().map(|stock| stock.reserved).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_replacement_from_the_faulty_batch() {
    let world = World::new().await;
    world.sold("CASE-7", "ART-2", 5, 1_000, 10).await;
    world.stock("ART-2", 0).await;
    let goods = |batch: &str, quantity| GoodsLine { sku: "ART-2".to_owned(), batch: batch.to_owned(), quantity };
    let receive = ReceiveGoodsRequest {
        request_id: request_id(),
        warehouse: "MAIN".to_owned(),
        zone: Zone::Qualified.into(),
        document: "DN-7".to_owned(),
        lines: vec![goods("B1", 4), goods("B2", 6)],
    };
    world.inventory().await.receive_goods(receive).await.unwrap();
    // The batch that is complained about is never sent again; one that is not here makes nobody wait.
    for (batch, units, b1, b2) in [("B1", 2, 0, 2), ("B9", 3, 3, 2)] {
        let mut faulty = line("CASE-7", "ART-2", units, Category::QualityPerformance, Resolution::Replace);
        faulty.batch = batch.to_owned();
        let claim = world.submit(world.report("C-1", vec![faulty])).await;
        world.shipment(&claim, Direction::Outbound).await;
        assert_eq!((reserved(&world, "B1").await, reserved(&world, "B2").await), (b1, b2), "{batch}");
    }
    world.end().await;
}
