//! Who leads: one relay, whatever is paused, killed or rolled out (P23, P24).
#![expect(clippy::disallowed_methods, reason = "a test plays a sender of its own")]

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chassis::Settings;
use proto::ids;
use uuid::Uuid;

use crate::relay_home::{Own, signal, variables};
use crate::toy;

/// Not a test: the service as a process of its own, which the others start, pause and kill.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process of another test"]
async fn replica() {
    if std::env::var_os("RELAY_REPLICA").is_some() {
        let settings = Settings::load(&toy::SERVICE, None).unwrap();
        chassis::run(&toy::SERVICE, settings).await.unwrap();
    }
}

/// A replica that is killed with the test.
struct Replica(Child);

impl Replica {
    fn start(own: &Own) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "relay_lease::replica", "--ignored", "--nocapture"]);
        command.env("RELAY_REPLICA", "1").envs(variables(&own.servers, &own.secrets)).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Process and epoch of who leads, if the lease is not over.
async fn leader(own: &Own) -> Option<(u32, i64)> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT holder, epoch FROM relay WHERE until > now()").fetch_optional(&own.pool).await.unwrap();
    row.map(|(holder, epoch)| (holder.split('-').next().unwrap().parse().unwrap(), epoch))
}

/// Waits until another process than `old` leads.
async fn leader_after(own: &Own, old: Option<u32>, patience: Duration) -> (u32, i64) {
    let begun = Instant::now();
    loop {
        if let Some(now) = leader(own).await.filter(|now| Some(now.0) != old) {
            return now;
        }
        assert!(begun.elapsed() < patience, "nobody took the lease within {patience:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The first time that each event of a claim is on the public stream it stands behind all earlier ones.
async fn assert_order(own: &Own) {
    let mut last: HashMap<String, i32> = HashMap::new();
    for (_, claim, number) in own.stream("CLAIMS").await {
        let number: i32 = number.parse().unwrap();
        let known = last.entry(claim.clone()).or_insert(0);
        assert!(number <= *known + 1, "event {number} of {claim} came after {known}");
        *known = number.max(*known);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_and_a_killed_leader_are_replaced_and_the_public_order_holds() {
    let own = Own::new(50).await;
    let mut replicas: HashMap<u32, Replica> =
        (0..2).map(|_| Replica::start(&own)).map(|replica| (replica.0.id(), replica)).collect();
    let (first, epoch) = leader_after(&own, None, Duration::from_secs(20)).await;
    let claims: Vec<Uuid> =
        (0..10).map(|at| ids::derived(jiff::Timestamp::now(), &["relay", &at.to_string()])).collect();
    let mut number = 0;
    let mut tell = async |rounds: i32| {
        for _ in 0..rounds {
            number += 1;
            own.tell_claims(&claims, number).await;
        }
    };
    tell(20).await;
    signal("STOP", first);
    tell(20).await;
    let (second, taken) = leader_after(&own, Some(first), Duration::from_secs(15)).await;
    assert!(taken > epoch, "taking it increases the epoch");
    tell(20).await;
    own.all_published(Duration::from_secs(10)).await;
    signal("CONT", first);
    tell(50).await;
    own.all_published(Duration::from_secs(10)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(leader(&own).await, Some((second, taken)), "the one that was paused does not lead and changes nothing");
    // The leader dies in the middle of its work; the other one waits for the end of the lease.
    tell(5).await;
    drop(replicas.remove(&second));
    tell(20).await;
    let (third, _) = leader_after(&own, Some(second), Duration::from_secs(15)).await;
    assert_eq!(third, first);
    own.all_published(Duration::from_secs(10)).await;
    assert_order(&own).await;
    // An ordered stop gives the lease back.
    let next = Replica::start(&own);
    tokio::time::sleep(Duration::from_secs(1)).await;
    signal("TERM", first);
    let (fourth, _) = leader_after(&own, Some(first), Duration::from_secs(5)).await;
    assert_eq!(fourth, next.0.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_whose_epoch_is_over_publishes_and_writes_nothing() {
    let mut own = Own::new(50).await;
    own.start().await;
    own.journal(3).await;
    own.all_published(Duration::from_secs(10)).await;
    let theft =
        "UPDATE relay SET holder = 'thief', epoch = epoch + 1, until = now() + interval '3 seconds' RETURNING epoch";
    let stolen: i64 = sqlx::query_scalar(theft).fetch_one(&own.pool).await.unwrap();
    let cursor = "SELECT from_tx::text || '/' || epoch FROM relay";
    let before: String = sqlx::query_scalar(cursor).fetch_one(&own.pool).await.unwrap();
    own.journal(3).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(own.stream("EVENTS").await.len(), 3, "nothing is published under somebody else's lease");
    let after: String = sqlx::query_scalar(cursor).fetch_one(&own.pool).await.unwrap();
    assert_eq!(after, before);
    own.all_published(Duration::from_secs(10)).await;
    let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM relay").fetch_one(&own.pool).await.unwrap();
    assert_eq!(epoch, stolen + 1);
    own.stop().await;
    let free: bool = sqlx::query_scalar("SELECT until = '-infinity' FROM relay").fetch_one(&own.pool).await.unwrap();
    assert!(free, "an ordered stop gives the lease back");
}
