//! Contacts with the customer: logged by people, told in the same transaction, and never changed.

use jiff::SignedDuration;
use proto::claim::{Channel, ClaimState};
use proto::intake::{Claim, ContactDirection, ContactLogged, GetWordsRequest, LogContactRequest, intake_event};
use proto::to_wire;
use sqlx::AssertSqlSafe;
use testkit::{actor, bad_fields, customer, reason, request_id};
use tonic::{Code, Status};

use crate::world::{World, end};

fn talk(claim: &Claim) -> LogContactRequest {
    LogContactRequest {
        request_id: request_id(),
        claim_id: claim.claim_id.clone(),
        at: claim.received_at,
        channel: Channel::Phone.into(),
        direction: ContactDirection::Outbound.into(),
        note: "Ada is glad that it is looked for".to_owned(),
    }
}

async fn log(world: &World, ask: &LogContactRequest) -> Result<Claim, Status> {
    let ask = actor(ask.clone(), "sue", &["specialist"]);
    world.client.clone().log_contact(ask).await.map(|answer| answer.into_inner().claim.unwrap())
}

async fn count(world: &World) -> i64 {
    world.count("SELECT count(*) FROM logged_contact").await
}

#[tokio::test]
async fn a_contact_is_a_row_and_is_told_once() {
    let world = World::start().await;
    let claim = world.submit().await;
    let kinds = |claim: &Claim| claim.promises.iter().map(|promise| promise.kind.clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&claim), ["ACKNOWLEDGEMENT", "FIRST_FEEDBACK"], "the receipt is no feedback");
    let ask = talk(&claim);
    let logged = log(&world, &ask).await.unwrap();
    assert_eq!(kinds(&logged), Vec::<String>::new());
    let contact = &logged.contacts[0];
    assert_eq!((contact.number, contact.at, contact.logged_by.as_str()), (1, claim.received_at, "sue"));
    assert_eq!((contact.channel(), contact.direction()), (Channel::Phone, ContactDirection::Outbound));
    assert!(contact.logged_at.is_some());
    assert_eq!(log(&world, &ask).await.unwrap(), logged, "asked again, it says the same");
    assert_eq!(world.get(&claim.claim_id).await, logged);
    let told = world.told(&claim.claim_id).await;
    let at = claim.received_at;
    let expected = intake_event::Kind::ContactLogged(ContactLogged { at, channel: Channel::Phone.into() });
    assert_eq!(told[1..], [expected]);

    // Another one, now; and one that is known.
    let now = LogContactRequest { request_id: request_id(), at: None, note: String::new(), ..ask.clone() };
    let twice = log(&world, &now).await.unwrap();
    assert_eq!((twice.contacts.len(), &twice.contacts[0]), (2, contact));
    let known = LogContactRequest { request_id: request_id(), ..ask.clone() };
    assert_eq!(reason(&log(&world, &known).await.unwrap_err()), "CONTACT_KNOWN");
    let other = LogContactRequest { note: "other words".to_owned(), ..ask };
    assert_eq!(reason(&log(&world, &other).await.unwrap_err()), "REQUEST_ID_REUSED");
    // What the orchestrator tells later leaves them as they are.
    world.tell(&claim.claim_id, crate::world::ask("q1")).await;
    assert_eq!(world.get(&claim.claim_id).await.contacts, twice.contacts);
    assert_eq!(count(&world).await, 2);
    assert!(world.parked().await.is_empty());
}

#[tokio::test]
async fn every_bad_field_of_a_contact_is_named_and_nothing_is_stored() {
    let world = World::start().await;
    let claim = world.submit().await;
    let soon = world.service.clock.now() + SignedDuration::from_hours(1);
    let bad = LogContactRequest {
        request_id: "1".to_owned(),
        claim_id: "2".to_owned(),
        at: Some(to_wire(soon)),
        channel: 0,
        direction: 9,
        note: "a\0b".to_owned(),
    };
    let fields = ["request_id", "claim_id", "at", "channel", "direction", "note"];
    assert_eq!(bad_fields(&log(&world, &bad).await.unwrap_err()), fields);
    let early = proto::from_wire(&claim.received_at.unwrap()).unwrap() - SignedDuration::from_micros(1);
    let early = LogContactRequest { at: Some(to_wire(early)), ..talk(&claim) };
    assert_eq!(reason(&log(&world, &early).await.unwrap_err()), "CONTACT_BEFORE_CLAIM");
    for role in ["customer", "integration", "warehouse", "quality", "logistics", "finance", "legal", "management"] {
        let ask =
            if role == "customer" { customer(talk(&claim), "ada", "17850") } else { actor(talk(&claim), "x", &[role]) };
        let status = world.client.clone().log_contact(ask).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{role}");
    }
    world.tell(&claim.claim_id, end(ClaimState::Rejected)).await;
    assert_eq!(reason(&log(&world, &talk(&claim)).await.unwrap_err()), "CLAIM_ENDED");
    assert_eq!(count(&world).await, 0);
}

/// The note is a text about a person: sealed, read on record, and not shown to the customer.
#[tokio::test]
async fn the_note_is_sealed_with_the_words_and_read_on_record() {
    let world = World::start().await;
    let claim = world.submit().await;
    log(&world, &talk(&claim)).await.unwrap();
    let words = world.words_of(&claim.claim_id).await.unwrap();
    let note = words.last().unwrap();
    assert_eq!((note.about.as_str(), note.text.as_str()), ("contact 1", "Ada is glad that it is looked for"));
    let ask = GetWordsRequest { claim_id: claim.claim_id.clone(), purpose: "OWN_DATA".to_owned() };
    let own = world.vault().get_words(customer(ask, "ada", "17850")).await.unwrap().into_inner().words;
    assert!(own.iter().all(|word| word.about != "contact 1"), "notes of ours are not what the customer wrote");
    assert_eq!(own.len(), words.len() - 1);
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 2);
    let plain = "SELECT count(*) FROM customer_word WHERE position('glad'::bytea IN text) > 0";
    assert_eq!(world.count(plain).await, 0);
}

#[tokio::test]
async fn contacts_are_append_only_and_checked() {
    let world = World::start().await;
    let claim = world.submit().await;
    log(&world, &talk(&claim)).await.unwrap();
    let insert = |no: i32, at: &str, channel: i32, direction: i32, by: &str| {
        format!(
            "INSERT INTO logged_contact VALUES ('{}', {no}, now() + interval '{at}', {channel}, {direction}, '{by}', now())",
            claim.claim_id
        )
    };
    for wrong in [
        "UPDATE logged_contact SET logged_by = 'eve'".to_owned(),
        "DELETE FROM logged_contact".to_owned(),
        "TRUNCATE logged_contact".to_owned(),
        "UPDATE claim SET contacts = 101".to_owned(),
        insert(0, "0", 1, 1, "sue"),
        insert(101, "0", 1, 1, "sue"),
        insert(1, "0", 1, 1, "sue"),
        insert(2, "1 minute", 1, 1, "sue"),
        insert(2, "0", 0, 1, "sue"),
        insert(2, "0", 1, 3, "sue"),
        insert(2, "0", 1, 1, ""),
    ] {
        let done = sqlx::query(AssertSqlSafe(wrong.clone())).execute(world.service.pool()).await;
        assert!(done.is_err(), "{wrong}");
    }
    sqlx::query(AssertSqlSafe(insert(2, "0", 1, 1, "sue"))).execute(world.service.pool()).await.unwrap();
    assert_eq!(count(&world).await, 2);
}
