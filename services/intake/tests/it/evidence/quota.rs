//! S31, S15: a customer has so many bytes of evidence a day.

use std::time::Duration;

use chassis::Clock;
use futures::FutureExt;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use proto::intake::{EvidenceHeader, UploadEvidenceResponse};
use testkit::{TestService, actor, customer, details, eventually, reason};
use tonic::{Code, Status};

use super::samples::png;
use super::world::{Place, header, home, messages};
use crate::world::submit_request;

/// Room for two of the pictures of these tests, and not for three; uploads go through four lanes, one by one.
async fn start() -> Place {
    let (mut home, folder, temporary) = home(&[("FILE_BYTES", "5000"), ("UPLOADS", "32")]).await;
    let variables = [("CUSTOMERS__EVIDENCE_BYTES_PER_DAY", "10000"), ("LANES__COUNT", "4"), ("LANES__BATCH_MAX", "1")];
    home.variables.extend(variables.map(|(key, value)| (key.to_owned(), value.to_owned())));
    Place::of(TestService::at(home, Clock::default()).await, folder, temporary)
}

fn picture(fill: u8) -> Vec<u8> {
    png(1, 1, &[(b"IDAT", vec![fill; 4_500])])
}

/// A claim of a customer that somebody else has reported.
async fn claim(place: &Place, of: &str) -> String {
    let request = proto::intake::SubmitClaimRequest { customer_ref: of.to_owned(), ..submit_request() };
    let submitted = place.world.client.clone().submit_claim(actor(request, "anna", &["specialist"])).await.unwrap();
    submitted.into_inner().claim.unwrap().claim_id
}

/// Uploads as the customer, by one of several people of the customer: each has some of the places for uploads.
async fn upload(
    place: &Place,
    who: u8,
    header: EvidenceHeader,
    bytes: &[u8],
) -> Result<UploadEvidenceResponse, Status> {
    let request = customer(stream::iter(messages(header, bytes)), &format!("ada-{who}"), "C-1");
    place.send(request).await
}

fn is_spent(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "CUSTOMER_QUOTA"), "{status:?}");
    let details = details(status);
    let info = details.error_info().unwrap();
    assert_eq!((info.metadata["quota"].as_str(), info.metadata["limit"].as_str()), ("evidence", "10000"));
    assert_eq!(details.quota_failure().unwrap().violations[0].subject, "customer:C-1");
    let wait = details.retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_secs(23 * 3600) && wait <= Duration::from_secs(24 * 3600), "{wait:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s31_a_customer_uploads_so_many_bytes_a_day_and_no_two_calls_at_once_get_more() {
    let place = start().await;
    let mut claims = Vec::new();
    for _ in 0..6 {
        claims.push(claim(&place, "C-1").await);
    }
    // Each to another claim: nothing but the customer is common to them.
    let pictures: Vec<Vec<u8>> = (1..=6).map(picture).collect();
    let uploads = (0..6_u8).map(|at| {
        let (claim, bytes) = (&claims[usize::from(at)], &pictures[usize::from(at)]);
        upload(&place, at, header(claim, "image/png", bytes), bytes)
    });
    let (kept, refused): (Vec<_>, Vec<_>) =
        futures::future::join_all(uploads).await.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), refused.len()), (2, 4));
    refused.into_iter().map(Result::unwrap_err).for_each(|status| is_spent(&status));
    assert_eq!(place.rows().await, 2);
    eventually(|| async { (place.stored().len() == 2).then_some(()) }).await;

    // What is there already costs nothing, and those who work here have no such end.
    let kept = place.world.count("SELECT count(*) FROM customer_brought").await;
    assert_eq!(kept, 2);
    for at in 0..6 {
        let again = upload(&place, 7, header(&claims[at], "image/png", &pictures[at]), &pictures[at]).await;
        assert_eq!(again.is_ok(), !place.list(&claims[at]).await.is_empty(), "{again:?}");
    }
    for at in 0..6 {
        place.upload(header(&claims[at], "image/png", &pictures[at]), &pictures[at]).await.unwrap();
    }
    assert_eq!((place.rows().await, place.world.count("SELECT count(*) FROM customer_brought").await), (6, 2));

    // A day later there is room again, also for the same request.
    let more = picture(9);
    let late = header(&claims[0], "image/png", &more);
    is_spent(&upload(&place, 0, late.clone(), &more).await.unwrap_err());
    place.world.service.clock.advance(SignedDuration::from_hours(25));
    upload(&place, 0, late, &more).await.unwrap();
}

/// Four customers begin eight uploads and send no more: places for files are for those whose bytes come.
#[tokio::test(flavor = "multi_thread")]
async fn sr21_who_holds_places_and_sends_nothing_keeps_nobody_out() {
    let place = Place::new().await;
    let file = png(1, 1, &[(b"IDAT", vec![7; 200_000])]);
    let mut claims = Vec::new();
    for of in 0..5 {
        claims.push(claim(&place, &format!("C-{of}")).await);
    }
    let (begun, mut held) = tokio::sync::mpsc::channel(8);
    let idle: Vec<_> = (0..8)
        .map(|at| {
            let begun = begun.clone();
            let parts = messages(header(&claims[at / 2], "image/png", &file), &file[..120_000]);
            let silence = stream::once(async move {
                begun.send(()).await.unwrap();
                std::future::pending().await
            });
            let request = customer(stream::iter(parts).chain(silence), &format!("idle-{at}"), &format!("C-{}", at / 2));
            place.send(request)
        })
        .collect();
    let mut idle = std::pin::pin!(futures::future::join_all(idle).fuse());
    let all_hold = async {
        for _ in 0..8 {
            held.recv().await.unwrap();
        }
    };
    tokio::select! { _ = &mut idle => panic!("they go on"), () = all_hold => {} }
    let since = std::time::Instant::now();
    let who_sends = customer(stream::iter(messages(header(&claims[4], "image/png", &file), &file)), "ada", "C-4");
    beside(&mut idle, place.send(who_sends)).await.map(drop).unwrap();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    // The staff has places of its own at once.
    let since = std::time::Instant::now();
    beside(&mut idle, place.upload(header(&claims[4], "image/png", &file[..]), &file)).await.map(drop).unwrap();
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
}

/// Does something while others hold their places, for as long as they are let: on a slow machine that ends sooner.
async fn beside<T>(others: &mut (impl Future + Unpin), work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! { done = &mut work => return done, _ = others => {} }
    work.await
}
