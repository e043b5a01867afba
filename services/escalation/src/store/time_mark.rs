//! The time that counts: the database's clock, which never goes back (P57).

use chassis::row::time;
use chassis::{Fault, Tx};
use sqlx::PgPool;

use crate::world::Time;

/// Not more often than needed: a jump back of less is no jump.
pub(super) const MARK: &str = "UPDATE time_mark SET at = now() WHERE at < now() - interval '200 milliseconds'";

pub(super) const READ: &str = "SELECT now() AS now, greatest(now(), at) AS at FROM time_mark";

/// Keeps how far the time has come.
pub(super) async fn mark(pool: &PgPool) -> Result<(), Fault> {
    sqlx::query(MARK).execute(pool).await?;
    Ok(())
}

/// The time.
pub async fn read(tx: &mut Tx) -> Result<Time, Fault> {
    let row = sqlx::query(READ).fetch_one(tx).await?;
    let (now, at) = (time(&row, "now")?, time(&row, "at")?);
    Ok(Time { now: at, ahead: at.duration_since(now) })
}
