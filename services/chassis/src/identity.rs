//! Who is at the other end of a connection, and why nobody was recognised: what the gate and TLS both speak of.

/// Who is at the other end of a connection with a client certificate: the URI of its subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerIdentity(pub String);

/// Why nobody was recognised. Said to the caller in words that help an honest one and tell a forger nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// Neither a token nor a certificate.
    Nothing,
    /// A token that is none, or that the issuer has not signed, or that is for somebody else.
    Invalid,
    /// A token whose time has passed, or has not come.
    Expired,
    /// A token that holds for longer than anybody is trusted for.
    TooLong,
    /// A certificate that was good, and whose time has passed, or that was revoked.
    Lapsed,
    /// A token or a certificate of somebody whose access has ended.
    Ended,
    /// A certificate of somebody whom the settings do not name.
    Stranger,
    /// The keys of the issuer cannot be had: nobody can be recognised now.
    NoKeys,
}
