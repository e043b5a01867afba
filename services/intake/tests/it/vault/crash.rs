//! S25 with F01: the process is killed while it erases. The same request again finishes it, once.
#![expect(clippy::disallowed_methods, reason = "a test plays somebody who holds a row")]

use proto::intake::vault_service_client::VaultServiceClient;
use testkit::{Home, Process, eventually};

use super::{erase_request, lea};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn s25_f01_an_erasure_survives_a_kill() {
    let mut world = World::start().await;
    world.closed_for("ada").await;
    world.service.stop().await;
    let mut home: Home = world.service.home.clone();
    home.variables.push(("TELEMETRY__LOG".to_owned(), "info".to_owned()));
    let pool = world.service.pool().clone();
    let process = Process::start(&home, env!("CARGO_BIN_EXE_redress-intake")).await;
    // It stands before the key, and is killed there.
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("SELECT key_id FROM customer_key FOR UPDATE").execute(&mut *lock).await.unwrap();
    let request = erase_request("ada");
    let mut client = VaultServiceClient::new(process.channel().await);
    let asked = lea(request.clone());
    let asking = tokio::spawn(async move { client.erase_customer(asked).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    eventually(|| async { (sqlx::query_scalar::<_, i64>(waits).fetch_one(&pool).await.unwrap() > 0).then_some(()) })
        .await;
    drop(process);
    asking.await.unwrap().expect_err("nobody has answered");
    lock.rollback().await.unwrap();

    let process = Process::start(&home, env!("CARGO_BIN_EXE_redress-intake")).await;
    let mut client = VaultServiceClient::new(process.channel().await);
    let first = client.erase_customer(lea(request.clone())).await.unwrap().into_inner();
    let again = client.erase_customer(lea(request)).await.unwrap().into_inner();
    assert_eq!(first, again, "the saved answer");
    assert!(first.erasure.is_some());
    let count = async |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(&pool).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM customer_key WHERE wrapped IS NULL").await, 1);
    assert_eq!(count("SELECT count(*) FROM journal WHERE subject = 'notice.privacy.customer_erased'").await, 1);
    process.stop().await;
}
