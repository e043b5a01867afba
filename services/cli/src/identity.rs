//! Who asks: a bearer token, given or, on an installation of this machine, made with its key.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use chassis::auth::rules::{ROLES, read_role};
use local::Secrets;
use local::secrets::Who;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::exit::Failure;
use crate::global::Global;
use crate::installation::Installation;

/// How long a token holds that a command makes for itself.
const OWN_TTL: Duration = Duration::from_secs(60 * 60);
/// Who asks if nobody says.
const SOMEBODY: &str = "local";

/// A token that goes with every call. It is never printed.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    authorization: Option<MetadataValue<Ascii>>,
}

impl Identity {
    /// The bearer of a token.
    pub fn of(token: &str) -> Result<Self> {
        let value = format!("Bearer {}", token.trim()).parse::<MetadataValue<Ascii>>();
        let mut value = value.map_err(|_| Failure::Malformed("the token is not one".to_owned()))?;
        value.set_sensitive(true);
        Ok(Self { authorization: Some(value) })
    }

    /// The token of a command: given, from a file, or made here. Without any the services will say what they need.
    pub fn find(global: &Global, installation: &Installation, needed: &str) -> Result<Self> {
        if let Some(token) = &global.token {
            return Self::of(token);
        }
        if let Some(file) = &global.token_file {
            let token = std::fs::read_to_string(file);
            let token = token.map_err(|error| {
                Failure::Unavailable(format!("the token cannot be read: {}: {error}", file.display()))
            })?;
            return Self::of(&token);
        }
        let Some(secrets) = &installation.secrets else { return Ok(Self::default()) };
        let actor = global.actor.as_deref().unwrap_or(SOMEBODY);
        let roles = global.roles.as_deref().unwrap_or(needed);
        Self::of(&Minter::new(secrets).token(actor, roles, global.as_customer.as_deref())?)
    }
}

impl Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.authorization {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// Makes tokens with the key of an installation of this machine.
#[derive(Clone, Debug)]
pub struct Minter {
    folder: PathBuf,
}

impl Minter {
    /// With the secrets in a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The installation is not of this machine.
    pub fn missing() -> anyhow::Error {
        let text = "the key of this installation is not here: get a token from its issuer and give it by --token-file";
        Failure::Unavailable(text.to_owned()).into()
    }

    /// A token for somebody with roles, for an hour.
    pub fn token(&self, subject: &str, roles: &str, customer: Option<&str>) -> Result<String> {
        let roles: Vec<&str> = roles.split(',').map(str::trim).filter(|role| !role.is_empty()).collect();
        self.token_for(&Who { subject, roles: &roles, customer, ttl: OWN_TTL })
    }

    /// A token for somebody.
    pub fn token_for(&self, who: &Who<'_>) -> Result<String> {
        if let Some(role) = who.roles.iter().find(|role| read_role(role).is_none()) {
            return Err(Failure::Malformed(format!("there is no role {role:?}; they are {}; a carrier and a warehouse-system say which, as carrier:swift-express", ROLES.join(", "))).into());
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
        if !(1..=64).contains(&who.subject.len()) || !who.subject.bytes().all(fits) {
            let text = "a subject has 1 to 64 characters of A-Z, a-z, 0-9 and . _ - : (it is written into the history)";
            return Err(Failure::Malformed(text.to_owned()).into());
        }
        if who.roles.contains(&"customer") && who.customer.is_none() {
            return Err(Failure::Usage(
                "a customer needs --as-customer (redress token: --customer), the reference of the customer".to_owned(),
            )
            .into());
        }
        Secrets::open(&self.folder).token(who).map_err(|error| Failure::Unavailable(format!("{error:#}")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_made_for_roles_that_there_are() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::make(&folder.path().join("secrets")).unwrap();
        let minter = Minter::new(secrets.folder());
        assert_eq!(minter.token("anna", "supervisor,finance", None).unwrap().split('.').count(), 3);
        assert!(minter.token("anna", "king", None).is_err());
        assert!(minter.token("an\nna", "finance", None).is_err());
        assert!(minter.token("eve", "customer", None).is_err());
        assert!(minter.token("eve", "customer", Some("C-1")).is_ok());
        assert!(Minter::new(folder.path()).token("anna", "finance", None).is_err(), "there is no key");
    }

    #[test]
    fn a_token_is_not_shown() {
        let identity = Identity::of("sesame").unwrap();
        assert!(!format!("{identity:?}").contains("sesame"));
        assert!(Identity::of("ses\name").is_err());
    }
}
