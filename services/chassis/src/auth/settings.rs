//! What a service must be told about its callers. Nothing here switches the layer off.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use super::Known;
use super::rules::{UNBOUND, read_role, read_roles};
use crate::Actor;

/// Most leeway that is given to the clocks of others.
const LEEWAY_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Who is let in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Who must have issued a token: its `iss`.
    pub issuer: String,
    /// For whom a token must be: one of its `aud`.
    pub audience: String,
    /// The issuer's keys (JWKS): a file, or an https address.
    pub jwks: String,
    /// How wrong the clock of the issuer may be, at most 60 s.
    pub leeway: SignedDuration,
    /// Longest time that a token may still have when it is shown, up to 30 days: who leaves has access for no longer.
    pub lifetime_max: SignedDuration,
    /// Whose access has ended, although their tokens or certificates hold: a file, or an https address, with a subject on
    /// each line, and behind it perhaps a time, as `anna 2026-11-30T20:00:00Z`: then only what was issued before. Text
    /// behind `#` is for people. Looked at every two seconds (an address every ten); streams that run end, too. A line is
    /// needed for as long as a token can hold (`lifetime_max`). None: access ends with the token.
    pub ended: String,
    /// Time between two looks at an https address; a file is looked at every two seconds.
    pub refresh: SignedDuration,
    /// Callers with client certificates: the URI of the certificate and its roles, as
    /// `"spiffe://shop/parcels" = ["carrier:swift-express"]`; as a variable `spiffe://shop/parcels=carrier:swift-express,…;…`.
    #[serde(deserialize_with = "identities")]
    pub identities: BTreeMap<String, Vec<String>>,
    /// Roles of systems that need not say what they are bound to: `orders` (else `orders:WEB-`, orders whose numbers begin so)
    /// and `finance-system` (else `finance-system:GBP`, settlements in that currency). Without it such a role is none.
    pub unbound: Vec<String>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: "redress".to_owned(),
            jwks: String::new(),
            leeway: LEEWAY_MAX,
            lifetime_max: SignedDuration::from_hours(12),
            ended: String::new(),
            refresh: SignedDuration::from_mins(5),
            identities: BTreeMap::new(),
            unbound: Vec::new(),
        }
    }
}

impl Auth {
    /// Whether anybody can be recognised, and safely.
    pub fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            !self.jwks.is_empty() || !self.identities.is_empty(),
            "nobody could call this service: set auth.jwks and auth.issuer (tokens), or auth.identities (client certificates)"
        );
        let tokens = !self.jwks.is_empty();
        anyhow::ensure!(!tokens || !self.issuer.is_empty(), "set auth.issuer: whose tokens are taken");
        anyhow::ensure!(!tokens || !self.audience.is_empty(), "set auth.audience: tokens for whom are taken");
        let leeway = SignedDuration::ZERO..=LEEWAY_MAX;
        anyhow::ensure!(leeway.contains(&self.leeway), "auth.leeway must be 0 to 60 s");
        let lifetime = SignedDuration::from_mins(1)..=SignedDuration::from_hours(30 * 24);
        anyhow::ensure!(lifetime.contains(&self.lifetime_max), "auth.lifetime_max must be 1 min to 30 days");
        let refresh = SignedDuration::from_secs(10)..=SignedDuration::from_hours(24);
        anyhow::ensure!(refresh.contains(&self.refresh), "auth.refresh must be 10 s to 24 h");
        for role in &self.unbound {
            let may = UNBOUND.contains(&role.as_str());
            anyhow::ensure!(may, "auth.unbound: {role:?} is none of {}", UNBOUND.join(", "));
        }
        self.peers().map(drop)
    }

    /// The callers with client certificates.
    pub(super) fn peers(&self) -> anyhow::Result<Vec<(String, Known)>> {
        let mut subjects = BTreeSet::new();
        let mut peers = Vec::new();
        for (uri, roles) in &self.identities {
            let subject = subject(uri);
            anyhow::ensure!(crate::meta::is_reference(&subject), "auth.identities: {uri:?} is not the URI of a caller");
            // Services of ours are told apart by this: what people decide is sealed, what services do is not.
            anyhow::ensure!(
                !subject.starts_with("service:"),
                "auth.identities: {uri:?} would pass for a service of ours"
            );
            anyhow::ensure!(subjects.insert(subject.clone()), "auth.identities: two callers would be called {subject}");
            anyhow::ensure!(!roles.is_empty(), "auth.identities: {uri} has no role");
            for role in roles {
                let fits = read_role(role).is_some() && role != "customer";
                anyhow::ensure!(fits, "auth.identities: {role:?} is not a role that a certificate can have");
                let said = !UNBOUND.contains(&role.as_str()) || self.unbound.contains(role);
                anyhow::ensure!(
                    said,
                    "auth.identities: {role:?} of {uri} does not say what it is bound to, as orders:WEB- or \
                     finance-system:GBP; where it is to be bound to nothing, auth.unbound names it"
                );
            }
            let read = read_roles(roles.iter().map(String::as_str), &self.unbound);
            let (roles, bound) =
                read.with_context(|| format!("auth.identities: {uri} would be two systems at once"))?;
            let actor = Arc::new(Actor { subject, roles, customer: None, own: None, email: None, bound });
            peers.push((uri.clone(), Known { actor, customer: None, until: None, issued: None }));
        }
        Ok(peers)
    }
}

