//! Who is at the other end of a connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use super::Tls;
use crate::identity::{PeerIdentity, Unknown};

/// How long a certificate that was found good is taken for good: its time may be over then, or it may be revoked (F19).
const GOOD_FOR: Duration = Duration::from_secs(2);
/// Time between two looks whether it still is, while a stream goes on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Who is at the other end of a connection with a client certificate.
pub(crate) struct Peer {
    chain: Vec<CertificateDer<'static>>,
    /// `None`: the certificate does not say who it is of.
    identity: Option<PeerIdentity>,
    tls: Arc<Tls>,
    good_at: Mutex<Option<Instant>>,
}

impl Peer {
    /// Of a handshake in which the certificate was found good. Who it is of, it says by one URI and no more; a name in its
    /// subject says nothing.
    pub fn of(chain: &[CertificateDer<'_>], tls: Arc<Tls>) -> Option<Self> {
        let certificate = EndEntityCert::try_from(chain.first()?).ok()?;
        let mut uris = certificate.valid_uri_names();
        let mut identity = uris.next().map(|uri| PeerIdentity(uri.to_owned()));
        if uris.next().is_some() {
            tracing::warn!("a client certificate has several URIs: it is not known which one its holder is");
            identity = None;
        }
        let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Some(Self { chain, identity, tls, good_at: Mutex::new(Some(Instant::now())) })
    }

    /// Who it is, if the certificate is still good.
    pub fn identity(&self) -> Result<&PeerIdentity, Unknown> {
        self.holds()?;
        self.identity.as_ref().ok_or(Unknown::Nothing)
    }

    /// Whether the certificate is still good.
    pub fn holds(&self) -> Result<(), Unknown> {
        let mut good_at = self.good_at.lock().unwrap_or_else(PoisonError::into_inner);
        if good_at.is_none_or(|at| at.elapsed() > GOOD_FOR) {
            *good_at = self.is_good().then(Instant::now);
        }
        if good_at.is_some() { Ok(()) } else { Err(Unknown::Lapsed) }
    }

    /// Waits until the certificate is good no more.
    pub async fn lapsed(&self) {
        while self.holds().is_ok() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn is_good(&self) -> bool {
        let (Some(verifier), Some((own, between))) = (self.tls.now().verifier.clone(), self.chain.split_first()) else {
            return false;
        };
        verifier.verify_client_cert(own, between, UnixTime::now()).is_ok()
    }
}
