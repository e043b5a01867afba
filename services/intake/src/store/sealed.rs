//! Rows with personal data: every such field is sealed for its place before it leaves for the database.

use std::collections::BTreeSet;

use chassis::{Fault, Writes};
use jiff_sqlx::{Date, ToSqlx};
use uuid::Uuid;

use super::keys::Keys;
use super::personal::CONTACT_FIELDS;
use super::save::{small, whole};
use crate::domain::{Claim, Evidence, Line};
use crate::handle::{Entry, World};

pub(super) const INSERT_CONTACTS: &str = "INSERT INTO contact \
         (claim_id, key_id, customer_name, contact_person, company, phone, email, address) \
     SELECT claim_id, key_id, customer_name, contact_person, company, phone, email, address \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[]) \
         AS new (claim_id, key_id, customer_name, contact_person, company, phone, email, address)";

/// An address that the customer gave later, under the key of the claim.
pub(super) const UPDATE_ADDRESSES: &str = "UPDATE contact SET address = new.address \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::bytea[]) AS new (claim_id, key_id, address) \
     WHERE contact.claim_id = new.claim_id AND contact.key_id = new.key_id";

/// Serial numbers travel as lines of one text, since UNNEST flattens arrays of arrays.
pub(super) const INSERT_LINES: &str = "INSERT INTO claim_line \
         (claim_id, line, order_no, sku, batch, serials, quantity, category, wish, delivered_on, occurred_on, \
         description, safety_risk, operation_stopped) \
     SELECT claim_id, line, order_no, sku, batch, string_to_array(serials, E'\\n'), quantity, category, wish, \
         delivered_on, occurred_on, description, safety_risk, operation_stopped \
     FROM UNNEST($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], \
         $8::smallint[], $9::smallint[], $10::date[], $11::date[], $12::bytea[], $13::boolean[], $14::boolean[]) \
         AS new (claim_id, line, order_no, sku, batch, serials, quantity, category, wish, delivered_on, occurred_on, \
             description, safety_risk, operation_stopped)";

pub(super) const INSERT_EVIDENCE: &str = "INSERT INTO evidence \
         (claim_id, evidence_no, sha256, media_type, size, name, line, audience) \
     SELECT claim_id, evidence_no, sha256, media_type, size, name, line, audience \
     FROM UNNEST($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::smallint[], \
         $8::smallint[]) AS new (claim_id, evidence_no, sha256, media_type, size, name, line, audience)";

pub(super) const INSERT_WORDS: &str = "INSERT INTO customer_word (word_id, claim_id, about, text, at) \
     SELECT word_id, claim_id, about, text, at \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[]) \
         AS new (word_id, claim_id, about, text, at)";

/// Claims that are not new and of which something is sealed now.
pub(super) fn claims(world: &World, changed: &[&Entry]) -> BTreeSet<Uuid> {
    let is_old = |claim: &Uuid| world.claims.get(&(*claim).into()).is_some_and(|entry| entry.before.is_some());
    let grown =
        |entry: &&&Entry| entry.before.as_ref().is_some_and(|before| before.evidence.len() < entry.now.evidence.len());
    let of_evidence = changed.iter().filter(grown).map(|entry| entry.now.id.0);
    let of_words = world.words.iter().map(|word| word.claim.0).filter(is_old);
    let of_addresses = world.addresses.keys().map(|claim| claim.0);
    of_evidence.chain(of_words).chain(of_addresses).collect()
}

pub(super) fn insert_contacts(writes: &mut Writes, keys: &Keys, world: &World) -> Result<(), Fault> {
    let mut sealed: [Vec<Vec<u8>>; 6] = Default::default();
    let mut key_ids = Vec::with_capacity(world.contacts.len());
    for (id, contact) in &world.contacts {
        let claim = claim_of(world, *id)?;
        key_ids.push(keys.key(*id)?.id);
        let crate::domain::Contact { customer_name, contact_person, company, phone, email, address } = contact;
        let texts = [customer_name, contact_person, company, phone, email, address];
        for ((field, text), sealed) in CONTACT_FIELDS.into_iter().zip(texts).zip(&mut sealed) {
            sealed.push(keys.seal(claim, (id.0, 0, field), text)?);
        }
    }
    writes.add(INSERT_CONTACTS).bind(world.contacts.iter().map(|(claim, _)| claim.0).collect::<Vec<_>>()).bind(key_ids);
    for column in sealed {
        writes.bind(column);
    }
    Ok(())
}

/// Questions are answered about claims that are there: their contacts are, too.
pub(super) fn update_addresses(writes: &mut Writes, keys: &Keys, world: &World) -> Result<(), Fault> {
    if world.addresses.is_empty() {
        return Ok(());
    }
    let (mut key_ids, mut sealed) = (Vec::new(), Vec::new());
    for (id, address) in &world.addresses {
        key_ids.push(keys.key(*id)?.id);
        sealed.push(keys.seal(claim_of(world, *id)?, (id.0, 0, "address"), address)?);
    }
    writes
        .exactly(sealed.len(), UPDATE_ADDRESSES)
        .bind(world.addresses.keys().map(|claim| claim.0).collect::<Vec<_>>())
        .bind(key_ids)
        .bind(sealed);
    Ok(())
}

