//! References: for a few minutes one caller can download one file (S16).
//!
//! A reference holds the file, its claim and its end, and an HMAC over these and the caller. Nothing of it is stored, and
//! nothing of it can be changed.

use std::path::Path;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use proto::ClaimId;
use ring::hmac;
use uuid::Uuid;

/// What is signed begins with it: a signature for anything else is none for a reference.
const PURPOSE: &[u8] = b"redress evidence reference 1";
/// File, claim, end.
const BODY: usize = 16 + 16 + 8;

/// Makes references and checks them.
#[derive(Clone, Debug)]
pub struct References {
    /// The first signs, all are accepted.
    keys: Vec<hmac::Key>,
    life: SignedDuration,
}

/// What a reference says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub evidence: Uuid,
    pub claim: ClaimId,
}

impl References {
    /// Reads the keys.
    pub fn open(file: Option<&Path>, life: SignedDuration) -> anyhow::Result<Self> {
        let file = file.context("evidence.key_file must name the file with the key that signs references")?;
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("evidence.key_file: cannot read {}", file.display()))?;
        let keys: Option<Vec<_>> = text.split_whitespace().map(key).collect();
        let keys = keys.unwrap_or_default();
        ensure!(!keys.is_empty(), "evidence.key_file must have lines of 64 hexadecimal digits");
        Ok(Self { keys, life })
    }

    /// A reference to a file, for a caller.
    pub fn make(&self, named: &Named, subject: &str, now: Timestamp) -> (String, Timestamp) {
        // Whole seconds, so that the end that is told is the end that holds.
        let end = now.as_second().saturating_add(self.life.as_secs());
        let mut reference = Vec::with_capacity(BODY + 32);
        reference.extend_from_slice(named.evidence.as_bytes());
        reference.extend_from_slice(named.claim.0.as_bytes());
        reference.extend_from_slice(&end.to_be_bytes());
        let signature = hmac::sign(&self.keys[0], &message(&reference, subject));
        reference.extend_from_slice(signature.as_ref());
        (URL_SAFE_NO_PAD.encode(reference), Timestamp::from_second(end).unwrap_or(Timestamp::MAX))
    }

    /// What a reference names, if it is ours, for this caller, and has not ended.
    pub fn read(&self, reference: &str, subject: &str, now: Timestamp) -> Option<Named> {
        let bytes = URL_SAFE_NO_PAD.decode(reference).ok()?;
        let (body, signature) = bytes.split_at_checked(BODY)?;
        let message = message(body, subject);
        self.keys.iter().find(|key| hmac::verify(key, &message, signature).is_ok())?;
        let end = i64::from_be_bytes(body[32..].try_into().ok()?);
        let claim = ClaimId(Uuid::from_slice(&body[16..32]).ok()?);
        (now.as_second() < end).then_some(Named { evidence: Uuid::from_slice(&body[..16]).ok()?, claim })
    }
}

/// The body has a fixed length, so nothing of it can become part of the subject.
fn message(body: &[u8], subject: &str) -> Vec<u8> {
    [PURPOSE, body, subject.as_bytes()].concat()
}

fn key(line: &str) -> Option<hmac::Key> {
    let digits = line.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Vec<u8> = digits.collect::<Option<_>>().filter(|_| line.len() == 64)?;
    Some(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T10:00:00Z".parse().unwrap()
    }

    fn references(keys: &[&str]) -> References {
        let keys = keys.iter().map(|line| key(line).unwrap()).collect();
        References { keys, life: SignedDuration::from_mins(2) }
    }

    #[test]
    fn only_the_caller_reads_it_and_only_for_a_while() {
        let ours = references(&[&"a1".repeat(32)]);
        let named = Named { evidence: Uuid::from_u128(7), claim: ClaimId(Uuid::from_u128(8)) };
        let (reference, end) = ours.make(&named, "anna", now());
        assert_eq!(end, now() + SignedDuration::from_mins(2));
        assert_eq!(ours.read(&reference, "anna", now()), Some(named.clone()));
        assert_eq!(ours.read(&reference, "anna", end), None, "it has ended");
        assert_eq!(ours.read(&reference, "bert", now()), None, "it is anna's");
        let others = references(&[&"b2".repeat(32)]);
        assert_eq!(others.read(&reference, "anna", now()), None, "another key has signed it");
        let turned = references(&[&"b2".repeat(32), &"a1".repeat(32)]);
        assert_eq!(turned.read(&reference, "anna", now()), Some(named), "the old key is still accepted");
        for at in 0..reference.len() {
            let mut altered = reference.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(altered == reference || ours.read(&altered, "anna", now()).is_none(), "altered at {at}");
        }
        for odd in ["", "A", "....", &reference[..reference.len() - 4], &format!("{reference}AAAA")] {
            assert_eq!(ours.read(odd, "anna", now()), None, "{odd}");
        }
    }

    #[test]
    fn a_key_has_64_digits() {
        assert!(key(&"0f".repeat(32)).is_some());
        for bad in ["", "0f", &"0g".repeat(32), &"+f".repeat(32), &"0f".repeat(33)] {
            assert!(key(bad).is_none(), "{bad}");
        }
    }
}
