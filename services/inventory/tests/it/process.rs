//! The real binary, and a service that is stopped and started again.

use chassis::Clock;
use proto::inventory::inventory_event::Kind as Told;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use testkit::TestService;

use crate::shop::{Shop, command, job, release, reserve};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_it_was_down_is_heard_afterwards() {
    let Shop { mut service, .. } = Shop::with(3).await;
    let job = job();
    service.stop().await;
    let reserved = service.tell(command(&job, reserve(2))).await;
    let released = service.tell(command(&job, release())).await;
    let service = TestService::at(service.home.clone(), Clock::default()).await;
    service.settled(reserved).await;
    service.settled(released).await;
    let mut shop = Shop { api: InventoryServiceClient::new(service.channel()), service };
    let told = shop.heard(&job).await;
    assert!(matches!(told[..], [Told::Reserved(_), Told::Released(_)]), "{told:?}");
    assert_eq!(shop.availability().await.available, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_serves_and_stops_in_order() {
    let status = testkit::serve_and_stop(&inventory::SERVICE, env!("CARGO_BIN_EXE_redress-inventory")).await;
    assert_eq!(status.code(), Some(0));
}
