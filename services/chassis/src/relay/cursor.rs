//! Which rows are next. See the head of [`super`].

use jiff_sqlx::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::error::RelayError;
use super::publish::Acked;

/// Rows published before the cursor moves.
pub(super) const ROUND: i64 = 500;
/// Rows a round is planned for: a long backlog is cut into rounds by transaction id.
const PLANNED: i64 = 5_000;
/// With no more transactions than that there is no long backlog.
const NEAR: i64 = 200;

const LOOK: &str = "\
    SELECT from_tx, to_tx, seq, epoch, rewind_tx, horizon, \
        (SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM journal WHERE tx >= horizon ORDER BY tx, seq LIMIT 1) \
        AS ahead \
    FROM relay, (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon) h";
const ROWS: &str = "\
    SELECT tx, seq, event_id, aggregate, number, subject, payload, trace, at, \
        extract(epoch FROM clock_timestamp() - at)::float8 AS age \
    FROM journal WHERE tx >= $1 AND tx < $2 AND seq > $3 ORDER BY seq LIMIT $4";
/// The numbers of the next rows, and the age of the oldest.
const NUMBERS: &str = "\
    SELECT COALESCE(array_agg(seq ORDER BY seq), '{}') AS seqs, \
        COALESCE(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS age \
    FROM (SELECT seq, at FROM journal WHERE tx >= $1 AND tx < $2 AND seq > $3 ORDER BY seq LIMIT $4) n";
/// Where a long backlog is cut.
const CUT: &str = "SELECT tx FROM journal WHERE tx >= $1 AND tx < $2 ORDER BY tx, seq OFFSET $3 LIMIT 1";
/// The latest transaction outside of a round that must go before a row inside it. Of a long backlog there are many rows
/// outside, and few of them have a lower number than the last one inside.
const OUTSIDE: &str = "\
    WITH last AS MATERIALIZED (SELECT max(seq) AS seq FROM journal WHERE tx >= $1 AND tx < $2), \
    a AS MATERIALIZED (SELECT aggregate, seq, tx FROM journal WHERE tx >= $2 AND seq < (SELECT seq FROM last)) \
    SELECT max(a.tx) FROM a JOIN journal b ON b.aggregate = a.aggregate AND b.seq > a.seq \
    WHERE b.tx >= $1 AND b.tx < $2";
/// What is committed and not behind the cursor, also above the horizon, without what the broker has. Whoever sees a row of
/// an aggregate sees those before it.
const ABOVE: &str = "\
    SELECT tx, seq, event_id, aggregate, number, subject, payload, trace, at, 0::float8 AS age FROM journal \
    WHERE tx >= (SELECT from_tx FROM relay) \
        AND NOT (tx < (SELECT to_tx FROM relay) AND journal.seq <= (SELECT r.seq FROM relay r)) \
        AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) acked (seq) WHERE acked.seq = journal.seq) \
    ORDER BY journal.seq LIMIT $1";
/// Public events of a claim between two numbers.
const PUBLIC: &str = "\
    SELECT tx, seq, event_id, aggregate, number, subject, payload, trace, at, 0::float8 AS age FROM journal \
    WHERE aggregate = $1 AND subject LIKE 'claim.%' AND number > $2 AND number < $3 ORDER BY number";
/// What waits, while nothing can be published. From where the cursor is: a join would read the journal from its beginning.
const BACKLOG: &str = "\
    SELECT count(*) AS rows, COALESCE(max(age), 0) AS age FROM ( \
        SELECT extract(epoch FROM clock_timestamp() - at)::float8 AS age FROM journal \
        WHERE tx >= (SELECT from_tx FROM relay) \
            AND NOT (tx < (SELECT to_tx FROM relay) AND journal.seq <= (SELECT r.seq FROM relay r)) \
        ORDER BY tx, journal.seq LIMIT $1) w";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[LOOK, ROWS, NUMBERS, CUT, OUTSIDE, ABOVE, PUBLIC, BACKLOG];

