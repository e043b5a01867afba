//! S25: a customer is forgotten, and the history stays.

use std::sync::atomic::{AtomicBool, Ordering};

use proto::claim::{ClaimState, Notice};
use proto::intake::{GetClaimRequest, GetContactRequest, GetErasureRequest, ReleaseLegalHoldRequest};
use testkit::{actor, details, reason, request_id};
use tonic::Code;

use super::{contact_request, erase_request, lea};
use crate::world::{World, contact, end, follow_up, propose};

/// All that is known of claims and decisions, but for the vault.
async fn history(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for query in [
        "SELECT claim::text FROM claim ORDER BY claim_id",
        "SELECT (j.event_id, j.aggregate, j.number, j.subject, j.payload, j.actor, j.cause, j.at)::text FROM journal j \
             WHERE subject NOT LIKE 'notice.privacy.%' ORDER BY seq",
        "SELECT contact_access::text FROM contact_access ORDER BY access_id",
        "SELECT claim_line::text FROM claim_line ORDER BY claim_id, line",
        "SELECT contact::text FROM contact ORDER BY claim_id",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(world.service.pool()).await.unwrap();
        assert!(!rows.is_empty(), "{query}");
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn s25_a_customer_is_forgotten_at_once_and_the_history_stays() {
    let world = World::start().await;
    let (claim, second) = (world.closed_for("ada").await, world.closed_for("ada").await);
    let other = world.closed_for("bob").await;
    world.contact_of(&claim).await.unwrap();
    let before = history(&world).await;
    let answer = world.erase("ada").await.unwrap();
    assert!(!answer.known);
    let erasure = answer.erasure.unwrap();
    assert_eq!((erasure.erased_by.as_str(), erasure.reference.as_str()), ("lea", "P-2026-1"));
    assert_eq!(erasure.key_fingerprint.len(), 64);

    for claim in [&claim, &second] {
        let status = world.contact_of(claim).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "CUSTOMER_ERASED"));
        let status = world.words_of(claim).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "CUSTOMER_ERASED"));
        assert_eq!(world.get(claim).await.state(), ClaimState::Closed, "the claim is still there");
    }
    assert_eq!(world.contact_of(&other).await.unwrap(), contact(), "nobody else is forgotten");

    // The proof.
    let proof = world.erasure("ada").await;
    assert_eq!(proof.erasures, std::slice::from_ref(&erasure));
    assert_eq!((proof.readable, proof.claims, proof.unreadable_claims, proof.open_claims), (false, 2, 2, 0));
    assert_eq!((proof.files_left, proof.accesses), (0, 1), "a read that failed is none");
    let gone = "SELECT count(*) FROM customer_key WHERE customer_ref = 'ada' AND wrapped IS NULL AND erased_by = 'lea'";
    assert_eq!(world.count(gone).await, 1);
    let mut after = history(&world).await;
    after.retain(|row| !row.contains(&other) || before.contains(row));
    assert_eq!(after, before);

    // A second request changes nothing.
    let again = world.vault().erase_customer(actor(erase_request("ada"), "max", &["management"])).await;
    let again = again.unwrap().into_inner();
    assert!(again.known);
    assert_eq!(again.erasure, Some(erasure));
    assert_eq!(privacy(&world).await, ["customer_erased ada"], "subscribers are told once");
    let nobody = world.erase("nobody").await.unwrap_err();
    assert_eq!((nobody.code(), reason(&nobody).as_str()), (Code::NotFound, "NOT_FOUND"));
    let ask = GetErasureRequest { customer_ref: "nobody".to_owned() };
    assert_eq!(world.vault().get_erasure(lea(ask)).await.unwrap_err().code(), Code::NotFound);
    for bring_back in [
        "UPDATE customer_key SET wrapped = decode(repeat('00', 73), 'hex'), erased_at = NULL, erased_by = NULL, \
             reason = NULL, reference = NULL",
        "UPDATE customer_key SET erased_by = 'nobody' WHERE wrapped IS NULL",
    ] {
        assert!(sqlx::query(bring_back).execute(world.service.pool()).await.is_err(), "a tombstone stays");
    }
}

/// What subscribers are told of customers: template and customer.
async fn privacy(world: &World) -> Vec<String> {
    let events = world.service.events().await;
    let notices = events.iter().filter(|(subject, _)| subject.to_string().starts_with("notice.privacy."));
    let notices = notices.map(|(_, payload)| serde_json::from_slice::<Notice>(payload).unwrap());
    notices.map(|notice| format!("{} {}", notice.template, notice.customer_ref)).collect()
}

#[tokio::test]
async fn s25_nobody_is_told_anything_after_it() {
    let world = World::start().await;
    let claim = world.closed_for("ada").await;
    let before = world.notices(&claim).await.len();
    world.erase("ada").await.unwrap();
    // What comes late, or was on its way: no survey, no proposal.
    for kind in [follow_up(1), propose(1), end(ClaimState::Closed)] {
        world.tell(&claim, kind).await;
    }
    assert_eq!(world.notices(&claim).await.len(), before);
    assert_eq!(world.parked().await, Vec::<String>::new());
}

#[tokio::test]
async fn s25_open_claims_hinder_it_and_are_named() {
    let world = World::start().await;
    let open = world.submit_for("ada").await;
    world.closed_for("ada").await;
    let status = world.erase("ada").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "OPEN_CLAIMS"));
    let ask = GetClaimRequest { claim_id: open.clone(), ..Default::default() };
    let number = world.client.clone().get_claim(ask).await.unwrap().into_inner().claim.unwrap().claim_number;
    let metadata = details(&status).error_info().unwrap().metadata.clone();
    assert_eq!((metadata["claims"].as_str(), metadata["open"].as_str()), (number.as_str(), "1"));
    assert_eq!(world.contact_of(&open).await.unwrap(), contact());
    world.tell(&open, end(ClaimState::Withdrawn)).await;
    world.erase("ada").await.unwrap();
}

