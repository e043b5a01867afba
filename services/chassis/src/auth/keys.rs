//! The keys that tokens are signed with: a JWKS from a file or an https address, looked at again in bounds. What a token
//! says about keys (`jku`, `x5u`, `jwk`) is never followed.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex, Semaphore};

use super::provider::PROVIDER;
use super::source::{FILE_EVERY, Source};
use crate::metrics;

/// Time between two looks because of a token with an unknown key: a stranger cannot make more of them.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A key.
pub(super) struct Key {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// Keys by their name. Every other set has another number.
#[derive(Default)]
pub(super) struct Set {
    pub number: u64,
    keys: HashMap<String, Key>,
    text: Vec<u8>,
}

impl Set {
    pub fn find(&self, name: &str) -> Option<&Key> {
        self.keys.get(name)
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// The keys, and where they come from.
pub(super) struct Keys {
    service: &'static str,
    source: Source,
    set: RwLock<Arc<Set>>,
    /// When somebody last looked; held while looking, so that one looks for all.
    looked: Mutex<Looked>,
    /// Who waits for that. A slow issuer must not become a queue of strangers in which those with known keys stand.
    waiting: Semaphore,
}

/// Calls that wait for a look at the issuer's keys at the most.
const WAITING_MAX: usize = 16;

struct Looked {
    at: Instant,
    changed: Option<SystemTime>,
}

impl Keys {
    /// Reads the keys. A file must be there; an address that does not answer is asked again later.
    pub async fn open(service: &'static str, source: &str) -> Result<Self> {
        // Another part of the process may have done it: then it was with the same one.
        let _ = PROVIDER.install_default();
        let source = Source::of("auth.jwks", source)?;
        let looked = Mutex::new(Looked { at: Instant::now(), changed: None });
        let keys = Self { service, source, set: RwLock::default(), looked, waiting: Semaphore::new(WAITING_MAX) };
        let looked = keys.look(&mut *keys.looked.lock().await).await;
        match (&keys.source, looked) {
            (Source::File(_), looked) => looked?,
            (Source::Address(..), Err(error)) => {
                tracing::error!(error = format!("{error:#}"), "auth.jwks: nobody can be recognised yet");
            }
            (Source::Address(..), Ok(())) => {}
        }
        Ok(keys)
    }

    /// The keys as they are known.
    pub fn now(&self) -> Arc<Set> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys, looked at again unless that was done a moment ago.
    pub async fn look_again(&self) -> Arc<Set> {
        let Ok(_waits) = self.waiting.try_acquire() else { return self.now() };
        let asked = Instant::now();
        let mut looked = self.looked.lock().await;
        // Whoever looked while we waited did it for us too.
        if looked.at < asked && looked.at.elapsed() >= AGAIN_AFTER {
            self.look_and_tell(&mut looked).await;
        }
        self.now()
    }

    /// Looks from time to time; ends never.
    pub async fn refresh(&self, every: Duration) {
        loop {
            match &self.source {
                Source::File(_) => tokio::time::sleep(FILE_EVERY).await,
                // The first answer may still be owing.
                Source::Address(..) if self.now().is_empty() => tokio::time::sleep(AGAIN_AFTER).await,
                Source::Address(..) => tokio::time::sleep(every).await,
            }
            let mut looked = self.looked.lock().await;
            if self.source.changed().await.is_some_and(|at| looked.changed == Some(at)) {
                continue;
            }
            self.look_and_tell(&mut looked).await;
        }
    }

    async fn look_and_tell(&self, looked: &mut Looked) {
        let before = self.now().number;
        match self.look(looked).await {
            Ok(()) if self.now().number != before => tracing::info!(target: "audit", "auth.jwks: there are other keys"),
            Ok(()) => {}
            // What was known holds on: an issuer that is away for a moment must not stop the work.
            Err(error) => {
                tracing::error!(service = self.service, error = format!("{error:#}"), "auth.jwks cannot be read again");
                metrics::reload_failed(self.service, "jwks");
            }
        }
    }

    async fn look(&self, looked: &mut Looked) -> Result<()> {
        looked.at = Instant::now();
        looked.changed = self.source.changed().await;
        let text = self.source.read().await.context("auth.jwks")?;
        let known = self.now();
        if known.text == text {
            return Ok(());
        }
        let keys = read(&text)?;
        let set = Arc::new(Set { number: known.number + 1, keys, text });
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = set;
        Ok(())
    }
}

/// The keys of a key set that can check a signature here; others are passed over.
fn read(text: &[u8]) -> Result<HashMap<String, Key>> {
    let set: JwkSet = serde_json::from_slice(text).context("auth.jwks is not a key set")?;
    let mut keys = HashMap::new();
    for jwk in &set.keys {
        let Some((name, key)) = key_of(jwk) else { continue };
        if keys.insert(name.clone(), key).is_some() {
            bail!("auth.jwks has two keys named {name}");
        }
    }
    ensure!(!keys.is_empty(), "auth.jwks has no key with a kid for EdDSA (Ed25519), ES256 or RS256");
    Ok(keys)
}

fn key_of(jwk: &Jwk) -> Option<(String, Key)> {
    let name = jwk.common.key_id.clone()?;
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    // The key says what it is for; a token cannot.
    let said = jwk.common.key_algorithm.as_ref().map(ToString::to_string);
    if said.is_some_and(|said| said != format!("{algorithm:?}")) {
        return None;
    }
    Some((name, Key { algorithm, key: DecodingKey::from_jwk(jwk).ok()? }))
}
