//! Links that break: to the database, to the broker; and servers that come late or restart. A service comes back by
//! itself, in 15 s (G19), and nothing that was acknowledged is lost.
#![expect(clippy::disallowed_methods, reason = "a test plays many callers")]

use std::time::{Duration, Instant};

use proto::operations::ListParkedRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use testkit::{Wire, request_id};
use tonic::Code;

use crate::stand::{Link, Stand, channel, grow, readiness, reason, until_ready};
use crate::toy::{self, grow as grow_by_message};

/// G19: seconds in which a service is back.
const BACK: Duration = Duration::from_secs(15);

/// A read, without a deadline of its own.
async fn read(channel: Wire) -> Result<(), tonic::Status> {
    OperationsServiceClient::new(channel).list_parked(ListParkedRequest::default()).await.map(drop)
}

/// Waits until four reads at once work.
async fn until_reads_work(channel: &Wire, since: Instant) {
    loop {
        let reads = futures::future::join_all((0..4).map(|_| read(channel.clone()))).await;
        if reads.iter().all(Result::is_ok) {
            return;
        }
        assert!(since.elapsed() < BACK, "after {:?}: {reads:?}", since.elapsed());
    }
}

/// Waits until changes work, in four lanes at once.
async fn until_changes_work(channel: &Wire, since: Instant) {
    loop {
        let ids: Vec<_> = (0..4).map(|at| (request_id(), format!("p{at}"))).collect();
        let grown = futures::future::join_all(ids.iter().map(|(id, pile)| grow(channel, id, pile))).await;
        if grown.iter().all(Result::is_ok) {
            return;
        }
        assert!(since.elapsed() < BACK, "after {:?}: {grown:?}", since.elapsed());
    }
}

