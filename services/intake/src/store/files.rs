//! Rows of evidence files. The bytes are elsewhere.

use std::collections::BTreeSet;

use chassis::{Fault, Writes};
use jiff_sqlx::{Timestamp, ToSqlx};
use proto::ClaimId;
use proto::intake::{AccessPurpose, EvidenceAudience, EvidenceKind, EvidenceMetadata};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::rows::Claims;
use crate::domain::File;
use crate::handle::Entry;

macro_rules! file_columns {
    () => {
        "f.evidence_id, f.claim_id, f.evidence_no, f.object_key, f.kind, f.metadata, f.content_type, f.stored_sha256, \
         f.stored_size, f.received_sha256, f.received_size, f.uploaded_by, f.uploaded_at, f.audience, \
         COALESCE(g.at, k.erased_at) AS forgotten_at"
    };
}

/// A file is gone for its readers as soon as the key of its claim is destroyed, and a little later from the store.
macro_rules! files {
    () => {
        " FROM evidence_file f LEFT JOIN evidence_forgotten g USING (evidence_id) \
         LEFT JOIN contact c ON c.claim_id = f.claim_id LEFT JOIN customer_key k ON k.key_id = c.key_id "
    };
}

pub(super) const FILES: &str = concat!(
    "SELECT ",
    file_columns!(),
    files!(),
    "WHERE f.claim_id = ANY($1) ORDER BY f.claim_id, f.uploaded_at, f.evidence_no"
);

pub(super) const FILE: &str = concat!("SELECT ", file_columns!(), files!(), "WHERE f.evidence_id = $1");

pub(super) const ASK_FOR_FILE: &str =
    "INSERT INTO evidence_access (evidence_id, actor, purpose, at) VALUES ($1, $2, $3, $4)";

pub(super) const INSERT_FILES: &str = "INSERT INTO evidence_file \
         (evidence_id, claim_id, evidence_no, object_key, kind, metadata, content_type, stored_sha256, stored_size, \
         received_sha256, received_size, uploaded_by, uploaded_at, audience) \
     SELECT evidence_id, claim_id, evidence_no, object_key, kind, metadata, content_type, stored_sha256, stored_size, \
         received_sha256, received_size, uploaded_by, uploaded_at, audience \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::smallint[], $6::smallint[], $7::text[], \
         $8::text[], $9::bigint[], $10::text[], $11::bigint[], $12::text[], $13::timestamptz[], $14::smallint[]) \
         AS new (evidence_id, claim_id, evidence_no, object_key, kind, metadata, content_type, stored_sha256, \
             stored_size, received_sha256, received_size, uploaded_by, uploaded_at, audience)";

/// Which of these keys have a row.
pub(super) const OWNED: &str = "SELECT object_key FROM evidence_file WHERE object_key = ANY($1)";

/// Files of claims whose key is destroyed, and which are still in the store, after one of them.
pub(super) const ERASED: &str = "SELECT f.evidence_id, f.object_key \
     FROM customer_key k JOIN contact c USING (key_id) JOIN evidence_file f USING (claim_id) \
     WHERE k.erased_at IS NOT NULL \
         AND f.evidence_id > $1 \
         AND NOT EXISTS (SELECT FROM evidence_forgotten g WHERE g.evidence_id = f.evidence_id) \
     ORDER BY f.evidence_id LIMIT 100";

/// Files of claims that have ended before a time, of customers whom nobody holds, which are still in the store; after one of
/// them. Ids are made from the time: those of later uploads are greater.
pub(super) const OVER: &str = "SELECT f.evidence_id, f.object_key FROM evidence_file f JOIN claim c USING (claim_id) \
     WHERE f.evidence_id > $1 AND f.uploaded_at < $2 AND c.ended_at < $2 \
         AND NOT EXISTS (SELECT FROM evidence_forgotten g WHERE g.evidence_id = f.evidence_id) \
         AND NOT EXISTS (SELECT FROM legal_hold h WHERE h.customer_ref = c.customer_ref AND h.released_at IS NULL) \
     ORDER BY f.evidence_id LIMIT 100";

pub(super) const FORGET: &str =
    "INSERT INTO evidence_forgotten (evidence_id, at) VALUES ($1, $2) ON CONFLICT (evidence_id) DO NOTHING";

#[derive(sqlx::FromRow)]
struct FileRow {
    evidence_id: Uuid,
    claim_id: Uuid,
    evidence_no: i16,
    object_key: String,
    kind: i16,
    metadata: i16,
    content_type: String,
    stored_sha256: String,
    stored_size: i64,
    received_sha256: String,
    received_size: i64,
    uploaded_by: String,
    uploaded_at: Timestamp,
    audience: i16,
    forgotten_at: Option<Timestamp>,
}

/// Adds files to claims.
pub(super) async fn add(connection: &mut PgConnection, claims: &mut Claims, ids: &BTreeSet<Uuid>) -> Result<(), Fault> {
    let ids = Vec::from_iter(ids.iter().copied());
    let rows: Vec<FileRow> = sqlx::query_as(FILES).bind(ids).fetch_all(connection).await?;
    for row in rows {
        if let Some(claim) = claims.get_mut(&ClaimId(row.claim_id)) {
            claim.files.push(row.file());
        }
    }
    Ok(())
}

