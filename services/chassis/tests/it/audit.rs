//! S27: whoever owns the database can change everything in it, and `verify` names the first bad record.
#![expect(clippy::disallowed_methods, reason = "a test plays the owner of the database")]

use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chassis::Clock;
use chassis::audit::format::{self, Field, Link};
use chassis::audit::{Finding, Kind, Summary};
use proto::inventory::AdjustStockRequest;
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::operations::ReadAuditRequest;
use proto::operations::operations_service_client::OperationsServiceClient;
use sqlx::{AssertSqlSafe, Executor};
use testkit::{Home, TestService, actor, eventually, reason, request_id, verify_audit};

use crate::toy::{self, grow};

const JOURNAL: &str = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) \
    SELECT gen_random_uuid(), gen_random_uuid(), 'event.inventory.late', 'x', 'anna', gen_random_uuid(), now() \
    FROM generate_series(1, $1)";

async fn home(variables: &[(&str, &str)]) -> Home {
    let mut home = Home::new(&toy::SERVICE).await;
    home.variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    home
}

async fn start() -> TestService {
    TestService::at(home(&[("AUDIT__EVERY", "100ms")]).await, Clock::default()).await
}

/// A decision of a person.
async fn decide(service: &TestService) {
    let request =
        AdjustStockRequest { request_id: request_id(), sku: "a".to_owned(), delta: 1, ..AdjustStockRequest::default() };
    let request = actor(request, "anna", &["warehouse"]);
    InventoryServiceClient::new(service.channel()).adjust_stock(request).await.unwrap();
}

async fn verify(service: &TestService) -> Result<Summary, Box<Finding>> {
    verify_audit("inventory", service.channel(), testkit::secrets(), &service.home.checkpoints()).await
}

/// Waits until so many links are sealed, and signed.
async fn signed(service: &TestService, links: u64) {
    let look = async || verify(service).await.ok().filter(|chain| chain.signed >= links && chain.waiting == 0);
    let chain = eventually(look).await;
    assert_eq!(chain.links, links);
}

/// Six decisions in a chain that is signed after the third and after the sixth.
async fn six() -> TestService {
    let service = start().await;
    for upto in [3, 6] {
        for _ in 0..3 {
            decide(&service).await;
        }
        signed(&service, upto).await;
    }
    service
}

/// Does something as the owner of the database, whom no trigger stops. `$2`: the row of link 2, and so on.
async fn tamper(service: &TestService, sql: &str) {
    let rows: Vec<i64> =
        sqlx::query_scalar("SELECT row_id FROM audit_chain ORDER BY number").fetch_all(service.pool()).await.unwrap();
    let sql = (1..).zip(rows).fold(sql.to_owned(), |sql, (at, row)| sql.replace(&format!("${at}"), &row.to_string()));
    let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
    service.pool().execute(AssertSqlSafe(sql)).await.unwrap();
}

