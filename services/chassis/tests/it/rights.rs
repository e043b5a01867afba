//! What the role that serves may do on PostgreSQL, and on what a service refuses to serve: the backstop of S10, G22.

use chassis::settings::Own;
use chassis::{Clock, Service};
use local::roles;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use testkit::Home;

use crate::stand::Stand;
use crate::toy::{self, grow};

/// Why PostgreSQL refuses; panics if it does not.
async fn refused(connection: &mut PgConnection, statement: &str) -> String {
    let result = connection.execute(AssertSqlSafe(statement.to_owned())).await;
    let error = result.err().unwrap_or_else(|| panic!("{statement} is done"));
    let database = error.as_database_error().unwrap_or_else(|| panic!("{statement}: {error}"));
    assert_eq!(database.code().as_deref(), Some("42501"), "{statement}: {error}");
    database.message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_the_role_that_serves_changes_neither_schema_nor_history_nor_triggers() {
    let service = testkit::start(&toy::SERVICE).await;
    let id = service.tell(grow("a", 1)).await;
    service.settled(id).await;
    let mut app = PgConnection::connect(&service.home.app_url()).await.unwrap();
    let partition: String = sqlx::query_scalar("SELECT tableoid::regclass::text FROM journal LIMIT 1")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_ne!(partition, "journal_default", "the partitions of this year are there");
    for statement in [
        "CREATE TABLE t (a int)",
        "CREATE TEMP TABLE t (a int)",
        "CREATE SCHEMA s",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE r",
        "CREATE DATABASE d",
        "ALTER TABLE pile ADD COLUMN a int",
        "ALTER TABLE journal DISABLE TRIGGER journal_append_only",
        "ALTER TABLE journal DISABLE TRIGGER ALL",
        "ALTER FUNCTION journal_is_append_only() RENAME TO f",
        "DROP TRIGGER journal_append_only ON journal",
        "DROP TABLE pile",
        "DROP INDEX journal_tx",
        "CREATE INDEX ON journal (at)",
        "TRUNCATE journal",
        "TRUNCATE pile",
        "DELETE FROM pile",
        "UPDATE journal SET actor = 'x'",
        "DELETE FROM journal",
        "SELECT * FROM journal FOR UPDATE",
        "INSERT INTO _sqlx_migrations VALUES (1, 'x', now(), true, '', 0)",
        "SELECT journal_extend()",
        // A partition is no way round the journal.
        &format!(
            "INSERT INTO {partition} (event_id, aggregate, subject, payload, actor, cause, at) \
             SELECT event_id, aggregate, subject, payload, actor, cause, at FROM journal"
        ),
        &format!("DELETE FROM {partition}"),
        &format!("SELECT * FROM {partition}"),
        &format!("ALTER TABLE journal DETACH PARTITION {partition}"),
        // Nor is what only a superuser may switch off.
        "SET session_replication_role = replica",
        "SET SESSION AUTHORIZATION postgres",
        "SET ROLE inventory_owner",
        "COPY journal TO '/tmp/journal'",
        "COPY pile FROM PROGRAM 'echo 1'",
        "SELECT pg_read_file('postgresql.conf')",
        "ALTER SYSTEM SET fsync = off",
        "SELECT rolpassword FROM pg_authid",
    ] {
        refused(&mut app, statement).await;
    }
    // It does what it is for, also in the partitions of later quarters.
    let later = "INSERT INTO journal (event_id, aggregate, subject, payload, actor, cause, at) VALUES \
        (gen_random_uuid(), gen_random_uuid(), 'notice.x', '', 'test', gen_random_uuid(), now() + interval '1 year')";
    app.execute(later).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_closed_to_the_roles_of_other_services() {
    static OTHER: Service = Service {
        name: "logistics",
        migrations: &toy::MIGRATIONS,
        grants: toy::GRANTS,
        own: Own::NONE,
        long: &[],
        build: toy::SERVICE.build,
    };
    let (ours, other) = (Home::new(&toy::SERVICE).await, Home::new(&OTHER).await);
    for theirs in [other.app_url(), other.owner_url()] {
        let url = theirs.replace(&other.database, &ours.database);
        let error = PgConnection::connect(&url).await.expect_err("a stranger is let in");
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{error}");
    }
    // Nobody is let in without a password, the superuser neither.
    for role in ["inventory", "inventory_owner", "postgres"] {
        let url = format!("postgres://{role}@{}/{}", testkit::servers().postgres_address(), ours.database);
        let error = PgConnection::connect(&url).await.expect_err("everybody is let in");
        assert!(error.to_string().contains("password") || error.to_string().contains("SASL"), "{error}");
    }
}

/// The databases that every server has are closed, too: to connect, and so to make tables there.
#[tokio::test(flavor = "multi_thread")]
async fn sr33_no_role_of_a_service_gets_into_a_database_that_is_nobodys() {
    let home = Home::new(&toy::SERVICE).await;
    for (url, database) in [home.app_url(), home.owner_url()]
        .into_iter()
        .flat_map(|url| ["postgres", "template1", "template0"].map(|database| (url.clone(), database)))
    {
        let url = url.replace(&home.database, database);
        let error = PgConnection::connect(&url).await.expect_err("it is let in");
        let code = error.as_database_error().unwrap().code().map(|code| code.into_owned());
        let wanted = if database == "template0" { "55000" } else { "42501" };
        assert_eq!(code.as_deref(), Some(wanted), "{error}");
    }
}

async fn refusal(stand: &Stand, more: &[(&str, &str)]) -> String {
    let started = chassis::start(&toy::SERVICE, stand.settings(more), Clock::default()).await;
    format!("{:#}", started.err().expect("it serves"))
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_service_refuses_to_serve_with_rights_that_are_too_many_and_names_them_all() {
    let stand = Stand::start(&toy::SERVICE).await;
    let superuser = stand.servers.postgres_url("inventory");
    let told = refusal(&stand, &[("DATABASE__URL", &superuser)]).await;
    assert!(told.contains("the role postgres is a superuser") && !told.contains("password"), "{told}");
    let owner = stand.owner_url();
    let told = refusal(&stand, &[("DATABASE__URL", &owner)]).await;
    for wrong in ["it owns the database", "it owns tables, as", "it may create tables or schemas"] {
        assert!(told.contains(wrong), "{wrong} is not in {told}");
    }
    let mut admin = PgConnection::connect(&superuser).await.unwrap();
    admin.execute("ALTER ROLE inventory BYPASSRLS CREATEDB CREATEROLE REPLICATION").await.unwrap();
    admin.execute("GRANT inventory_owner, pg_write_all_data TO inventory").await.unwrap();
    let told = refusal(&stand, &[]).await;
    for wrong in ["row security", "create databases", "create roles", "replicate", "owns tables", "write everything"] {
        assert!(told.contains(wrong), "{wrong} is not in {told}");
    }
    admin.execute("REVOKE inventory_owner, pg_write_all_data FROM inventory").await.unwrap();
    admin.execute("ALTER ROLE inventory NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION").await.unwrap();
    admin.execute("GRANT UPDATE ON journal TO inventory; ALTER TABLE journal DISABLE TRIGGER USER").await.unwrap();
    let told = refusal(&stand, &[]).await;
    assert!(told.contains("it may change the journal; a trigger is disabled; database.url"), "{told}");
    admin.execute("ALTER TABLE journal ENABLE TRIGGER USER").await.unwrap();
    // `migrate` takes away what was granted by hand.
    chassis::migrate(&toy::SERVICE, &owner.into(), "inventory").await.unwrap();
    stand.run(&toy::SERVICE, &[]).await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_refuses_to_serve_on_a_server_that_forgets() {
    let stand = Stand::start(&toy::SERVICE).await;
    let honest = [("DATABASE__UNSAFE_DURABILITY_FOR_TESTS", "false")];
    let told = refusal(&stand, &honest).await;
    assert!(told.contains("fsync is off; full_page_writes is off; synchronous_commit is off;"), "{told}");
    let stand = Stand::durable(&toy::SERVICE).await;
    stand.run(&toy::SERVICE, &honest).await.stop().await.unwrap();
    let mut admin = PgConnection::connect(&stand.servers.postgres_url("inventory")).await.unwrap();
    admin.execute("ALTER ROLE inventory SET synchronous_commit = off; ALTER TABLE pile SET UNLOGGED").await.unwrap();
    let told = refusal(&stand, &honest).await;
    assert!(told.contains("a table is unlogged; synchronous_commit is off;"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_needs_an_owner_who_does_not_serve() {
    let stand = Stand::start(&toy::SERVICE).await;
    let app = stand.settings(&[]).database.url;
    let error = chassis::migrate(&toy::SERVICE, &app, "inventory").await.unwrap_err();
    assert!(error.to_string().contains("the same role inventory"), "{error:#}");
    let error = chassis::migrate(&toy::SERVICE, &stand.owner_url().into(), "nobody").await.unwrap_err();
    assert!(format!("{error:#}").contains("there is no role nobody"), "{error:#}");
    // A database that somebody else owns stays open, and is not served on.
    let mut admin = PgConnection::connect(&stand.servers.postgres_url("postgres")).await.unwrap();
    admin.execute("CREATE DATABASE open").await.unwrap();
    let mut open = PgConnection::connect(&stand.servers.postgres_url("open")).await.unwrap();
    open.execute("GRANT CREATE ON SCHEMA public TO inventory_owner").await.unwrap();
    let host = stand.servers.postgres_address();
    let url = stand.secrets.postgres_url(&host, &roles::owner("inventory"), "open").unwrap();
    let error = chassis::migrate(&toy::SERVICE, &url.into(), "inventory").await.unwrap_err();
    let told = format!("{error:#}");
    assert!(told.contains("everybody has") && told.contains("CONNECT on the database"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_schema_of_a_newer_release_its_rights_stand() {
    let stand = Stand::start(&toy::SERVICE).await;
    let mut owner = PgConnection::connect(&stand.owner_url()).await.unwrap();
    let newer = "CREATE TABLE of_a_newer_release (a int); GRANT SELECT ON of_a_newer_release TO inventory; \
        INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (29991231000000, 'of a newer release', true, '', 0)";
    sqlx::raw_sql(newer).execute(&mut owner).await.unwrap();
    chassis::migrate(&toy::SERVICE, &stand.owner_url().into(), "inventory").await.unwrap();
    let mut app = PgConnection::connect(&stand.elsewhere("inventory")).await.unwrap();
    app.execute("SELECT * FROM of_a_newer_release").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_clock_serves_no_rehearsal_and_a_moved_one_nothing_else() {
    let home = Home::new(&toy::SERVICE).await;
    let moved = || Clock::rehearsal("2026-09-28T01:00:00Z".parse().unwrap());
    let refused = async |clock| {
        let started = chassis::start(&toy::SERVICE, home.settings(), clock).await;
        format!("{:#}", started.err().expect("it serves"))
    };
    let told = refused(moved()).await;
    assert!(told.contains("NOT_A_REHEARSAL: this database"), "{told}");
    let mut owner = PgConnection::connect(&home.owner_url()).await.unwrap();
    owner.execute("CREATE TABLE rehearsal (reached timestamptz NOT NULL)").await.unwrap();
    let told = refused(Clock::default()).await;
    assert!(told.contains("REHEARSAL_DATABASE: this database"), "{told}");
    chassis::start(&toy::SERVICE, home.settings(), moved()).await.unwrap().stop().await.unwrap();
}

/// No setting and no variable moves the clock of a service: there is none.
#[test]
fn no_setting_moves_the_clock_of_a_service() {
    for key in ["CLOCK", "CLOCK__FROM", "CLOCK__OFFSET", "REHEARSAL", "REHEARSAL__FROM"] {
        let variables = [("DATABASE__URL", "postgres://a@127.0.0.1/a"), (key, "2026-09-28T01:00:00Z")];
        let variables = variables.map(|(key, value)| (format!("REDRESS_INVENTORY__{key}"), value.to_owned()));
        let told = chassis::Settings::from(&toy::SERVICE, None, Some(variables.into_iter().collect()));
        let told = format!("{:#}", told.expect_err("it is a setting"));
        assert!(told.contains("unknown field"), "{told}");
    }
}
