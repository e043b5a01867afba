//! What nobody asks for: answers that are too old to be asked again go, and messages that wait behind nothing go on.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Fault;
use crate::operations::Operations;

/// How often orphans are looked for.
const EVERY: Duration = Duration::from_secs(10);
/// How many looks there are between two trims.
const TRIM: u32 = 30;

/// Idempotency keys are kept for thirty days; in small steps, so that nobody waits for the lock of a row for long.
const FORGET: &str = "\
    DELETE FROM inbox WHERE ctid = ANY(ARRAY( \
        SELECT ctid FROM inbox WHERE at < now() + make_interval(secs => $1) - interval '30 days' LIMIT 1000))";
/// Claims whose messages were parked behind one that another replica was just done with.
const ORPHANS: &str = "\
    SELECT aggregate FROM parked GROUP BY aggregate HAVING bool_and(reason = 'BEHIND_PARKED') LIMIT 100";

/// The statements of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[FORGET, ORPHANS];

/// Works until the service stops.
pub(crate) async fn run(service: &'static str, operations: Operations, stop: CancellationToken) {
    for look in 0u32.. {
        tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = stop.cancelled() => return }
        let done = async {
            orphans(&operations).await?;
            if look % TRIM == 0 { forget(&operations).await } else { Ok(()) }
        };
        // A dead connection must not hold it up.
        let done = tokio::time::timeout(EVERY, done).await;
        if let Err(fault) = done.unwrap_or_else(|_| Err(Fault::Transient("it took too long".to_owned()))) {
            tracing::warn!(service, %fault, "housekeeping will try again");
        }
    }
}

async fn forget(operations: &Operations) -> Result<(), Fault> {
    let ahead = operations.clock.offset().as_secs_f64();
    while sqlx::query(FORGET).bind(ahead).execute(&operations.pool).await?.rows_affected() > 0 {}
    Ok(())
}

async fn orphans(operations: &Operations) -> Result<(), Fault> {
    let orphans: Vec<Uuid> = sqlx::query_scalar(ORPHANS).fetch_all(&operations.pool).await?;
    for aggregate in orphans {
        let redriven = operations.redrive(aggregate).await;
        redriven.map_err(|status| Fault::Transient(status.message().to_owned()))?;
    }
    Ok(())
}
