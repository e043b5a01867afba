//! The same thing said twice.

use proto::Subject;
use proto::claim::{Category, ClaimState, Resolution};
use proto::intake::ListClaimsRequest;
use proto::logistics::Direction;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{DiscardParkedRequest, ListParkedRequest, RedriveParkedRequest};
use sqlx::{Connection, PgConnection};
use system::{World, line};
use testkit::{eventually, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_from_two_clients_is_one_claim() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 2, 250, 3).await;
    let report = world.report("C-1", vec![line("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund)]);
    let (first, second) = tokio::join!(world.submit(report.clone()), world.submit(report.clone()));
    assert_eq!(first, second);
    let changed = system::Report { importance: 3, ..report };
    let refused = world.intake().await.submit_claim(changed).await.unwrap_err();
    assert_eq!(testkit::reason(&refused), "REQUEST_ID_REUSED");
    let listed = world.intake().await.list_claims(ListClaimsRequest::default()).await.unwrap().into_inner().claims;
    assert_eq!(listed.len(), 1);
    world.until(&first, "planned", |process| process.plan.is_some()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_of_a_claim_delivered_again_changes_nothing() {
    let world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.deliver(&claim, Direction::Outbound).await;
    let before = world.until_state(&claim, ClaimState::Closed).await;
    world.deliver_everything_again().await;
    let after = world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(before.events, after.events);
    assert_eq!(world.available("LAMP").await, (8, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_relay_that_died_before_it_moved_its_cursor_publishes_again_and_nothing_changes() {
    let mut world = World::new().await;
    world.sold("O-1", "LAMP", 5, 1_000, 3).await;
    world.stock("LAMP", 10).await;
    let claim = world.claim("O-1", "LAMP", 2, Category::Shortage, Resolution::Resend).await;
    world.deliver(&claim, Direction::Outbound).await;
    let before = world.until_state(&claim, ClaimState::Closed).await;
    for service in local::SERVICES {
        world.stop_service(service.name).await;
        let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await.unwrap();
        sqlx::query("UPDATE relay SET from_tx = 0, to_tx = 0, seq = 0").execute(&mut database).await.unwrap();
        world.start_service(service.name).await;
    }
    eventually(async || (world.unpublished().await == 0).then_some(())).await;
    let after = world.until_state(&claim, ClaimState::Closed).await;
    assert_eq!(before.events, after.events);
    assert_eq!(world.available("LAMP").await, (8, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_service_can_read_is_parked_redriven_and_given_up_in_each() {
    let world = World::new().await;
    world.sold("O-1", "MUG", 5, 250, 3).await;
    let nobody = proto::ids::parse(&request_id()).unwrap();
    let client = chassis::connect_nats("test", &world.nats_url().into()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    for service in local::SERVICES {
        let name = "nonsense".to_owned();
        let subject = match service.name {
            "orchestrator" => Subject::Event { service: "intake".to_owned(), name },
            other => Subject::Command { service: other.to_owned(), name },
        };
        let event_id = proto::ids::parse(&request_id()).unwrap();
        testkit::publish(&jetstream, world.stack.prefix(), event_id, &subject, nobody, &[0xff; 5]).await;
        let mut operations = OperationsServiceClient::new(world.channel(service.name).await);
        let parked = eventually(async || {
            operations.clone().list_parked(ListParkedRequest::default()).await.ok()?.into_inner().parked.pop()
        })
        .await;
        assert_eq!(
            (parked.reason.as_str(), parked.aggregate_id),
            ("UNDECODABLE", nobody.to_string()),
            "{}",
            service.name
        );
        let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: nobody.to_string() };
        let answer = operations.redrive_parked(redrive).await.unwrap().into_inner();
        assert_eq!((answer.processed, answer.still_parked), (0, 1), "it is as unreadable as before");
        let discard = DiscardParkedRequest { request_id: request_id(), parked_id: parked.parked_id };
        operations.discard_parked(discard).await.unwrap();
    }
    let claim = world.claim("O-1", "MUG", 1, Category::ReturnRequest, Resolution::ReturnRefund).await;
    world.until_waiting(&claim, proto::claim::WaitingFor::Carrier).await;
    world.end().await;
}
