//! Who reads which personal data of customers for what, and how often (N13, SR16). Customers read their own.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Problems;
use super::triage::Word;
use crate::intake::{AccessPurpose, PersonalField};

/// Roles that may be named: those whom some method that reads personal data lets in.
const ROLES: [&str; 12] = [
    "auditor",
    "carrier",
    "finance",
    "integration",
    "legal",
    "logistics",
    "management",
    "notifier",
    "quality",
    "specialist",
    "supervisor",
    "warehouse",
];

/// Section `[contacts]` of a pack. A role that is not named reads nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contacts {
    /// Reads of one person within an hour; what is more is refused, and the auditor is told.
    pub reads_per_hour: u32,
    /// The same of a system of the shop.
    pub system_reads_per_hour: u32,
    /// What each role reads.
    pub roles: BTreeMap<String, Reader>,
}

/// What a role reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// What for.
    pub purposes: Vec<Word<AccessPurpose>>,
    /// Which fields; none: files of evidence only.
    #[serde(default)]
    pub fields: Vec<Word<PersonalField>>,
    /// Fields are read only while a parcel of the claim is under way: of a carrier its own.
    #[serde(default)]
    pub open_parcel: bool,
    /// It is a system, which reads more often than a person.
    #[serde(default)]
    pub system: bool,
}

/// What somebody may read for a purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Fields that are read at any time.
    pub always: Vec<PersonalField>,
    /// Fields that are read while a parcel of the claim is under way.
    pub with_parcel: Vec<PersonalField>,
    /// Reads within an hour.
    pub per_hour: u32,
}

impl Contacts {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(self.reads_per_hour > 0, "contacts.reads_per_hour", "begins at 1");
        problems.require(self.system_reads_per_hour > 0, "contacts.system_reads_per_hour", "begins at 1");
        for (role, reader) in &self.roles {
            let path = format!("contacts.roles.{role}");
            problems.require(ROLES.contains(&role.as_str()), &path, format!("is none of {}", ROLES.join(", ")));
            problems.require(!reader.purposes.is_empty(), &path, "has no purpose");
        }
    }

    /// What somebody with these roles may read for a purpose; none: nothing.
    pub fn allowed(&self, roles: &[String], purpose: AccessPurpose) -> Option<Allowed> {
        let has =
            |(role, reader): &(&String, &Reader)| roles.contains(role) && reader.purposes.contains(&Word(purpose));
        let readers: Vec<&Reader> = self.roles.iter().filter(has).map(|(_, reader)| reader).collect();
        if readers.is_empty() {
            return None;
        }
        let fields = |open_parcel: bool| {
            let some = readers.iter().filter(|reader| reader.open_parcel == open_parcel);
            let mut fields: Vec<PersonalField> =
                some.flat_map(|reader| reader.fields.iter().map(|field| field.0)).collect();
            fields.sort_unstable_by_key(|field| *field as i32);
            fields.dedup();
            fields
        };
        // A person who is let in as a system as well is still a person.
        let person = readers.iter().any(|reader| !reader.system);
        let per_hour = if person { self.reads_per_hour } else { self.system_reads_per_hour };
        Some(Allowed { always: fields(false), with_parcel: fields(true), per_hour })
    }

    /// What each role reads, in words.
    pub fn told(&self) -> Vec<(String, String)> {
        let words = |all: Vec<String>| all.join(", ");
        let told = self.roles.iter().map(|(role, reader)| {
            let purposes = words(reader.purposes.iter().map(ToString::to_string).collect());
            let fields = match words(reader.fields.iter().map(ToString::to_string).collect()) {
                none if none.is_empty() => "files of evidence".to_owned(),
                fields => fields,
            };
            let when = if reader.open_parcel { ", while a parcel is under way" } else { "" };
            (role.clone(), format!("for {purposes}: {fields}{when}"))
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use AccessPurpose::{Delivery, Handling, Legal, Notice};
    use PersonalField::{Address, Email, Words};

    use super::*;
    use crate::policy::{Pack, SUPPLY_CHAIN};

    fn allowed(roles: &[&str], purpose: AccessPurpose) -> Option<Allowed> {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        Pack::load(None).unwrap().contacts.allowed(&roles, purpose)
    }

    #[test]
    fn sr16_roles_read_what_their_purposes_need() {
        let logistics = allowed(&["logistics"], Delivery).unwrap();
        assert!(logistics.always.is_empty() && logistics.with_parcel.contains(&Address));
        assert!(!logistics.with_parcel.contains(&Email) && !logistics.with_parcel.contains(&Words));
        for (role, purpose) in [
            ("logistics", Legal),
            ("warehouse", Handling),
            ("carrier", Notice),
            ("notifier", Delivery),
            ("operator", Delivery),
        ] {
            assert_eq!(allowed(&[role], purpose), None, "{role}");
        }
        let both = allowed(&["logistics", "specialist"], Delivery).unwrap();
        assert!(both.always.contains(&Address), "as a specialist, at any time");
        assert!(allowed(&["notifier"], Notice).unwrap().per_hour > both.per_hour);
    }

    #[test]
    fn a_role_that_reads_nothing_anyway_is_told_with_its_line() {
        let text = SUPPLY_CHAIN.replacen("notifier = {", "operator = {", 1);
        let error = Pack::parse("pack.toml", &text).unwrap_err();
        let line = 1 + text.lines().position(|line| line.starts_with("operator = {")).unwrap();
        assert!(error.to_string().starts_with(&format!("pack.toml:{line}: contacts.roles.operator")), "{error}");
    }
}
