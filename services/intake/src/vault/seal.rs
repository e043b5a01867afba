//! Sealing: a version byte, a random nonce, the text, a tag. What is sealed can be opened only with its key, and only at
//! its place: customer, row and field are bound to it.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use chassis::{Fault, Pii};
use uuid::Uuid;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 24;
/// What is bound to sealed personal data begins with it.
const PLACE: &[u8] = b"redress personal data 1";

/// A customer's key, ready for use.
pub struct DataKey {
    pub id: Uuid,
    bytes: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// It cannot be opened: another key, another place, or altered bytes. Which one, nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed data cannot be opened")]
pub struct Broken;

/// Where something sealed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub customer_ref: &'a str,
    /// The row: a claim, or words of a customer.
    pub row: Uuid,
    /// The row's number within it; 0: there is one.
    pub number: i16,
    pub field: &'a str,
}

impl Place<'_> {
    /// No two places give the same bytes: what can differ in length is either counted or last.
    fn bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.customer_ref.len()).unwrap_or(u16::MAX);
        let (length, number) = (length.to_be_bytes(), self.number.to_be_bytes());
        [PLACE, &length, self.customer_ref.as_bytes(), self.row.as_bytes(), &number, self.field.as_bytes()].concat()
    }
}

impl DataKey {
    pub(super) fn new(id: Uuid, bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { id, bytes }
    }

    /// Seals a text for its place.
    pub fn seal(&self, place: &Place<'_>, text: &Pii<String>) -> Result<Vec<u8>, Fault> {
        seal(&self.bytes, &place.bytes(), text.expose("it is sealed").as_bytes())
    }

    /// Opens what was sealed for this place.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Pii<String>, Broken> {
        let text = open(&self.bytes, &place.bytes(), sealed)?;
        String::from_utf8(text).map(Pii::new).map_err(|_| Broken)
    }
}

/// Seals bytes, and what is bound to them.
pub(super) fn seal(key: &[u8; 32], bound: &[u8], bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut nonce = [0; NONCE];
    super::random(&mut nonce)?;
    let payload = Payload { msg: bytes, aad: bound };
    let sealed = cipher(key).encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| Fault::Permanent("there is too much to seal".to_owned()))?;
    Ok([&[VERSION], &nonce[..], &sealed].concat())
}

/// Opens bytes, if the same is bound to them.
pub(super) fn open(key: &[u8; 32], bound: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Broken> {
    let (head, sealed) = sealed.split_at_checked(1 + NONCE).ok_or(Broken)?;
    let nonce: [u8; NONCE] = head[1..].try_into().map_err(|_| Broken)?;
    if head[0] != VERSION {
        return Err(Broken);
    }
    cipher(key).decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: bound }).map_err(|_| Broken)
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> DataKey {
        DataKey::new(Uuid::from_u128(1), Zeroizing::new([byte; 32]))
    }

    fn at<'a>(customer_ref: &'a str, row: u128, number: i16, field: &'a str) -> Place<'a> {
        Place { customer_ref, row: Uuid::from_u128(row), number, field }
    }

    fn places() -> impl Strategy<Value = (String, u128, i16, String)> {
        ("[0-9a-z]{1,12}", 0..4_u128, 0..4_i16, "[a-z_]{1,12}")
    }

    proptest! {
        /// S24: what is sealed is opened at its place, and is not to be seen in it.
        #[test]
        fn s24_sealed_and_opened(text in ".{0,300}", (customer, row, number, field) in places()) {
            let place = at(&customer, row, number, &field);
            let sealed = key(7).seal(&place, &Pii::new(text.clone())).unwrap();
            prop_assert_eq!(sealed.len(), text.len() + 41);
            prop_assert_eq!(key(7).open(&place, &sealed), Ok(Pii::new(text.clone())));
            if text.len() >= 4 {
                prop_assert!(!sealed.windows(text.len()).any(|part| part == text.as_bytes()));
            }
        }

        /// S24: at another place, for another customer, or with another key it cannot be opened.
        #[test]
        fn s24_nothing_else_opens_it(here in places(), there in places()) {
            let place = at(&here.0, here.1, here.2, &here.3);
            let other = at(&there.0, there.1, there.2, &there.3);
            let sealed = key(7).seal(&place, &Pii::new("Ada".to_owned())).unwrap();
            prop_assert_eq!(key(7).open(&other, &sealed).is_ok(), here == there);
            prop_assert_eq!(key(8).open(&place, &sealed), Err(Broken));
        }

        /// S24: an altered byte is noticed, wherever it is; so is a missing end.
        #[test]
        fn s24_altered_bytes_are_noticed(text in ".{0,60}", at_byte in any::<prop::sample::Index>(), bits in 1..=255_u8) {
            let place = at("17850", 1, 0, "email");
            let mut sealed = key(7).seal(&place, &Pii::new(text)).unwrap();
            let index = at_byte.index(sealed.len());
            prop_assert_eq!(key(7).open(&place, &sealed[..index]), Err(Broken));
            sealed[index] ^= bits;
            prop_assert_eq!(key(7).open(&place, &sealed), Err(Broken));
        }
    }

    #[test]
    fn s24_no_nonce_is_used_twice() {
        let place = at("17850", 1, 0, "email");
        let seal = |_| key(7).seal(&place, &Pii::new("ada@engines.example".to_owned())).unwrap();
        let sealed: Vec<Vec<u8>> = (0..10_000).map(seal).collect();
        assert_eq!(sealed.iter().map(|sealed| &sealed[1..25]).collect::<HashSet<_>>().len(), 10_000);
        assert_eq!(sealed.iter().collect::<HashSet<_>>().len(), 10_000, "the same text never looks the same");
    }

    #[test]
    fn s24_no_two_places_are_the_same() {
        let shifted =
            [at("1", 1, 0, "ab"), at("1", 1, 0, "a"), at("1a", 1, 0, "b"), at("1", 1, 97, "b"), at("11", 1, 0, "ab")];
        assert_eq!(shifted.iter().map(Place::bytes).collect::<HashSet<_>>().len(), shifted.len());
    }
}