#[tokio::test]
async fn s25_a_legal_hold_blocks_it_with_a_reason() {
    let world = World::start().await;
    let claim = world.closed_for("ada").await;
    let hold = world.hold("ada").await.unwrap();
    let status = world.erase("ada").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "LEGAL_HOLD"));
    let metadata = details(&status).error_info().unwrap().metadata.clone();
    assert_eq!((metadata["reason"].as_str(), metadata["reference"].as_str()), ("DISPUTE", "L-2026-7"));
    assert_eq!(metadata["hold"], hold.hold_id);
    assert_eq!(world.contact_of(&claim).await.unwrap(), contact());
    assert_eq!(world.erasure("ada").await.holds, std::slice::from_ref(&hold));

    let released = world.release(&hold.hold_id).await.unwrap();
    assert_eq!((released.placed_by.as_str(), released.released_by.as_str()), ("lea", "lea"));
    assert_eq!(world.release(&hold.hold_id).await.unwrap(), released, "once is enough");
    // SR17: whoever released it leaves it to another person to forget the customer.
    assert_eq!(reason(&world.erase("ada").await.unwrap_err()), "OWN_PROPOSAL");
    world.vault().erase_customer(actor(erase_request("ada"), "lou", &["legal"])).await.unwrap();
    let told = ["legal_hold_placed ada", "legal_hold_released ada", "customer_erased ada"];
    assert_eq!(privacy(&world).await, told);
    let late = world.hold("ada").await.unwrap_err();
    assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "CUSTOMER_ERASED"));
    assert_eq!(world.hold("nobody").await.unwrap_err().code(), Code::NotFound);
    let unknown = ReleaseLegalHoldRequest { request_id: request_id(), hold_id: request_id() };
    assert_eq!(world.vault().release_legal_hold(lea(unknown)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn s25_who_comes_back_has_another_key() {
    let world = World::start().await;
    let old = world.closed_for("ada").await;
    world.erase("ada").await.unwrap();
    let new = world.closed_for("ada").await;
    assert_eq!(world.contact_of(&new).await.unwrap(), contact());
    assert_eq!(world.contact_of(&old).await.unwrap_err().code(), Code::FailedPrecondition);
    let proof = world.erasure("ada").await;
    assert_eq!((proof.readable, proof.claims, proof.unreadable_claims), (true, 2, 1));
    assert!(!world.erase("ada").await.unwrap().known);
    assert_eq!(world.erasure("ada").await.erasures.len(), 2);
    assert_eq!(world.contact_of(&new).await.unwrap_err().code(), Code::FailedPrecondition);
}

/// S25 during load: claims of the same customer and of others come in all the time. A claim is either seen and hinders the
/// erasure, or gets another key: none is ever left without one.
#[tokio::test(flavor = "multi_thread")]
async fn s25_during_load() {
    let world = World::start().await;
    let stop = AtomicBool::new(false);
    let submit = async |customer: &str| {
        let mut claims = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            claims.push(world.submit_for(customer).await);
        }
        claims
    };
    let end_all = async {
        let all = "SELECT claim_id::text FROM claim WHERE customer_ref = 'ada' AND state = 1 LIMIT 20";
        while !stop.load(Ordering::Relaxed) {
            let open: Vec<String> = sqlx::query_scalar(all).fetch_all(world.service.pool()).await.unwrap();
            futures::future::join_all(open.iter().map(|claim| world.tell(claim, end(ClaimState::Closed)))).await;
        }
    };
    let ada = async {
        let mut claims = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            claims.push(world.submit_for("ada").await);
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        claims
    };
    let erase = async {
        let (mut done, mut refused) = (0, 0);
        for _ in 0..100_000 {
            match world.erase("ada").await {
                Ok(answer) => done += usize::from(!answer.known),
                Err(status) => {
                    let expected = ["OPEN_CLAIMS", "NOT_FOUND"];
                    assert!(expected.contains(&reason(&status).as_str()), "{status:?}");
                    refused += 1;
                }
            }
            if done >= 10 {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        (done, refused)
    };
    let (bob, carol, ada, (), (done, refused)) = tokio::join!(submit("bob"), submit("carol"), ada, end_all, erase);
    assert!(done == 10 && refused > 0, "{done} done, {refused} refused");
    // A system reads so many in an hour, a person does not.
    let post = async |claim: &str| {
        let ask = GetContactRequest { purpose: "NOTICE".to_owned(), ..contact_request(claim) };
        world.client.clone().get_contact(actor(ask, "post", &["notifier"])).await
    };
    for claim in bob.iter().chain(&carol) {
        assert_eq!(post(claim).await.unwrap().into_inner().contact, Some(contact()));
    }
    for claim in &ada {
        if world.get(claim).await.state() == ClaimState::Submitted {
            world.tell(claim, end(ClaimState::Closed)).await;
        }
    }
    world.erase("ada").await.unwrap();
    for claim in &ada {
        assert_eq!(reason(&post(claim).await.unwrap_err()), "CUSTOMER_ERASED");
    }
    assert_eq!(world.parked().await, Vec::<String>::new());
    let proof = world.erasure("ada").await;
    assert_eq!((proof.claims, proof.unreadable_claims), (ada.len() as u32, ada.len() as u32));
}
