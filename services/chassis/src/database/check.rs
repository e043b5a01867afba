//! Whether a service may serve on a database: with the rights it should have, and on a server that keeps what it
//! commits. What is wrong is told at once and as a whole.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::Connection;
use sqlx::migrate::Migrator;

use super::{APPLIED, DatabaseTarget, migrator};
use crate::jitter::jittered;

/// How long a start waits for the database.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest a look at the database may take.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What is wrong, and whether it is about what is kept when the power fails. What the role may become by `SET ROLE`, it
/// is. A superuser is everything, so of him nothing else is said.
const WRONG: &str = "\
    WITH me AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = session_user), \
    mine AS (SELECT r.* FROM pg_roles r, me WHERE r.oid = me.oid OR (NOT me.rolsuper AND pg_has_role(me.oid, r.oid, 'MEMBER'))), \
    owned AS (SELECT c.relname FROM pg_class c, me WHERE NOT me.rolsuper AND c.relowner IN (SELECT oid FROM mine) \
        AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'public') AND c.relkind IN ('r', 'p', 'S', 'v', 'm')) \
    SELECT wrong.about_keeping, wrong.what FROM me, LATERAL (VALUES \
        (false, (SELECT bool_or(rolsuper) FROM mine), 'the role ' || me.rolname || ' is a superuser'), \
        (false, (SELECT bool_or(rolbypassrls) FROM mine WHERE NOT me.rolsuper), 'it may by-pass row security'), \
        (false, (SELECT bool_or(rolcreatedb) FROM mine WHERE NOT me.rolsuper), 'it may create databases'), \
        (false, (SELECT bool_or(rolcreaterole) FROM mine WHERE NOT me.rolsuper), 'it may create roles'), \
        (false, (SELECT bool_or(rolreplication) FROM mine WHERE NOT me.rolsuper), 'it may replicate'), \
        (false, (SELECT bool_or(rolname IN ('pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', \
            'pg_write_server_files', 'pg_execute_server_program')) FROM mine WHERE NOT me.rolsuper), \
            'it is a member of a role that may read or write everything'), \
        (false, NOT me.rolsuper AND (SELECT datdba FROM pg_database WHERE datname = current_database()) IN (SELECT oid FROM mine), \
            'it owns the database'), \
        (false, EXISTS (SELECT FROM owned), 'it owns tables, as ' || (SELECT min(relname) FROM owned)), \
        (false, NOT me.rolsuper AND (has_schema_privilege(me.oid, 'public', 'CREATE') \
            OR has_database_privilege(me.oid, current_database(), 'CREATE')), 'it may create tables or schemas'), \
        (false, NOT me.rolsuper AND NOT EXISTS (SELECT FROM owned) \
            AND has_table_privilege(me.oid, to_regclass('journal'), 'UPDATE, DELETE, TRUNCATE, TRIGGER'), \
            'it may change the journal'), \
        (false, EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.tgenabled IN ('D', 'R') \
            AND c.relnamespace = 'public'::regnamespace), 'a trigger is disabled'), \
        (true, EXISTS (SELECT FROM pg_class WHERE relpersistence = 'u' AND relnamespace = 'public'::regnamespace), \
            'a table is unlogged'), \
        (true, current_setting('fsync') <> 'on', 'fsync is off'), \
        (true, current_setting('full_page_writes') <> 'on', 'full_page_writes is off'), \
        (true, current_setting('synchronous_commit') = 'off', 'synchronous_commit is off') \
    ) AS wrong (about_keeping, is_so, what) WHERE wrong.is_so";

/// Whether the database was made for a rehearsal: by `redress up --from`, and nothing else makes the table.
const REHEARSAL: &str = "SELECT to_regclass('public.rehearsal') IS NOT NULL";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[WRONG, REHEARSAL, APPLIED];

/// Waits until the database answers; refuses at once to serve with rights that are too many, on a server that forgets,
/// on a schema that is older than the program, or by another clock than the one the database was made for.
pub(crate) async fn check(
    service: &'static str,
    home: &DatabaseTarget,
    migrations: &Migrator,
    may_forget: bool,
    rehearses: bool,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let error = match tokio::time::timeout(LOOK_LIMIT, look(home)).await {
            Ok(Ok(found)) => return found.judge(migrations, may_forget, rehearses),
            Ok(Err(error)) if !is_passing(&error) => {
                return Err(error)
                    .context("cannot read the schema version: is the database there, and was `migrate` run?");
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        if begun.elapsed() > PATIENCE {
            bail!("the database did not answer for {PATIENCE:?}: {error}");
        }
        tracing::warn!(service, error, "the database does not answer yet");
        tokio::time::sleep(jittered(Duration::from_secs(2))).await;
    }
}

/// What a look at the database found.
struct Found {
    is_rehearsal: bool,
    wrong: Vec<(bool, String)>,
    /// Versions of the schema. Who may not even read them is told so, unless there is worse to tell.
    applied: Result<Vec<i64>, sqlx::Error>,
}

async fn look(home: &DatabaseTarget) -> Result<Found, sqlx::Error> {
    let mut connection = home.connect().await?;
    let wrong = sqlx::query_as(WRONG).fetch_all(&mut connection).await?;
    let is_rehearsal = sqlx::query_scalar(REHEARSAL).fetch_one(&mut connection).await?;
    let applied = match sqlx::query_scalar(APPLIED).fetch_all(&mut connection).await {
        Err(error) if is_passing(&error) => return Err(error),
        applied => applied,
    };
    connection.close().await?;
    Ok(Found { is_rehearsal, wrong, applied })
}

/// Whether it may be otherwise soon: nobody listens, or a server that starts, stops or is full.
fn is_passing(error: &sqlx::Error) -> bool {
    let Some(database) = error.as_database_error() else { return true };
    matches!(database.code().unwrap_or_default().get(..2), Some("08" | "53" | "57" | "58"))
}

impl Found {
    fn judge(self, service: &Migrator, may_forget: bool, rehearses: bool) -> anyhow::Result<()> {
        match (self.is_rehearsal, rehearses) {
            (true, false) => bail!(
                "REHEARSAL_DATABASE: this database was made for a rehearsal, and its times are not those of the real clock; \
                 only `redress up --from` serves it"
            ),
            (false, true) => bail!(
                "NOT_A_REHEARSAL: this database was not made for a rehearsal, and a clock that is moved would write wrong \
                 times into it"
            ),
            (true, true) | (false, false) => {}
        }
        let excused = |about_keeping: bool| about_keeping && may_forget;
        let wrong: Vec<String> =
            self.wrong.into_iter().filter(|(about, _)| !excused(*about)).map(|(_, what)| what).collect();
        if !wrong.is_empty() {
            bail!(
                "refusing to serve on this database: {}; database.url must name the role that `migrate` grants its \
                 rights, and the server must keep what it commits (deploy/postgres/roles.sql)",
                wrong.join("; ")
            );
        }
        let applied =
            self.applied.context("cannot read the schema version: is the database there, and was `migrate` run?")?;
        known(&applied, service)
    }
}

fn known(applied: &[i64], service: &Migrator) -> anyhow::Result<()> {
    let known = migrator(service);
    let missing = known.iter().filter(|migration| !applied.contains(&migration.version));
    let missing: Vec<_> = missing.map(|migration| migration.description.to_string()).collect();
    if !missing.is_empty() {
        bail!("the schema is too old, run `migrate` first; missing: {}", missing.join(", "));
    }
    Ok(())
}
