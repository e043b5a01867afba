//! S31: a customer has so many claims a day. Those who report on behalf of customers have no such end.

use std::time::Duration;

use chassis::Clock;
use jiff::SignedDuration;
use proto::intake::{Claim, GetContactRequest, SubmitClaimRequest, WithdrawClaimRequest};
use testkit::{Home, TestService, actor, customer, details, reason, request_id};
use tonic::{Code, Status};

use crate::world::{World, submit_request};

/// An intake that takes each call in a transaction of its own, four at once: only the database can keep count.
async fn start() -> World {
    let mut home = Home::new(&intake::SERVICE).await;
    let variables = [("CUSTOMERS__CLAIMS_PER_DAY", "3"), ("LANES__COUNT", "4"), ("LANES__BATCH_MAX", "1")];
    home.variables.extend(variables.map(|(key, value)| (key.to_owned(), value.to_owned())));
    World::of(TestService::at(home, Clock::default()).await)
}

fn report(of: &str) -> SubmitClaimRequest {
    SubmitClaimRequest { customer_ref: of.to_owned(), importance: 0, request_id: request_id(), ..submit_request() }
}

async fn submit(world: &World, request: SubmitClaimRequest) -> Result<Claim, Status> {
    let of = request.customer_ref.clone();
    let request = customer(request, "ada", &of);
    Ok(world.client.clone().submit_claim(request).await?.into_inner().claim.unwrap())
}

/// Says in every way that there is no more: code, reason, numbers, whose quota it is, and when to come again.
fn is_spent(status: &Status, quota: &str, of: &str, limit: &str) -> Duration {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "CUSTOMER_QUOTA"), "{status:?}");
    let details = details(status);
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, "redress.intake");
    assert_eq!((info.metadata["quota"].as_str(), info.metadata["limit"].as_str()), (quota, limit));
    let violations = &details.quota_failure().unwrap().violations;
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].subject, format!("customer:{of}"));
    details.retry_info().unwrap().retry_delay.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_customer_reports_so_many_claims_a_day_and_no_two_calls_at_once_get_more() {
    let world = start().await;
    let calls = (0..12).map(|_| submit(&world, report("C-1")));
    let (taken, refused): (Vec<_>, Vec<_>) =
        futures::future::join_all(calls).await.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (3, 9));
    for status in refused.into_iter().map(Result::unwrap_err) {
        let wait = is_spent(&status, "claims", "C-1", "3");
        assert!(wait > Duration::from_secs(23 * 3600) && wait <= Duration::from_secs(24 * 3600), "{wait:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM claim").await, 3);

    // Others have theirs, and those who report on behalf of the customer have no end.
    submit(&world, report("C-2")).await.unwrap();
    for (subject, role) in [("anna", "specialist"), ("shop", "integration"), ("sue", "supervisor")] {
        world.client.clone().submit_claim(actor(report("C-1"), subject, &[role])).await.unwrap();
    }
    // Who withdraws a claim does not get another one for it.
    let claim_id = taken.into_iter().next().unwrap().unwrap().claim_id;
    let withdraw = WithdrawClaimRequest { request_id: request_id(), claim_id, text: String::new() };
    world.client.clone().withdraw_claim(customer(withdraw, "ada", "C-1")).await.unwrap();
    is_spent(&submit(&world, report("C-1")).await.unwrap_err(), "claims", "C-1", "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_day_later_the_same_request_is_taken() {
    let world = start().await;
    for _ in 0..3 {
        submit(&world, report("C-1")).await.unwrap();
        world.service.clock.advance(SignedDuration::from_hours(1));
    }
    let late = report("C-1");
    let wait = is_spent(&submit(&world, late.clone()).await.unwrap_err(), "claims", "C-1", "3");
    assert!(wait > Duration::from_secs(20 * 3600) && wait <= Duration::from_secs(21 * 3600), "{wait:?}");
    world.service.clock.advance(SignedDuration::try_from(wait).unwrap() + SignedDuration::from_secs(1));
    let taken = submit(&world, late.clone()).await.unwrap();
    assert_eq!(submit(&world, late).await.unwrap(), taken, "and has one answer from then on");
    is_spent(&submit(&world, report("C-1")).await.unwrap_err(), "claims", "C-1", "3");
    assert_eq!(world.count("SELECT count(*) FROM customer_brought").await, 3, "what counts no more is forgotten");
}