/// What a caller with a certificate is called in the history: `spiffe://shop/carrier-gateway` is `shop:carrier-gateway`.
fn subject(uri: &str) -> String {
    uri.split_once("://").map_or("", |(_, rest)| rest).replace('/', ":").to_lowercase()
}

fn identities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Table(BTreeMap<String, Vec<String>>),
        Text(String),
    }
    let text = match Either::deserialize(deserializer)? {
        Either::Table(table) => return Ok(table),
        Either::Text(text) => text,
    };
    let mut table = BTreeMap::new();
    for entry in text.split(';').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (uri, roles) = entry
            .rsplit_once('=')
            .ok_or_else(|| serde::de::Error::custom(format!("auth.identities: {entry:?} is not uri=role,role")))?;
        table.insert(uri.trim().to_owned(), roles.split(',').map(|role| role.trim().to_owned()).collect());
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> anyhow::Result<Auth> {
        let auth: Auth = config::Config::builder()
            .add_source(config::File::from_str(toml, config::FileFormat::Toml))
            .build()?
            .try_deserialize()?;
        auth.check()?;
        Ok(auth)
    }

    #[test]
    fn a_service_that_nobody_could_call_does_not_start() {
        let error = read("").unwrap_err().to_string();
        assert!(error.contains("auth.jwks") && error.contains("auth.identities"), "{error}");
        let error = read("jwks = \"keys.json\"").unwrap_err().to_string();
        assert!(error.contains("auth.issuer"), "{error}");
        assert!(read("jwks = \"keys.json\"\nissuer = \"me\"\nleeway = \"61s\"").is_err());
        assert!(read("jwks = \"keys.json\"\nissuer = \"me\"\nenabled = false").is_err(), "there is no such switch");
        read("jwks = \"keys.json\"\nissuer = \"me\"").unwrap();
    }

    #[test]
    fn nobody_passes_for_a_service_of_ours() {
        assert!(read("identities = \"spiffe://service/triage=integration\"").is_err());
        assert!(read("identities = \"spiffe://services/triage=integration\"").is_ok());
    }

    #[test]
    fn certificates_have_roles_by_table_or_by_text() {
        let table = read("[identities]\n\"spiffe://shop/carrier-gateway\" = [\"integration\"]").unwrap();
        let text = read("identities = \"spiffe://shop/carrier-gateway=integration; spiffe://shop/b=finance,auditor\"");
        let text = text.unwrap();
        assert_eq!(table.identities["spiffe://shop/carrier-gateway"], ["integration"]);
        assert_eq!(text.identities["spiffe://shop/carrier-gateway"], ["integration"]);
        assert_eq!(text.identities["spiffe://shop/b"], ["finance", "auditor"]);
        assert_eq!(table.peers().unwrap()[0].1.actor.subject, "shop:carrier-gateway");
        let carrier = read("identities = \"spiffe://shop/parcels=carrier:swift-express\"").unwrap();
        let bound = crate::Bound::Carrier("swift-express".to_owned());
        assert_eq!(carrier.peers().unwrap()[0].1.actor.bound, [bound]);
        // A system that is bound to nothing is named by the settings.
        let orders = "identities = \"spiffe://shop/erp=orders\"";
        assert!(read(orders).unwrap_err().to_string().contains("auth.unbound"));
        assert!(
            read(&format!("{orders}\nunbound = [\"orders\"]")).unwrap().peers().unwrap()[0].1.actor.bound.is_empty()
        );
        assert!(read("identities = \"spiffe://shop/erp=orders:WEB-\"").is_ok());
        assert!(read(&format!("{orders}\nunbound = [\"orders\", \"carrier\"]")).is_err());
        for bad in [
            "spiffe://shop/a=carrier",
            "spiffe://shop/a=carrier:a,channel",
            "spiffe://shop/a=king",
            "spiffe://shop/a=customer",
            "shop=finance",
            "spiffe://a/b=finance;x://a:b=finance",
        ] {
            assert!(read(&format!("identities = \"{bad}\"")).is_err(), "{bad}");
        }
    }
}