/// How far the journal is published: all of transactions below `from`; below `to` up to `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub from: i64,
    pub to: i64,
    pub seq: i64,
}

impl Cursor {
    /// Everything below a transaction.
    pub(super) fn at(tx: i64) -> Self {
        Self { from: tx, to: tx, seq: 0 }
    }

    /// A cursor behind which everything is published that is published behind both.
    pub(super) fn before(self, other: Self) -> Self {
        if self == other { self } else { Self::at(self.from.min(other.from)) }
    }

    pub(super) fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { from: row.try_get("from_tx")?, to: row.try_get("to_tx")?, seq: row.try_get("seq")? })
    }
}

/// What a look at the cursor finds.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub cursor: Cursor,
    pub epoch: i64,
    /// Where an operator wants the cursor.
    pub rewind: Option<i64>,
    /// All transactions below it have ended.
    pub horizon: i64,
    /// Age in seconds of the oldest row above the horizon.
    pub ahead: Option<f64>,
}

/// A row of the journal.
pub(crate) struct JournalRow {
    pub tx: i64,
    pub seq: i64,
    pub event_id: Uuid,
    pub aggregate: Uuid,
    pub number: Option<i32>,
    pub subject: String,
    pub payload: Vec<u8>,
    pub trace: Option<String>,
    pub at: jiff::Timestamp,
    /// In seconds, by the clock of the database.
    pub age: f64,
}

pub(super) async fn look(connection: &mut PgConnection) -> Result<Snapshot, RelayError> {
    let row = sqlx::query(LOOK).fetch_one(connection).await?;
    Ok(Snapshot {
        cursor: Cursor::of(&row)?,
        epoch: row.try_get("epoch")?,
        rewind: row.try_get("rewind_tx")?,
        horizon: row.try_get("horizon")?,
        ahead: row.try_get("ahead")?,
    })
}

/// The next rows below the end of a round.
pub(super) struct Page {
    pub numbers: Vec<i64>,
    /// What they say; nothing, if the broker has all of them.
    pub rows: Vec<JournalRow>,
    /// Age of the oldest in seconds.
    pub oldest: f64,
    /// There may be more below the end.
    pub cut: bool,
    /// It is what was handed over and waits.
    pub waits: bool,
}

impl Page {
    /// After a cursor, up to a round of rows. What was handed over by our lanes is not read again, nor is what comes after
    /// it, if more was handed over.
    pub(super) async fn of(
        connection: &mut PgConnection,
        acked: &Acked,
        cursor: Cursor,
        handed: bool,
    ) -> Result<Self, RelayError> {
        if acked.rows() > 0 {
            let asked = sqlx::query(NUMBERS).bind(cursor.from).bind(cursor.to).bind(cursor.seq).bind(PLANNED);
            let row = asked.fetch_one(&mut *connection).await?;
            let (mut numbers, oldest): (Vec<i64>, f64) = (row.try_get("seqs")?, row.try_get("age")?);
            let there = acked.first_of(&numbers);
            let waits = there < numbers.len();
            if !waits || (handed && there > 0) {
                let cut = waits || is_full(there, PLANNED);
                numbers.truncate(there);
                return Ok(Self { numbers, rows: Vec::new(), oldest, cut, waits });
            }
        }
        let rows = sqlx::query(ROWS).bind(cursor.from).bind(cursor.to).bind(cursor.seq).bind(ROUND);
        let rows: Vec<JournalRow> = rows.fetch_all(connection).await?.iter().map(line).collect::<Result<_, _>>()?;
        let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let oldest = rows.iter().map(|row| row.age).fold(0.0, f64::max);
        let cut = is_full(numbers.len(), ROUND);
        Ok(Self { numbers, rows, oldest, cut, waits: false })
    }
}

/// Whether a limit has cut rows off, perhaps.
pub(super) fn is_full(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows == limit)
}

