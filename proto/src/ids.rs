//! Identifiers as types, so that two of them cannot be swapped.
//!
//! Every id is a UUID. Ids of new things are version 7, made from a given time and given randomness ([`v7`]);
//! ids that must be the same on every try are derived from what they name ([`derived`]).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// One after-sales case of one customer.
    ClaimId;
    /// One parcel to or from a customer.
    ShipmentId;
    /// One payment to a customer for one line.
    SettlementId;
}

/// Reads the one canonical spelling (36 characters, lower case): ids are compared as text by clients.
pub fn parse(text: &str) -> Result<Uuid, uuid::Error> {
    let id = Uuid::try_parse(text)?;
    let mut spelling = Uuid::encode_buffer();
    if id.hyphenated().encode_lower(&mut spelling) == text { Ok(id) } else { Uuid::try_parse("not canonical") }
}

/// A version 7 id of the given time and randomness.
pub fn v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A version 7 id that is the same whenever the same thing is named at the same time.
pub fn derived(at: Timestamp, name: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in name {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut random = [0; 10];
    random.copy_from_slice(&hash.finalize()[..10]);
    v7(at, random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_text_and_back() {
        let id = ClaimId(v7(Timestamp::UNIX_EPOCH, [7; 10]));
        assert_eq!(id.to_string().parse::<ClaimId>().unwrap(), id);
        assert_eq!(id.0.get_version_num(), 7);
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        let id = v7(Timestamp::UNIX_EPOCH, [0xab; 10]).to_string();
        assert!(parse(&id).is_ok());
        assert!(parse(&id.to_uppercase()).is_err());
        assert!(parse(&id.replace('-', "")).is_err());
        assert!(parse(&format!("{{{id}}}")).is_err());
    }

    #[test]
    fn a_derived_id_names_its_parts() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(derived(at, &["a", "b"]), derived(at, &["a", "b"]));
        assert_ne!(derived(at, &["a", "b"]), derived(at, &["ab"]));
    }
}
