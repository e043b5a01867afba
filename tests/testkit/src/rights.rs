//! What the role that serves may do: enough for every statement, and no more than the statements need.

use chassis::Grant;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use crate::TestService;

/// PostgreSQL refuses for want of a right.
const DENIED: &str = "42501";
/// The functions of triggers that run as whoever makes them run.
const TRIGGERS: &str = "SELECT DISTINCT prosrc FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid WHERE NOT p.prosecdef AND NOT t.tgisinternal";

impl TestService {
    /// Prepares every statement against the migrated schema as the role that serves, and plans it, which asks for its
    /// rights.
    ///
    /// # Panics
    /// If PostgreSQL refuses one.
    pub async fn prepare_all(&self, statements: &[&'static str]) {
        assert!(!statements.is_empty(), "there is nothing to prepare");
        let mut connection = PgConnection::connect(&self.home.app_url()).await.expect("PostgreSQL answers");
        let mut refused = Vec::new();
        for (at, statement) in statements.iter().enumerate() {
            let prepared = connection.prepare(AssertSqlSafe(*statement).into_sql_str()).await.map(drop);
            assert!(prepared.is_ok(), "{:?} in {statement}", prepared.err());
            let explain = plan(&mut connection, at, statement).await;
            match sqlx::query_scalar::<_, String>(AssertSqlSafe(explain)).fetch_all(&mut connection).await {
                Ok(plan) => {
                    let whole = whole_table(&plan).or_else(|| whole_index(&plan));
                    refused.extend(whole.map(|table| format!("{table} is read as a whole by {statement}")))
                }
                Err(error) => refused.push(format!("{error} in {statement}")),
            }
        }
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }

    /// Takes each right away in turn: a statement must miss it. Rights on sequences are not looked at.
    ///
    /// # Panics
    /// If there are rights that no statement needs; it tells what would be enough.
    pub async fn needs_all(&self, grants: &[Grant], statements: &[&'static str]) {
        let app = self.home.service.name;
        let mut admin = PgConnection::connect(&self.home.database_url()).await.expect("PostgreSQL answers");
        let mut plans = Vec::new();
        for (at, statement) in statements.iter().enumerate() {
            plans.push((*statement, plan(&mut admin, at, statement).await));
        }
        // What triggers read is read by whoever makes them run; no plan shows it.
        let triggers: Vec<String> =
            sqlx::query_scalar(TRIGGERS).fetch_all(&mut admin).await.expect("functions are told");
        let mut enough = String::new();
        let mut spare = false;
        for (on, rights) in grants.iter().filter(|(on, _)| !on.starts_with("SEQUENCE")) {
            let rights = each(rights);
            let mut needed = Vec::new();
            for right in &rights {
                // Names are ours.
                let without = format!("BEGIN; REVOKE {right} ON {on} FROM {app}; SET LOCAL ROLE {app}");
                admin.execute(AssertSqlSafe(without)).await.expect("it was granted");
                if (right == "SELECT" && triggers.iter().any(|text| text.contains(on)))
                    || misses(&mut admin, on, &plans).await
                {
                    needed.push(right.as_str());
                } else {
                    spare = true;
                }
                admin.execute("ROLLBACK").await.expect("there is a transaction");
            }
            enough += &format!("    (\"{on}\", \"{}\"),\n", needed.join(", "));
        }
        assert!(!spare, "this would be enough:\n{enough}");
    }
}

/// Rights one by one, those on columns column by column.
fn each(rights: &str) -> Vec<String> {
    let (whole, columns) = rights.split_once("UPDATE (").unwrap_or((rights, ""));
    let whole = whole.split(", ").filter(|right| !right.is_empty()).map(str::to_owned);
    let columns = columns.trim_end_matches(')').split(", ").filter(|column| !column.is_empty());
    whole.chain(columns.map(|column| format!("UPDATE ({column})"))).collect()
}

async fn misses(admin: &mut PgConnection, table: &str, plans: &[(&str, String)]) -> bool {
    for (_, plan) in plans.iter().filter(|(statement, _)| statement.contains(table)) {
        if let Err(error) = admin.execute(AssertSqlSafe(plan.clone())).await {
            let code = error.as_database_error().and_then(|error| error.code());
            assert_eq!(code.as_deref(), Some(DENIED), "{error} in {plan}");
            return true;
        }
    }
    false
}

/// Tables that stay small.
const SMALL: [&str; 6] = ["relay", "relay_mark", "parked", "time_mark", "legal_hold", "_sqlx_migrations"];

/// The table that a plan reads as a whole, although it was planned as if that cost a fortune.
fn whole_table(plan: &[String]) -> Option<&str> {
    let read = plan.iter().filter_map(|line| line.split_once("Seq Scan on ")?.1.split_whitespace().next());
    read.into_iter().find(|table| !SMALL.contains(table))
}

/// The journal, if a plan reads it along the whole of an index and looks at each row. (A page of another table may be read so,
/// where its filters are not given.)
fn whole_index(plan: &[String]) -> Option<&str> {
    let scans = plan.iter().enumerate().filter(|(_, line)| line.contains("Index") && line.contains(" using "));
    scans.into_iter().find_map(|(at, line)| {
        let table = line.split_once(" on ")?.1.split_whitespace().next()?;
        let of_scan = || plan[at + 1..].iter().take_while(|line| !line.contains("->"));
        let has = |what: &str| of_scan().any(|line| line.trim_start().starts_with(what));
        (has("Filter:") && !has("Index Cond:") && table.starts_with("journal")).then_some(table)
    })
}

/// Prepares a statement; gives what plans it, with nothing known of its parameters.
async fn plan(connection: &mut PgConnection, at: usize, statement: &str) -> String {
    let settings = chassis::PLANS.map(|(name, value)| format!("SET {name} = {value};")).join(" ");
    let prepare = format!("{settings} PREPARE s{at} AS {statement}");
    let prepared = connection.execute(AssertSqlSafe(prepare)).await;
    assert!(prepared.is_ok(), "{:?} in {statement}", prepared.err());
    let count = "SELECT coalesce(cardinality(parameter_types), 0) FROM pg_prepared_statements WHERE name = $1";
    let count: i32 =
        sqlx::query_scalar(count).bind(format!("s{at}")).fetch_one(connection).await.expect("it was prepared");
    let nulls = vec!["NULL"; usize::try_from(count).unwrap_or(0)].join(", ");
    if nulls.is_empty() { format!("EXPLAIN EXECUTE s{at}") } else { format!("EXPLAIN EXECUTE s{at} ({nulls})") }
}
