//! What has changed, one statement per table. Rows of claims that are as they were are not touched.

use chassis::{Fault, Tx, Writes};
use jiff_sqlx::{Timestamp, ToSqlx};
use prost::Message;
use uuid::Uuid;

use super::keys::Keys;
use super::{brought, customers, files, sealed};
use crate::domain::{Claim, LoggedContact, Question};
use crate::handle::{Entry, World};
use crate::vault::Vault;

pub(super) const INSERT_CLAIMS: &str = "INSERT INTO claim ( \
         claim_id, claim_number, version, channel, customer_ref, country, importance, upset, received_at, state, \
         end_reason, withdrawal_requested, read_back_by, acknowledgement_due, first_feedback_due, \
         plan_number, plan_state, plan, follow_up_round, follow_up_score, scores, announced_on, address_known, \
         possible_duplicates, brought_by, email_confirmed, policy_version \
     ) SELECT claim_id, claim_number, 1, channel, customer_ref, country, importance, upset, received_at, 1, \
         '', false, '', acknowledgement_due, first_feedback_due, 0, 0, '', 0, 0, '{}', announced_on, address_known, \
         string_to_array(possible_duplicates, ' '), brought_by, email_confirmed, policy_version \
     FROM UNNEST($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::smallint[], $7::boolean[], \
         $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::date[], $12::boolean[], $13::text[], $14::text[], \
         $15::boolean[], $16::int[]) \
         AS new (claim_id, claim_number, channel, customer_ref, country, importance, upset, received_at, \
             acknowledgement_due, first_feedback_due, announced_on, address_known, possible_duplicates, brought_by, \
             email_confirmed, policy_version)";

pub(super) const UPDATE_CLAIMS: &str = "UPDATE claim SET \
         version = new.version, state = new.state, end_reason = new.end_reason, \
         withdrawal_requested = new.withdrawal_requested, \
         read_back_at = new.read_back_at, read_back_by = new.read_back_by, \
         acknowledgement_due = new.acknowledgement_due, first_feedback_due = new.first_feedback_due, \
         solution_due = new.solution_due, \
         plan_number = new.plan_number, plan_state = new.plan_state, plan = new.plan, \
         follow_up_round = new.follow_up_round, follow_up_score = new.follow_up_score, \
         scores = string_to_array(new.scores, ',')::smallint[], address_known = new.address_known, \
         duplicate_of = new.duplicate_of, duplicate_of_number = new.duplicate_of_number, \
         contacts = new.contacts, email_confirmed = new.email_confirmed, ended_at = new.ended_at \
     FROM UNNEST($1::uuid[], $2::bigint[], $3::smallint[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[], \
         $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::integer[], $12::smallint[], $13::bytea[], \
         $14::integer[], $15::smallint[], $16::text[], $17::boolean[], $18::uuid[], $19::text[], $20::smallint[], \
         $21::boolean[], $22::timestamptz[], $23::bigint[]) \
         AS new (claim_id, version, state, end_reason, withdrawal_requested, read_back_at, read_back_by, \
             acknowledgement_due, first_feedback_due, solution_due, plan_number, plan_state, plan, \
             follow_up_round, follow_up_score, scores, address_known, duplicate_of, duplicate_of_number, contacts, email_confirmed, \
             ended_at, was) \
     WHERE claim.claim_id = new.claim_id AND claim.version = new.was";

pub(super) const UPSERT_QUESTIONS: &str = "INSERT INTO question \
         (claim_id, question_no, question_id, reason, line, asked_at, answered_at, closed_at, order_no, address_given) \
     SELECT claim_id, question_no, question_id, reason, line, asked_at, answered_at, closed_at, order_no, address_given \
     FROM UNNEST($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[], \
         $7::timestamptz[], $8::timestamptz[], $9::text[], $10::boolean[]) \
         AS new (claim_id, question_no, question_id, reason, line, asked_at, answered_at, closed_at, order_no, \
             address_given) \
     ON CONFLICT (claim_id, question_no) DO UPDATE SET \
         answered_at = excluded.answered_at, closed_at = excluded.closed_at, order_no = excluded.order_no, \
         address_given = excluded.address_given";