async fn swallowed_database(stand: &Stand, link: &Link, hole: Duration) {
    let running = stand.run(&toy::SERVICE, &[("DATABASE__URL", &stand.database_behind(link))]).await;
    let caller = channel(&stand.secrets, &running).await;
    until_reads_work(&caller, Instant::now()).await;
    until_changes_work(&caller, Instant::now()).await;
    link.swallow();
    // All connections are busy with something that never ends (P32).
    let hung: Vec<_> = (0..16).map(|_| tokio::spawn(read(caller.clone()))).collect();
    let begun = Instant::now();
    let refused = grow(&caller, &request_id(), "a").await.unwrap_err();
    assert!(matches!(refused.code(), Code::DeadlineExceeded | Code::Cancelled | Code::Unavailable), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_millis(3_500), "a deadline is kept (P43): {:?}", begun.elapsed());
    let told = until_ready(running.admin(), false).await;
    assert!(!reason(&told, "database").is_empty(), "{told}");
    for read in hung {
        read.await.unwrap().unwrap_err();
    }
    assert!(begun.elapsed() < Duration::from_secs(12), "reads have a limit: {:?}", begun.elapsed());
    // The link heals while reads and changes hang that have just begun.
    tokio::time::sleep(hole.saturating_sub(begun.elapsed())).await;
    let late: Vec<_> = (0..8).map(|_| tokio::spawn(read(caller.clone()))).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    link.heal();
    let healed = Instant::now();
    until_reads_work(&caller, healed).await;
    println!("reads are back after {:?}", healed.elapsed());
    until_changes_work(&caller, healed).await;
    println!("changes are back after {:?}", healed.elapsed());
    until_ready(running.admin(), true).await;
    drop(late);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_database_that_swallows_everything_is_left_behind() {
    let stand = Stand::start(&toy::SERVICE).await;
    let link = stand.link_to_postgres().await;
    swallowed_database(&stand, &link, Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_the_broker_that_swallows_everything_is_left_behind() {
    let stand = Stand::start(&toy::SERVICE).await;
    let link = stand.link_to_nats().await;
    let nats = format!("nats://{}", link.address);
    let running = stand.run(&toy::SERVICE, &[("NATS__URL", &nats)]).await;
    let caller = channel(&stand.secrets, &running).await;
    until_ready(running.admin(), true).await;
    link.swallow();
    let swallowed = Instant::now();
    // It is noticed within 10 s, and degrades only: what is accepted is kept (G16).
    let told = loop {
        let (ready, told) = readiness(running.admin()).await;
        assert!(ready, "{told}");
        if told["degraded"] == true {
            break told;
        }
        assert!(swallowed.elapsed() < Duration::from_secs(10), "{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(reason(&told, "broker").contains("no connection"), "{told}");
    for _ in 0..5 {
        grow(&caller, &request_id(), "a").await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    link.heal();
    let healed = Instant::now();
    // What waited is published, and what is told is taken.
    let jetstream = async_nats::jetstream::new(chassis::connect_nats("test", &stand.nats_url().into()).await.unwrap());
    let message = grow_by_message("a", 1);
    let (subject, aggregate) = (message.subject(), message.aggregate());
    testkit::publish(&jetstream, "redress", uuid::Uuid::now_v7(), subject, aggregate, message.payload()).await;
    let pool = stand.pool().await;
    loop {
        let size: i64 = sqlx::query_scalar("SELECT size FROM pile").fetch_one(&pool).await.unwrap();
        let mut stream = jetstream.get_stream("REDRESS_EVENTS").await.unwrap();
        let published = testkit::all_told(&mut stream).await.len();
        if (size, published) == (6, 6) {
            break;
        }
        assert!(healed.elapsed() < BACK, "{size} {published}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("the broker is back after {:?}", healed.elapsed());
    testkit::eventually(|| async { (readiness(running.admin()).await.1["degraded"] == false).then_some(()) }).await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_before_its_broker() {
    let stand = Stand::start(&toy::SERVICE).await;
    stand.servers.kill_nats();
    let running = stand.run(&toy::SERVICE, &[]).await;
    let (ready, told) = readiness(running.admin()).await;
    assert!(!ready && reason(&told, "broker").contains("no connection yet"), "{told}");
    // Nobody should be sent here, but who comes is served: it is kept in the journal (P17).
    grow(&channel(&stand.secrets, &running).await, &request_id(), "a").await.unwrap();
    stand.servers.restart_nats().unwrap();
    until_ready(running.admin(), true).await;
    let jetstream = async_nats::jetstream::new(chassis::connect_nats("test", &stand.nats_url().into()).await.unwrap());
    testkit::eventually(|| async {
        let mut stream = jetstream.get_stream("REDRESS_EVENTS").await.ok()?;
        (stream.info().await.ok()?.state.messages == 1).then_some(())
    })
    .await;
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_starts_before_its_database() {
    let stand = Stand::durable(&toy::SERVICE).await;
    stand.servers.kill_postgres();
    let settings = stand.settings(&[]);
    let starting = tokio::spawn(chassis::start(&toy::SERVICE, settings, chassis::Clock::default()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!starting.is_finished());
    stand.servers.restart_postgres().unwrap();
    let running = starting.await.unwrap().unwrap();
    grow(&channel(&stand.secrets, &running).await, &request_id(), "a").await.unwrap();
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_migrated_is_refused_at_once() {
    let stand = Stand::start(&toy::SERVICE).await;
    let begun = Instant::now();
    let settings = stand.settings(&[("DATABASE__URL", &stand.elsewhere("template1"))]);
    let refused = chassis::start(&toy::SERVICE, settings, chassis::Clock::default()).await.err().unwrap();
    assert!(format!("{refused:#}").contains("migrate"), "{refused:#}");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_under_load_loses_nothing_that_was_acknowledged() {
    let stand = Stand::durable(&toy::SERVICE).await;
    let running = stand.run(&toy::SERVICE, &[]).await;
    let caller = channel(&stand.secrets, &running).await;
    let until = Instant::now() + Duration::from_secs(12);
    let callers: Vec<_> = (0..8)
        .map(|at| {
            let caller = caller.clone();
            tokio::spawn(async move {
                let mut acknowledged = 0;
                while Instant::now() < until {
                    let id = request_id();
                    // The same request until it has an answer.
                    while grow(&caller, &id, &format!("p{at}")).await.is_err() {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    acknowledged += 1;
                }
                acknowledged
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stand.servers.kill_postgres();
        tokio::time::sleep(Duration::from_millis(500)).await;
        stand.servers.restart_postgres().unwrap();
    }
    let acknowledged = futures::future::join_all(callers).await;
    let acknowledged: Vec<i64> = acknowledged.into_iter().map(Result::unwrap).collect();
    let pool = stand.pool().await;
    let sizes: Vec<i64> = sqlx::query_scalar("SELECT size FROM pile ORDER BY name").fetch_all(&pool).await.unwrap();
    assert_eq!(sizes, acknowledged, "each once");
    until_ready(running.admin(), true).await;
    running.stop().await.unwrap();
}