async fn finds(service: &TestService) -> Finding {
    let finding = *verify(service).await.unwrap_err();
    assert!(!finding.to_string().is_empty());
    finding
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_what_people_decide_is_sealed_and_signed_and_what_services_tell_is_not() {
    let service = start().await;
    let told = service.tell(grow("b", 5)).await;
    service.settled(told).await;
    for _ in 0..3 {
        decide(&service).await;
    }
    signed(&service, 3).await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(service.pool()).await.unwrap();
    assert_eq!(rows, 4);
    // An ordered stop seals and signs what it has; a new start goes on behind it.
    decide(&service).await;
    let service = service.restart().await;
    signed(&service, 4).await;
    decide(&service).await;
    signed(&service, 5).await;
    // Neither the service nor, past the triggers, the owner changes a link.
    for statement in ["UPDATE audit_chain SET tx = 1", "DELETE FROM audit_chain", "TRUNCATE audit_chain"] {
        let refused = service.pool().execute(statement).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let mut operations = OperationsServiceClient::new(service.channel());
    let ask = actor(ReadAuditRequest::default(), "otto", &["operator"]);
    assert_eq!(reason(&operations.read_audit(ask).await.unwrap_err()), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_edited_rows_are_named() {
    let edits = [
        "UPDATE journal SET payload = 'y' WHERE seq = $2",
        "UPDATE journal SET actor = 'mallory' WHERE seq = $2",
        // As if nobody had decided it.
        "UPDATE journal SET actor = 'service:triage' WHERE seq = $2",
        "UPDATE journal SET at = at - interval '1 day' WHERE seq = $2",
        "UPDATE journal SET trace = '' WHERE seq = $2",
    ];
    let service = six().await;
    for edit in edits {
        let keep = "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM journal";
        service.pool().execute(keep).await.unwrap();
        tamper(&service, edit).await;
        let finding = finds(&service).await;
        assert_eq!((finding.kind, finding.number), (Kind::RowChanged, Some(2)), "{edit}: {finding}");
        assert_eq!(finding.source.as_deref(), Some("journal"));
        let back = "DELETE FROM journal; INSERT INTO journal OVERRIDING SYSTEM VALUE SELECT * FROM kept";
        tamper(&service, back).await;
        verify(&service).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_deleted_rows_and_links_are_named() {
    let service = six().await;
    tamper(&service, "DELETE FROM journal WHERE seq = $5").await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number), (Kind::RowMissing, Some(5)));
    tamper(&service, "DELETE FROM audit_chain WHERE number = 5").await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number), (Kind::LinkMissing, Some(5)));
    // Only the link: its row is found as well, but the link comes first.
    tamper(&service, "DELETE FROM audit_chain WHERE number = 2").await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number), (Kind::LinkMissing, Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_reordered_rows_and_links_are_named() {
    let service = six().await;
    let swap = "UPDATE journal j SET payload = o.payload, event_id = o.event_id FROM journal o \
                WHERE j.seq IN ($3, $4) AND o.seq IN ($3, $4) AND o.seq <> j.seq";
    tamper(&service, swap).await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number), (Kind::RowChanged, Some(3)));
    let swap = "UPDATE audit_chain SET number = -number WHERE number IN (1, 2); \
                UPDATE audit_chain SET number = 3 + number WHERE number < 0";
    tamper(&service, &format!("ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_number_check; {swap}")).await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number), (Kind::LinkChanged, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_a_tail_that_was_cut_is_found_by_the_checkpoints() {
    let service = six().await;
    tamper(&service, "DELETE FROM journal WHERE seq > $4; DELETE FROM audit_chain WHERE number > 4").await;
    let finding = finds(&service).await;
    assert_eq!((finding.kind, finding.number, finding.until), (Kind::ChainCut, Some(5), Some(6)));
    // The service goes on, as after a restored backup, and does not sign what contradicts it.
    let file = service.home.checkpoints().join("inventory.jsonl");
    let before = std::fs::read(&file).unwrap();
    for _ in 0..4 {
        decide(&service).await;
    }
    let links = async || {
        let links = "SELECT count(*) FROM audit_chain";
        let links: i64 = sqlx::query_scalar(links).fetch_one(service.pool()).await.unwrap();
        (links == 8).then_some(())
    };
    eventually(links).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(std::fs::read(&file).unwrap(), before, "nothing is signed");
    let finding = finds(&service).await;
    assert_eq!(finding.kind, Kind::NotWhatWasSigned);
    assert!(finding.number <= Some(5) && finding.until >= Some(5), "{finding}");
    // Somebody has looked into it, and put the file away.
    std::fs::rename(&file, file.with_extension("2026")).unwrap();
    let service = service.restart().await;
    signed(&service, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_a_chain_that_was_computed_anew_is_found_by_the_checkpoints() {
    let service = six().await;
    tamper(&service, "UPDATE journal SET payload = 'y' WHERE seq = $5").await;
    let mut operations = OperationsServiceClient::new(service.channel());
    let told = operations.read_audit(ReadAuditRequest::default()).await.unwrap().into_inner();
    let mut hash = format::genesis(&told.service);
    for told in told.links {
        let row = told.row.unwrap();
        let row: Vec<Field<'_>> =
            row.fields.iter().map(|field| (field.name.as_str(), field.value.as_deref())).collect();
        let (number, sealed_at) = (told.number, told.sealed_at_micros);
        let row_hash = format::row(&told.source, &row);
        let link = Link { number, source: told.source.clone(), tx: told.tx, row_id: told.row_id, row_hash, sealed_at };
        hash = format::chain(&hash, &link);
        let (row_hash, hash) = (format::hex(&row_hash), format::hex(&hash));
        let set = format!(
            "UPDATE audit_chain SET row_hash = '\\x{row_hash}', chain_hash = '\\x{hash}' WHERE number = {number}"
        );
        tamper(&service, &set).await;
    }
    let finding = finds(&service).await;
    assert_eq!(finding.kind, Kind::NotWhatWasSigned);
    assert!(finding.number > Some(3) && finding.number <= Some(5) && finding.until >= Some(5), "{finding}");
    // All of it is thrown away: the service seals anew, and the past is not what was signed.
    tamper(&service, "TRUNCATE audit_chain").await;
    let look = async || Some(finds(&service).await).filter(|finding| finding.kind == Kind::NotWhatWasSigned);
    let finding = eventually(look).await;
    assert_eq!(finding.number, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_a_row_that_was_put_in_behind_the_back_is_named() {
    let service = six().await;
    let put = "INSERT INTO journal (tx, event_id, aggregate, subject, payload, actor, cause, at) \
               SELECT tx - 1, gen_random_uuid(), aggregate, subject, payload, 'anna', cause, at FROM journal WHERE seq = $2";
    tamper(&service, put).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let finding = finds(&service).await;
    let row: i64 = sqlx::query_scalar("SELECT max(seq) FROM journal").fetch_one(service.pool()).await.unwrap();
    assert_eq!((finding.kind, finding.row_id), (Kind::RowSkipped, Some(row)));
}

#[tokio::test(flavor = "multi_thread")]
async fn s27_a_row_that_was_put_in_where_nobody_looks_is_named() {
    let put = |tx: &str, seq: &str, at: &str| {
        format!(
            "INSERT INTO journal (seq, tx, event_id, aggregate, subject, payload, actor, cause, at) \
             OVERRIDING SYSTEM VALUE \
             SELECT {seq}, {tx}, gen_random_uuid(), aggregate, subject, payload, 'anna', cause, {at} FROM journal WHERE seq = $2"
        )
    };
    let free = "(SELECT max(seq) + 1000 FROM journal)";
    let cases = [
        (put("-5", free, "at"), Kind::RowSkipped),
        (put("-9223372036854775808", "-9223372036854775808", "at"), Kind::RowSkipped),
        (put("tx + 1000000000", free, "at + interval '1 year'"), Kind::RowUnsealed),
        // A twin of a sealed row, in the same place and of another time.
        (put("tx", "seq", "at + interval '1 microsecond'"), Kind::RowChanged),
        (put("tx", "seq", "at - interval '1 microsecond'"), Kind::RowChanged),
    ];
    for (put, kind) in cases {
        let service = six().await;
        tamper(&service, &put).await;
        assert_eq!(finds(&service).await.kind, kind, "{put}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_seal_each_row_once_and_late_commits_are_not_skipped() {
    let first = start().await;
    let second = TestService::at(first.home.clone(), Clock::default()).await;
    let mut late = first.pool().begin().await.unwrap();
    sqlx::query(JOURNAL).bind(3_i64).execute(&mut *late).await.unwrap();
    for _ in 0..10 {
        futures::future::join_all((0..4).map(|at| decide(if at % 2 == 0 { &first } else { &second }))).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    late.commit().await.unwrap();
    signed(&first, 43).await;
    let twice = "SELECT count(*) FROM (SELECT FROM audit_chain GROUP BY row_id HAVING count(*) > 1) t";
    let twice: i64 = sqlx::query_scalar(twice).fetch_one(first.pool()).await.unwrap();
    assert_eq!(twice, 0);
    assert_eq!(verify(&second).await.unwrap().links, 43);
}

/// A process of the toy, killed with the test.
struct Replica(Child);

impl Replica {
    fn start(home: &Home) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "relay_lease::replica", "--ignored", "--nocapture"]);
        command.env("RELAY_REPLICA", "1").envs(home.environment()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_seal_and_checkpoint_and_one_in_the_middle_of_a_line_lose_nothing() {
    let mut home = home(&[("AUDIT__EVERY", "1h"), ("AUDIT__LINKS", "1000000")]).await;
    let pool = home.pool().await;
    let replica = Replica::start(&home);
    sqlx::query(JOURNAL).bind(5_i64).execute(&pool).await.unwrap();
    let sealed = async || {
        let links = "SELECT count(*) FROM audit_chain";
        let links: i64 = sqlx::query_scalar(links).fetch_one(&pool).await.unwrap();
        (links == 5).then_some(())
    };
    eventually(sealed).await;
    drop(replica);
    let file = home.checkpoints().join("inventory.jsonl");
    let mut torn = OpenOptions::new().append(true).create(true).open(&file).unwrap();
    torn.write_all(b"{\"service\":\"inventory\",\"number\":5,\"chain_ha").unwrap();
    home.variables = vec![("AUDIT__EVERY".to_owned(), "100ms".to_owned())];
    let service = TestService::at(home, Clock::default()).await;
    signed(&service, 5).await;
    decide(&service).await;
    signed(&service, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sealing_costs_little() {
    let service = start().await;
    let rows = 5_000;
    sqlx::query(JOURNAL).bind(rows).execute(service.pool()).await.unwrap();
    let begun = Instant::now();
    let all = async || {
        let links = "SELECT count(*) FROM audit_chain";
        let links: i64 = sqlx::query_scalar(links).fetch_one(service.pool()).await.unwrap();
        (links == rows).then_some(())
    };
    eventually(all).await;
    let sealing = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    signed(&service, rows.unsigned_abs()).await;
    let count = f64::from(5_000);
    println!(
        "{:.0} rows sealed a second, {:.0} or more verified",
        count / sealing,
        count / begun.elapsed().as_secs_f64()
    );
}
