//! Who leads: one relay of a service, by a lease on the row of the cursor.
//!
//! Time is the database's, so clocks of replicas do not matter. Every taking increases the epoch, and every write names
//! it: a relay that was paused past its lease finds that it changes no row, and stops (P24). Before it publishes, a relay
//! also asks its own steady clock whether its lease can still be valid; a pause is noticed without a question.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::cursor::Cursor;
use super::error::RelayError;
use crate::crash;

/// How long a lease lasts: what a dead relay had in hand waits for it.
pub(super) const LEASE: Duration = Duration::from_secs(10);

const HOLDER: &str = "SELECT gen_random_uuid()::text";
/// Takes the lease if it is free, over, or was this relay's before its connection broke.
const TAKE: &str = "\
    UPDATE relay SET holder = $1, epoch = epoch + 1, until = clock_timestamp() + make_interval(secs => $2) \
    WHERE until < clock_timestamp() OR holder = $1 RETURNING epoch";
const RENEW: &str = "\
    UPDATE relay SET until = clock_timestamp() + make_interval(secs => $2) WHERE epoch = $1";
const RELEASE: &str = "UPDATE relay SET until = '-infinity' WHERE epoch = $1";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[HOLDER, TAKE, RENEW, RELEASE];

/// What a leader knows.
pub(super) struct Lease {
    epoch: i64,
    /// Before the lease was last taken or renewed.
    renewed: Instant,
    /// Connections to the broker when it was last read back, and when; none: not yet.
    pub checked: Option<(u64, Instant)>,
    /// Per stream the newest sequence that was acknowledged: later ones are higher.
    pub newest: HashMap<String, u64>,
    /// The second that marks are gathered for: its number, when it began, the cursor before it.
    pub slot: Option<(i64, Instant, Cursor)>,
    /// Number of the last slot.
    pub last_slot: i64,
    /// Messages that were sent under a second id.
    resent: u64,
}

/// A name for a relay that nobody else has. It starts with the process id, for people.
pub(super) async fn name(connection: &mut PgConnection) -> Result<String, RelayError> {
    let chance: String = sqlx::query_scalar(HOLDER).fetch_one(connection).await?;
    Ok(format!("{}-{chance}", std::process::id()))
}

impl Lease {
    /// Tries to take the lease.
    pub(super) async fn take(connection: &mut PgConnection, holder: &str) -> Result<Option<Self>, RelayError> {
        let renewed = Instant::now();
        let take = sqlx::query_scalar(TAKE).bind(holder).bind(LEASE.as_secs_f64());
        let epoch: Option<i64> = take.fetch_optional(connection).await?;
        crash::point("relay.leased");
        Ok(epoch.map(|epoch| Self {
            epoch,
            renewed,
            checked: None,
            newest: HashMap::new(),
            slot: None,
            last_slot: 0,
            resent: 0,
        }))
    }

    /// The epoch, as writes name it.
    pub(super) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// A name for a message that the broker mistakes for one it has lost.
    pub(super) fn second_id(&mut self, event_id: uuid::Uuid) -> String {
        self.resent += 1;
        format!("{event_id}.{}.{}", self.epoch, self.resent)
    }

    /// Whether nobody else can lead by now, with room for what is on its way.
    pub(super) fn valid(&self) -> bool {
        self.renewed.elapsed() < LEASE.mul_f64(0.8)
    }

    /// Keeps the lease before something is published; renews it when a third of it is over.
    pub(super) async fn keep(&mut self, connection: &mut PgConnection) -> Result<(), RelayError> {
        if self.renewed.elapsed() > LEASE.mul_f64(0.3) {
            let renewed = Instant::now();
            let renew = sqlx::query(RENEW).bind(self.epoch()).bind(LEASE.as_secs_f64());
            if renew.execute(connection).await?.rows_affected() == 0 {
                return Err(RelayError::Stale);
            }
            self.renewed = renewed;
        }
        if self.valid() { Ok(()) } else { Err(RelayError::Stale) }
    }

    /// The lease was renewed by a write that began then.
    pub(super) fn renewed_at(&mut self, begun: Instant) {
        self.renewed = begun;
    }

    /// Gives the lease back, so that another replica need not wait.
    pub(super) async fn release(&self, connection: &mut PgConnection) -> Result<(), RelayError> {
        sqlx::query(RELEASE).bind(self.epoch).execute(connection).await?;
        Ok(())
    }
}
