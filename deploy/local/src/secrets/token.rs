//! Tokens of a local installation: EdDSA, signed by its own key.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::{AUDIENCE, ISSUER, Secrets};

/// Name of a key: two keys never have the same.
fn key_id(key: &Ed25519KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(&key.public_key().as_ref()[..12])
}

/// For whom a token is.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Subject, as `anna`.
    pub subject: &'a str,
    /// Roles, as `supervisor`.
    pub roles: &'a [&'a str],
    /// Customer reference of a caller with the role customer.
    pub customer: Option<&'a str>,
    /// How long the token holds.
    pub ttl: Duration,
}

/// The JWKS with the public halves of keys.
pub(super) fn key_set(keys: &[&[u8]]) -> Result<String> {
    let entry = |pkcs8: &&[u8]| {
        let key = Ed25519KeyPair::from_pkcs8(pkcs8).ok().context("the signing key is not an Ed25519 key")?;
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        Ok(json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(&key), "x": x }))
    };
    let keys = keys.iter().map(entry).collect::<Result<Vec<_>>>()?;
    Ok(json!({ "keys": keys }).to_string())
}

/// Signs a token that begins now.
pub(super) fn mint(pkcs8: &[u8], who: &Who<'_>) -> Result<String> {
    mint_at(pkcs8, who, now()?)
}

/// A token whose time was over so long ago: for tests.
pub fn mint_ended(secrets: &Secrets, who: &Who<'_>, ago: Duration) -> Result<String> {
    let begun = now()?.saturating_sub(ago.as_secs()).saturating_sub(who.ttl.as_secs());
    mint_at(&secrets.signing_key_bytes()?, who, begun)
}

fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.context("the clock is before 1970")?.as_secs())
}

fn mint_at(pkcs8: &[u8], who: &Who<'_>, now: u64) -> Result<String> {
    let key = Ed25519KeyPair::from_pkcs8(pkcs8).ok().context("the signing key is not an Ed25519 key")?;
    let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": key_id(&key) });
    let mut claims = json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": who.subject,
        "roles": who.roles,
        "iat": now,
        "nbf": now,
        "exp": now.saturating_add(who.ttl.as_secs()),
    });
    if let Some(customer) = who.customer {
        claims["customer"] = json!(customer);
    }
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    let signature = key.sign(message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
}