fn claim_of(world: &World, id: proto::ClaimId) -> Result<&Claim, Fault> {
    let entry = world.claims.get(&id);
    Ok(&entry.ok_or_else(|| Fault::Permanent(format!("claim {id} is not in the batch")))?.now)
}

pub(super) fn insert_lines(writes: &mut Writes, keys: &Keys, new: &[&Claim]) -> Result<(), Fault> {
    type Row<'a> = (Uuid, i16, &'a Line);
    let rows: Vec<Row> =
        new.iter().flat_map(|claim| (1..).zip(&claim.lines).map(|(n, l)| (claim.id.0, n, l))).collect();
    let mut descriptions = Vec::with_capacity(rows.len());
    for claim in new {
        for (number, line) in (1..).zip(&claim.lines) {
            descriptions.push(keys.seal(claim, (claim.id.0, number, "description"), &line.description)?);
        }
    }
    let text = |of: fn(&Line) -> String| rows.iter().map(|(_, _, line)| of(line)).collect::<Vec<_>>();
    let code = |of: fn(&Line) -> i16| rows.iter().map(|(_, _, line)| of(line)).collect::<Vec<_>>();
    let flag = |of: fn(&Line) -> bool| rows.iter().map(|(_, _, line)| of(line)).collect::<Vec<_>>();
    let day = |of: fn(&Line) -> Option<jiff::civil::Date>| {
        rows.iter().map(|(_, _, line)| of(line).map(ToSqlx::to_sqlx)).collect::<Vec<Option<Date>>>()
    };
    writes
        .add(INSERT_LINES)
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, number, _)| *number).collect::<Vec<_>>())
        .bind(text(|line| line.order_no.clone()))
        .bind(text(|line| line.sku.clone()))
        .bind(text(|line| line.batch.clone()))
        .bind(text(|line| line.serials.join("\n")))
        .bind(rows.iter().map(|(_, _, line)| whole(line.quantity)).collect::<Vec<_>>())
        .bind(code(|line| line.category as i16))
        .bind(code(|line| line.wish as i16))
        .bind(day(|line| line.delivered_on))
        .bind(day(|line| line.occurred_on))
        .bind(descriptions)
        .bind(flag(|line| line.safety_risk))
        .bind(flag(|line| line.operation_stopped));
    Ok(())
}

/// Evidence is only ever added: what is beyond the number that was there is new.
pub(super) fn insert_evidence(writes: &mut Writes, keys: &Keys, changed: &[&Entry]) -> Result<(), Fault> {
    let mut rows: Vec<(Uuid, i16, &Evidence)> = Vec::new();
    let mut names = Vec::new();
    for entry in changed {
        let known = entry.before.as_ref().map_or(0, |before| before.evidence.len());
        for (number, piece) in (1..).zip(&entry.now.evidence).skip(known) {
            names.push(keys.seal(&entry.now, (entry.now.id.0, number, "name"), &piece.name)?);
            rows.push((entry.now.id.0, number, piece));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    writes
        .add(INSERT_EVIDENCE)
        .bind(rows.iter().map(|(claim, _, _)| *claim).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, number, _)| *number).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, piece)| piece.sha256.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, piece)| piece.media_type.clone()).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, piece)| piece.size).collect::<Vec<_>>())
        .bind(names)
        .bind(rows.iter().map(|(_, _, piece)| small(piece.line)).collect::<Vec<_>>())
        .bind(rows.iter().map(|(_, _, piece)| piece.audience as i16).collect::<Vec<_>>());
    Ok(())
}

/// Words are bound to their claim and to what they answer: an objection to one plan must not pass for one to another.
pub(super) fn words_field(claim: Uuid, about: &str) -> String {
    format!("text {claim} {about}")
}

pub(super) fn insert_words(writes: &mut Writes, keys: &Keys, world: &World) -> Result<(), Fault> {
    let words = &world.words;
    if words.is_empty() {
        return Ok(());
    }
    let mut texts = Vec::with_capacity(words.len());
    for word in words {
        let field = words_field(word.claim.0, &word.about);
        texts.push(keys.seal(claim_of(world, word.claim)?, (word.id, 0, &field), &word.text)?);
    }
    writes
        .add(INSERT_WORDS)
        .bind(words.iter().map(|word| word.id).collect::<Vec<_>>())
        .bind(words.iter().map(|word| word.claim.0).collect::<Vec<_>>())
        .bind(words.iter().map(|word| word.about.clone()).collect::<Vec<_>>())
        .bind(texts)
        .bind(words.iter().map(|word| word.at.to_sqlx()).collect::<Vec<_>>());
    Ok(())
}
