//! The cursor moves, forward with marks of what the broker acknowledged, back when that is gone.

use std::time::{Duration, Instant};

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::cursor::Cursor;
use super::error::RelayError;
use super::lease::{LEASE, Lease};
use super::publish::Acked;

/// One mark of a stream is kept for so long a time.
const SLOT: Duration = Duration::from_secs(1);

/// Moves the cursor, renews the lease, and marks the newest message of each stream, all under the epoch.
const MOVE: &str = "\
    WITH moved AS ( \
        UPDATE relay SET from_tx = $1, to_tx = $2, seq = $3, until = clock_timestamp() + make_interval(secs => $4) \
        WHERE epoch = $5 RETURNING 1 \
    ), marked AS ( \
        INSERT INTO relay_mark (slot, stream, sequence, event_id, from_tx, to_tx, seq, at) \
        SELECT $6, stream, sequence, event_id, $7, $8, $9, clock_timestamp() \
        FROM UNNEST($10::text[], $11::bigint[], $12::uuid[]) AS m(stream, sequence, event_id), moved \
        ON CONFLICT (stream, slot) DO UPDATE \
        SET sequence = EXCLUDED.sequence, event_id = EXCLUDED.event_id, at = EXCLUDED.at \
        WHERE EXCLUDED.sequence > relay_mark.sequence \
    ) \
    SELECT count(*), set_config('synchronous_commit', 'off', true) FROM moved";
/// Moves the cursor back; marks from a slot on are void.
const REWIND: &str = "\
    WITH moved AS ( \
        UPDATE relay SET from_tx = $1, to_tx = $2, seq = $3, rewind_tx = NULL, \
            until = clock_timestamp() + make_interval(secs => $4) \
        WHERE epoch = $5 RETURNING 1 \
    ), void AS ( \
        DELETE FROM relay_mark WHERE slot >= $6 AND EXISTS (SELECT FROM moved) \
    ) \
    SELECT count(*) FROM moved";
/// Rows between an earlier place and the cursor. Nobody waits for the exact number of millions.
const BETWEEN: &str = "\
    SELECT count(*) FROM ( \
        SELECT FROM journal j, relay r \
        WHERE j.tx >= $1 AND NOT (j.tx < $2 AND j.seq <= $3) \
        AND (j.tx < r.from_tx OR (j.tx < r.to_tx AND j.seq <= r.seq)) LIMIT 1000000) b";
/// The newest mark of each stream; its age is in seconds.
const NEWEST: &str = "\
    SELECT DISTINCT ON (stream) slot, stream, sequence, event_id, from_tx, to_tx, seq, \
        extract(epoch FROM clock_timestamp() - at)::float8 AS age \
    FROM relay_mark ORDER BY stream, slot DESC";
const OLDER: &str = "\
    SELECT slot, stream, sequence, event_id, from_tx, to_tx, seq, \
        extract(epoch FROM clock_timestamp() - at)::float8 AS age \
    FROM relay_mark WHERE stream = $1 AND slot < $2 ORDER BY slot DESC";
/// The last ten minutes are kept, and the last hundred of each stream: more than a broker can lose that flushes its
/// disk every two minutes.
const TRIM: &str = "\
    DELETE FROM relay_mark m WHERE at < clock_timestamp() - interval '10 minutes' \
    AND (SELECT count(*) FROM relay_mark n WHERE n.stream = m.stream AND n.slot > m.slot) >= 100";
/// The first transaction whose rows a stream would still hold: about the lowest id of the oldest rows. The time of the
/// statement, which an index can look for; a clock that goes on meanwhile it cannot.
const HELD: &str = "\
    SELECT min(tx) FROM ( \
        SELECT tx FROM journal WHERE at >= statement_timestamp() - make_interval(secs => $1) ORDER BY at, seq LIMIT 1000) h";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[MOVE, REWIND, BETWEEN, NEWEST, OLDER, TRIM, HELD];

/// The newest message that a stream acknowledged in one second.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub slot: i64,
    pub stream: String,
    pub sequence: u64,
    /// What the message is called: its event, or the name of its batch.
    pub event_id: Uuid,
    /// The cursor before that second.
    pub before: Cursor,
    pub age: Duration,
}

