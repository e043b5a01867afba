//! Secrets are changed while the installation runs: it finds the new ones by itself (F19).

use std::path::Path;

use anyhow::{Context as _, Result};
use ring::signature::Ed25519KeyPair;

use super::{Secrets, Who, password, random_hex, token, write};

/// Another key that signs tokens.
pub struct AnotherKey(Vec<u8>);

impl AnotherKey {
    /// A token for somebody.
    pub fn token(&self, who: &Who<'_>) -> Result<String> {
        token::mint(&self.0, who)
    }
}

impl Secrets {
    /// Makes another key, which services trust beside their own from now on.
    pub fn trust_another_key(&self) -> Result<AnotherKey> {
        let random = ring::rand::SystemRandom::new();
        let key = Ed25519KeyPair::generate_pkcs8(&random).ok().context("there is no randomness")?;
        write(&self.key_set(), token::key_set(&[&self.signing_key_bytes()?, key.as_ref()])?.as_bytes())?;
        Ok(AnotherKey(key.as_ref().to_vec()))
    }

    /// Services trust no key but their own again.
    pub fn trust_own_key_only(&self) -> Result<()> {
        write(&self.key_set(), token::key_set(&[&self.signing_key_bytes()?])?.as_bytes())
    }

    /// Makes a new password for a user of the broker, which must be told; gives the one before it.
    pub fn renew_nats_password(&self, user: &str) -> Result<String> {
        renew(&self.nats_password_file(user))
    }

    /// Makes a new password for a role of PostgreSQL, which must be told; gives the one before it.
    pub fn renew_postgres_password(&self, role: &str) -> Result<String> {
        renew(&self.postgres_password_file(role))
    }
}

fn renew(file: &Path) -> Result<String> {
    let old = password(file)?;
    write(file, random_hex()?.as_bytes())?;
    Ok(old)
}
