//! TLS on the gRPC port.

use std::path::PathBuf;

use serde::Deserialize;

/// TLS on the gRPC port. All files are PEM, and are looked at every two seconds: new ones need no restart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The certificate of the service, followed by those between it and its root.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// Certificates of those who vouch for callers. None: callers have tokens only.
    pub client_ca_file: Option<PathBuf>,
    /// What those have revoked.
    pub client_crl_file: Option<PathBuf>,
    /// Whether every caller must have a certificate.
    #[serde(default)]
    pub clients: Clients,
}

/// Whether callers must have a certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Clients {
    /// Who has none needs a token.
    #[default]
    Optional,
    /// Who has none gets no connection. Who has one may still be asked by token who they are.
    Required,
}

impl Settings {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let vouched = self.client_ca_file.is_some();
        anyhow::ensure!(
            vouched || self.clients == Clients::Optional,
            "grpc.tls.clients is required: set grpc.tls.client_ca_file, by which they are known"
        );
        anyhow::ensure!(
            vouched || self.client_crl_file.is_none(),
            "grpc.tls.client_crl_file says what whom has revoked? set grpc.tls.client_ca_file"
        );
        Ok(())
    }
}
