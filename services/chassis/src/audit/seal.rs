//! Sealing: one transaction adds links for the next rows of all sources.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::Source;
use super::format::{self, Field, Hash, Link};
use crate::{Fault, crash};

/// Rows of one source that are sealed at once.
pub(super) const BATCH: i64 = 200;

/// Of two replicas one seals, and the other one does not wait for it.
const TURN: &str = "SELECT pg_try_advisory_xact_lock(7311)";
/// The end of the chain, the time, and the horizon: all transactions below it have ended.
const HEAD: &str = "\
    SELECT now.horizon, now.at, c.number, c.chain_hash \
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon, \
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at) now \
    LEFT JOIN LATERAL (SELECT number, chain_hash FROM audit_chain ORDER BY number DESC LIMIT 1) c ON true";
const APPEND: &str = "\
    INSERT INTO audit_chain (number, source, tx, row_id, row_hash, chain_hash, sealed_at) \
    SELECT number, source, tx, row_id, row_hash, chain_hash, $1 \
    FROM UNNEST($2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[]) \
        AS l(number, source, tx, row_id, row_hash, chain_hash)";
const LINK: &str = "SELECT chain_hash FROM audit_chain WHERE number = $1";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[TURN, HEAD, APPEND, LINK];

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// 0: there is none yet.
    pub number: u64,
    pub hash: Hash,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Another replica seals.
    Other,
    /// So many links were added; `more`: there is more to seal.
    Sealed { links: usize, more: bool },
}

struct Found {
    tx: i64,
    row_id: i64,
    fields: Vec<Option<Vec<u8>>>,
}

/// Age in seconds of the oldest row that is not sealed; `None`: there is none.
pub(super) async fn oldest(pool: &PgPool, sources: &[&'static Source]) -> Result<Option<f64>, Fault> {
    let mut oldest: Option<f64> = None;
    for source in sources {
        let age: Option<f64> = sqlx::query_scalar(source.oldest).fetch_optional(pool).await?;
        oldest = match (oldest, age) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
    }
    Ok(oldest)
}

/// The end of the chain.
pub(super) async fn head(pool: &PgPool, service: &str) -> Result<Head, Fault> {
    let row = sqlx::query(HEAD).fetch_one(pool).await?;
    Ok(end(&row, service)?)
}

/// The hash of a link.
pub(super) async fn hash(pool: &PgPool, number: u64) -> Result<Option<Vec<u8>>, Fault> {
    let Ok(number) = i64::try_from(number) else { return Ok(None) };
    Ok(sqlx::query_scalar(LINK).bind(number).fetch_optional(pool).await?)
}

/// Seals the next rows of all sources.
pub(super) async fn turn(pool: &PgPool, service: &str, sources: &[&'static Source]) -> Result<Turn, Fault> {
    #[expect(clippy::disallowed_methods, reason = "links are added all or none, and no lane waits for them")]
    let mut tx = pool.begin().await?;
    let ours: bool = sqlx::query_scalar(TURN).fetch_one(&mut *tx).await?;
    if !ours {
        return Ok(Turn::Other);
    }
    let now = sqlx::query(HEAD).fetch_one(&mut *tx).await?;
    let horizon: i64 = now.try_get("horizon")?;
    let mut head = end(&now, service)?;
    let mut rows = Links::new(now.try_get("at")?);
    let mut more = false;
    for source in sources {
        let found = sqlx::query(source.next).bind(horizon).bind(BATCH).fetch_all(&mut *tx).await?;
        more |= i64::try_from(found.len()).unwrap_or(BATCH) >= BATCH;
        for row in found {
            head = rows.add(head, source, &read(&row)?);
        }
    }
    let links = rows.number.len();
    if links > 0 {
        rows.append(&mut tx).await?;
        crash::point("audit.before_commit");
        tx.commit().await?;
        crash::point("audit.sealed");
    }
    Ok(Turn::Sealed { links, more })
}

fn end(row: &PgRow, service: &str) -> Result<Head, sqlx::Error> {
    let number: Option<i64> = row.try_get("number")?;
    let hash: Option<Vec<u8>> = row.try_get("chain_hash")?;
    let end = number.and_then(|number| u64::try_from(number).ok()).zip(hash.and_then(|hash| hash.try_into().ok()));
    Ok(end.map_or_else(|| Head { number: 0, hash: format::genesis(service) }, |(number, hash)| Head { number, hash }))
}

fn read(row: &PgRow) -> Result<Found, sqlx::Error> {
    Ok(Found { tx: row.try_get("tx")?, row_id: row.try_get("row_id")?, fields: row.try_get("fields")? })
}

/// Links by column.
struct Links {
    at: i64,
    number: Vec<i64>,
    source: Vec<&'static str>,
    tx: Vec<i64>,
    row_id: Vec<i64>,
    row_hash: Vec<Vec<u8>>,
    chain_hash: Vec<Vec<u8>>,
}

impl Links {
    fn new(at: i64) -> Self {
        let (number, source, tx, row_id, row_hash, chain_hash) = Default::default();
        Self { at, number, source, tx, row_id, row_hash, chain_hash }
    }

    /// Adds the link of a row behind the end of the chain; gives the new end.
    fn add(&mut self, head: Head, source: &'static Source, found: &Found) -> Head {
        let fields: Vec<Field<'_>> =
            source.fields.iter().copied().zip(found.fields.iter().map(Option::as_deref)).collect();
        let link = Link {
            number: head.number + 1,
            source: source.name.to_owned(),
            tx: found.tx,
            row_id: found.row_id,
            row_hash: format::row(source.name, &fields),
            sealed_at: self.at,
        };
        let hash = format::chain(&head.hash, &link);
        self.number.push(i64::try_from(link.number).unwrap_or(i64::MAX));
        self.source.push(source.name);
        self.tx.push(found.tx);
        self.row_id.push(found.row_id);
        self.row_hash.push(link.row_hash.to_vec());
        self.chain_hash.push(hash.to_vec());
        Head { number: link.number, hash }
    }

    async fn append(self, tx: &mut sqlx::PgConnection) -> Result<(), Fault> {
        let at = Timestamp::from_microsecond(self.at).map_err(|error| Fault::Permanent(error.to_string()))?;
        let append = sqlx::query(APPEND).bind(at.to_sqlx()).bind(self.number).bind(self.source).bind(self.tx);
        append.bind(self.row_id).bind(self.row_hash).bind(self.chain_hash).execute(tx).await?;
        Ok(())
    }
}