pub(super) const INSERT_CONTACTS: &str = "INSERT INTO logged_contact \
         (claim_id, contact_no, at, channel, direction, logged_by, logged_at) \
     SELECT claim_id, contact_no, at, channel, direction, logged_by, logged_at \
     FROM UNNEST($1::uuid[], $2::smallint[], $3::timestamptz[], $4::smallint[], $5::smallint[], $6::text[], \
         $7::timestamptz[]) AS new (claim_id, contact_no, at, channel, direction, logged_by, logged_at)";

/// Writes what has changed.
pub async fn save(tx: &mut Tx, writes: &mut Writes, vault: &Vault, world: &World) -> Result<(), Fault> {
    let new: Vec<&Entry> = world.claims.values().filter(|entry| entry.before.is_none()).collect();
    let changed = |entry: &&Entry| entry.before.as_ref().is_none_or(|before| before.version != entry.now.version);
    let changed: Vec<&Entry> = world.claims.values().filter(changed).collect();
    let new_claims: Vec<&Claim> = new.iter().map(|entry| &entry.now).collect();
    let keys = Keys::of(tx, writes, (world, vault), &new_claims, &sealed::claims(world, &changed)).await?;
    if !new.is_empty() {
        insert_claims(writes, &new);
        sealed::insert_contacts(writes, &keys, world)?;
        sealed::insert_lines(writes, &keys, &new_claims)?;
    }
    sealed::update_addresses(writes, &keys, world)?;
    // A claim that was made and changed in the same batch is inserted as made, then changed.
    let later: Vec<&Entry> = changed.iter().copied().filter(|entry| entry.now.version > 1).collect();
    if later.iter().any(|entry| entry.before.is_none()) {
        writes.then();
    }
    if !later.is_empty() {
        update_claims(writes, &later);
    }
    sealed::insert_evidence(writes, &keys, &changed)?;
    files::insert(writes, &changed);
    upsert_questions(writes, &changed);
    insert_contacts(writes, &changed);
    sealed::insert_words(writes, &keys, world)?;
    brought::save(writes, world);
    customers::save(writes, &world.customers);
    Ok(())
}

