//! Messages through a lane: duplicates, poison, parking and redriving.

use proto::Subject;
use proto::operations::operations_service_client::OperationsServiceClient;
use proto::operations::{DiscardParkedRequest, ListParkedRequest, RedriveParkedRequest};
use testkit::{TestService, reason, request_id};
use uuid::Uuid;

use crate::toy::{self, grow, pile};

async fn size(service: &TestService, name: &str) -> i64 {
    let size =
        sqlx::query_scalar("SELECT size FROM pile WHERE name = $1").bind(name).fetch_optional(service.pool()).await;
    size.unwrap().unwrap_or(0)
}

async fn parked(service: &TestService) -> Vec<(String, String)> {
    let mut client = OperationsServiceClient::new(service.channel());
    let listed = client.list_parked(ListParkedRequest::default()).await.unwrap().into_inner().parked;
    listed.into_iter().map(|row| (row.aggregate_id, row.reason)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_delivered_twice_has_one_effect() {
    let service = testkit::start(&toy::SERVICE).await;
    let id = service.tell(grow("a", 3)).await;
    service.settled(id).await;
    service.tell_as(id, grow("a", 3)).await;
    let after = service.tell(grow("a", 1)).await;
    service.settled(after).await;
    assert_eq!(size(&service, "a").await, 4);
    assert_eq!(service.events().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_processed_is_parked_and_holds_up_its_own_claim_only() {
    let service = testkit::start(&toy::SERVICE).await;
    let subject = grow("a", 1).subject().clone();
    let unreadable = service.tell_bytes(&subject, pile("a"), &[0xff; 9]).await;
    let behind = service.tell(grow("a", 5)).await;
    let other = service.tell(grow("b", 7)).await;
    for id in [unreadable, behind, other] {
        service.settled(id).await;
    }
    assert_eq!((size(&service, "a").await, size(&service, "b").await), (0, 7));
    let a = pile("a").to_string();
    let expected = [(a.clone(), "UNDECODABLE".to_owned()), (a.clone(), "BEHIND_PARKED".to_owned())];
    assert_eq!(parked(&service).await, expected);

    // It still cannot be read: nothing moves. Given up, the one behind it goes on.
    let mut client = OperationsServiceClient::new(service.channel());
    let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: a };
    let answer = client.redrive_parked(redrive).await.unwrap().into_inner();
    assert_eq!((answer.processed, answer.still_parked), (0, 2));
    let first = client.list_parked(ListParkedRequest::default()).await.unwrap().into_inner().parked[0].parked_id;
    let discard = DiscardParkedRequest { request_id: request_id(), parked_id: first };
    for _ in 0..2 {
        assert_eq!(
            client.discard_parked(discard.clone()).await.unwrap().into_inner().processed,
            1,
            "the same answer again"
        );
    }
    assert_eq!(size(&service, "a").await, 5);
    assert!(parked(&service).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_a_parked_message_is_not_held_up() {
    let service = testkit::start(&toy::SERVICE).await;
    let subject = grow("a", 1).subject().clone();
    for _ in 0..20 {
        service.tell(grow("a", 1)).await;
    }
    let last = service.tell_bytes(&subject, pile("a"), &[0xff; 9]).await;
    service.settled(last).await;
    assert_eq!(size(&service, "a").await, 20);
    assert_eq!(parked(&service).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_message_is_processed_once_its_cause_is_gone() {
    let service = testkit::start(&toy::SERVICE).await;
    let poisoned = service.tell(grow("a", 666)).await;
    let behind = service.tell(grow("a", 2)).await;
    service.settled(poisoned).await;
    service.settled(behind).await;
    assert_eq!(parked(&service).await[0].1, "PERMANENT_FAULT");
    sqlx::query("INSERT INTO pile (name, size) VALUES ('a', 1000000)").execute(service.pool()).await.unwrap();
    let mut client = OperationsServiceClient::new(service.channel());
    let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: pile("a").to_string() };
    let answer = client.redrive_parked(redrive).await.unwrap().into_inner();
    assert_eq!((answer.processed, answer.still_parked), (2, 0));
    assert_eq!(size(&service, "a").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_and_broken_messages_are_parked_with_their_reason() {
    let service = testkit::start(&toy::SERVICE).await;
    for (name, by) in [("a", 404), ("b", 500), ("c", 13), ("d", 1)] {
        let id = service.tell(grow(name, by)).await;
        service.settled(id).await;
    }
    let reasons: Vec<_> = parked(&service).await.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["PERMANENT_FAULT", "BROKEN"], "a refusal is an answer and is not parked");
    assert_eq!(size(&service, "d").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_nobody_knows_is_parked() {
    let service = testkit::start(&toy::SERVICE).await;
    let subject = Subject::Command { service: "inventory".to_owned(), name: "nonsense".to_owned() };
    let id = service.tell_bytes(&subject, Uuid::nil(), b"").await;
    service.settled(id).await;
    assert_eq!(parked(&service).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_refuse_what_does_not_exist() {
    let service = testkit::start(&toy::SERVICE).await;
    let mut client = OperationsServiceClient::new(service.channel());
    let redrive = RedriveParkedRequest { request_id: request_id(), aggregate_id: pile("a").to_string() };
    assert_eq!(reason(&client.redrive_parked(redrive).await.unwrap_err()), "NOT_FOUND");
    let discard = DiscardParkedRequest { request_id: request_id(), parked_id: 7 };
    assert_eq!(reason(&client.discard_parked(discard).await.unwrap_err()), "NOT_FOUND");
    let malformed = client.discard_parked(DiscardParkedRequest::default()).await.unwrap_err();
    assert_eq!(testkit::bad_fields(&malformed), ["request_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared() {
    let service = testkit::start(&toy::SERVICE).await;
    service.prepare_all(&chassis::statements()).await;
    service.needs_all(chassis::GRANTS, &chassis::statements()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_cannot_be_changed() {
    let service = testkit::start(&toy::SERVICE).await;
    let id = service.tell(grow("a", 1)).await;
    service.settled(id).await;
    for change in ["UPDATE journal SET actor = 'x'", "DELETE FROM journal"] {
        assert!(sqlx::query(change).execute(service.pool()).await.is_err(), "{change}");
    }
}
