//! The readers. What they make of the bytes is of no interest here, so every result is dropped.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chassis::Check;
use chassis::auth::{Auth, Tokens};
use cli::import::report::Report;
use cli::import::{Form, claims, dates, orders, stock};
use intake::evidence::sniff::{Type, examine};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use prost::Message;
use proto::Subject;
use proto::claim::ClaimEvent;
use proto::intake::SubmitClaimRequest;
use proto::policy::Pack;
use ring::signature::Ed25519KeyPair;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A target: its name, and what takes any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 7] = [
    ("event_decode", event_decode),
    ("claim_validation", claim_validation),
    ("page_token", page_token),
    ("policy_pack", policy_pack),
    ("csv_import", csv_import),
    ("evidence_sniff", evidence_sniff),
    ("token_parse", token_parse),
];

/// Pixels that a picture may have.
const PIXELS_MAX: u64 = 50_000_000;

/// A message of the broker: the rest of its subject, a line feed, its payload.
pub fn event_decode(input: &[u8]) {
    let (subject, payload) = halves(input);
    let Ok(subject) = Subject::parse("x", &format!("x.v1.{}", String::from_utf8_lossy(subject))) else { return };
    match &subject {
        Subject::Command { service, .. } => match service.as_str() {
            "intake" => drop(intake::events::command(&subject, payload)),
            "triage" => drop(triage::events::command(&subject, payload)),
            "inventory" => drop(inventory::command::read(&subject, payload)),
            "logistics" => drop(logistics::command::read(&subject, payload)),
            "escalation" => drop(escalation::events::command(&subject, payload)),
            _ => {}
        },
        Subject::Event { .. } => drop(orchestrator::events::command(&subject, payload)),
        // What others read of us.
        Subject::Claim { .. } | Subject::Notice { .. } => drop(serde_json::from_slice::<ClaimEvent>(payload)),
    }
}

/// A claim that somebody submits.
pub fn claim_validation(input: &[u8]) {
    let Ok(request) = SubmitClaimRequest::decode(input) else { return };
    drop(intake::grpc::submit(Check::new(), &request, true, &TimeZone::UTC, Timestamp::UNIX_EPOCH));
}

/// A token of a page; its list has keys of numbers or of ids.
pub fn page_token(input: &[u8]) {
    let token = String::from_utf8_lossy(input);
    let mut check = Check::new();
    let page = check.page(50, &token, corpus_query());
    page.key::<u64>(&mut check);
    page.key::<Uuid>(&mut check);
    drop(check.finish());
}

/// The query whose tokens the corpus has.
pub(crate) fn corpus_query() -> &'static [&'static str] {
    &["sku", "MUG"]
}

/// A policy pack.
pub fn policy_pack(input: &[u8]) {
    drop(Pack::parse("fuzz.toml", &String::from_utf8_lossy(input)));
}

/// A CSV file that somebody imports.
pub fn csv_import(input: &[u8]) {
    for dates in [None, Some(dates::Order::Mdy), Some(dates::Order::Ymd)] {
        let form = Form { currency: "GBP".to_owned(), dates, until: None };
        drop(claims::read(input, "fuzz.csv", &form, &mut Report::new("claims")));
        let wanted = orders::Wanted { form, discounts: Vec::new(), existing: None };
        drop(orders::read(input, &wanted, &mut Report::new("orders")));
    }
    drop(stock::read(input, &mut Report::new("stock")));
}

/// A file of evidence: its declared type, a line feed, its bytes.
pub fn evidence_sniff(input: &[u8]) {
    let (declared, bytes) = halves(input);
    let declared = std::str::from_utf8(declared).ok().and_then(Type::named);
    drop(examine(declared.unwrap_or(Type::Jpeg), bytes, PIXELS_MAX));
}

/// A bearer token; or, behind a line feed, what one says that is signed by the right key.
pub fn token_parse(input: &[u8]) {
    let token = match input.strip_prefix(b"\n") {
        Some(claims) => ISSUER.sign(claims),
        None => String::from_utf8_lossy(input).into_owned(),
    };
    // The second time it is remembered.
    for _ in 0..2 {
        drop(ISSUER.runtime.block_on(ISSUER.tokens.actor(&token)));
    }
}

/// What is before the first line feed, and what is behind it.
fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

pub(crate) struct Issuer {
    key: Ed25519KeyPair,
    /// What the key is called, as JSON.
    name: serde_json::Value,
    tokens: Tokens,
    runtime: Runtime,
    /// The keys are looked at again for a name that is not known.
    _folder: TempDir,
}

pub(crate) static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new().expect("an issuer can be made"));

impl Issuer {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let secrets = local::Secrets::make(folder.path())?;
        let key = std::fs::read(secrets.signing_key())?;
        let key = Ed25519KeyPair::from_pkcs8(&key).map_err(|_| "the key is none")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let settings = Auth {
            issuer: local::secrets::ISSUER.to_owned(),
            jwks: secrets.key_set().display().to_string(),
            ..Auth::default()
        };
        let tokens = runtime.block_on(Tokens::open(&settings))?;
        let keys: serde_json::Value = serde_json::from_slice(&std::fs::read(secrets.key_set())?)?;
        let name = keys["keys"][0]["kid"].clone();
        Ok(Self { key, name, tokens, runtime, _folder: folder })
    }

    pub(crate) fn sign(&self, claims: &[u8]) -> String {
        let head = BASE64.encode(format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":{}}}"#, self.name));
        let message = format!("{head}.{}", BASE64.encode(claims));
        format!("{message}.{}", BASE64.encode(self.key.sign(message.as_bytes()).as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signed half of the target gets past the signature.
    #[test]
    fn a_good_token_is_known() {
        let token = ISSUER.sign(crate::corpus::claims().as_bytes());
        let actor = ISSUER.runtime.block_on(ISSUER.tokens.actor(&token)).expect("it is good");
        assert_eq!(actor.subject, "anna");
    }
}
