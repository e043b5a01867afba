//! What is known of a connection.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tonic::transport::server::TcpConnectInfo;

use crate::tls::Peer;

/// What is known of a connection: part of every request that comes over it.
#[derive(Clone)]
pub(crate) struct Connection {
    tcp: TcpConnectInfo,
    /// Who is at the other end: known when the handshake is over, and so before the first request.
    peer: Arc<OnceLock<Peer>>,
    /// Whether a call over it has shown who somebody is.
    recognised: Arc<AtomicBool>,
}

impl Connection {
    /// A new one, of which nothing but its address is known.
    pub(crate) fn of(tcp: TcpConnectInfo) -> Self {
        Self { tcp, peer: Arc::default(), recognised: Arc::default() }
    }

    /// Who is at the other end has shown a certificate.
    pub(crate) fn shown(&self, peer: Peer) {
        let _ = self.peer.set(peer);
    }

    /// Whether somebody was recognised by a call over it.
    pub(crate) fn is_recognised(&self) -> bool {
        self.recognised.load(Ordering::Relaxed)
    }

    /// Where it comes from.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        Some(self.tcp.remote_addr?.ip())
    }

    /// Who is at the other end, if there is a client certificate.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.peer.get()
    }

    /// Somebody was recognised by a call over it: it may stay.
    pub(crate) fn recognise(&self) {
        self.recognised.store(true, Ordering::Relaxed);
    }
}
