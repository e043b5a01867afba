//! Whom a client trusts, and by which certificate it is known itself.

use std::net::IpAddr;
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
    /// What keeps others out of a link in clear to another machine, as `proxy`: without it no token goes there.
    #[arg(long, global = true, env = "REDRESS_PLAIN_BEHIND", value_name = "WHAT")]
    pub plain_behind: Option<String>,
}

impl Trust {
    /// An endpoint that trusts nobody else.
    pub fn on(&self, endpoint: Endpoint) -> Result<Endpoint> {
        if endpoint.uri().scheme_str() != Some("https") {
            self.is_of_use(endpoint.uri())?;
            self.is_closed(endpoint.uri())?;
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

    /// What is said in clear to another machine can be read on the way, and the token with it.
    fn is_closed(&self, address: &Uri) -> Result<()> {
        let host = address.host().unwrap_or_default();
        let local = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let behind = self.plain_behind.as_ref().is_some_and(|what| !what.trim().is_empty());
        if local || host == "localhost" || behind {
            return Ok(());
        }
        let text = format!(
            "{address} is on another machine and would get your token in clear: use its address with https, or say by \
             --plain-behind what keeps others out"
        );
        Err(Failure::Usage(text).into())
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let read = std::fs::read(file);
    Ok(read.map_err(|error| Failure::Unavailable(format!("cannot read {}: {error}", file.display())))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sr29_no_token_goes_to_another_machine_in_clear_unless_it_is_said_why() {
        let on = |address: &'static str, behind: Option<&str>| {
            let trust = Trust { plain_behind: behind.map(str::to_owned), ..Trust::default() };
            trust.on(Endpoint::from_static(address)).map(drop).map_err(|error| error.to_string())
        };
        for local in ["http://127.0.0.1:7000", "http://localhost:7000", "http://[::1]:7000"] {
            on(local, None).unwrap();
        }
        for other in ["http://intake.example:7000", "http://10.0.0.1:7000", "http://localhost.example"] {
            assert!(
                on(other, None).unwrap_err().contains("--plain-behind") && on(other, Some(" ")).is_err(),
                "{other}"
            );
            on(other, Some("proxy")).unwrap();
        }
    }
}