pub(super) fn small(number: u32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

pub(super) fn whole(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn ids(entries: &[&Entry]) -> Vec<Uuid> {
    entries.iter().map(|entry| entry.now.id.0).collect()
}

fn each<T>(entries: &[&Entry], column: impl Fn(&Claim) -> T) -> Vec<T> {
    entries.iter().map(|entry| column(&entry.now)).collect()
}

fn at(time: Option<jiff::Timestamp>) -> Option<Timestamp> {
    time.map(ToSqlx::to_sqlx)
}

fn insert_claims(writes: &mut Writes, new: &[&Entry]) {
    writes
        .exactly(new.len(), INSERT_CLAIMS)
        .bind(ids(new))
        .bind(each(new, |claim| claim.number.clone()))
        .bind(each(new, |claim| claim.channel as i16))
        .bind(each(new, |claim| claim.customer_ref.clone()))
        .bind(each(new, |claim| claim.country.clone()))
        .bind(each(new, |claim| small(claim.importance)))
        .bind(each(new, |claim| claim.upset))
        .bind(each(new, |claim| claim.received_at.to_sqlx()))
        .bind(each(new, |claim| at(claim.promises.acknowledgement)))
        .bind(each(new, |claim| at(claim.promises.first_feedback)))
        .bind(each(new, |claim| claim.announced_on.map(ToSqlx::to_sqlx)))
        .bind(each(new, |claim| claim.address_known))
        .bind(each(new, |claim| claim.possible_duplicates.join(" ")))
        .bind(each(new, |claim| claim.brought_by.clone()))
        .bind(each(new, |claim| claim.email_confirmed))
        .bind(each(new, |claim| whole(claim.policy_version)));
}

fn update_claims(writes: &mut Writes, changed: &[&Entry]) {
    let scores = |claim: &Claim| claim.scores.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let plan =
        |claim: &Claim| claim.proposal.as_ref().and_then(|known| known.plan.as_ref()).map(|plan| plan.encode_to_vec());
    let read_back_by =
        |claim: &Claim| claim.read_back.as_ref().map(|read_back| read_back.by.clone()).unwrap_or_default();
    let end_reason = |claim: &Claim| claim.end.as_ref().map(|(_, reason)| reason.clone()).unwrap_or_default();
    writes
        .exactly(changed.len(), UPDATE_CLAIMS)
        .bind(ids(changed))
        .bind(each(changed, |claim| claim.version))
        .bind(each(changed, |claim| claim.state() as i16))
        .bind(each(changed, end_reason))
        .bind(each(changed, |claim| claim.withdrawal_requested))
        .bind(each(changed, |claim| at(claim.read_back.as_ref().map(|read_back| read_back.at))))
        .bind(each(changed, read_back_by))
        .bind(each(changed, |claim| at(claim.promises.acknowledgement)))
        .bind(each(changed, |claim| at(claim.promises.first_feedback)))
        .bind(each(changed, |claim| at(claim.promises.solution)))
        .bind(each(changed, |claim| whole(claim.proposal.as_ref().map_or(0, |known| known.number))))
        .bind(each(changed, |claim| claim.proposal.as_ref().map_or(0, |known| known.state as i16)))
        .bind(each(changed, |claim| plan(claim).unwrap_or_default()))
        .bind(each(changed, |claim| whole(claim.follow_up.map_or(0, |asked| asked.round))))
        .bind(each(changed, |claim| small(claim.follow_up.and_then(|asked| asked.score).unwrap_or(0))))
        .bind(each(changed, scores))
        .bind(each(changed, |claim| claim.address_known))
        .bind(each(changed, |claim| claim.duplicate_of.as_ref().map(|(of, _)| of.0)))
        .bind(each(changed, |claim| claim.duplicate_of.as_ref().map(|(_, of)| of.clone()).unwrap_or_default()))
        .bind(each(changed, |claim| i16::try_from(claim.contacts.len()).unwrap_or(i16::MAX)))
        .bind(each(changed, |claim| claim.email_confirmed))
        .bind(each(changed, |claim| at(claim.ended_at)))
        .bind(changed.iter().map(|entry| entry.before.as_ref().map_or(1, |before| before.version)).collect::<Vec<_>>());
}

fn upsert_questions(writes: &mut Writes, changed: &[&Entry]) {
    let mut rows: Vec<(Uuid, i16, &Question)> = Vec::new();
    for entry in changed {
        let known = entry.before.as_ref().map_or(&[][..], |before| &before.questions);
        for (at, question) in entry.now.questions.iter().enumerate() {
            if known.get(at) != Some(question) {
                rows.push((entry.now.id.0, i16::try_from(at + 1).unwrap_or(i16::MAX), question));
            }
        }
    }
    if rows.is_empty() {
        return;
    }
    let time =
        |of: fn(&Question) -> Option<jiff::Timestamp>| rows.iter().map(|(_, _, row)| at(of(row))).collect::<Vec<_>>();
    writes
        .add(UPSERT_QUESTIONS)
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, number, _)| *number).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, question)| question.id.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, question)| question.reason.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, question)| small(question.line)).collect::<Vec<_>>())
        .bind(time(|question| question.asked_at))
        .bind(time(|question| question.answered_at))
        .bind(time(|question| question.closed_at))
        .bind(rows.iter().map(|(_, _, question)| question.order_no.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, question)| question.address_given).collect::<Vec<_>>());
}

/// Contacts are only ever added: what is beyond the number that was there is new.
fn insert_contacts(writes: &mut Writes, changed: &[&Entry]) {
    let mut rows: Vec<(Uuid, i16, &LoggedContact)> = Vec::new();
    for entry in changed {
        let known = entry.before.as_ref().map_or(0, |before| before.contacts.len());
        let new = (1..).zip(&entry.now.contacts).skip(known);
        rows.extend(new.map(|(number, contact)| (entry.now.id.0, number, contact)));
    }
    if rows.is_empty() {
        return;
    }
    writes
        .add(INSERT_CONTACTS)
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, number, _)| *number).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, contact)| contact.at.to_sqlx()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, contact)| contact.channel as i16).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, contact)| contact.direction as i16).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, contact)| contact.by.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, contact)| contact.logged_at.to_sqlx()).collect::<Vec<_>>());
}
