//! TLS on the gRPC port (S07): the certificate of the service, and those of callers. Files that change are taken without a
//! restart; broken ones are not, and what was there stays.

mod ends;
mod peer;
mod settings;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::metrics;

pub(crate) use peer::Peer;
pub use settings::{Clients, Settings};

/// Time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// TLS as the files say now.
pub(crate) struct Tls {
    settings: Settings,
    now: RwLock<Arc<Config>>,
}

/// What was read at some time.
struct Config {
    files: Vec<Vec<u8>>,
    acceptor: TlsAcceptor,
    /// When the certificate of the service ends.
    ends: Timestamp,
    /// Who vouches for callers.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

impl Tls {
    /// Reads the files; fails if they are of no use.
    pub fn open(settings: &Settings) -> Result<Self> {
        let now = RwLock::new(Arc::new(Config::read(settings)?));
        Ok(Self { settings: settings.clone(), now })
    }

    /// Who takes a connection now.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.now().acceptor.clone()
    }

    /// Looks at the files from time to time; ends never.
    pub async fn follow(self: Arc<Self>, service: &'static str) {
        loop {
            metrics::certificate_left(service, ends::left(self.now().ends));
            tokio::time::sleep(LOOK_EVERY).await;
            let before = self.now();
            // Files that cannot be read now may be in the middle of being changed: they are looked at again. If that goes on
            // nobody would see it but for the count.
            let Ok(files) = read_all(&self.settings) else {
                metrics::reload_failed(service, "certificates");
                continue;
            };
            if files == before.files {
                continue;
            }
            match Config::of(&self.settings, files.clone()) {
                Ok(config) => {
                    tracing::info!(service, "the certificates of the gRPC port were changed");
                    self.set(config);
                }
                Err(error) => {
                    tracing::error!(service, error = format!("{error:#}"), "the new certificates cannot be used");
                    metrics::reload_failed(service, "certificates");
                    // Said once: what is used stays, and is compared with the broken files from now on.
                    let (acceptor, verifier) = (before.acceptor.clone(), before.verifier.clone());
                    self.set(Config { files, acceptor, ends: before.ends, verifier });
                }
            }
        }
    }

    fn now(&self) -> Arc<Config> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, config: Config) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }
}

impl Config {
    fn read(settings: &Settings) -> Result<Self> {
        Self::of(settings, read_all(settings)?)
    }

    fn of(settings: &Settings, files: Vec<Vec<u8>>) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&files[0]).context("grpc.tls.certificate_file cannot be used")?;
        let ends = ends::of(&chain).context("grpc.tls.certificate_file does not say how long it holds")?;
        let key = PrivateKeyDer::from_pem_slice(&files[1]).ok().context("grpc.tls.key_file has no private key")?;
        let verifier = verifier(settings, &files, &provider)?;
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match &verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut server = builder
            .with_single_cert(chain, key)
            .context("grpc.tls.key_file is not the key of grpc.tls.certificate_file")?;
        server.alpn_protocols = vec![b"h2".to_vec()];
        // A session that is gone on with brings the certificate of its beginning, and nobody looks whether that is still
        // good: it would never end.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Self { files, acceptor: TlsAcceptor::from(Arc::new(server)), ends, verifier })
    }
}

/// Certificate, key, and what there is of roots and revocations, in this order.
fn read_all(settings: &Settings) -> Result<Vec<Vec<u8>>> {
    let Settings { certificate_file, key_file, client_ca_file, client_crl_file, .. } = settings;
    let files = [Some(certificate_file), Some(key_file), client_ca_file.as_ref(), client_crl_file.as_ref()];
    let read = |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    files.into_iter().flatten().map(read).collect()
}

fn verifier(
    settings: &Settings,
    files: &[Vec<u8>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>> {
    let Some(roots_file) = settings.client_ca_file.as_ref().and(files.get(2)) else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for root in certificates(roots_file).context("grpc.tls.client_ca_file cannot be used")? {
        roots.add(root).context("grpc.tls.client_ca_file has what is no root")?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if let Some(revoked) = settings.client_crl_file.as_ref().and(files.get(3)) {
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(revoked).collect();
        let lists = lists.ok().filter(|lists| !lists.is_empty());
        let lists = lists.context("grpc.tls.client_crl_file has no list of what was revoked")?;
        // Whoever vouches for those between has lists of their own, which are seldom at hand.
        builder = builder.with_crls(lists).only_check_end_entity_revocation();
    }
    if settings.clients == Clients::Optional {
        builder = builder.allow_unauthenticated();
    }
    Ok(Some(builder.build().context("grpc.tls.client_ca_file and client_crl_file cannot be used")?))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.ok().context("it is not PEM")?;
    ensure!(!all.is_empty(), "it has no certificate");
    Ok(all)
}
