//! What a batch writes: gathered, and sent to the database as one statement. With little load a claim waits for round
//! trips more than for anything else; ten statements of a transaction took twice as long as the same work in one.
//!
//! All parts of the statement see the tables as they were before it, in whatever order. So none may look for rows of
//! another one, or change a row that another one makes or changes: what has to come later goes into the next statement
//! ([`Writes::then`]). Foreign keys are checked when all is written.
//!
//! A statement alone is a transaction by itself. What it must have written or found it looks at itself then, and fails if
//! that is not so: nothing of it is kept.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, Postgres, Row, Type};

use super::{Tx, journal};
use crate::Fault;

/// The texts of statements by what they are made of: few, since a batch writes few kinds of things.
static TEXTS: LazyLock<Mutex<HashMap<MadeOf, Arc<str>>>> = LazyLock::new(Mutex::default);

/// Texts of parts and how their rows count, what ends the statement, and whether it is alone.
type MadeOf = (Vec<(&'static str, Counted)>, End, bool);

/// What a batch writes.
#[derive(Default)]
pub struct Writes {
    /// Statements that come before the one that is gathered now.
    before: Vec<Statement>,
    now: Statement,
    /// Why an argument cannot be sent.
    unsent: Option<String>,
}

#[derive(Default)]
struct Statement {
    parts: Vec<Part>,
    /// Arguments come part by part, those of the end last.
    arguments: PgArguments,
    end: End,
}

/// What ends a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum End {
    /// Nothing more is written.
    #[default]
    Nothing,
    /// The journal of the batch: numbered after everything else is locked, as in a transaction that locks.
    Journal,
}

impl End {
    /// What it adds to the WITH, and the columns and the source of what the statement gives. `gate` stands behind what it
    /// reads: rows come through it when all that the statement rests on was written or found as it must be.
    fn sql(self, gate: &str) -> (String, &'static str) {
        match self {
            Self::Nothing => (String::new(), ""),
            Self::Journal => (journal::with(gate), journal::GIVES),
        }
    }
}

struct Part {
    sql: &'static str,
    arguments: usize,
    counted: Counted,
    /// Rows that it must write or find, if they are counted.
    rows: usize,
}

/// Whether the rows of a part are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Counted {
    Not,
    Written,
    Found,
}

impl Writes {
    /// Adds an INSERT, UPDATE or DELETE without RETURNING; its arguments follow.
    pub fn add(&mut self, sql: &'static str) -> &mut Self {
        self.part(sql, Counted::Not, 0)
    }

    /// The same, and it must write so many rows: with fewer, or when a row is there already, somebody else was faster, and
    /// the batch is tried again.
    pub fn exactly(&mut self, rows: usize, sql: &'static str) -> &mut Self {
        self.part(sql, Counted::Written, rows)
    }

    /// Adds a query that must find so many rows, or somebody else was faster.
    pub fn finds(&mut self, rows: usize, sql: &'static str) -> &mut Self {
        self.part(sql, Counted::Found, rows)
    }

    fn part(&mut self, sql: &'static str, counted: Counted, rows: usize) -> &mut Self {
        self.now.parts.push(Part { sql, arguments: 0, counted, rows });
        self
    }

    /// The next argument of what was added last.
    pub fn bind<'t, T: Encode<'t, Postgres> + Type<Postgres>>(&mut self, value: T) -> &mut Self {
        if let Err(error) = self.now.arguments.add(value) {
            self.unsent.get_or_insert_with(|| error.to_string());
        }
        if let (Some(part), End::Nothing) = (self.now.parts.last_mut(), self.now.end) {
            part.arguments += 1;
        }
        self
    }

    /// What ends the statement; its arguments follow, and nothing is added after it.
    pub(super) fn end(&mut self, end: End) -> &mut Self {
        self.now.end = end;
        self
    }

