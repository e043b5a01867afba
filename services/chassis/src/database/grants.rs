//! What the role that serves may do, table by table: nothing else is granted to it, so it can neither change the schema
//! nor history, whatever a caller makes it run.

use anyhow::{bail, ensure};
use sqlx::{AssertSqlSafe, PgPool};

/// What the role that serves may do with a table or a sequence, as `("claim", "SELECT, INSERT")` or
/// `("SEQUENCE claim_number", "USAGE")`. A right that a release does not need any more stays here for one release more:
/// the one before it still runs while `migrate` does.
pub type Grant = (&'static str, &'static str);

/// What every service needs. Of the journal it can only add rows and read them, and never by the name of a partition.
pub const GRANTS: &[Grant] = &[
    ("_sqlx_migrations", "SELECT"),
    ("journal", "SELECT, INSERT"),
    ("inbox", "SELECT, INSERT, UPDATE, DELETE"),
    ("parked", "SELECT, INSERT, UPDATE, DELETE"),
    ("relay", "SELECT, UPDATE"),
    ("relay_mark", "SELECT, INSERT, UPDATE, DELETE"),
    ("outbox_sequence", "SELECT, INSERT, UPDATE"),
    ("inbox_sequence", "SELECT, INSERT, UPDATE"),
    ("audit_chain", "SELECT, INSERT"),
    ("decision", "SELECT, INSERT"),
];

const IS_ROLE: &str = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
/// Whether we own the database, and the schema in it.
const IS_OURS: &str = "\
    SELECT current_database()::text, pg_has_role(d.datdba, 'USAGE'), pg_has_role(n.nspowner, 'USAGE') \
    FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = 'public'";
/// What everybody may do with the database and its schema.
const OPEN: &str = "\
    SELECT a.privilege_type || ' on the database' FROM pg_database d, \
        aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a \
    WHERE d.datname = current_database() AND a.grantee = 0 \
    UNION ALL \
    SELECT a.privilege_type || ' on its schema public' FROM pg_namespace n, \
        aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a \
    WHERE n.nspname = 'public' AND a.grantee = 0";

/// Closes the database to everybody, and grants the role that serves what it needs: all at once or not at all.
pub(super) async fn grant(owner: &PgPool, own: &[Grant], app: &str) -> anyhow::Result<()> {
    let exists: bool = sqlx::query_scalar(IS_ROLE).bind(app).fetch_one(owner).await?;
    ensure!(exists, "there is no role {app}, which database.url names: see deploy/postgres/roles.sql");
    let (database, owns_database, owns_schema): (String, bool, bool) = sqlx::query_as(IS_OURS).fetch_one(owner).await?;
    let (database, app) = (quoted(&database), quoted(app));
    let mut sql = "SELECT pg_advisory_xact_lock(7310); ".to_owned();
    if owns_database {
        sql += &format!(
            "REVOKE ALL ON DATABASE {database} FROM PUBLIC, {app}; GRANT CONNECT ON DATABASE {database} TO {app}; "
        );
    }
    if owns_schema {
        sql += &format!("REVOKE ALL ON SCHEMA public FROM PUBLIC, {app}; GRANT USAGE ON SCHEMA public TO {app}; ");
    }
    for all in ["TABLES", "SEQUENCES", "ROUTINES"] {
        sql += &format!("REVOKE ALL ON ALL {all} IN SCHEMA public FROM PUBLIC, {app}; ");
    }
    for (on, rights) in GRANTS.iter().chain(own) {
        sql += &format!("GRANT {rights} ON {on} TO {app}; ");
    }
    // Several statements in one message are one transaction.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await?;
    let open: Vec<String> = sqlx::query_scalar(OPEN).fetch_all(owner).await?;
    if !open.is_empty() {
        bail!(
            "everybody has {}, and we are not who can change it: let its owner run \
             REVOKE ALL ON DATABASE {database} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC",
            open.join(", ")
        );
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
