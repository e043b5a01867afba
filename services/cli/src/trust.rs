//! Whom a client trusts, and by which certificate it is known itself.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Uri};

use crate::exit::Failure;

/// Files of certificates, for services with addresses as `https://…`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Trust {
    /// File with the certificates of those who vouch for the services, as PEM: for addresses with https.
    #[arg(long, global = true, env = "REDRESS_CA_FILE", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// File with your own certificate, as PEM: instead of a token, or beside it.
    #[arg(long, global = true, env = "REDRESS_CERT_FILE", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// File with its private key, as PEM.
    #[arg(long, global = true, env = "REDRESS_KEY_FILE", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

impl Trust {
    /// An endpoint that trusts nobody else.
    pub fn on(&self, endpoint: Endpoint) -> Result<Endpoint> {
        if endpoint.uri().scheme_str() != Some("https") {
            self.is_of_use(endpoint.uri())?;
            return Ok(endpoint);
        }
        let missing = || Failure::Usage("an address with https needs --ca: who vouches for the service".to_owned());
        let tls =
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(self.ca.as_ref().ok_or_else(missing)?)?));
        let tls = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => tls.identity(Identity::from_pem(read(cert)?, read(key)?)),
            (None, None) => tls,
            _ => return Err(Failure::Usage("--cert and --key belong together".to_owned()).into()),
        };
        let unusable = |error| Failure::Malformed(format!("the certificates cannot be used: {error}"));
        Ok(endpoint.tls_config(tls).map_err(unusable)?)
    }

    /// Who brings a certificate wants to be known by it, and an address without TLS never asks for it.
    fn is_of_use(&self, address: &Uri) -> Result<()> {
        let given = [("--cert", &self.cert), ("--key", &self.key)];
        let Some((option, file)) = given.iter().find_map(|(option, file)| Some((option, file.as_ref()?))) else {
            return Ok(());
        };
        let text =
            format!("{option} {} is of no use for {address}: certificates need an address with https", file.display());
        Err(Failure::Usage(text).into())
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let read = std::fs::read(file);
    Ok(read.map_err(|error| Failure::Unavailable(format!("cannot read {}: {error}", file.display())))?)
}
