//! A checkpoint: a signed statement about the end of a chain, one line of JSON.

use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::format::{Hash, digest, hex, unhex};

/// A signed statement about the end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The service.
    pub service: String,
    /// Number of the last link.
    pub number: u64,
    /// Its hash, hexadecimal.
    pub chain_hash: String,
    /// When it was signed, by the clock of the service.
    pub at: String,
    /// Hash of the checkpoint before it in the same file, hexadecimal; zeros: it is the first.
    pub previous: String,
    /// Which key signed it: see [`key_name`].
    pub key: String,
    /// Ed25519 signature over [`Checkpoint::hash`], hexadecimal.
    pub signature: String,
}

/// What the first checkpoint of a file follows.
pub const NONE: Hash = [0; 32];

/// The name of a public key: the first 16 hexadecimal digits of its SHA-256.
pub fn key_name(public: &[u8]) -> String {
    hex(&Sha256::digest(public)[..8])
}

/// The public key of a private one, Ed25519 as PKCS #8 (DER).
pub fn public_key(pkcs8: &[u8]) -> Option<Vec<u8>> {
    Some(pair(pkcs8)?.public_key().as_ref().to_vec())
}

/// The key pair in PKCS #8, with or without its public half.
pub(super) fn pair(pkcs8: &[u8]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()
}

impl Checkpoint {
    /// Signs the end of a chain.
    pub fn sign(
        key: &Ed25519KeyPair,
        service: &str,
        number: u64,
        chain_hash: &Hash,
        at: Timestamp,
        previous: &Hash,
    ) -> Self {
        let mut checkpoint = Self {
            service: service.to_owned(),
            number,
            chain_hash: hex(chain_hash),
            at: at.to_string(),
            previous: hex(previous),
            key: key_name(key.public_key().as_ref()),
            signature: String::new(),
        };
        checkpoint.signature = hex(key.sign(&checkpoint.hash()).as_ref());
        checkpoint
    }

    /// The hash of what it states: of all but the signature, as UTF-8.
    pub fn hash(&self) -> Hash {
        let number = self.number.to_string();
        let fields = [&self.service, &number, &self.chain_hash, &self.at, &self.previous, &self.key];
        digest("redress.audit.checkpoint.v1", &fields.map(|field| Some(field.as_bytes())))
    }

    /// Whether one of the public keys signed it.
    pub fn is_signed(&self, keys: &[Vec<u8>]) -> bool {
        let Some(signature) = unhex::<64>(&self.signature) else { return false };
        let mut ours = keys.iter().filter(|key| key_name(key) == self.key);
        ours.any(|key| UnparsedPublicKey::new(&ED25519, key).verify(&self.hash(), &signature).is_ok())
    }
}
