//! Reads of personal data. The statement that reads writes the record of it (G11): there is neither without the other.

use chassis::{Fault, Pii};
use jiff_sqlx::{Timestamp, ToSqlx};
use proto::ClaimId;
use proto::intake::{AccessPurpose, PersonalField};
use sqlx::PgPool;
use uuid::Uuid;

use super::keys::KeyRow;
use super::sealed::words_field;
use crate::domain::Contact;
use crate::vault::seal::{Broken, Place};
use crate::vault::{Vault, WrappedKey};

macro_rules! recorded {
    ($columns:literal) => {
        concat!(
            "WITH found AS ( \
                 SELECT claim_id, k.key_id, k.customer_ref, k.kek, k.wrapped",
            $columns,
            " FROM contact JOIN customer_key k USING (key_id) WHERE claim_id = $1 AND k.wrapped IS NOT NULL \
             ), record AS ( \
                 INSERT INTO contact_access (claim_id, actor, purpose, fields, at) SELECT claim_id, $2, $3, $4, $5 FROM found \
             ) "
        )
    };
}

pub(super) const CONTACT: &str = concat!(
    recorded!(", customer_name, contact_person, company, phone, email, address"),
    "SELECT key_id, customer_ref, kek, wrapped, \
         ARRAY[customer_name, contact_person, company, phone, email, address] AS sealed FROM found"
);

pub(super) const WORDS: &str = concat!(
    recorded!(""),
    "SELECT key_id, customer_ref, kek, wrapped, kind, number, about, place_id, sealed, at, for_staff \
     FROM found CROSS JOIN LATERAL ( \
         SELECT 1 AS kind, line AS number, '' AS about, claim_id AS place_id, description AS sealed, NULL::timestamptz AS at, \
                 false AS for_staff FROM claim_line WHERE claim_id = $1 \
         UNION ALL SELECT 2, evidence_no, '', claim_id, name, NULL, audience = 2 FROM evidence WHERE claim_id = $1 \
         UNION ALL SELECT 3, 0::smallint, about, word_id, text, at, about LIKE 'contact %' FROM customer_word WHERE claim_id = $1 \
     ) word ORDER BY kind, number, at, place_id"
);

pub(super) const IS_ERASED: &str =
    "SELECT k.wrapped IS NULL FROM contact JOIN customer_key k USING (key_id) WHERE claim_id = $1";

/// How a claim is read of.
pub(super) const READING_OF: &str =
    "SELECT state IN (10, 11, 12, 13) AS ended, email_confirmed FROM claim WHERE claim_id = $1";

/// Whether a notice has gone to the e-mail address: it was read for one.
pub(super) const NOTICED: &str =
    "SELECT EXISTS (SELECT FROM contact_access WHERE claim_id = $1 AND purpose = 5 AND 5 = ANY(fields))";

/// Whether the customer of a claim was told something by this service since then.
pub(super) const TOLD_SINCE: &str =
    "SELECT EXISTS (SELECT FROM journal WHERE aggregate = $1 AND at > $2 AND subject LIKE 'notice.customer.%')";

/// How often somebody has read since then, and when first. An export, which reads all fields of all claims of a customer, is
/// one read.
pub(super) const READS_SINCE: &str = "SELECT count(*), min(at) FROM ( \
         SELECT at FROM contact_access WHERE actor = $1 AND at > $2 AND cardinality(fields) < 7 \
         UNION ALL SELECT at FROM evidence_access WHERE actor = $1 AND at > $2 \
         UNION ALL SELECT min(at) FROM contact_access JOIN claim USING (claim_id) \
             WHERE actor = $1 AND at > $2 AND cardinality(fields) = 7 GROUP BY customer_ref) AS reads";

pub(super) const ACCESSES: &str = "SELECT access_id, claim_id, actor, purpose, fields, at FROM contact_access \
     WHERE access_id > $1 ORDER BY access_id LIMIT $2";

pub(super) const ACCESSES_OF_CLAIM: &str = "SELECT access_id, claim_id, actor, purpose, fields, at FROM contact_access \
     WHERE access_id > $1 AND claim_id = $3 ORDER BY access_id LIMIT $2";

