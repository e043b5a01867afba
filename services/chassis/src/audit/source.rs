//! Tables whose rows are sealed.

/// A table whose rows are sealed, made by [`crate::audit_source`]. Its rows have a number and the id of the transaction that
/// wrote them (`tx bigint DEFAULT (pg_current_xact_id()::text::bigint)`), with an index on both; they never change.
#[derive(Debug)]
pub struct Source {
    /// Name, in every link.
    pub name: &'static str,
    /// Names of the fields that are hashed, in order. They are for ever: other fields are another source.
    pub fields: &'static [&'static str],
    /// Rows after the last sealed one and below horizon `$1`, `$2` at the most.
    pub next: &'static str,
    /// Age in seconds of the first row after the last sealed one.
    pub oldest: &'static str,
    /// Rows by transactions `$1` and numbers `$2`.
    pub rows: &'static str,
    /// Whether they are sealed: `$3` rows after transaction `$1` and number `$2`. From the very beginning also one that no
    /// order has.
    pub sealed: &'static str,
}

impl Source {
    /// Its statements, for the test that prepares them all.
    pub const fn statements(&self) -> [&'static str; 4] {
        [self.next, self.oldest, self.rows, self.sealed]
    }
}

/// Makes a [`Source`]: `audit_source!("name", "table", "number", "condition", { "field": "text or bytea in SQL", … })`.
/// Every field is given as text, but for those of which the bytes are wanted; times by [`crate::audit_time`].
#[macro_export]
macro_rules! audit_source {
    ($name:literal, $table:literal, $key:literal, $when:literal, { $($field:literal: $sql:expr),+ $(,)? }) => {
        $crate::audit::Source {
            name: $name,
            fields: &[$($field),+],
            next: $crate::audit_source!(@concat
                "WITH done AS (SELECT tx, row_id FROM audit_chain WHERE source = '", $name,
                "' ORDER BY tx DESC, row_id DESC LIMIT 1) \
                 SELECT tx, ", $key, " AS row_id, ", $crate::audit_source!(@fields $($sql),+), " AS fields FROM ", $table,
                " WHERE ", $when, " AND (tx, ", $key, ") > (COALESCE((SELECT tx FROM done), -1), \
                 COALESCE((SELECT row_id FROM done), -1)) AND tx < $1 ORDER BY tx, ", $key, " LIMIT $2"),
            oldest: $crate::audit_source!(@concat
                "WITH done AS (SELECT tx, row_id FROM audit_chain WHERE source = '", $name,
                "' ORDER BY tx DESC, row_id DESC LIMIT 1) \
                 SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM ", $table,
                " WHERE ", $when, " AND (tx, ", $key, ") > (COALESCE((SELECT tx FROM done), -1), \
                 COALESCE((SELECT row_id FROM done), -1)) ORDER BY tx, ", $key, " LIMIT 1"),
            rows: $crate::audit_source!(@concat
                "SELECT tx, ", $key, " AS row_id, ", $crate::audit_source!(@fields $($sql),+), " AS fields FROM ", $table,
                " WHERE tx = ANY($1) AND ", $key, " = ANY($2)"),
            sealed: $crate::audit_source!(@concat
                "SELECT r.tx, r.row_id, r.age_ms, c.number IS NOT NULL AS sealed FROM ( \
                     (SELECT tx, ", $key, " AS row_id, (extract(epoch FROM clock_timestamp() - at) * 1000)::int8 AS age_ms FROM ", $table,
                " WHERE ", $when, " AND (tx, ", $key, ") > ($1, $2) ORDER BY tx, ", $key, " LIMIT $3) \
                     UNION ALL (SELECT 0, 0, 0 FROM ", $table, " WHERE ", $when, " AND (tx IS NULL OR tx = $1) \
                 AND $1 = -9223372036854775808 LIMIT 1)) r \
                 LEFT JOIN audit_chain c ON c.source = '", $name, "' AND c.tx = r.tx AND c.row_id = r.row_id \
                 ORDER BY r.tx, r.row_id"),
        }
    };
    (@fields $first:expr $(, $more:expr)*) => { concat!("ARRAY[", $first $(, ", ", $more)*, "]::bytea[]") };
    (@concat $($part:expr),+ $(,)?) => { concat!($($part),+) };
}

/// A column of an [`crate::audit_source`] as text: `audit_text!("claim_id")`.
#[macro_export]
macro_rules! audit_text {
    ($sql:literal) => {
        concat!("convert_to((", $sql, ")::text, 'UTF8')")
    };
}

/// A time of an [`crate::audit_source`]: microseconds since 1970.
#[macro_export]
macro_rules! audit_time {
    ($sql:literal) => {
        concat!("convert_to(((extract(epoch FROM ", $sql, ") * 1000000)::bigint)::text, 'UTF8')")
    };
}

/// What people, and systems that are not ours, had done without anybody being told.
pub static DECISION: Source = audit_source!("decision", "decision", "decision_id", "true", {
    "decision_id": audit_text!("decision_id"),
    "method": audit_text!("method"),
    "request_id": audit_text!("request_id"),
    "fingerprint": "fingerprint",
    "about": audit_text!("about"),
    "actor": audit_text!("actor"),
    "trace": audit_text!("trace"),
    "at": audit_time!("at"),
});

/// What people, and systems that are not ours, decided.
pub static JOURNAL: Source = audit_source!("journal", "journal", "seq", "actor NOT LIKE 'service:%'", {
    "seq": audit_text!("seq"),
    "event_id": audit_text!("event_id"),
    "aggregate": audit_text!("aggregate"),
    "number": audit_text!("number"),
    "subject": audit_text!("subject"),
    "payload": "payload",
    "trace": audit_text!("trace"),
    "actor": audit_text!("actor"),
    "cause": audit_text!("cause"),
    "at": audit_time!("at"),
});
