//! What customers have brought by own calls within a day: counted and added to in one transaction, customer by customer.

use std::collections::BTreeMap;

use chassis::{Fault, Tx, Writes};
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::{PgConnection, PgPool};

use crate::domain::{Brought, Piece};
use crate::handle::{Bring, World};

/// There may be no row to lock yet: customers are locked by name, in one order. After the claims, and before keys.
pub(super) const LOCK: &str = "SELECT count(pg_advisory_xact_lock(7312, k.key)) FROM ( \
         SELECT DISTINCT hashtext(c.customer_ref) AS key FROM UNNEST($1::text[]) AS c(customer_ref) ORDER BY key \
     ) AS k";

/// A statement of its own: it has to see what was committed while the lock was waited for.
pub(super) const BROUGHT: &str = "SELECT customer_ref, count(*) FILTER (WHERE bytes IS NULL) AS claims, \
         min(at) FILTER (WHERE bytes IS NULL) AS first_claim, \
         COALESCE(sum(bytes), 0)::bigint AS bytes, min(at) FILTER (WHERE bytes IS NOT NULL) AS first_file \
     FROM customer_brought WHERE customer_ref = ANY($1) AND at > $2 GROUP BY customer_ref";

pub(super) const INSERT: &str = "INSERT INTO customer_brought (id, customer_ref, bytes, at) \
     SELECT id, customer_ref, bytes, at FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[]) \
         AS new (id, customer_ref, bytes, at)";

/// What counts no more goes when the same customer brings more: nobody has to sweep.
pub(super) const FORGET: &str = "DELETE FROM customer_brought WHERE customer_ref = ANY($1) AND at <= $2";

#[derive(sqlx::FromRow)]
struct Row {
    customer_ref: String,
    claims: i64,
    first_claim: Option<Timestamp>,
    bytes: i64,
    first_file: Option<Timestamp>,
}

/// What these customers have brought since then; nobody else adds to it before the transaction ends.
pub(super) async fn lock(
    tx: &mut Tx,
    customers: Vec<String>,
    since: jiff::Timestamp,
) -> Result<BTreeMap<String, Brought>, Fault> {
    sqlx::query(LOCK).bind(&customers).execute(&mut *tx).await?;
    let mut brought = read(tx, &customers, since).await?;
    for customer in customers {
        brought.entry(customer).or_default();
    }
    Ok(brought)
}

/// What a customer has brought since then, to be looked at.
pub async fn brought(pool: &PgPool, customer_ref: &str, since: jiff::Timestamp) -> Result<Brought, Fault> {
    let mut connection = pool.acquire().await?;
    let mut brought = read(&mut connection, &[customer_ref.to_owned()], since).await?;
    Ok(brought.remove(customer_ref).unwrap_or_default())
}

async fn read(
    connection: &mut PgConnection,
    customers: &[String],
    since: jiff::Timestamp,
) -> Result<BTreeMap<String, Brought>, Fault> {
    let query = sqlx::query_as(BROUGHT).bind(customers).bind(since.to_sqlx());
    let rows: Vec<Row> = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.customer_ref.clone(), row.brought())).collect())
}

/// Adds what is brought now, and forgets what counts no more.
pub(super) fn save(writes: &mut Writes, world: &World) {
    let bring = &world.bring;
    if bring.is_empty() {
        return;
    }
    let customers: Vec<String> = bring.iter().map(|one| one.customer_ref.clone()).collect();
    writes.add(FORGET).bind(&customers).bind(world.day_begins.to_sqlx());
    writes
        .exactly(bring.len(), INSERT)
        .bind(bring.iter().map(|one| one.id).collect::<Vec<_>>())
        .bind(&customers)
        .bind(bring.iter().map(bytes).collect::<Vec<_>>())
        .bind(bring.iter().map(|one| one.at.to_sqlx()).collect::<Vec<_>>());
}

fn bytes(bring: &Bring) -> Option<i64> {
    match bring.piece {
        Piece::Claim => None,
        Piece::File(bytes) => Some(i64::try_from(bytes).unwrap_or(i64::MAX)),
    }
}

impl Row {
    fn brought(self) -> Brought {
        Brought {
            claims: self.claims.unsigned_abs(),
            first_claim: self.first_claim.map(Timestamp::to_jiff),
            bytes: self.bytes.unsigned_abs(),
            first_file: self.first_file.map(Timestamp::to_jiff),
        }
    }
}
