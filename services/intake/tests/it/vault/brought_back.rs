//! G23, S27: whoever owns the database, or restores an older one, brings nobody back unnoticed.

use chassis::Clock;
use chassis::audit::Kind;
use sqlx::{AssertSqlSafe, Executor};
use testkit::{TestService, eventually, reason, verify_audit};

use crate::world::World;

/// Does something as the owner of the database, whom no trigger stops.
async fn tamper(world: &World, sql: &str) {
    let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
    world.service.pool().execute(AssertSqlSafe(sql)).await.unwrap();
}

async fn verify(service: &TestService) -> Result<(), (Kind, Option<String>)> {
    let verified = verify_audit("intake", service.channel(), testkit::secrets(), &service.home.checkpoints()).await;
    verified.map(drop).map_err(|finding| (finding.kind, finding.source))
}

async fn sealed(world: &World) {
    let look = async || {
        let open = "SELECT count(*) FROM customer_decision d WHERE NOT EXISTS ( \
            SELECT FROM audit_chain WHERE source = 'customer_decision' AND row_id = d.decision_id)";
        (world.count(open).await == 0).then_some(())
    };
    eventually(look).await;
    assert_eq!(verify(&world.service).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_keys_and_holds_that_are_not_what_was_decided_are_named() {
    let world = World::start().await;
    world.closed_for("ada").await;
    tamper(&world, "CREATE TABLE kept AS SELECT * FROM customer_key").await;
    world.erase("ada").await.unwrap();
    world.closed_for("bob").await;
    world.hold("bob").await.unwrap();
    sealed(&world).await;
    let back = "UPDATE customer_key k SET wrapped = o.wrapped, erased_at = NULL, erased_by = NULL, reason = NULL, \
        reference = NULL FROM kept o WHERE o.key_id = k.key_id";
    let erase = "UPDATE customer_key SET wrapped = NULL, erased_at = now(), erased_by = 'eve', reason = 1, reference = 'x' \
        WHERE customer_ref = 'bob'";
    let decisions = "customer_decision";
    for (sql, source) in [
        (back, decisions),
        ("UPDATE customer_key SET erased_by = 'eve' WHERE wrapped IS NULL", decisions),
        ("UPDATE customer_key SET fingerprint = sha256('eve') WHERE wrapped IS NULL", decisions),
        ("DELETE FROM customer_key WHERE customer_ref = 'ada'", decisions),
        (erase, "customer_key"),
        ("DELETE FROM legal_hold", decisions),
        ("UPDATE legal_hold SET reference = 'L-2'", decisions),
        ("UPDATE legal_hold SET released_at = now(), released_by = 'eve'", "legal_hold"),
        (
            "INSERT INTO legal_hold (hold_id, customer_ref, reason, reference, placed_at, placed_by) \
             VALUES (gen_random_uuid(), 'bob', 1, 'x', now(), 'eve')",
            "legal_hold",
        ),
    ] {
        let keep = "DROP TABLE IF EXISTS keys, holds; \
            CREATE TABLE keys AS SELECT * FROM customer_key; CREATE TABLE holds AS SELECT * FROM legal_hold";
        tamper(&world, keep).await;
        tamper(&world, sql).await;
        assert_eq!(verify(&world.service).await, Err((Kind::NotWhatWasDecided, Some(source.to_owned()))), "{sql}");
        let undo = "DELETE FROM customer_key; INSERT INTO customer_key SELECT * FROM keys; \
            DELETE FROM legal_hold; INSERT INTO legal_hold SELECT * FROM holds";
        tamper(&world, undo).await;
        assert_eq!(verify(&world.service).await, Ok(()));
    }
    // The proof and the decision together: the decision is sealed.
    tamper(&world, &format!("{back}; UPDATE customer_decision SET kind = 'RELEASED' WHERE kind = 'ERASED'")).await;
    assert_eq!(verify(&world.service).await, Err((Kind::RowChanged, Some(decisions.to_owned()))));
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_who_was_forgotten_stays_forgotten_when_an_older_database_is_restored() {
    let world = World::start().await;
    // No part of a name of hexadecimal digits.
    let (claim, other) = (world.closed_for("ozzy").await, world.closed_for("bob").await);
    tamper(&world, "CREATE TABLE kept AS SELECT * FROM customer_key").await;
    let erasure = world.erase("ozzy").await.unwrap().erasure.unwrap();
    let file = world.service.home.checkpoints().join("intake-erased.jsonl");
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains(&erasure.key_fingerprint) && !lines.contains("ozzy"), "{lines}");

    let restore = "DELETE FROM customer_key; INSERT INTO customer_key SELECT * FROM kept; TRUNCATE customer_decision";
    tamper(&world, restore).await;
    assert!(world.contact_of(&claim).await.is_ok(), "the older database remembers");
    let World { service, .. } = world;
    let world = World::of(service.restart().await);
    assert_eq!(reason(&world.contact_of(&claim).await.unwrap_err()), "CUSTOMER_ERASED");
    assert!(world.contact_of(&other).await.is_ok(), "nobody else is forgotten");
    assert_eq!(world.erasure("ozzy").await.erasures, [erasure], "the proof is the same");
    assert_eq!(
        world.count("SELECT count(*) FROM customer_decision WHERE kind = 'ERASED'").await,
        1,
        "and is sealed anew"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);

    // A replica with a folder of its own writes what it finds.
    std::fs::remove_file(&file).unwrap();
    let _second = TestService::at(world.service.home.clone(), Clock::default()).await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);
}
