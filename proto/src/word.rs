//! The words of the contract, and how they are spelt in databases, packs, subjects and by people.

use serde::de::{Deserialize, Deserializer, Error};

/// An enumeration of the contract as it comes over the wire, where nothing may have been said.
pub trait Enumeration: Copy + TryFrom<i32> + From<Self::Word> {
    /// Its words.
    type Word: Word + TryFrom<i32>;
}

/// A word; never the unspecified one. The words of the contract are in the modules `words`, each with its number; a service
/// has words of its own where nobody else needs them.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word, in order.
    const ALL: &'static [Self];
    /// What it is a word for, as people say: `delivery mode`.
    const WHAT: &'static str;

    /// Its spelling: `freight_line` for `DELIVERY_MODE_FREIGHT_LINE`.
    fn word(self) -> &'static str;

    /// The word that is spelt so.
    fn from_word(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.word() == text)
    }
}

/// Reads a word from a file: only as it is spelt.
pub(crate) fn deserialize<'de, W: Word, D: Deserializer<'de>>(from: D) -> Result<W, D::Error> {
    let text = String::deserialize(from)?;
    W::from_word(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not a {}", W::WHAT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::words::{BatchRule, Role};
    use crate::{claim, logistics};

    #[test]
    fn a_word_is_text_and_number_and_back() {
        for role in Role::ALL.iter().copied() {
            assert_eq!(Role::from_word(role.word()), Some(role));
            assert_eq!(Role::try_from(i32::from(role)), Ok(role));
            assert_eq!(claim::Role::from(role).as_str_name(), format!("ROLE_{}", role.word().to_uppercase()));
            assert_eq!(claim::Role::from(role).said(), Some(role));
        }
        assert_eq!(BatchRule::WHAT, "batch rule");
        assert_eq!(logistics::DeliveryMode::FreightLine.word(), "freight_line");
    }

    #[test]
    fn what_was_not_said_is_no_word() {
        assert_eq!(Role::from_word("unspecified"), None);
        assert_eq!(Role::from_word("Supervisor"), None);
        assert_eq!(Role::try_from(claim::Role::Unspecified), Err(()));
        assert_eq!(Role::try_from(99), Err(()));
        assert_eq!(claim::Role::Unspecified.word(), "");
    }
}
