//! How a repeated request is known again.

use prost::Message;
use ring::{digest, hmac};
use uuid::Uuid;

use crate::meta::Actor;

/// What the key is made from the secret for: it is good for nothing else.
const PURPOSE: &[u8] = b"redress request fingerprint 1";

/// Makes fingerprints of requests. They are kept, so they are made with a key that is not in the database: without it nobody
/// finds out by trying whose name or number was in a request, not even who has a copy of the database.
#[derive(Clone)]
pub(crate) struct Fingerprinter(hmac::Key);

impl Fingerprinter {
    /// With a key of its own, made from a secret of the service.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// What a request is: somebody else's answer is nobody's answer, so the caller is part of it.
    pub(crate) fn fingerprint(&self, caller: &Actor, request: &impl Message) -> RequestFingerprint {
        let mut hash = hmac::Context::with_key(&self.0);
        // One subject may stand for many customers, as a shop does.
        for part in [Some(&caller.subject), caller.customer.as_ref()] {
            hash.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.map_or(b"", |part| part.as_bytes()));
        }
        let who = hash.clone().sign();
        hash.update(&request.encode_to_vec());
        let mut before = [0; 32];
        before.copy_from_slice(hash.sign().as_ref());
        let mut bytes = before;
        bytes[WHO..].copy_from_slice(&who.as_ref()[..32 - WHO]);
        RequestFingerprint { bytes, before }
    }
}

/// Where in a fingerprint it begins to say who asks.
const WHO: usize = 24;

/// A fingerprint: of the request, and in its last bytes of the caller alone. So ids of requests are each caller's own: who
/// knows another's id uses nothing up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestFingerprint {
    /// As it is kept.
    pub bytes: [u8; 32],
    /// As releases before have kept it: it did not say who asked.
    before: [u8; 32],
}

impl RequestFingerprint {
    /// Whether what is kept is the same request of the same caller.
    pub(crate) fn is(&self, kept: &[u8]) -> bool {
        kept == self.bytes || kept == self.before
    }

    /// Whether what is kept is a request of another caller.
    pub(crate) fn is_of_another(&self, kept: &[u8]) -> bool {
        !self.is(kept) && kept.get(WHO..) != Some(&self.bytes[WHO..])
    }

    /// The id under which the answer to this caller is kept where another has used the same id.
    pub(crate) fn own_id(&self, id: Uuid) -> Uuid {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(id.as_bytes());
        hash.update(&self.bytes[WHO..]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finish().as_ref()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use proto::operations::RedriveParkedRequest;

    use super::*;

    #[test]
    fn a_fingerprint_is_of_the_secret_the_caller_and_the_request() {
        let request = |id: &str| RedriveParkedRequest { request_id: id.to_owned(), ..Default::default() };
        let anna = Actor::new("anna", &[]);
        let of = |secret: &[u8], caller: &Actor, id: &str| Fingerprinter::new(secret).fingerprint(caller, &request(id));
        let first = of(b"one", &anna, "a");
        assert_eq!(first, of(b"one", &anna, "a"));
        let customer = |name: &str| Actor { customer: Some(name.to_owned()), ..anna.clone() };
        for (secret, caller, id) in [
            (&b"two"[..], &anna, "a"),
            (b"one", &Actor::new("bert", &[]), "a"),
            (b"one", &customer("7"), "a"),
            (b"one", &customer(""), "a"),
            (b"one", &anna, "b"),
        ] {
            assert_ne!(of(secret, caller, id).bytes, first.bytes);
            assert_ne!(of(secret, caller, id).before, first.before);
        }
    }

    #[test]
    fn sr32_a_fingerprint_says_who_asks_and_one_of_an_earlier_release_is_known() {
        let request = |id: &str| RedriveParkedRequest { request_id: id.to_owned(), ..Default::default() };
        let stamp = Fingerprinter::new(b"one");
        let of = |who: &str, id: &str| stamp.fingerprint(&Actor::new(who, &[]), &request(id));
        let anna = of("anna", "a");
        assert!(anna.is(&anna.bytes) && anna.is(&anna.before));
        assert!(!anna.is(&of("anna", "b").bytes) && !anna.is_of_another(&of("anna", "b").bytes), "her other request");
        assert!(!anna.is(&of("bert", "a").bytes) && anna.is_of_another(&of("bert", "a").bytes));
        let id = Uuid::from_u128(7);
        assert_eq!(anna.own_id(id), of("anna", "b").own_id(id));
        assert!(anna.own_id(id) != of("bert", "a").own_id(id) && anna.own_id(id) != anna.own_id(Uuid::from_u128(8)));
    }
}
