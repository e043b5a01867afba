//! The schema and the statements fit each other.

use crate::story::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let world = World::start().await;
    world.service.prepare_all(orchestrator::store::STATEMENTS).await;
    world.service.needs_all(orchestrator::store::GRANTS, orchestrator::store::STATEMENTS).await;
}
