//! When the certificate of the service ends, so that somebody is told before callers are.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// When a certificate ends. Only that of the service counts: what is sent along may be an old way to an older root.
pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(chain.first()?).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Seconds until then; below zero: since then.
pub(super) fn left(ends: Timestamp) -> f64 {
    // The machine's time: callers compare certificates with theirs, which no test's clock moves.
    ends.duration_since(crate::Clock::default().now()).as_secs_f64()
}
