//! Backpressure: a service may hold its relay back, but not stop it.

use chassis::settings::Own;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use chassis::{Backpressure, Building, Context, Service};
use testkit::{TestService, eventually};
use tokio::sync::watch;
use uuid::Uuid;

use crate::toy::{self, grow, pile};

static OPEN: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(true));
/// How often the relay has waited to the end.
static GIVEN_UP: AtomicU64 = AtomicU64::new(0);
static TOLD: Mutex<Vec<Uuid>> = Mutex::new(Vec::new());

/// What the cursor says has left.
const BEHIND: &str = "\
    SELECT aggregate FROM journal, relay WHERE tx < from_tx OR (tx < to_tx AND journal.seq <= relay.seq)";

static SLOWLY: Mutex<Vec<Uuid>> = Mutex::new(Vec::new());
static CLOSED: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));
static SLOW: Service = Service {
    name: "inventory",
    migrations: &toy::MIGRATIONS,
    grants: toy::GRANTS,
    own: Own::NONE,
    long: &[],
    build: build_slow,
};

fn build_slow(ctx: &Context) -> Building<'_> {
    Box::pin(async {
        let told = Box::new(|claim: proto::ClaimId| SLOWLY.lock().unwrap().push(claim.0));
        ctx.pace(Backpressure { told, open: CLOSED.subscribe(), given_up: Box::new(|| ()), rows: 50 });
        Ok(toy::built(ctx, toy::Toy { tells: true }))
    })
}

static PACED: Service = Service {
    name: "inventory",
    migrations: &toy::MIGRATIONS,
    grants: toy::GRANTS,
    own: Own::NONE,
    long: &[],
    build: build_paced,
};

fn build_paced(ctx: &Context) -> Building<'_> {
    Box::pin(async {
        let told = Box::new(|claim: proto::ClaimId| TOLD.lock().unwrap().push(claim.0));
        let given_up = Box::new(|| {
            GIVEN_UP.fetch_add(1, Ordering::Relaxed);
        });
        ctx.pace(Backpressure { told, open: OPEN.subscribe(), given_up, rows: 2 });
        Ok(toy::built(ctx, toy::Toy { tells: true }))
    })
}

/// It is told that the pile has grown.
async fn leaves(service: &TestService, name: &str) {
    service.tell(grow(name, 1)).await;
    eventually(|| async {
        let told = TOLD.lock().unwrap();
        told.contains(&pile(name)).then_some(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pace_puts_rounds_off_and_an_open_one_does_not() {
    let service = testkit::start(&PACED).await;
    leaves(&service, "a").await;
    assert_eq!(GIVEN_UP.load(Ordering::Relaxed), 0);
    OPEN.send_replace(false);
    leaves(&service, "b").await;
    for name in ["c", "d"] {
        let before = GIVEN_UP.load(Ordering::Relaxed);
        // The round that told of the one before may still read.
        tokio::time::sleep(Duration::from_millis(200)).await;
        leaves(&service, name).await;
        assert!(GIVEN_UP.load(Ordering::Relaxed) > before);
    }
    OPEN.send_replace(true);
    // A wait that has begun ends now or is over.
    leaves(&service, "e").await;
    let before = GIVEN_UP.load(Ordering::Relaxed);
    for name in ["f", "g", "h"] {
        leaves(&service, name).await;
    }
    // Many at once, in rounds of two.
    let all: Vec<String> = (0..100).map(|at| format!("many {at}")).collect();
    futures::future::join_all(all.iter().map(|name| leaves(&service, name))).await;
    assert_eq!(GIVEN_UP.load(Ordering::Relaxed), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_follows_what_has_left_while_the_rest_waits() {
    let mut service = testkit::start(&SLOW).await;
    // More than a round takes, and nobody works on it.
    for at in 0..1_200 {
        service.tell(grow(&format!("slow {at}"), 1)).await;
    }
    let followed = AtomicU64::new(0);
    eventually(|| async {
        let behind: Vec<Uuid> = sqlx::query_scalar(BEHIND).fetch_all(service.pool()).await.unwrap();
        let told = SLOWLY.lock().unwrap().clone();
        assert!(behind.iter().all(|pile| told.contains(pile)), "the cursor is behind what has not left");
        if !behind.is_empty() && behind.len() < 1_200 {
            followed.fetch_add(1, Ordering::Relaxed);
        }
        (behind.len() == 1_200).then_some(())
    })
    .await;
    assert!(followed.into_inner() > 0);
    assert_eq!(SLOWLY.lock().unwrap().len(), 1_200);
    // What waits when it is told to stop leaves before it ends.
    for at in 0..1_200 {
        service.tell(grow(&format!("late {at}"), 1)).await;
    }
    eventually(|| async {
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(service.pool()).await.unwrap();
        (rows == 2_400).then_some(())
    })
    .await;
    service.stop().await;
    assert_eq!(SLOWLY.lock().unwrap().len(), 2_400);
}
