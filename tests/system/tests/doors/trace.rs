//! What is in the tables of all six databases, as one digest per table.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqlSafeStr};
use system::World;

/// What moves by itself: how far the journal is published and by whom, how far the time has come, and the seals of what was
/// decided before.
const MACHINERY: [&str; 4] = ["relay", "relay_mark", "time_mark", "audit_chain"];

/// Count of rows and digest of each table, by service and table.
pub type Tables = BTreeMap<(String, String), (i64, String)>;

/// Looks into every database.
pub struct Trace {
    databases: Vec<(String, PgConnection, String)>,
}

impl Trace {
    /// Opens every database.
    pub async fn of(world: &World) -> Self {
        let mut databases = Vec::new();
        for service in local::SERVICES {
            let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await.unwrap();
            let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut database).await.unwrap();
            assert!(tables.iter().any(|table| table == "inbox") && tables.iter().any(|table| table == "parked"));
            let digests = tables.iter().filter(|table| !MACHINERY.contains(&table.as_str())).map(|table| {
                format!(
                    "SELECT '{table}' AS name, count(*) AS rows, \
                     md5(coalesce(string_agg(row, '' ORDER BY row), '')) AS digest \
                     FROM (SELECT md5(t::text) AS row FROM \"{table}\" t) r"
                )
            });
            let query = digests.collect::<Vec<_>>().join(" UNION ALL ");
            databases.push((service.name.to_owned(), database, query));
        }
        Self { databases }
    }

    /// What is in the tables now.
    pub async fn tables(&mut self) -> Tables {
        let mut all = Tables::new();
        for (service, database, query) in &mut self.databases {
            let rows = sqlx::query(AssertSqlSafe(query.clone()).into_sql_str()).fetch_all(database).await.unwrap();
            all.extend(rows.iter().map(|row| {
                let digest = (row.get::<i64, _>("rows"), row.get::<String, _>("digest"));
                ((service.clone(), row.get::<String, _>("name")), digest)
            }));
        }
        all
    }

    /// What is in the tables once nothing is under way any more.
    pub async fn at_rest(&mut self, world: &World) -> Tables {
        let mut before = self.tables().await;
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = self.tables().await;
            if now == before && world.unpublished().await == 0 && world.is_all_taken().await {
                // What was taken last is written by now.
                let last = self.tables().await;
                if last == now {
                    return last;
                }
            }
            before = now;
        }
        panic!("the tables do not come to rest");
    }
}

/// Tables that differ, each with the number of rows it has gained. Partitions stand for their table.
pub fn changed(before: &Tables, after: &Tables) -> BTreeMap<(String, String), i64> {
    let differs = after.iter().filter(|(table, digest)| before.get(table) != Some(digest));
    differs.map(|(table, digest)| (table.clone(), digest.0 - before.get(table).map_or(0, |was| was.0))).collect()
}