fn mark(row: &PgRow) -> Result<Mark, sqlx::Error> {
    Ok(Mark {
        slot: row.try_get("slot")?,
        stream: row.try_get("stream")?,
        sequence: u64::try_from(row.try_get::<i64, _>("sequence")?).unwrap_or(0),
        event_id: row.try_get("event_id")?,
        before: Cursor::of(row)?,
        age: Duration::try_from_secs_f64(row.try_get("age")?).unwrap_or_default(),
    })
}

/// The newest mark of each stream.
pub(super) async fn newest(connection: &mut PgConnection) -> Result<Vec<Mark>, RelayError> {
    let rows = sqlx::query(NEWEST).fetch_all(connection).await?;
    Ok(rows.iter().map(mark).collect::<Result<_, _>>()?)
}

/// Those before a mark, newest first.
pub(super) async fn older(connection: &mut PgConnection, than: &Mark) -> Result<Vec<Mark>, RelayError> {
    let rows = sqlx::query(OLDER).bind(&than.stream).bind(than.slot).fetch_all(connection).await?;
    Ok(rows.iter().map(mark).collect::<Result<_, _>>()?)
}

/// Forgets marks that are too old to be needed.
pub(super) async fn trim(connection: &mut PgConnection) -> Result<(), RelayError> {
    sqlx::query(TRIM).execute(connection).await?;
    Ok(())
}

/// The cursor behind which there is nothing that a stream with a limit of age would still hold.
pub(super) async fn held(connection: &mut PgConnection, max_age: Duration) -> Result<Option<Cursor>, RelayError> {
    let tx: Option<i64> = sqlx::query_scalar(HELD).bind(max_age.as_secs_f64()).fetch_one(connection).await?;
    Ok(tx.map(Cursor::at))
}

/// Rows that would be published again from a cursor on.
pub(super) async fn between(connection: &mut PgConnection, cursor: Cursor) -> Result<u64, RelayError> {
    let rows = sqlx::query_scalar(BETWEEN).bind(cursor.from).bind(cursor.to).bind(cursor.seq);
    let rows: i64 = rows.fetch_one(connection).await?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

impl Lease {
    /// Moves the cursor forward after a round that began at `before`.
    pub(super) async fn move_to(
        &mut self,
        connection: &mut PgConnection,
        before: Cursor,
        to: Cursor,
        acked: &Acked,
    ) -> Result<(), RelayError> {
        let slot = match self.slot {
            Some(slot) if slot.1.elapsed() < SLOT => slot,
            _ => (self.last_slot + 1, Instant::now(), before),
        };
        let newest = acked.newest();
        let streams: Vec<&str> = newest.keys().copied().collect();
        let sequences: Vec<i64> = newest.values().map(|(at, _)| i64::try_from(*at).unwrap_or(i64::MAX)).collect();
        let ids: Vec<Uuid> = newest.values().map(|(_, id)| *id).collect();
        let begun = Instant::now();
        let moved = sqlx::query_scalar(MOVE)
            .bind(to.from)
            .bind(to.to)
            .bind(to.seq)
            .bind(LEASE.as_secs_f64())
            .bind(self.epoch())
            .bind(slot.0)
            .bind(slot.2.from)
            .bind(slot.2.to)
            .bind(slot.2.seq)
            .bind(streams)
            .bind(sequences)
            .bind(ids);
        let moved: i64 = moved.fetch_one(connection).await?;
        if moved == 0 {
            return Err(RelayError::Stale);
        }
        self.renewed_at(begun);
        (self.slot, self.last_slot) = (Some(slot), slot.0);
        Ok(())
    }

    /// Moves the cursor back; marks from `void` on are forgotten.
    pub(super) async fn move_back(
        &mut self,
        connection: &mut PgConnection,
        to: Cursor,
        void: i64,
    ) -> Result<(), RelayError> {
        let begun = Instant::now();
        let moved = sqlx::query_scalar(REWIND).bind(to.from).bind(to.to).bind(to.seq).bind(LEASE.as_secs_f64());
        let moved: i64 = moved.bind(self.epoch()).bind(void).fetch_one(connection).await?;
        if moved == 0 {
            return Err(RelayError::Stale);
        }
        self.renewed_at(begun);
        self.slot = None;
        Ok(())
    }

    /// Learns the newest marks: what comes next has a higher sequence and a later slot.
    pub(super) fn learn(&mut self, marks: &[Mark]) {
        self.newest = marks.iter().map(|mark| (mark.stream.clone(), mark.sequence)).collect();
        let last = marks.iter().map(|mark| mark.slot).max().unwrap_or(0);
        self.last_slot = self.last_slot.max(last);
    }
}
