//! GetClaim and ListClaims.

use proto::claim::ClaimState;
use proto::intake::{GetClaimRequest, ListClaimsRequest, SubmitClaimRequest};
use testkit::{bad_fields, reason, request_id};
use tonic::Code;

use crate::world::{World, end, line, submit_request};

#[tokio::test]
async fn a_claim_is_found_by_id_and_by_number() {
    let world = World::start().await;
    let (claim, mut client) = (world.submit().await, world.client.clone());
    let by_number = GetClaimRequest { claim_number: claim.claim_number.clone(), ..Default::default() };
    assert_eq!(client.get_claim(by_number).await.unwrap().into_inner().claim.unwrap(), claim);
    for absent in [
        GetClaimRequest { claim_id: request_id(), ..Default::default() },
        GetClaimRequest { claim_number: "RD-2026-999999".to_owned(), ..Default::default() },
    ] {
        let status = client.get_claim(absent).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NOT_FOUND"));
    }
    for (field, bad) in [
        ("claim_id claim_number", GetClaimRequest::default()),
        ("claim_id claim_number", GetClaimRequest { claim_id: request_id(), claim_number: claim.claim_number.clone() }),
        ("claim_id", GetClaimRequest { claim_id: "1".to_owned(), ..Default::default() }),
        ("claim_number", GetClaimRequest { claim_number: "R D".to_owned(), ..Default::default() }),
    ] {
        assert_eq!(bad_fields(&client.get_claim(bad).await.unwrap_err()).join(" "), field);
    }
}

async fn walk(world: &World, mut request: ListClaimsRequest) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let page = world.client.clone().list_claims(request.clone()).await.unwrap().into_inner();
        found.extend(page.claims.into_iter().map(|claim| claim.claim_id));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn lists_are_newest_first_filtered_and_paged() {
    let world = World::start().await;
    let mut all = Vec::new();
    for n in 0..7 {
        let customer_ref = if n % 2 == 0 { "even" } else { "odd" }.to_owned();
        let request = SubmitClaimRequest { customer_ref, ..submit_request() };
        // Ids hold milliseconds: apart by more, their order is that of time.
        world.service.clock.advance(jiff::SignedDuration::from_millis(5));
        all.insert(0, world.client.clone().submit_claim(request).await.unwrap().into_inner().claim.unwrap().claim_id);
    }
    world.tell(&all[2], end(ClaimState::Closed)).await;
    let pick = |places: &[usize]| places.iter().map(|at| all[*at].clone()).collect::<Vec<_>>();
    let (even, closed) = ("even".to_owned(), i32::from(ClaimState::Closed));
    let query = ListClaimsRequest { page_size: 2, ..Default::default() };
    assert_eq!(walk(&world, query.clone()).await, all);
    assert_eq!(
        walk(&world, ListClaimsRequest { customer_ref: even.clone(), ..query.clone() }).await,
        pick(&[0, 2, 4, 6])
    );
    assert_eq!(walk(&world, ListClaimsRequest { state: closed, ..query.clone() }).await, pick(&[2]));
    let both = ListClaimsRequest { customer_ref: even.clone(), state: closed, ..query.clone() };
    assert_eq!(walk(&world, both).await, pick(&[2]));
    let neither = ListClaimsRequest { customer_ref: "odd".to_owned(), state: closed, ..query.clone() };
    assert!(walk(&world, neither).await.is_empty());

    let page = world.client.clone().list_claims(query.clone()).await.unwrap().into_inner();
    assert_eq!(world.get(&all[0]).await, page.claims[0], "a list has whole claims");
    let page_token = page.next_page_token;
    let claim_ids = vec![all[0].clone(), "x".to_owned()];
    let bad = ListClaimsRequest { page_size: -1, page_token, customer_ref: even, state: 99, claim_ids };
    assert_eq!(
        bad_fields(&world.client.clone().list_claims(bad).await.unwrap_err()),
        ["state", "claim_ids[1]", "page_size", "page_token"]
    );
}

#[tokio::test]
async fn a_page_is_never_too_big_to_be_read() {
    let world = World::start().await;
    let story = proto::intake::NewLine { description: "x".repeat(4000), ..line() };
    let request = SubmitClaimRequest { lines: vec![story; 60], ..submit_request() };
    let mut all = Vec::new();
    for _ in 0..18 {
        let request = SubmitClaimRequest { request_id: request_id(), ..request.clone() };
        all.push(world.client.clone().submit_claim(request).await.unwrap().into_inner().claim.unwrap().claim_id);
    }
    let mut found = walk(&world, ListClaimsRequest { page_size: 500, ..Default::default() }).await;
    found.sort();
    all.sort();
    assert_eq!(found, all);
}