/// What is committed, not behind the cursor, and not on the broker, up to a round of it.
pub(super) async fn above(connection: &mut PgConnection, acked: &Acked) -> Result<Vec<JournalRow>, RelayError> {
    let rows = sqlx::query(ABOVE).bind(ROUND).bind(acked.numbers()).fetch_all(connection).await?;
    Ok(rows.iter().map(line).collect::<Result<_, _>>()?)
}

/// The public events of a claim after one number and before another.
pub(super) async fn public(
    connection: &mut PgConnection,
    claim: Uuid,
    after: i32,
    before: i32,
) -> Result<Vec<JournalRow>, RelayError> {
    let rows = sqlx::query(PUBLIC).bind(claim).bind(after).bind(before).fetch_all(connection).await?;
    Ok(rows.iter().map(line).collect::<Result<_, _>>()?)
}

fn line(row: &PgRow) -> Result<JournalRow, sqlx::Error> {
    Ok(JournalRow {
        tx: row.try_get("tx")?,
        seq: row.try_get("seq")?,
        event_id: row.try_get("event_id")?,
        aggregate: row.try_get("aggregate")?,
        number: row.try_get("number")?,
        subject: row.try_get("subject")?,
        payload: row.try_get("payload")?,
        trace: row.try_get("trace")?,
        at: row.try_get::<Timestamp, _>("at")?.to_jiff(),
        age: row.try_get("age")?,
    })
}

/// The next round from a cursor at a transaction; `None`: the horizon does not allow a round yet.
pub(super) async fn plan(connection: &mut PgConnection, view: &Snapshot) -> Result<Option<Cursor>, RelayError> {
    let (from, horizon) = (view.cursor.from, view.horizon);
    let to = if horizon - from > NEAR {
        cut(connection, from, view).await?
    } else if view.ahead.is_none() || outside(connection, from, horizon).await?.is_none() {
        // Most often that is all, and leaves nothing out.
        Some(horizon)
    } else {
        None
    };
    Ok(to.map(|to| Cursor { to, ..view.cursor }))
}

async fn outside(connection: &mut PgConnection, from: i64, to: i64) -> Result<Option<i64>, RelayError> {
    Ok(sqlx::query_scalar(OUTSIDE).bind(from).bind(to).fetch_one(connection).await?)
}

/// The transaction id up to which a round of a long backlog goes.
async fn cut(connection: &mut PgConnection, from: i64, view: &Snapshot) -> Result<Option<i64>, RelayError> {
    let horizon = view.horizon;
    let cut: Option<i64> =
        sqlx::query_scalar(CUT).bind(from).bind(horizon).bind(PLANNED).fetch_optional(&mut *connection).await?;
    let mut to = cut.map_or(horizon, |cut| cut.max(from + 1));
    // Without rows beyond its end a round leaves nothing out.
    if view.ahead.is_none() && to == horizon {
        return Ok(Some(to));
    }
    loop {
        match outside(connection, from, to).await? {
            None => return Ok(Some(to)),
            Some(tx) if tx >= horizon => return Ok(None),
            Some(tx) => to = tx + 1,
        }
    }
}

/// Rows that wait (up to a round of them), and the age of the oldest in seconds.
pub(super) async fn backlog(connection: &mut PgConnection) -> Result<(u64, f64), RelayError> {
    let row = sqlx::query(BACKLOG).bind(ROUND).fetch_one(connection).await?;
    let rows: i64 = row.try_get("rows")?;
    Ok((u64::try_from(rows).unwrap_or(0), row.try_get("age")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_of_two_cursors_leaves_out_nothing_of_either() {
        let cut = Cursor { from: 5, to: 10, seq: 100 };
        assert_eq!(cut.before(cut), cut);
        assert_eq!(cut.before(Cursor::at(7)), Cursor::at(5), "the rows of 7 to 9 up to 100 are not behind the other");
        assert_eq!(Cursor::at(3).before(cut), Cursor::at(3));
    }
}
