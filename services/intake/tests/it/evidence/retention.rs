//! What is over is kept for so long as the policy pack says, and then goes by itself.

use jiff::SignedDuration;
use proto::claim::ClaimState;
use proto::intake::ErasureReason;
use testkit::eventually;

use super::samples::png;
use super::world::{Place, header};
use crate::world::end;

/// Evidence goes 1,096 days after the end of its claim, contacts and words 2,192 days after that of the customer's last one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_goes_in_time_and_a_hold_or_an_open_claim_keeps_it() {
    let place = Place::with(&[("SWEEP", "1s")]).await;
    let world = &place.world;
    let picture = png(1, 1, &[]);
    let mut claims = Vec::new();
    for customer in ["over", "held", "open"] {
        let claim = world.submit_for(customer).await;
        place.upload(header(&claim, "image/png", &picture), &picture).await.unwrap();
        claims.push(claim);
    }
    let [over, held, open] = [&claims[0], &claims[1], &claims[2]];
    world.hold("held").await.unwrap();
    world.tell(over, end(ClaimState::Closed)).await;
    world.tell(held, end(ClaimState::Closed)).await;
    let days = |days: i64| world.service.clock.advance(SignedDuration::from_hours(24 * days));
    days(1_095);
    let file = async |claim: &str| place.list(claim).await.remove(0);
    // Two rounds of the sweep that see the clock: what is not over yet stays.
    let rounds = world.count("SELECT count(*) FROM evidence_forgotten").await;
    assert_eq!((rounds, file(over).await.forgotten_at), (0, None));
    days(2);
    eventually(async || file(over).await.forgotten_at).await;
    assert_eq!(place.stored().len(), 2, "of the held and of the open one");
    assert!(file(held).await.forgotten_at.is_none() && file(open).await.forgotten_at.is_none());
    assert!(world.contact_of(over).await.is_ok(), "contacts are kept longer");

    days(1_097);
    let erasure = eventually(async || world.erasure("over").await.erasures.pop()).await;
    assert_eq!((erasure.erased_by.as_str(), erasure.reason()), ("service:intake", ErasureReason::PurposeAchieved));
    assert!(world.contact_of(over).await.is_err());
    for (customer, claim) in [("held", held), ("open", open)] {
        assert!(world.erasure(customer).await.readable, "{customer}");
        assert!(world.contact_of(claim).await.is_ok(), "{customer}");
    }
}
