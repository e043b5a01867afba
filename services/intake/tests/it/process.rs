//! The service as a process, and its statements.

use crate::world::World;

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let world = World::start().await;
    world.service.prepare_all(intake::store::STATEMENTS).await;
    world.service.needs_all(intake::store::GRANTS, intake::store::STATEMENTS).await;
}

#[tokio::test]
async fn a_claim_survives_a_restart() {
    let world = World::start().await;
    let claim = world.submit().await;
    let service = world.service.restart().await;
    let client = proto::intake::intake_service_client::IntakeServiceClient::new(service.channel());
    let world = World { service, client };
    assert_eq!(world.get(&claim.claim_id).await, claim);
    assert_ne!(world.submit().await.claim_number, claim.claim_number);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_serves_and_stops_in_order() {
    let status = testkit::serve_and_stop(&intake::SERVICE, env!("CARGO_BIN_EXE_redress-intake")).await;
    assert_eq!(status.code(), Some(0));
}
