//! Every refusal and every kind of bad field, through the real server, with its details decoded.

use proto::claim::Job;
use proto::inventory::*;
use testkit::request_id;
use tonic::{Code, Status};

use crate::shop::{Shop, expect_return, job, receipt, reserve};

/// A refusal has this code, reason and metadata, and a precondition exactly if it is about the state.
fn is(status: &Status, code: Code, reason: &str, metadata: (&str, &str)) {
    let details = testkit::details(status);
    let info = details.error_info().expect("every refusal has a reason");
    assert_eq!((status.code(), info.reason.as_str(), info.domain.as_str()), (code, reason, "redress.inventory"));
    assert_eq!(info.metadata.get(metadata.0).map(String::as_str), Some(metadata.1));
    assert_eq!(details.precondition_failure().is_some(), code == Code::FailedPrecondition);
}

fn adjustment(warehouse: &str, sku: &str, zone: Zone, delta: i64) -> AdjustStockRequest {
    AdjustStockRequest {
        request_id: request_id(),
        warehouse: warehouse.to_owned(),
        zone: zone.into(),
        sku: sku.to_owned(),
        batch: String::new(),
        delta,
        reason: "counted".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_about_stock() {
    let mut shop = Shop::with(3).await;
    shop.say(&job(), reserve(2)).await;
    let mut delivery = Shop::delivery(1);
    delivery.lines[0].sku = "?".to_owned();
    let status = shop.api.receive_goods(delivery).await.unwrap_err();
    is(&status, Code::NotFound, "UNKNOWN_SKU", ("sku", "?"));
    let delivery = ReceiveGoodsRequest { warehouse: "SOUTH".to_owned(), ..Shop::delivery(1) };
    let status = shop.api.receive_goods(delivery.clone()).await.unwrap_err();
    is(&status, Code::NotFound, "UNKNOWN_WAREHOUSE", ("warehouse", "SOUTH"));
    let again = shop.api.receive_goods(delivery).await.unwrap_err();
    is(&again, Code::NotFound, "UNKNOWN_WAREHOUSE", ("warehouse", "SOUTH"));

    let adjust = async |request| shop.api.clone().adjust_stock(request).await.unwrap_err();
    let status = adjust(adjustment("NORTH", "TILE", Zone::Qualified, -2)).await;
    is(&status, Code::FailedPrecondition, "OUT_OF_STOCK", ("free", "1"));
    let status = adjust(adjustment("NORTH", "?", Zone::Qualified, 1)).await;
    is(&status, Code::NotFound, "UNKNOWN_SKU", ("sku", "?"));
    let status = adjust(adjustment("NORTH", "TILE", Zone::Valuables, 1)).await;
    is(&status, Code::FailedPrecondition, "NO_CUSTODIAN", ("warehouse", "NORTH"));
    let status = adjust(adjustment("EAST", "TILE", Zone::Qualified, 1)).await;
    is(&status, Code::NotFound, "UNKNOWN_WAREHOUSE", ("warehouse", "EAST"));
}

/// What is refused because something is missing is taken when it is there: the same request with the same id.
#[tokio::test(flavor = "multi_thread")]
async fn ff1c_a_request_is_taken_when_what_it_lacked_is_there() {
    let mut shop = Shop::with(0).await;
    let mut delivery = ReceiveGoodsRequest { warehouse: "SOUTH".to_owned(), ..Shop::delivery(4) };
    delivery.lines[0].sku = "NEW".to_owned();
    let status = shop.api.receive_goods(delivery.clone()).await.unwrap_err();
    is(&status, Code::NotFound, "UNKNOWN_WAREHOUSE", ("warehouse", "SOUTH"));
    let south = RegisterWarehouseRequest {
        request_id: request_id(),
        warehouse: "SOUTH".to_owned(),
        country: "GB".to_owned(),
        custodian: String::new(),
    };
    shop.api.register_warehouse(south).await.unwrap();
    let status = shop.api.receive_goods(delivery.clone()).await.unwrap_err();
    is(&status, Code::NotFound, "UNKNOWN_SKU", ("sku", "NEW"));
    let sku = Sku { sku: "NEW".to_owned(), description: String::new() };
    shop.api.register_skus(RegisterSkusRequest { request_id: request_id(), skus: vec![sku] }).await.unwrap();
    // Taken, and once: now there is an answer that is kept.
    for _ in 0..2 {
        shop.api.receive_goods(delivery.clone()).await.unwrap();
    }
    let ask = GetAvailabilityRequest { sku: "NEW".to_owned(), batch: String::new() };
    assert_eq!(shop.api.get_availability(ask).await.unwrap().into_inner().available, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_about_returns() {
    let mut shop = Shop::with(0).await;
    let job = job();
    let name = format!("{}/1/1/1", job.claim_id);
    let status = shop.receive_return(receipt(&job, [1, 0, 0], false)).await.unwrap_err();
    is(&status, Code::NotFound, "NOT_FOUND", ("return", &name));
    assert!(testkit::details(&status).resource_info().is_some());
    let status = shop.dispose(&job, 1, Disposition::Scrap).await.unwrap_err();
    is(&status, Code::NotFound, "NOT_FOUND", ("return", &name));

    shop.say(&job, expect_return(1)).await;
    for etag in ["\"9\"", "1"] {
        let stale = ReceiveReturnRequest { etag: etag.to_owned(), ..receipt(&job, [1, 0, 0], false) };
        let status = shop.receive_return(stale).await.unwrap_err();
        assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    }
    let elsewhere = ReceiveReturnRequest { warehouse: "SOUTH".to_owned(), ..receipt(&job, [1, 0, 0], false) };
    let status = shop.receive_return(elsewhere).await.unwrap_err();
    is(&status, Code::NotFound, "UNKNOWN_WAREHOUSE", ("warehouse", "SOUTH"));

    let fresh = ReceiveReturnRequest { etag: "\"1\"".to_owned(), ..receipt(&job, [0, 1, 1], false) };
    shop.receive_return(fresh).await.unwrap();
    let status = shop.receive_return(receipt(&job, [1, 0, 0], false)).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "RETURN_CLOSED", ("state", "fully_received"));
    let status = shop.dispose(&job, 2, Disposition::Restock).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "NOTHING_TO_DISPOSE", ("waiting", "1"));
    let status = shop.dispose(&job, 3, Disposition::Scrap).await.unwrap_err();
    is(&status, Code::FailedPrecondition, "NOTHING_TO_DISPOSE", ("waiting", "2"));
    assert_eq!(shop.dispose(&job, 2, Disposition::SupplierReturn).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bad_fields_are_named_at_once() {
    let mut shop = Shop::with(0).await;
    let line = |sku: &str, quantity| GoodsLine { sku: sku.to_owned(), batch: "b\n".to_owned(), quantity };
    let request = ReceiveGoodsRequest {
        request_id: "1".to_owned(),
        warehouse: "north".to_owned(),
        zone: 0,
        document: "x".repeat(65),
        lines: vec![line("", 0), line("TILE", 10_000_001)],
    };
    let status = shop.api.receive_goods(request).await.unwrap_err();
    assert_eq!((status.code(), testkit::reason(&status).as_str()), (Code::InvalidArgument, "MALFORMED"));
    let fields = testkit::bad_fields(&status);
    assert_eq!(
        fields,
        [
            "request_id",
            "warehouse",
            "zone",
            "document",
            "lines[0].sku",
            "lines[0].batch",
            "lines[0].quantity",
            "lines[1].batch",
            "lines[1].quantity"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_names_its_bad_fields() {
    let shop = Shop::with(0).await;
    let mut api = shop.api.clone();
    let fields = testkit::bad_fields(&api.register_skus(RegisterSkusRequest::default()).await.unwrap_err());
    assert_eq!(fields, ["request_id", "skus"]);
    let skus = vec![Sku { sku: "a\u{0}".to_owned(), description: "x".repeat(201) }];
    let request = RegisterSkusRequest { request_id: request_id(), skus };
    let fields = testkit::bad_fields(&api.register_skus(request).await.unwrap_err());
    assert_eq!(fields, ["skus[0].sku", "skus[0].description"]);
    let custodian = "x".repeat(65);
    let request = RegisterWarehouseRequest { custodian, country: "gb".to_owned(), ..Default::default() };
    let fields = testkit::bad_fields(&api.register_warehouse(request).await.unwrap_err());
    assert_eq!(fields, ["request_id", "warehouse", "country", "custodian"]);
    let fields = testkit::bad_fields(&api.adjust_stock(AdjustStockRequest::default()).await.unwrap_err());
    assert_eq!(fields, ["request_id", "warehouse", "zone", "sku", "delta", "reason"]);
    let fields = testkit::bad_fields(&api.receive_return(ReceiveReturnRequest::default()).await.unwrap_err());
    assert_eq!(fields, ["request_id", "job", "warehouse", "accepted"]);
    let nobody = Some(Job::default());
    let request = DisposeReturnRequest { job: nobody, ..Default::default() };
    let fields = testkit::bad_fields(&api.dispose_return(request).await.unwrap_err());
    let expected = ["request_id", "job.claim_id", "job.round", "job.line", "job.attempt", "quantity", "disposition"];
    assert_eq!(fields, expected);
}
