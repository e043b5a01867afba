//! The database: pools, migrations, rights, and the check that it may be served on.

mod check;
mod grants;
mod migrate;
mod target;

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use crate::metrics;

pub(crate) use check::{STATEMENTS, check};
pub use grants::{GRANTS, Grant};
pub(crate) use migrate::migrate;
pub use migrate::migrator;
pub(crate) use target::DatabaseTarget;

/// The tables every service has: journal, inbox, parked, relay.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The limits that every connection of a service has.
const LIMITS: [(&str, &str); 9] = [
    ("statement_timeout", "10s"),
    ("lock_timeout", "5s"),
    // What a dead client leaves behind holds its locks no longer than a lane's next tries take.
    ("idle_in_transaction_session_timeout", "10s"),
    // A peer that is gone must not keep its locks: the server looks for it, also in the middle of a statement.
    ("tcp_user_timeout", "10000"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("client_connection_check_interval", "2s"),
    ("TimeZone", "UTC"),
];

/// How the statements of lanes and relays are planned: once, along indexes, whatever is known of the tables. They are
/// about few rows of large tables; but they are planned soon after the start, when the tables are empty or nothing is known of
/// them, and would read whole tables until somebody replans them.
pub const PLANS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Longest a read may take.
const READ_LIMIT: &str = "5s";
/// Longest wait for a connection to the pool.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);
/// Longest a connection may take to show that it is alive.
const PING_LIMIT: Duration = Duration::from_secs(1);
/// A connection that was used so recently is not asked whether it is alive.
const FRESH: Duration = Duration::from_secs(1);

/// The pool for reads. Reads never feed a write.
///
/// A link that swallows everything must not empty it for ever (P32): a connection is asked whether it is alive before
/// it is given out and before it is taken back, each time with a limit, and it is dropped if it does not answer. The
/// pool's own question has none.
pub(crate) fn reads(service: &'static str, options: PgConnectOptions, size: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_LIMIT)
        .test_before_acquire(false)
        .after_connect(move |_, _| {
            Box::pin(async move {
                metrics::connected(service);
                Ok(())
            })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move { if meta.idle_for < FRESH { Ok(true) } else { answers(connection).await } })
        })
        .after_release(|connection, _| Box::pin(answers(connection)))
        .connect_lazy_with(options.options([("statement_timeout", READ_LIMIT)]))
}

async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let late = || sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the connection does not answer"));
    tokio::time::timeout(PING_LIMIT, connection.ping()).await.map_err(|_| late())?.map(|()| true)
}

/// Versions of the schema that were applied. The role that serves may read this table and no more.
pub(crate) const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";
