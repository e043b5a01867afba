//! The public stream of a claim has each event directly after the one before, whatever was lost or repeated.
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::time::Duration;

use uuid::Uuid;

use crate::relay_home::{Own, PREFIX};

const SOON: Duration = Duration::from_secs(20);

/// Numbers of a claim on the public stream.
async fn numbers(own: &Own, claim: Uuid) -> Vec<i32> {
    let told = own.stream("CLAIMS").await.into_iter();
    told.filter(|(_, about, _)| *about == claim.to_string()).map(|(_, _, number)| number.parse().unwrap()).collect()
}

fn claims(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_lost_unnoticed_goes_before_the_next_event() {
    let mut own = Own::new(50).await;
    own.start().await;
    let claims = claims(3);
    for number in 1..=3 {
        own.tell_claims(&claims, number).await;
    }
    own.all_published(SOON).await;
    own.stop().await;
    // As if 4 and 5 had been published and lost, and nobody remembered where.
    for number in 4..=5 {
        own.tell_claims(&claims, number).await;
    }
    let pass = "WITH forgotten AS (DELETE FROM relay_mark) \
                UPDATE relay SET from_tx = pg_current_xact_id()::text::bigint, to_tx = pg_current_xact_id()::text::bigint, seq = 0";
    sqlx::query(pass).execute(&own.pool).await.unwrap();
    own.start().await;
    own.tell_claims(&claims, 6).await;
    own.all_published(SOON).await;
    for claim in claims {
        assert_eq!(numbers(&own, claim).await, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_published_again_adds_nothing() {
    let mut own = Own::new(50).await;
    own.start().await;
    let claims = claims(20);
    for number in 1..=4 {
        own.tell_claims(&claims, number).await;
    }
    own.all_published(SOON).await;
    own.stop().await;
    // The broker's own filter for repeated ids is not what keeps them out.
    let name = chassis::topology::stream_name(PREFIX, "CLAIMS");
    let jetstream = own.jetstream().await;
    let mut config = jetstream.get_stream(&name).await.unwrap().cached_info().config.clone();
    config.duplicate_window = Duration::from_millis(200);
    jetstream.update_stream(config).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let back = "WITH forgotten AS (DELETE FROM relay_mark) UPDATE relay SET from_tx = 0, to_tx = 0, seq = 0";
    sqlx::query(back).execute(&own.pool).await.unwrap();
    own.start().await;
    own.tell_claims(&claims, 5).await;
    own.all_published(SOON).await;
    for claim in claims {
        assert_eq!(numbers(&own, claim).await, [1, 2, 3, 4, 5]);
    }
}

/// Whoever can make the broker write into the public stream can neither stop a claim nor take the place of its events.
#[tokio::test(flavor = "multi_thread")]
async fn s19_what_others_write_into_the_public_stream_stops_nothing() {
    let mut own = Own::new(50).await;
    own.start().await;
    let claims = claims(2);
    let jetstream = own.jetstream().await;
    for number in 1..=4 {
        own.tell_claims(&claims, number).await;
        own.all_published(SOON).await;
        let subject = format!("{PREFIX}.v1.claim.{}.x", claims[0]);
        let mut forged = async_nats::HeaderMap::new();
        if number % 2 == 0 {
            forged.insert("ce-id", Uuid::now_v7().to_string());
            forged.insert("ce-sequence", "1000000");
        }
        jetstream.publish_with_headers(subject, forged, "an answer of the broker".into()).await.unwrap().await.unwrap();
    }
    // The place is forgotten with the service, too.
    own.stop().await;
    own.start().await;
    own.tell_claims(&claims, 5).await;
    own.all_published(SOON).await;
    for claim in claims {
        assert_eq!(numbers(&own, claim).await, [1, 2, 3, 4, 5]);
    }
}