/// The files of a claim, oldest first.
pub async fn files(pool: &PgPool, claim: ClaimId) -> Result<Vec<File>, Fault> {
    let rows: Vec<FileRow> = sqlx::query_as(FILES).bind(vec![claim.0]).fetch_all(pool).await?;
    Ok(rows.into_iter().map(FileRow::file).collect())
}

/// A file and its claim.
pub async fn file(pool: &PgPool, id: Uuid) -> Result<Option<(ClaimId, File)>, Fault> {
    let row: Option<FileRow> = sqlx::query_as(FILE).bind(id).fetch_optional(pool).await?;
    Ok(row.map(|row| (ClaimId(row.claim_id), row.file())))
}

/// Records that somebody asked for a file.
pub async fn ask_for_file(
    pool: &PgPool,
    id: Uuid,
    actor: &str,
    purpose: AccessPurpose,
    now: jiff::Timestamp,
) -> Result<(), Fault> {
    sqlx::query(ASK_FOR_FILE).bind(id).bind(actor).bind(purpose as i16).bind(now.to_sqlx()).execute(pool).await?;
    Ok(())
}

/// Which of these keys are those of files of claims.
pub async fn owned(pool: &PgPool, keys: &[String]) -> Result<BTreeSet<String>, Fault> {
    let keys: Vec<String> = sqlx::query_scalar(OWNED).bind(keys).fetch_all(pool).await?;
    Ok(keys.into_iter().collect())
}

/// Some files of erased customers that are still in the store, after one of them: id and key.
pub async fn erased_files(pool: &PgPool, after: Uuid) -> Result<Vec<(Uuid, String)>, Fault> {
    Ok(sqlx::query_as(ERASED).bind(after).fetch_all(pool).await?)
}

/// Some files of claims that have ended before a time and are still in the store, after one of them: id and key.
pub async fn files_over(pool: &PgPool, after: Uuid, before: jiff::Timestamp) -> Result<Vec<(Uuid, String)>, Fault> {
    Ok(sqlx::query_as(OVER).bind(after).bind(before.to_sqlx()).fetch_all(pool).await?)
}

/// Notes that a file is gone from the store.
pub async fn forget_file(pool: &PgPool, id: Uuid, now: jiff::Timestamp) -> Result<(), Fault> {
    sqlx::query(FORGET).bind(id).bind(now.to_sqlx()).execute(pool).await?;
    Ok(())
}

/// Files are only ever added: what is beyond the number that was there is new.
pub(super) fn insert(writes: &mut Writes, changed: &[&Entry]) {
    let mut rows: Vec<(Uuid, &File)> = Vec::new();
    for entry in changed {
        let known = entry.before.as_ref().map_or(0, |before| before.files.len());
        rows.extend(entry.now.files.iter().skip(known).map(|file| (entry.now.id.0, file)));
    }
    if rows.is_empty() {
        return;
    }
    let text = |of: fn(&File) -> &String| rows.iter().map(|(_, file)| of(file).clone()).collect::<Vec<_>>();
    let small = |of: fn(&File) -> i16| rows.iter().map(|(_, file)| of(file)).collect::<Vec<_>>();
    let big = |of: fn(&File) -> i64| rows.iter().map(|(_, file)| of(file)).collect::<Vec<_>>();
    writes
        .add(INSERT_FILES)
        .bind(rows.iter().map(|(_, file)| file.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|(claim, _)| *claim).collect::<Vec<_>>())
        .bind(small(|file| i16::try_from(file.number).unwrap_or(i16::MAX)))
        .bind(text(|file| &file.key))
        .bind(small(|file| file.kind as i16))
        .bind(small(|file| file.metadata as i16))
        .bind(text(|file| &file.content_type))
        .bind(text(|file| &file.stored_sha256))
        .bind(big(|file| i64::try_from(file.stored_size).unwrap_or(i64::MAX)))
        .bind(text(|file| &file.received_sha256))
        .bind(big(|file| file.received_size))
        .bind(text(|file| &file.by))
        .bind(rows.iter().map(|(_, file)| file.at.to_sqlx()).collect::<Vec<_>>())
        .bind(small(|file| file.audience as i16));
}

impl FileRow {
    fn file(self) -> File {
        File {
            id: self.evidence_id,
            number: usize::from(self.evidence_no.unsigned_abs()),
            received_sha256: self.received_sha256,
            received_size: self.received_size,
            content_type: self.content_type,
            kind: EvidenceKind::try_from(i32::from(self.kind)).unwrap_or_default(),
            key: self.object_key,
            stored_sha256: self.stored_sha256,
            stored_size: self.stored_size.unsigned_abs(),
            metadata: EvidenceMetadata::try_from(i32::from(self.metadata)).unwrap_or_default(),
            by: self.uploaded_by,
            at: self.uploaded_at.to_jiff(),
            audience: EvidenceAudience::try_from(i32::from(self.audience)).unwrap_or(EvidenceAudience::Staff),
            forgotten_at: self.forgotten_at.map(Timestamp::to_jiff),
        }
    }
}