pub(super) const ACCESSES_OF_CUSTOMER: &str = "SELECT access_id, claim_id, actor, purpose, a.fields, at \
     FROM contact_access a JOIN claim USING (claim_id) \
     WHERE access_id > $1 AND customer_ref = $3 ORDER BY access_id LIMIT $2";

/// Who reads what, when and why.
#[derive(Clone, Debug)]
pub struct Reading {
    pub claim: ClaimId,
    /// Subject of who reads.
    pub actor: String,
    /// Why.
    pub purpose: AccessPurpose,
    /// What.
    pub fields: Vec<PersonalField>,
    /// When.
    pub at: jiff::Timestamp,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// There is no such claim.
    #[error("there is no such claim")]
    Absent,
    /// The customer is forgotten.
    #[error("the customer is forgotten")]
    Erased,
    /// It cannot be opened: somebody has altered it, or the wrapping key is another.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The database did not do it.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<sqlx::Error> for Unread {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Something that the customer wrote, or one of us: about a contact, or as the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it is about.
    pub about: String,
    /// The words.
    pub text: Pii<String>,
    /// When they were said, if later than the report.
    pub at: Option<jiff::Timestamp>,
}

/// One read on record.
#[derive(Clone, Debug)]
pub struct Access {
    /// Names the record.
    pub id: i64,
    /// What was read, by whom, when and why.
    pub reading: Reading,
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    #[sqlx(flatten)]
    key: KeyRow,
    sealed: Vec<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct WordRow {
    #[sqlx(flatten)]
    key: KeyRow,
    kind: i32,
    number: i16,
    about: String,
    place_id: Uuid,
    sealed: Vec<u8>,
    at: Option<Timestamp>,
    for_staff: bool,
}

#[derive(sqlx::FromRow)]
struct AccessRow {
    access_id: i64,
    claim_id: Uuid,
    actor: String,
    purpose: i16,
    fields: Vec<i16>,
    at: Timestamp,
}

/// Names of the fields of a contact, as they are bound to what is sealed.
pub(super) const CONTACT_FIELDS: [&str; 6] =
    ["customer_name", "contact_person", "company", "phone", "email", "address"];

impl Reading {
    /// Runs a recorded read. All rows are waited for: what is read counts only once the record is committed.
    async fn rows<R>(&self, pool: &PgPool, statement: &'static str) -> Result<Vec<R>, Unread>
    where
        R: Send + Unpin + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    {
        let fields: Vec<i16> = self.fields.iter().map(|field| *field as i16).collect();
        let query = sqlx::query_as(statement).bind(self.claim.0).bind(&self.actor).bind(self.purpose as i16);
        let rows: Vec<R> = query.bind(fields).bind(self.at.to_sqlx()).fetch_all(pool).await?;
        if !rows.is_empty() {
            return Ok(rows);
        }
        let erased: Option<bool> = sqlx::query_scalar(IS_ERASED).bind(self.claim.0).fetch_optional(pool).await?;
        Err(if erased == Some(true) { Unread::Erased } else { Unread::Absent })
    }
}

/// What is looked at before personal data of a claim are read.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct ReadingOf {
    /// It has ended.
    pub ended: bool,
    /// Somebody has confirmed the e-mail address.
    pub email_confirmed: bool,
}

/// What is looked at before personal data of a claim are read; none: there is no such claim.
pub async fn reading_of(pool: &PgPool, claim: ClaimId) -> Result<Option<ReadingOf>, Fault> {
    Ok(sqlx::query_as(READING_OF).bind(claim.0).fetch_optional(pool).await?)
}

/// Whether the e-mail address of a claim was read for a notice.
pub async fn noticed(pool: &PgPool, claim: ClaimId) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar(NOTICED).bind(claim.0).fetch_one(pool).await?)
}

/// Whether the customer of a claim was told something since then.
pub async fn told_since(pool: &PgPool, claim: ClaimId, since: jiff::Timestamp) -> Result<bool, Fault> {
    Ok(sqlx::query_scalar(TOLD_SINCE).bind(claim.0).bind(since.to_sqlx()).fetch_one(pool).await?)
}

