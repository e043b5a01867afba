//! S04 and S05 on the check itself: every token is made here, by hand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, DecodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;
use crate::auth::provider::PROVIDER;

const NOW: i64 = 1_800_000_000;

struct Issuer {
    pair: Ed25519KeyPair,
    key: Key,
}

fn issuer() -> Issuer {
    let _ = PROVIDER.install_default();
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let x = BASE64.encode(pair.public_key().as_ref());
    let key = Key { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_components(&x).unwrap() };
    Issuer { pair, key }
}

impl Issuer {
    fn sign_raw(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", BASE64.encode(signature.as_ref()))
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_raw(r#"{"alg":"EdDSA","kid":"k"}"#, &claims.to_string())
    }
}

fn settings() -> Auth {
    Auth { issuer: "me".to_owned(), jwks: "keys.json".to_owned(), ..Auth::default() }
}

fn claims() -> Value {
    json!({ "iss": "me", "aud": "redress", "sub": "anna", "exp": NOW + 60, "nbf": NOW - 60, "iat": NOW - 60,
        "roles": ["supervisor", "offline_access"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn read(issuer: &Issuer, token: &str) -> Result<Known, Unknown> {
    key_name(token).ok_or(Unknown::Invalid)?;
    check(token, &issuer.key, &settings(), Timestamp::from_second(NOW).unwrap())
}

#[test]
fn a_good_token_is_an_actor_with_the_roles_we_know() {
    let issuer = issuer();
    let known = read(&issuer, &issuer.sign(&claims())).unwrap();
    assert_eq!(*known.actor, Actor::new("anna", &["supervisor"]));
    assert!(known.customer.is_none());
    assert_eq!(known.until, Timestamp::from_second(NOW + 60).ok());
    let shop = with("aud", json!(["shop", "redress"]));
    assert!(read(&issuer, &issuer.sign(&shop)).is_ok());
}

/// S05: expired, not yet valid, wrong issuer, wrong audience; 59 s and 61 s of skew.
#[test]
fn time_issuer_and_audience_are_checked_with_a_minute_of_leeway() {
    let issuer = issuer();
    let read = |claims: Value| read(&issuer, &issuer.sign(&claims)).map(drop);
    assert_eq!(read(with("exp", json!(NOW - 59))), Ok(()));
    assert_eq!(read(with("exp", json!(NOW - 61))), Err(Unknown::Expired));
    assert_eq!(read(with("nbf", json!(NOW + 59))), Ok(()));
    assert_eq!(read(with("nbf", json!(NOW + 61))), Err(Unknown::Expired));
    for (name, value) in [
        ("iss", json!("you")),
        ("iss", json!(["me"])),
        ("aud", json!("shop")),
        ("aud", json!(["shop"])),
        ("aud", json!([])),
        ("exp", json!("tomorrow")),
        ("exp", json!(null)),
        ("sub", json!("")),
        ("sub", json!("anna@example.com")),
        ("sub", json!("service:orchestrator")),
        ("roles", json!("supervisor")),
        ("roles", json!(["customer"])),
    ] {
        assert_eq!(read(with(name, value.clone())), Err(Unknown::Invalid), "{name} = {value}");
    }
    for name in ["iss", "aud", "exp", "sub"] {
        assert_eq!(read(without(name)), Err(Unknown::Invalid), "without {name}");
    }
    assert!(read(without("nbf")).is_ok() && read(without("iat")).is_ok() && read(without("roles")).is_ok());
}

/// SR30: for how long a token holds is not for its issuer alone, and none comes from the future.
#[test]
fn sr30_a_token_has_an_end() {
    let issuer = issuer();
    let read = |claims: Value| read(&issuer, &issuer.sign(&claims)).map(drop);
    let most = settings().lifetime_max.as_secs();
    assert_eq!(read(with("exp", json!(NOW + most + 60))), Ok(()));
    assert_eq!(read(with("exp", json!(NOW + most + 61))), Err(Unknown::TooLong));
    assert_eq!(read(with("exp", json!(NOW + 10 * 365 * 86_400))), Err(Unknown::TooLong));
    assert_eq!(read(with("iat", json!(NOW + 59))), Ok(()));
    assert_eq!(read(with("iat", json!(NOW + 61))), Err(Unknown::Expired));
}

/// SR31: one person has one spelling.
#[test]
fn sr31_a_subject_has_one_spelling() {
    let issuer = issuer();
    let known = read(&issuer, &issuer.sign(&with("sub", json!("Anna.B")))).unwrap();
    assert_eq!(known.actor.subject, "anna.b");
    assert_eq!(read(&issuer, &issuer.sign(&with("sub", json!("SERVICE:x")))).map(drop), Err(Unknown::Invalid));
}

/// S04: no algorithm, the public key as a secret, another key, keys of its own, an altered payload, claims twice.
#[test]
fn forged_tokens_are_refused() {
    let issuer = issuer();
    let good = issuer.sign(&claims());
    let refused = |token: &str, why: &str| assert_eq!(read(&issuer, token).map(drop), Err(Unknown::Invalid), "{why}");

    let none = format!("{}.{}.", BASE64.encode(r#"{"alg":"none","kid":"k"}"#), BASE64.encode(claims().to_string()));
    refused(&none, "alg none");
    refused(&none.replace("none", "None"), "alg None");

    let message = format!("{}.{}", BASE64.encode(r#"{"alg":"HS256","kid":"k"}"#), BASE64.encode(claims().to_string()));
    for secret in [issuer.pair.public_key().as_ref().to_vec(), BASE64.encode(issuer.pair.public_key().as_ref()).into()]
    {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = ring::hmac::sign(&key, message.as_bytes());
        refused(&format!("{message}.{}", BASE64.encode(tag.as_ref())), "HS256 with the public key");
    }

    let other = self::issuer();
    refused(&other.sign(&claims()), "another key");

    let (header, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let altered = with("roles", json!(["finance"]));
    refused(&format!("{header}.{}.{signature}", BASE64.encode(altered.to_string())), "an altered payload");
    for token in ["", ".", "..", "a.b.c", &good[..good.len() - 2], &format!("{good}.x"), &format!("{good}=")] {
        refused(token, token);
    }

    for more in [
        r#""jku":"https://evil.example/keys.json""#,
        r#""x5u":"https://evil.example/key.pem""#,
        r#""x5c":["MIIB"]"#,
        r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#,
        r#""crit":["exp"]"#,
        r#""alg":"EdDSA""#,
        r#""kid":"k""#,
    ] {
        let header = format!(r#"{{"alg":"EdDSA","kid":"k",{more}}}"#);
        refused(&issuer.sign_raw(&header, &claims().to_string()), more);
    }
    refused(&issuer.sign_raw(r#"{"alg":"EdDSA"}"#, &claims().to_string()), "no kid");

    let text = claims().to_string();
    for twice in
        [r#""roles":["operator"]"#, r#""sub":"eve""#, r#""exp":9999999999"#, r#""iss":"me""#, r#""aud":"redress""#]
    {
        let doubled = format!("{},{twice}}}", &text[..text.len() - 1]);
        refused(&issuer.sign_raw(r#"{"alg":"EdDSA","kid":"k"}"#, &doubled), twice);
    }
}

#[test]
fn a_token_by_an_elliptic_curve_is_taken_if_the_key_is_one() {
    let issuer = issuer();
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = (BASE64.encode(&point[..32]), BASE64.encode(&point[32..]));
    let key = Key { algorithm: Algorithm::ES256, key: DecodingKey::from_ec_components(&x, &y).unwrap() };
    let message = format!("{}.{}", BASE64.encode(r#"{"alg":"ES256","kid":"k"}"#), BASE64.encode(claims().to_string()));
    let signature = pair.sign(&random, message.as_bytes()).unwrap();
    let token = format!("{message}.{}", BASE64.encode(signature.as_ref()));
    let now = Timestamp::from_second(NOW).unwrap();
    assert!(check(&token, &key, &settings(), now).is_ok());
    assert!(check(&token, &issuer.key, &settings(), now).is_err(), "the key is of another kind");
}

#[test]
fn a_customer_is_bound_to_a_reference() {
    let issuer = issuer();
    let mut shop = with("roles", json!(["customer"]));
    shop["customer"] = json!("C-100");
    let known = read(&issuer, &issuer.sign(&shop)).unwrap();
    assert_eq!(known.customer.as_deref(), Some("C-100"));
    for bad in ["", "a b", "Anna Berg", &"x".repeat(65)] {
        shop["customer"] = json!(bad);
        assert!(read(&issuer, &issuer.sign(&shop)).is_err(), "{bad}");
    }
    shop["customer"] = json!("C  42");
    assert_eq!(read(&issuer, &issuer.sign(&shop)).unwrap().customer.as_deref(), Some("C 42"), "as claims keep it");
    let known = read(&issuer, &issuer.sign(&with("customer", json!("C-100")))).unwrap();
    assert_eq!(known.customer, None, "without the role it means nothing");
}

#[test]
fn sr18_an_address_counts_if_the_issuer_has_verified_it() {
    let issuer = issuer();
    let mut shop = with("roles", json!(["customer"]));
    (shop["customer"], shop["email"]) = (json!("C-100"), json!("ada@example.com"));
    for (verified, counts) in [(json!(true), true), (json!(false), false), (json!("true"), false), (json!(null), false)]
    {
        shop["email_verified"] = verified;
        let actor = read(&issuer, &issuer.sign(&shop)).unwrap().actor;
        assert_eq!(actor.email.is_some(), counts, "{shop}");
        assert!(!format!("{actor:?}").contains("ada@"), "and is not printed");
    }
    shop["roles"] = json!(["specialist"]);
    shop["email_verified"] = json!(true);
    assert_eq!(read(&issuer, &issuer.sign(&shop)).unwrap().actor.email, None, "of a customer only");
}

#[test]
fn sr9_a_system_of_others_is_bound_to_what_is_its_own() {
    let issuer = issuer();
    let read = |roles: Value| read(&issuer, &issuer.sign(&with("roles", roles)));
    let actor = read(json!(["carrier:own-van", "logistics"])).unwrap().actor;
    assert_eq!((actor.carrier(), actor.has_role("carrier")), (Some("own-van"), true));
    assert!(read(json!(["carrier"])).unwrap().actor.roles.is_empty(), "a carrier of nobody");
    assert!(read(json!(["carrier:a", "warehouse-system:W"])).is_err(), "nobody is two");
    assert!(
        read(json!(["orders", "finance-system"])).unwrap().actor.roles.is_empty(),
        "bound to nothing, and nobody said so"
    );
    let actor = read(json!(["orders:WEB-", "finance-system:EUR"])).unwrap().actor;
    assert!(actor.may_use_order("WEB-1", "GBP") && actor.may_use_order("APP-1", "EUR"));
    assert!(!actor.may_use_order("APP-WEB-1", "GBP") && !actor.may_use_order("web-1", "GBP"));
    assert_eq!(actor.currencies().unwrap(), ["EUR"]);
}

/// Half of a key whose other half is lost, and the one token it has signed: for the time of these tests.
const RSA_MODULUS: &str = "\
    tnhyCf4z45o5owJBOcHC0UPe1lfay5Jddiv1cF2jX34YqVGb1DvtWq8zlqobOCZZevm6AyniCqa_l5JBeH7E7GlgfHINHxM7EKe1lti1lA3E42\
    i7VWi7yOGgbf1K3sm6Mwx9pmprtxYBuiXxI5G_n8wUgE3ZvoRr6O9AjoVQf3xKVgdntcQzfNMGaVSFXE5g3MbMsbhCRJ6eXYm-XA5hVu9ExOF-\
    4MJ__GJOOn0ERrr2Wh191BzzzV6h2kRtYpcc9DwNcLCq3FFeyNcyHmBsyom0_73_C62kXBC4IT1M9m3paizAlEOSv3KSjHKLVwzgd0mwhL4PMM\
    b08z1HB3f16Q";
const RSA_TOKEN: &str = "\
    eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJtZSIsImF1ZCI6InJlZHJlc3MiLCJzdWIiOiJhbm5hIiwiZXhwIjoxODAwMDAwMDY\
    wLCJyb2xlcyI6WyJzdXBlcnZpc29yIl19.dOZjCJSKJwpZ-Yn1ySkm3MOpzsA9TE3ISfxjkeS1U2uM1Lxducu0uTynWf6DNai97Gx-CjUqvNAa\
    M8jMfVV-7ftRHamphzFtQiex33dcR5e0UFwJh3oTAVnYJrdWdTJ3GmrJltJIJsyJd6ZVR6XZO1-LcGlO3offzyFF4fiS7jv9VJfRvu-OUzgIuL\
    moYjZlLgJxL7LLoUrXfB5-84CU12E4wkrsIMpv9dLvIqIDjuxktN_UOEusBbDpDHgjjDU91BIl5_8KGjjDsgZhviQWWF2ElqKbSkJDw-A3lH49\
    3eJiK3wmZk-IhiHQEMnIpfy8N6n9KM_IO-TOMnJtyjrLpg";

#[test]
fn a_token_by_rsa_is_taken_if_the_key_is_one() {
    let issuer = issuer();
    let key = |n: &str| Key { algorithm: Algorithm::RS256, key: DecodingKey::from_rsa_components(n, "AQAB").unwrap() };
    let now = Timestamp::from_second(NOW).unwrap();
    let known = check(RSA_TOKEN, &key(RSA_MODULUS), &settings(), now).unwrap();
    assert_eq!(*known.actor, Actor::new("anna", &["supervisor"]));
    assert!(check(RSA_TOKEN, &issuer.key, &settings(), now).is_err(), "the key is of another kind");
    let weak = RSA_MODULUS.get(..168).unwrap();
    assert!(check(RSA_TOKEN, &key(weak), &settings(), now).is_err(), "the key is too short");
}
