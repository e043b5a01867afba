//! What an auditor reads: the links with their rows, and the rows that are not sealed.

use std::collections::HashMap;
use std::str::FromStr;

use jiff::SignedDuration;
use proto::operations::{AuditField, AuditLink, AuditRow, DifferingRow, UnsealedRow};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use super::Source;

/// Bytes of a page, about: a row can have 64 KiB.
const PAGE_BYTES: usize = 1024 * 1024;

const LINKS: &str = "\
    SELECT number, source, tx, row_id, row_hash, chain_hash, (extract(epoch FROM sealed_at) * 1000000)::bigint AS sealed_at \
    FROM audit_chain WHERE number > $1 ORDER BY number LIMIT $2";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[LINKS];

/// The links after a number, with their rows. Fewer than the limit do not mean that there are no more.
pub(crate) async fn links(
    pool: &PgPool,
    sources: &[&'static Source],
    after: i64,
    limit: i64,
) -> Result<Vec<AuditLink>, sqlx::Error> {
    let rows = sqlx::query(LINKS).bind(after).bind(limit).fetch_all(pool).await?;
    let mut links = rows.iter().map(link).collect::<Result<Vec<_>, _>>()?;
    for source in sources {
        let own = links.iter_mut().filter(|link| link.source == source.name);
        let mut own: HashMap<(i64, i64), Vec<&mut AuditLink>> = own.fold(HashMap::new(), |mut own, link| {
            own.entry((link.tx, link.row_id)).or_default().push(link);
            own
        });
        if own.is_empty() {
            continue;
        }
        let (txs, ids): (Vec<i64>, Vec<i64>) = own.keys().copied().unzip();
        for row in sqlx::query(source.rows).bind(txs).bind(ids).fetch_all(pool).await? {
            let links = own.get_mut(&(row.try_get("tx")?, row.try_get("row_id")?));
            let fields = fields(source, &row)?;
            // Of two rows in one place both are shown: together they are not what was sealed.
            let rows = links.into_iter().flatten().map(|link| link.row.get_or_insert_with(AuditRow::default));
            rows.for_each(|row| row.fields.extend(fields.iter().cloned()));
        }
    }
    let mut bytes = 0;
    let fits = links.iter().take_while(|link| {
        let begun = bytes;
        bytes += prost::Message::encoded_len(*link);
        begun == 0 || bytes <= PAGE_BYTES
    });
    let fits = fits.count();
    links.truncate(fits);
    Ok(links)
}

fn link(row: &PgRow) -> Result<AuditLink, sqlx::Error> {
    Ok(AuditLink {
        number: u64::try_from(row.try_get::<i64, _>("number")?).unwrap_or(0),
        source: row.try_get("source")?,
        tx: row.try_get("tx")?,
        row_id: row.try_get("row_id")?,
        row_hash: row.try_get("row_hash")?,
        chain_hash: row.try_get("chain_hash")?,
        sealed_at_micros: row.try_get("sealed_at")?,
        row: None,
    })
}

fn fields(source: &Source, row: &PgRow) -> Result<Vec<AuditField>, sqlx::Error> {
    let values: Vec<Option<Vec<u8>>> = row.try_get("fields")?;
    let named = source.fields.iter().zip(values);
    Ok(named.map(|(name, value)| AuditField { name: (*name).to_owned(), value }).collect())
}

/// Rows that are not what was decided.
pub(crate) async fn differing(pool: &PgPool, differs: &'static str) -> Result<Vec<DifferingRow>, sqlx::Error> {
    let rows = sqlx::query(differs).fetch_all(pool).await?;
    let row = |row: &PgRow| {
        let row_id = row.try_get("row_id")?;
        Ok(DifferingRow { source: row.try_get("source")?, row_id, what: row.try_get("what")? })
    };
    rows.iter().map(row).collect()
}

/// A row that was looked at, and where the look goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    source: usize,
    tx: i64,
    row_id: i64,
}

impl Place {
    /// As a page token has it.
    pub(crate) fn key(&self) -> String {
        format!("{}.{}.{}", self.source, self.tx, self.row_id)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(());
        let (source, tx, row_id) = (part()?, part()?, part()?);
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { source: source.parse().map_err(|_| ())?, tx: number(tx)?, row_id: number(row_id)? })
    }
}

/// Looks at rows after a place: all of them, with those that are not sealed. `offset`: how far the clock of the rows is ahead
/// of that of the database.
pub(crate) async fn unsealed(
    pool: &PgPool,
    sources: &[&'static Source],
    after: Option<Place>,
    limit: i64,
    offset: SignedDuration,
) -> Result<Vec<(Place, Option<UnsealedRow>)>, sqlx::Error> {
    let mut looked = Vec::new();
    let offset = i64::try_from(offset.as_millis()).unwrap_or(0);
    // From the very first: what nobody else writes is found where nobody else looks.
    let first = |source| Place { source, tx: i64::MIN, row_id: i64::MIN };
    let mut from = after.unwrap_or(first(0));
    while let Some(source) = sources.get(from.source) {
        let left = limit.saturating_sub(i64::try_from(looked.len()).unwrap_or(limit));
        if left <= 0 {
            break;
        }
        let rows = sqlx::query(source.sealed).bind(from.tx).bind(from.row_id).bind(left).fetch_all(pool).await?;
        for row in rows {
            let place = Place { source: from.source, tx: row.try_get("tx")?, row_id: row.try_get("row_id")? };
            let age_ms = row.try_get::<i64, _>("age_ms")?.saturating_add(offset);
            let (tx, row_id) = (place.tx, place.row_id);
            let open = !row.try_get::<bool, _>("sealed")?;
            let open = open.then(|| UnsealedRow { source: source.name.to_owned(), tx, row_id, age_ms });
            looked.push((place, open));
        }
        from = first(from.source + 1);
    }
    Ok(looked)
}
