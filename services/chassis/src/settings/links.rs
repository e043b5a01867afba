//! Links that leave the machine in clear: passwords, tokens and answers can be read on the way. They are refused, unless it is
//! said what keeps others out, as a proxy that speaks TLS.

use std::net::IpAddr;

/// Whether a host is this machine: nobody is in between.
pub(super) fn is_local(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    // A path is a socket of this machine.
    matches!(host, "" | "localhost") || host.starts_with('/') || address.is_ok_and(|address| address.is_loopback())
}

/// Refuses a link in clear, unless it is said behind what it lies; then that is told at each start.
pub(super) fn check(
    link: &str,
    is_safe: bool,
    how: &str,
    section: &str,
    behind: Option<&String>,
) -> anyhow::Result<()> {
    let behind = behind.filter(|what| !what.trim().is_empty());
    anyhow::ensure!(
        is_safe || behind.is_some(),
        "{link} leads beyond this machine in clear, and passwords, tokens or answers with it: set {how}, or set \
         {section}.plain_behind to what keeps others out, as \"proxy\""
    );
    if let Some(what) = behind.filter(|_| !is_safe) {
        tracing::warn!(link, behind = what, "a link leads beyond this machine in clear");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for local in ["", "localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "/var/run/postgresql"] {
            assert!(is_local(local), "{local}");
        }
        for other in ["db", "localhost.example", "10.0.0.1", "0.0.0.0", "::", "[2001:db8::1]", "127.0.0.1.example"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
