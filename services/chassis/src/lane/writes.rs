//! What a batch writes: gathered, and sent to the database as one statement. With little load a claim waits for round
//! trips more than for anything else; ten statements of a transaction took twice as long as the same work in one.
//!
//! All parts of the statement see the tables as they were before it, in whatever order. So none may look for rows of
//! another one, or change a row that another one makes or changes. Foreign keys are checked when all is written.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Row, Type};

use super::Tx;
use crate::Fault;

/// Where a statement tells how many rows the parts before it have written, of which that was asked.
pub(super) const WROTE: &str = "'{}'::bigint[] AS wrote";
/// Ends parts that need no other end.
pub(super) const NOTHING: &str = "SELECT '{}'::bigint[] AS wrote";

/// The texts of statements by what they are made of: few, since a batch writes few kinds of things.
static TEXTS: LazyLock<Mutex<HashMap<MadeOf, Arc<str>>>> = LazyLock::new(Mutex::default);

/// Texts of parts, and whether their rows are counted.
type MadeOf = Vec<(&'static str, bool)>;

/// What a batch writes.
#[derive(Default)]
pub struct Writes {
    parts: Vec<Part>,
    arguments: PgArguments,
    /// Why an argument cannot be sent.
    unsent: Option<String>,
}

struct Part {
    sql: &'static str,
    arguments: usize,
    /// Rows that it must write.
    exactly: Option<usize>,
}

impl Writes {
    /// Adds an INSERT, UPDATE or DELETE without RETURNING; its arguments follow.
    pub fn add(&mut self, sql: &'static str) -> &mut Self {
        self.parts.push(Part { sql, arguments: 0, exactly: None });
        self
    }

    /// The same, and it must write so many rows: with fewer, or when a row is there already, somebody else was faster, and
    /// the batch is tried again.
    pub fn exactly(&mut self, rows: usize, sql: &'static str) -> &mut Self {
        self.parts.push(Part { sql, arguments: 0, exactly: Some(rows) });
        self
    }

    /// The next argument of what was added last.
    pub fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.arguments.add(value) {
            self.unsent.get_or_insert_with(|| error.to_string());
        }
        if let Some(part) = self.parts.last_mut() {
            part.arguments += 1;
        }
        self
    }

    /// Writes what was gathered so far: what follows may change its rows.
    pub async fn flush(&mut self, tx: &mut Tx) -> Result<(), Fault> {
        if !self.parts.is_empty() {
            self.add(NOTHING).run(tx).await?;
        }
        Ok(())
    }

    /// Sends all parts. The last one is a query with [`WROTE`] among its columns, and WITH before it at most: gives its row.
    pub(super) async fn run(&mut self, tx: &mut Tx) -> Result<PgRow, Fault> {
        let Self { parts, arguments, unsent } = std::mem::take(self);
        if let Some(why) = unsent {
            return Err(Fault::Permanent(why));
        }
        let expected: Vec<i64> = (parts.iter())
            .filter_map(|part| part.exactly)
            .map(|rows| i64::try_from(rows).unwrap_or(i64::MAX))
            .collect();
        // Every part is a text of ours, and what comes from outside is an argument.
        let sent = sqlx::query_with(AssertSqlSafe(text(&parts)), arguments).fetch_one(tx).await;
        let row = match sent {
            Err(error) if is_raced(&parts, &error) => {
                return Err(Fault::Transient(format!("somebody else was faster: {error}")));
            }
            sent => sent?,
        };
        let wrote: Vec<i64> = row.try_get("wrote")?;
        if wrote != expected {
            return Err(Fault::Transient(format!(
                "{wrote:?} of {expected:?} rows were written: somebody else was faster"
            )));
        }
        Ok(row)
    }
}

/// Whether a row is there already of a table in which it was known not to be.
fn is_raced(parts: &[Part], error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error().filter(|error| error.is_unique_violation()) else { return false };
    let Some(table) = error.table() else { return false };
    parts.iter().any(|part| part.exactly.is_some() && part.sql.split_whitespace().any(|word| word == table))
}

fn text(parts: &[Part]) -> Arc<str> {
    let made_of = parts.iter().map(|part| (part.sql, part.exactly.is_some())).collect();
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(texts.entry(made_of).or_insert_with(|| compose(parts).into()))
}

/// All but the last part become parts of its WITH, and arguments are numbered on.
fn compose(parts: &[Part]) -> String {
    let Some((last, parts)) = parts.split_last() else { return String::new() };
    let (mut text, mut wrote, mut before) = (String::new(), Vec::new(), 0);
    for (at, part) in parts.iter().enumerate() {
        let returning = if part.exactly.is_some() { " RETURNING 1" } else { "" };
        let with = if at == 0 { "WITH" } else { "," };
        let _ = write!(text, "{with} part_{at} AS ({}{returning})", shifted(part.sql, before));
        if part.exactly.is_some() {
            wrote.push(format!("(SELECT count(*) FROM part_{at})"));
        }
        before += part.arguments;
    }
    let last = shifted(last.sql, before).replacen(WROTE, &format!("ARRAY[{}]::bigint[] AS wrote", wrote.join(", ")), 1);
    match last.strip_prefix("WITH ") {
        Some(more) if !text.is_empty() => format!("{text}, {more}"),
        _ if text.is_empty() => last,
        _ => format!("{text} {last}"),
    }
}

/// `$1` and so on, with higher numbers.
fn shifted(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => drop(write!(text, "${}{rest}", number + by)),
            Err(_) => drop(write!(text, "${piece}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_one_statement_with_arguments_numbered_on() {
        let mut writes = Writes::default();
        writes.add("INSERT INTO a SELECT $1, $2").bind(1_i32).bind(2_i32);
        writes.exactly(3, "UPDATE b SET c = $1").bind(3_i32);
        writes
            .add("WITH d AS (INSERT INTO e SELECT $1, '$') SELECT '{}'::bigint[] AS wrote, $2")
            .bind(4_i32)
            .bind(5_i32);
        assert_eq!(
            compose(&writes.parts),
            "WITH part_0 AS (INSERT INTO a SELECT $1, $2), part_1 AS (UPDATE b SET c = $3 RETURNING 1), \
             d AS (INSERT INTO e SELECT $4, '$') SELECT ARRAY[(SELECT count(*) FROM part_1)]::bigint[] AS wrote, $5"
        );
    }

    #[test]
    fn a_statement_alone_stays_as_it_is_and_parts_alone_get_an_end() {
        let mut writes = Writes::default();
        writes.add("WITH d AS (SELECT $10) SELECT '{}'::bigint[] AS wrote FROM d");
        assert_eq!(compose(&writes.parts), "WITH d AS (SELECT $10) SELECT ARRAY[]::bigint[] AS wrote FROM d");
        let mut writes = Writes::default();
        writes.add("DELETE FROM a WHERE b = $1").bind(1_i32).add(NOTHING);
        assert_eq!(
            compose(&writes.parts),
            "WITH part_0 AS (DELETE FROM a WHERE b = $1) SELECT ARRAY[]::bigint[] AS wrote"
        );
    }
}