    /// What follows sees what was added so far, and may change its rows.
    pub fn then(&mut self) {
        if !self.now.parts.is_empty() {
            self.before.push(std::mem::take(&mut self.now));
        }
    }

    /// Sends all of it in the transaction of the connection, outside of a batch: for tests.
    pub async fn send(self, tx: &mut Tx) -> Result<(), Fault> {
        self.run(tx).await.map(drop)
    }

    /// Whether all of it is one statement.
    pub(super) fn is_one(&self) -> bool {
        self.before.is_empty()
    }

    /// Sends all statements, in the transaction of the connection: gives the row of the last.
    pub(super) async fn run(self, tx: &mut Tx) -> Result<PgRow, Fault> {
        let Self { before, now, unsent } = self;
        may_be_sent(unsent)?;
        for statement in before {
            statement.run(tx).await?;
        }
        now.run(tx).await
    }

    /// Sends the one statement as a transaction by itself. `None`: the database refuses it, so nothing of it is written.
    pub(super) async fn run_alone(self, connection: &mut Tx) -> Result<Option<PgRow>, Fault> {
        may_be_sent(self.unsent)?;
        self.now.run_alone(connection).await
    }
}

fn may_be_sent(unsent: Option<String>) -> Result<(), Fault> {
    unsent.map_or(Ok(()), |why| Err(Fault::Permanent(why)))
}

impl Statement {
    /// What is to be written and found, part by part.
    fn expected(&self) -> Vec<i64> {
        let counted = self.parts.iter().filter(|part| part.counted != Counted::Not);
        counted.map(|part| i64::try_from(part.rows).unwrap_or(i64::MAX)).collect()
    }

    fn text(&self, alone: bool) -> Arc<str> {
        let parts = self.parts.iter().map(|part| (part.sql, part.counted)).collect();
        let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(texts.entry((parts, self.end, alone)).or_insert_with(|| self.compose(alone).into()))
    }

