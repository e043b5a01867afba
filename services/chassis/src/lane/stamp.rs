//! How a repeated request is known again.

use prost::Message;
use ring::hmac;

use crate::meta::Actor;

/// What the key is made from the secret for: it is good for nothing else.
const PURPOSE: &[u8] = b"redress request fingerprint 1";

/// Makes fingerprints of requests. They are kept, so they are made with a key that is not in the database: without it nobody
/// finds out by trying whose name or number was in a request, not even who has a copy of the database.
#[derive(Clone)]
pub(crate) struct Stamp(hmac::Key);

impl Stamp {
    /// With a key of its own, made from a secret of the service.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), PURPOSE);
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// What a request is: somebody else's answer is nobody's answer, so the caller is part of it.
    pub(crate) fn fingerprint(&self, caller: &Actor, request: &impl Message) -> [u8; 32] {
        let mut hash = hmac::Context::with_key(&self.0);
        // One subject may stand for many customers, as a shop does.
        for part in [Some(&caller.subject), caller.customer.as_ref()] {
            hash.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
            hash.update(part.map_or(b"", |part| part.as_bytes()));
        }
        hash.update(&request.encode_to_vec());
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.sign().as_ref());
        fingerprint
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
        let of = |secret: &[u8], caller: &Actor, id: &str| Stamp::new(secret).fingerprint(caller, &request(id));
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
            assert_ne!(of(secret, caller, id), first);
        }
    }
}