#[test]
fn a_quota_that_cannot_be_meant_is_named() {
    let from = |key: &str, value: &str| {
        let pairs = [
            ("REDRESS_INTAKE__DATABASE__URL".to_owned(), "postgres:///x".to_owned()),
            (format!("REDRESS_INTAKE__{key}"), value.to_owned()),
        ];
        let settings = chassis::Settings::from(&intake::SERVICE, None, Some(pairs.into()));
        settings.err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    assert_eq!(from("CUSTOMERS__CLAIMS_PER_DAY", "7"), "");
    assert!(from("CUSTOMERS__CLAIMS_PER_DAY", "0").contains("customers.claims_per_day"));
    assert!(from("CUSTOMERS__EVIDENCE_BYTES_PER_DAY", "1000").contains("customers.evidence_bytes_per_day"));
    assert!(from("CUSTOMERS__CLAIMS_PER_DY", "7").contains("claims_per_dy"));
    assert_eq!((from("CANARY__EVERY", "1m"), from("VAULT__KEY_FILE", "/k")), Default::default());
    assert!(
        from("CANARY__EVERY", "0s").contains("canary.every") && from("CANARY__EVERY", "25h").contains("canary.every")
    );
}

/// What one customer makes grow has an end for each day: reads, which are on record for ever, and answers, of which those
/// that refuse are not kept at all.
#[tokio::test(flavor = "multi_thread")]
async fn sr22_a_customer_leaves_so_many_rows_a_day() {
    let mut home = Home::new(&intake::SERVICE).await;
    let variables = [("CUSTOMERS__READS_PER_DAY", "20"), ("LIMITS__CUSTOMER_CHANGES_PER_DAY", "30")];
    home.variables.extend(variables.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let world = World::of(TestService::at(home, Clock::default()).await);
    let claim = submit(&world, report("C-1")).await.unwrap().claim_id;
    let read = async |of: &str, at: usize| {
        let ask = GetContactRequest { claim_id: claim.clone(), purpose: "DELIVERY".to_owned(), fields: Vec::new() };
        let ask = customer(ask, &format!("phone-{at}"), of);
        world.client.clone().get_contact(ask).await.map(drop)
    };
    let refused: Vec<Status> = {
        let mut refused = Vec::new();
        for at in 0..24 {
            refused.extend(read("C-1", at).await.err());
        }
        refused
    };
    assert_eq!(refused.len(), 4);
    is_spent(&refused[0], "reads", "C-1", "20");
    assert_eq!(world.count("SELECT count(*) FROM contact_access").await, 20);

    // One was reported; the others are refused in every way, and nothing is kept of them.
    let before = world.count("SELECT count(*) FROM inbox").await;
    let withdraw = async |claim_id: String, text: &str| {
        let ask = WithdrawClaimRequest { request_id: request_id(), claim_id, text: text.to_owned() };
        world.client.clone().withdraw_claim(customer(ask, "phone", "C-1")).await.map(drop)
    };
    for _ in 0..28 {
        assert_eq!(reason(&withdraw(request_id(), "").await.unwrap_err()), "NOT_FOUND");
    }
    assert_eq!(world.count("SELECT count(*) FROM inbox").await, before);
    withdraw(claim.clone(), "").await.unwrap();
    is_spent(&withdraw(claim.clone(), "").await.unwrap_err(), "changes", "C-1", "30");
    // The staff goes on.
    let ask = WithdrawClaimRequest { request_id: request_id(), claim_id: request_id(), text: String::new() };
    let refused = world.client.clone().withdraw_claim(actor(ask, "sam", &["specialist"])).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
}