/// How often somebody has read personal data and files since then, and when first.
pub async fn reads_since(
    pool: &PgPool,
    actor: &str,
    since: jiff::Timestamp,
) -> Result<(u64, Option<jiff::Timestamp>), Fault> {
    let query = sqlx::query_as(READS_SINCE).bind(actor).bind(since.to_sqlx());
    let (count, first): (i64, Option<Timestamp>) = query.fetch_one(pool).await?;
    Ok((count.unsigned_abs(), first.map(Timestamp::to_jiff)))
}

/// Reads contact data: the fields that are asked for, the others are empty.
pub async fn contact(pool: &PgPool, vault: &Vault, reading: &Reading) -> Result<Contact, Unread> {
    let mut rows: Vec<ContactRow> = reading.rows(pool, CONTACT).await?;
    let ContactRow { key, sealed } = rows.pop().ok_or(Unread::Absent)?;
    let key = WrappedKey::from(key);
    let data = vault.unwrap(&key)?;
    let mut opened: [Pii<String>; 6] = Default::default();
    for ((number, field), (sealed, opened)) in (1..).zip(CONTACT_FIELDS).zip(sealed.iter().zip(&mut opened)) {
        if reading.fields.iter().any(|wanted| *wanted as i32 == number) {
            let place = Place { customer_ref: &key.customer_ref, row: reading.claim.0, number: 0, field };
            *opened = data.open(&place, sealed)?;
        }
    }
    let [customer_name, contact_person, company, phone, email, address] = opened;
    Ok(Contact { customer_name, contact_person, company, phone, email, address })
}

/// Reads what the customer wrote. `own`: it is the customer who reads; notes of ours and what is for staff are left out, and
/// pieces of evidence counted as the customer sees them.
pub async fn words(pool: &PgPool, vault: &Vault, reading: &Reading, own: bool) -> Result<Vec<Word>, Unread> {
    let rows: Vec<WordRow> = reading.rows(pool, WORDS).await?;
    let mut words = Vec::new();
    let mut data = None;
    let mut pieces = 0;
    for row in rows {
        if own && row.for_staff {
            continue;
        }
        let key = WrappedKey::from(row.key);
        let data = match &data {
            Some(data) => data,
            None => data.insert(vault.unwrap(&key)?),
        };
        let (field, about) = match row.kind {
            1 => ("description".to_owned(), format!("line {}", row.number)),
            2 => {
                pieces += 1;
                ("name".to_owned(), format!("evidence {pieces}"))
            }
            _ => (words_field(reading.claim.0, &row.about), row.about),
        };
        let place = Place { customer_ref: &key.customer_ref, row: row.place_id, number: row.number, field: &field };
        let text = data.open(&place, &row.sealed)?;
        if !text.expose("whether there are words").is_empty() {
            words.push(Word { about, text, at: row.at.map(Timestamp::to_jiff) });
        }
    }
    Ok(words)
}

/// Reads on record, oldest first: of a claim, of a customer, or all.
pub async fn accesses(
    pool: &PgPool,
    claim: Option<Uuid>,
    customer_ref: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Access>, Fault> {
    let query = match claim {
        Some(claim) => sqlx::query_as(ACCESSES_OF_CLAIM).bind(after).bind(limit).bind(claim),
        None if customer_ref.is_empty() => sqlx::query_as(ACCESSES).bind(after).bind(limit),
        None => sqlx::query_as(ACCESSES_OF_CUSTOMER).bind(after).bind(limit).bind(customer_ref),
    };
    let rows: Vec<AccessRow> = query.fetch_all(pool).await?;
    Ok(rows.into_iter().map(AccessRow::access).collect())
}

impl AccessRow {
    fn access(self) -> Access {
        let field = |field: &i16| PersonalField::try_from(i32::from(*field)).unwrap_or_default();
        let reading = Reading {
            claim: ClaimId(self.claim_id),
            actor: self.actor,
            purpose: AccessPurpose::try_from(i32::from(self.purpose)).unwrap_or_default(),
            fields: self.fields.iter().map(field).collect(),
            at: self.at.to_jiff(),
        };
        Access { id: self.access_id, reading }
    }
}
