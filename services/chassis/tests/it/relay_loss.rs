//! The broker loses what it acknowledged: its tail (P01, P02), or all of it (P13). Everything comes again.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::collections::HashSet;
use std::time::Duration;

use chassis::topology::stream_name;
use proto::operations::RepublishRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use testkit::{Bearer, eventually};
use tonic::transport::Endpoint;
use uuid::Uuid;

use crate::relay_home::{Own, PREFIX};
use crate::toy::grow;

const SOON: Duration = Duration::from_secs(20);

async fn assert_once(own: &Own) {
    let told = own.stream("EVENTS").await;
    let distinct: HashSet<_> = told.iter().map(|message| &message.0).collect();
    assert_eq!(distinct.len(), told.len(), "what the broker still had is not there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_is_published_again_while_the_service_runs() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(50).await;
    own.all_published(SOON).await;
    let copy = own.snapshot();
    for _ in 0..3 {
        own.journal(30).await;
        own.all_published(SOON).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    own.lose_tail(&copy);
    own.journal(5).await;
    own.servers.restart_nats().unwrap();
    own.all_published(SOON).await;
    assert_once(&own).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_tail_is_found_though_others_got_its_sequences() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(20).await;
    own.all_published(SOON).await;
    let copy = own.snapshot();
    own.journal(20).await;
    own.all_published(SOON).await;
    own.stop().await;
    own.lose_tail(&copy);
    own.servers.restart_nats().unwrap();
    let jetstream = own.jetstream().await;
    for _ in 0..60 {
        let address = format!("{PREFIX}.v1.event.triage.other");
        jetstream.publish(address, "".into()).await.unwrap().await.unwrap();
    }
    own.start().await;
    own.all_published(SOON).await;
    let told = own.stream("EVENTS").await;
    assert_eq!(told.len(), 100, "those that were left are not there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_loss_of_the_store_all_comes_again_once_it_is_provisioned() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(600).await;
    own.all_published(SOON).await;
    own.destroy_store();
    own.servers.restart_nats().unwrap();
    own.journal(5).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        own.jetstream().await.get_stream(stream_name(PREFIX, "EVENTS")).await.is_err(),
        "it is not provisioned yet"
    );
    own.provision(50).await;
    own.all_published(SOON).await;
    assert_once(&own).await;
    // The consumer is another one; the service finds it by itself.
    let (event_id, grow) = (Uuid::now_v7(), grow("a", 1));
    let jetstream = own.jetstream().await;
    testkit::publish(&jetstream, PREFIX, event_id, grow.subject(), grow.aggregate(), grow.payload()).await;
    eventually(|| async {
        let query = "SELECT EXISTS (SELECT FROM inbox WHERE id = $1)";
        let done: bool = sqlx::query_scalar(query).bind(event_id).fetch_one(&own.pool).await.unwrap();
        done.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_has_everything_published_again() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(20).await;
    own.all_published(SOON).await;
    // Nobody but an operator can know that these are gone: the newest message is there.
    let stream = own.jetstream().await.get_stream(stream_name(PREFIX, "EVENTS")).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    let jetstream = own.jetstream().await;
    jetstream.delete_stream(&config.name).await.unwrap();
    config.first_sequence = None;
    jetstream.create_stream(config).await.unwrap();
    sqlx::query("DELETE FROM relay_mark").execute(&own.pool).await.unwrap();
    let address = format!("http://{}", own.running.as_ref().unwrap().grpc());
    let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
    let mut operations = OperationsServiceClient::new(Bearer::new(&own.secrets).on(channel));
    let request = RepublishRequest { request_id: testkit::request_id(), since: None };
    let answer =
        operations.republish(testkit::actor(request.clone(), "anna", &["operator"])).await.unwrap().into_inner();
    assert_eq!(answer.messages, 20);
    own.all_published(SOON).await;
    own.journal(1).await;
    let again = operations.republish(testkit::actor(request, "anna", &["operator"])).await.unwrap().into_inner();
    assert_eq!(again, answer, "the same request has the same answer");
    let future = RepublishRequest {
        request_id: testkit::request_id(),
        since: Some(proto::to_wire(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1))),
    };
    let none = operations.republish(testkit::actor(future, "anna", &["operator"])).await.unwrap().into_inner();
    assert_eq!(none.messages, 0);
    own.all_published(SOON).await;
    assert_once(&own).await;
}