    /// Parts become parts of one WITH, arguments are numbered on.
    fn compose(&self, alone: bool) -> String {
        let (mut with, mut counts, mut before) = (Vec::new(), Vec::new(), 0);
        for (at, part) in self.parts.iter().enumerate() {
            let returning = if part.counted == Counted::Written { " RETURNING 1" } else { "" };
            with.push(format!("part_{at} AS ({}{returning})", shifted(part.sql, before)));
            if part.counted != Counted::Not {
                counts.push(format!("(SELECT count(*) FROM part_{at})"));
            }
            before += part.arguments;
        }
        let mut wrote = format!("ARRAY[{}]::bigint[]", counts.join(", "));
        if alone {
            // The cast fails, and with it the statement: its message says why.
            let expected = self.arguments.len() + 1;
            with.push(format!(
                "sure AS MATERIALIZED (SELECT CASE WHEN w.wrote = ${expected}::bigint[] THEN w.wrote \
                 ELSE ('somebody else was faster: ' || w.wrote::text)::bigint[] END AS wrote \
                 FROM (SELECT {wrote} AS wrote OFFSET 0) AS w)"
            ));
            "(SELECT wrote FROM sure)".clone_into(&mut wrote);
        }
        let (end, gives) = self.end.sql(if alone { "CROSS JOIN sure" } else { "" });
        with.extend((!end.is_empty()).then(|| shifted(&end, before)));
        let with = if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) };
        format!("{with}SELECT {wrote} AS wrote{gives}")
    }

    async fn run(self, tx: &mut Tx) -> Result<PgRow, Fault> {
        let (text, expected) = (self.text(false), self.expected());
        // Every part is a text of ours, and what comes from outside is an argument.
        let sent = sqlx::query_with(AssertSqlSafe(text), self.arguments).fetch_one(tx).await;
        let row = match sent {
            Err(error) if is_conflict(&self.parts, &error) => {
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

    async fn run_alone(mut self, connection: &mut Tx) -> Result<Option<PgRow>, Fault> {
        let (text, expected) = (self.text(true), self.expected());
        self.arguments.add(expected).map_err(|error| Fault::Permanent(error.to_string()))?;
        match sqlx::query_with(AssertSqlSafe(text), self.arguments).fetch_one(connection).await {
            Err(sqlx::Error::Database(error)) => {
                tracing::debug!(%error, "a statement alone was refused");
                Ok(None)
            }
            sent => Ok(Some(sent?)),
        }
    }
}

/// Whether a row is there already of a table in which it was known not to be.
fn is_conflict(parts: &[Part], error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error().filter(|error| error.is_unique_violation()) else { return false };
    let Some(table) = error.table() else { return false };
    let written = parts.iter().filter(|part| part.counted == Counted::Written);
    written.into_iter().any(|part| part.sql.split_whitespace().any(|word| word == table))
}

/// `$1` and so on, with higher numbers.
fn shifted(sql: &str, by: usize) -> String {
    let mut pieces = sql.split('$');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let digits = piece.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(digits);
        match number.parse::<usize>() {
            Ok(number) => text.push_str(&format!("${}{rest}", number + by)),
            Err(_) => text.push_str(&format!("${piece}")),
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
        writes.exactly(3, "UPDATE b SET c = $1, d = '$'").bind(3_i32);
        writes.finds(0, "SELECT FROM f");
        let parts = "WITH part_0 AS (INSERT INTO a SELECT $1, $2), part_1 AS (UPDATE b SET c = $3, d = '$' RETURNING 1), \
             part_2 AS (SELECT FROM f)";
        let counts = "ARRAY[(SELECT count(*) FROM part_1), (SELECT count(*) FROM part_2)]::bigint[]";
        assert_eq!(writes.now.compose(false), format!("{parts} SELECT {counts} AS wrote"));
        assert_eq!(
            writes.now.compose(true),
            format!(
                "{parts}, sure AS MATERIALIZED (SELECT CASE WHEN w.wrote = $4::bigint[] THEN w.wrote ELSE \
                 ('somebody else was faster: ' || w.wrote::text)::bigint[] END AS wrote FROM (SELECT {counts} AS wrote \
                 OFFSET 0) AS w) SELECT (SELECT wrote FROM sure) AS wrote"
            )
        );
        assert_eq!(writes.now.expected(), [3, 0]);
    }

    #[test]
    fn the_journal_ends_a_statement_and_waits_behind_the_gate_if_it_is_alone() {
        let mut writes = Writes::default();
        writes.add("DELETE FROM a WHERE b = $1").bind(1_i32);
        writes.end(End::Journal).bind(2_i32);
        assert_eq!(writes.now.parts[0].arguments, 1, "the rest is the journal's");
        let (locked, alone) = (writes.now.compose(false), writes.now.compose(true));
        assert!(locked.starts_with("WITH part_0 AS (DELETE FROM a WHERE b = $1), told_now AS ("), "{locked}");
        assert!(!locked.contains("sure"), "{locked}");
        assert!(locked.contains("UNNEST($3::uuid[]"), "{locked}");
        assert_eq!(alone.matches("CROSS JOIN sure").count(), 2, "{alone}");
        assert!(alone.contains("w.wrote = $3::bigint[]"), "{alone}");
    }

    #[test]
    fn nothing_is_a_statement_too() {
        assert_eq!(Writes::default().now.compose(false), "SELECT ARRAY[]::bigint[] AS wrote");
    }

    #[test]
    fn what_comes_later_is_a_statement_of_its_own() {
        let mut writes = Writes::default();
        writes.then();
        assert!(writes.is_one(), "nothing was before it");
        writes.add("DELETE FROM a").then();
        writes.add("INSERT INTO a SELECT $1").bind(1_i32);
        assert!(!writes.is_one());
        assert_eq!(writes.now.parts[0].arguments, 1);
    }
}
