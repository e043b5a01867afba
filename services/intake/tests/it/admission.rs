//! More reports come than claims are begun.

use std::time::Duration;

use chassis::Clock;
use futures::future::join_all;
use jiff::SignedDuration;
use proto::intake::{Claim, SubmitClaimRequest};
use proto::{ClaimId, Subject};
use testkit::{Home, TestService, actor, details, eventually, reason, request_id};
use tonic::{Code, Status};

use crate::world::{World, submit_request};

/// Longest that a claim may wait here until it begins.
const WITHIN: Duration = Duration::from_millis(100);
/// Reports that are made at once; fewer than one caller may.
const AT_ONCE: usize = 40;

async fn start() -> World {
    let mut home = Home::new(&intake::SERVICE).await;
    home.variables.push(("ADMISSION__BEGUN_WITHIN".to_owned(), SignedDuration::try_from(WITHIN).unwrap().to_string()));
    World::of(TestService::at(home, Clock::default()).await)
}

async fn submit(world: &World) -> Result<Claim, Status> {
    let request = SubmitClaimRequest { request_id: request_id(), ..submit_request() };
    Ok(world.client.clone().submit_claim(actor(request, "anna", &["specialist"])).await?.into_inner().claim.unwrap())
}

/// Says of a claim what the orchestrator says first of each.
async fn begin(world: &World, claim: &Claim) {
    let claim: ClaimId = claim.claim_id.parse().unwrap();
    let subject = Subject::Claim { claim, name: "submitted".to_owned() };
    world.service.tell_bytes(&subject, claim.0, b"{}").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_claims_begin_late_few_reports_are_taken_until_nothing_begins_at_all() {
    let world = start().await;
    let waiting = join_all((0..10).map(|_| submit(&world))).await;
    let mut waiting: Vec<Claim> = waiting.into_iter().map(Result::unwrap).collect();

    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        // They begin, but late; the youngest of them, so that none has waited for a second, however slow the machine is.
        tokio::time::sleep(WITHIN + Duration::from_millis(50)).await;
        begin(&world, &waiting.pop().unwrap()).await;
        for answer in join_all((0..AT_ONCE).map(|_| submit(&world))).await {
            match answer {
                Ok(claim) => {
                    waiting.push(claim.clone());
                    taken.push(claim);
                }
                Err(status) => refused.push(status),
            }
        }
    }
    // A hundred after quiet times, one for each that begins, and what came before the first was heard of.
    assert!((100..=100 + 8 + AT_ONCE).contains(&taken.len()), "{} were taken", taken.len());
    for status in &refused {
        assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "BUSY"), "{status:?}");
        let wait = details(status).retry_info().and_then(|info| info.retry_delay);
        assert_eq!(wait, Some(Duration::from_secs(1)));
    }
    let stored = world.count("SELECT count(*) FROM claim").await;
    assert_eq!(stored, 10 + i64::try_from(taken.len()).unwrap(), "what was refused left nothing");

    // Nothing begins any more: nobody works on claims, and every report is kept.
    eventually(async || submit(&world).await.ok()).await;
    for answer in join_all((0..AT_ONCE).map(|_| submit(&world))).await {
        answer.unwrap();
    }
}
