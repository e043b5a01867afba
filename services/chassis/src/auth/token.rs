//! A bearer token becomes an actor, or nothing.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Header, Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::Key;
use super::rules::read_roles;
use super::{Auth, Known, Unknown};
use crate::{Actor, Pii};

/// Longest token: what a header of a call can hold.
const BYTES_MAX: usize = 8 * 1024;

/// What a token must say. A claim that is there twice is refused, because then two readers could read two things; so all
/// that is looked at anywhere is named here.
#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    _iss: String,
    #[serde(rename = "aud")]
    _aud: serde_json::Value,
    sub: String,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    #[serde(default)]
    roles: Vec<String>,
    customer: Option<String>,
    // Issuers say these in several ways; what is not understood is not verified.
    email: Option<serde_json::Value>,
    email_verified: Option<serde_json::Value>,
}

/// Name of the key a token says it is signed with.
pub(super) fn key_name(token: &str) -> Option<String> {
    let header = header(token)?;
    header.kid
}

/// The header, if it asks for nothing that is not done here.
fn header(token: &str) -> Option<Header> {
    if token.len() > BYTES_MAX {
        return None;
    }
    let header = decode_header(token).ok()?;
    let keys_of_its_own = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
    let more = header.crit.is_some() || header.enc.is_some() || header.zip.is_some();
    (!keys_of_its_own && !more).then_some(header)
}

/// Whose token it is: the signature is the issuer's, it is for us, and its time is now.
pub(super) fn check(token: &str, key: &Key, settings: &Auth, now: Timestamp) -> Result<Known, Unknown> {
    // The algorithm is the key's, whatever the token says.
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Below, by a clock that tests can hold.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = decode::<Claims>(token, &key.key, &validation).map_err(|_| Unknown::Invalid)?.claims;
    let (leeway, at) = (settings.leeway.as_secs(), now.as_second());
    if claims.exp.saturating_add(leeway) < at || claims.nbf.is_some_and(|nbf| nbf.saturating_sub(leeway) > at) {
        return Err(Unknown::Expired);
    }
    // Issued in the future, or for longer than anybody is trusted for: whoever left would keep it.
    if claims.iat.is_some_and(|iat| iat.saturating_sub(leeway) > at) {
        return Err(Unknown::Expired);
    }
    if claims.exp.saturating_sub(leeway).saturating_sub(at) > settings.lifetime_max.as_secs() {
        return Err(Unknown::TooLong);
    }
    let until = Timestamp::from_second(claims.exp).unwrap_or(Timestamp::MAX);
    let issued = claims.iat.and_then(|iat| Timestamp::from_second(iat).ok());
    actor(claims, &settings.unbound).map(|(actor, customer)| Known {
        actor: Arc::new(actor),
        customer,
        until: Some(until),
        issued,
    })
}

fn actor(claims: Claims, unbound: &[String]) -> Result<(Actor, Option<Arc<str>>), Unknown> {
    // What we call ourselves is nobody else's name.
    let ours = claims.sub.to_lowercase().starts_with("service:");
    if ours || !crate::meta::is_reference(&claims.sub) {
        return Err(Unknown::Invalid);
    }
    // An issuer may know more roles than we do.
    let (roles, bound) = read_roles(claims.roles.iter().map(String::as_str), unbound).ok_or(Unknown::Invalid)?;
    let is_customer = roles.iter().any(|role| role == "customer");
    // Spelled as claims keep it.
    let customer = claims.customer.filter(|_| is_customer).and_then(|customer| proto::codes::customer_ref(&customer));
    if is_customer && customer.is_none() {
        return Err(Unknown::Invalid);
    }
    let verified = is_customer && claims.email_verified == Some(true.into());
    let email =
        claims.email.filter(|_| verified).and_then(|email| email.as_str().map(|text| Pii::new(text.to_owned())));
    // One spelling of a name: who is compared with whom must not depend on it.
    let subject = claims.sub.to_lowercase();
    Ok((Actor { subject, roles, customer: None, own: customer.clone(), email, bound }, customer.map(Arc::from)))
}

#[cfg(test)]
mod tests;
