//! Rows of work lists: what callers read, and how an item changed hands.

use jiff_sqlx::ToSqlx;
use proto::Word;
use proto::claim::words::Role;
use proto::work as wire;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{Act, Change, Ended, Item, ItemState, Labels};
use crate::row::{optional_time, time, word};
use crate::{Fault, Writes};

macro_rules! columns {
    () => {
        "work_item_id, about_kind, about_id, about_number, kind, role, department, assigned_to, reason, opened_at, due_at, \
         state, version, raised_to, raised_at, decision, ended_by, ended_at, note"
    };
}

/// The columns of the view `work_list`, by which a service shows its own rows. `role` and `raised_to` are words of roles or
/// their numbers, `raised_to` is null where nothing was raised, the last three are null where nothing has ended.
pub const COLUMNS: &str = columns!();

macro_rules! listed {
    ($which:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM work_list WHERE ",
            $which,
            " AND ($1::text = '' OR about_kind = $1) AND ($2::uuid IS NULL OR about_id = $2) AND ($3::text = '' OR kind = $3) \
                AND ($4::text[] IS NULL OR role = ANY($4) OR raised_to = ANY($4)) AND ($5::text = '' OR assigned_to = $5) \
                AND (NOT $6::boolean OR raised_to IS NOT NULL) \
                AND ($7::timestamptz IS NULL OR (due_at, work_item_id) > ($7, $8::uuid)) \
            ORDER BY due_at, work_item_id LIMIT $9"
        )
    };
}

const OPEN: &str = listed!("state = 'open'");
const ALL: &str = listed!("true");
const ONE: &str = concat!("SELECT ", columns!(), " FROM work_list WHERE work_item_id = $1");
const HISTORY: &str = "\
    SELECT work_item_id, version, act, done_by, to_whom, note, at FROM work_change WHERE work_item_id = $1 \
    ORDER BY version LIMIT 1000";
const KEEP: &str = "\
    INSERT INTO work_change (work_item_id, version, act, done_by, to_whom, note, at) \
    SELECT work_item_id, version, act, done_by, to_whom, note, at \
    FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[]) \
        AS c(work_item_id, version, act, done_by, to_whom, note, at)";

/// The statements of this module, for the statement list of a service that has a work list.
pub const STATEMENTS: [&str; 5] = [OPEN, ALL, ONE, HISTORY, KEEP];

/// Which work items are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub about_kind: String,
    pub about_id: Option<Uuid>,
    pub kind: String,
    pub role: Option<Role>,
    pub assigned_to: String,
    pub closed: bool,
    pub overdue: bool,
    pub after: Option<(jiff::Timestamp, Uuid)>,
}

/// What is read of a work item: its labels have no content yet.
pub(super) type Read = (Item, Labels);

/// Work items by due time, after a key.
pub(super) async fn list(pool: &PgPool, filter: &Filter, limit: i64) -> Result<Vec<Read>, Fault> {
    let query = sqlx::query(if filter.closed { ALL } else { OPEN });
    let query = query.bind(&filter.about_kind).bind(filter.about_id).bind(&filter.kind);
    let roles = filter.role.map(|role| vec![role.word().to_owned(), i32::from(role).to_string()]);
    let query = query.bind(roles).bind(&filter.assigned_to).bind(filter.overdue);
    let query = query.bind(filter.after.map(|(at, _)| at.to_sqlx())).bind(filter.after.map(|(_, id)| id));
    query.bind(limit).fetch_all(pool).await?.iter().map(read).collect()
}

/// One work item.
pub(super) async fn one(pool: &PgPool, item: Uuid) -> Result<Option<Read>, Fault> {
    sqlx::query(ONE).bind(item).fetch_optional(pool).await?.as_ref().map(read).transpose()
}

/// How a work item changed hands, oldest first.
pub(super) async fn history(pool: &PgPool, item: Uuid) -> Result<Vec<Change>, Fault> {
    sqlx::query(HISTORY).bind(item).fetch_all(pool).await?.iter().map(change).collect()
}

/// Keeps how work items have changed hands: each version once.
pub fn keep(writes: &mut Writes, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let texts = |of: fn(&Change) -> &str| changes.iter().map(of).collect::<Vec<_>>();
    writes
        .exactly(changes.len(), KEEP)
        .bind(changes.iter().map(|change| change.item).collect::<Vec<_>>())
        .bind(changes.iter().map(|change| change.version).collect::<Vec<_>>())
        .bind(texts(|change| change.act.word()))
        .bind(texts(|change| &change.by))
        .bind(texts(|change| &change.to))
        .bind(texts(|change| &change.note))
        .bind(changes.iter().map(|change| change.at.to_sqlx()).collect::<Vec<_>>());
}

fn change(row: &PgRow) -> Result<Change, Fault> {
    Ok(Change {
        item: row.try_get("work_item_id")?,
        version: row.try_get("version")?,
        act: word::<Act>(row, "act")?,
        by: row.try_get("done_by")?,
        to: row.try_get("to_whom")?,
        note: row.try_get("note")?,
        at: time(row, "at")?,
    })
}

/// A role as its word, or as the number of the contract.
fn role(text: &str) -> Result<Role, Fault> {
    let number = || Role::try_from(text.parse::<i32>().ok()?).ok();
    Role::from_word(text).or_else(number).ok_or_else(|| Fault::Permanent(format!("{text:?} is no role")))
}

fn read(row: &PgRow) -> Result<Read, Fault> {
    let raised: Option<&str> = row.try_get("raised_to")?;
    let raised = raised.map(role).transpose()?.zip(optional_time(row, "raised_at")?);
    let ended = match optional_time(row, "ended_at")? {
        Some(at) => Some(Ended { by: row.try_get("ended_by")?, note: row.try_get("note")?, at }),
        None => None,
    };
    let item = Item {
        id: row.try_get("work_item_id")?,
        role: role(row.try_get("role")?)?,
        reason: row.try_get("reason")?,
        opened_at: time(row, "opened_at")?,
        due_at: time(row, "due_at")?,
        state: word::<ItemState>(row, "state")?,
        version: row.try_get("version")?,
        assigned_to: row.try_get("assigned_to")?,
        raised,
        ended,
    };
    let about = wire::About {
        kind: row.try_get("about_kind")?,
        id: row.try_get::<Uuid, _>("about_id")?.to_string(),
        number: row.try_get("about_number")?,
    };
    let labels = Labels {
        about,
        kind: row.try_get("kind")?,
        department: row.try_get("department")?,
        decision: row.try_get("decision")?,
        content: None,
    };
    Ok((item, labels))
}
