//! Where the database is, and who serves on it.

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::links;

/// The service's own PostgreSQL database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Address, as `postgres://intake@db/intake`, for the role that serves: it owns nothing.
    pub url: SecretString,
    /// File with the password of that role, and nothing else. It is read at each connect, so a new one needs no restart.
    /// It is not used if the address has a password.
    pub password_file: Option<PathBuf>,
    /// Address for the role that owns the tables; only `migrate` needs it, so a process that serves should not have it.
    pub owner_url: Option<SecretString>,
    /// File with the password of the owner.
    pub owner_password_file: Option<PathBuf>,
    /// Connections for reads.
    #[serde(default = "reads")]
    pub reads: u32,
    /// What keeps others out of a link in clear to a server on another machine, as `proxy`; without it such a link is
    /// refused: the address must say `sslmode=verify-full`, or `verify-ca` or `require`.
    pub plain_behind: Option<String>,
    /// Whether to serve on a server that forgets what it committed when the power fails. For tests: nothing that this
    /// system promises holds there.
    #[serde(default)]
    pub unsafe_durability_for_tests: bool,
}

impl Database {
    /// Address for the owner of the tables.
    pub(crate) fn owner(&self) -> anyhow::Result<&SecretString> {
        self.owner_url.as_ref().context(
            "`migrate` needs database.owner_url, the address for the role that owns the tables; \
             database.url is for the role that serves",
        )
    }

    /// Whether it can be meant so.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!((1..=200).contains(&self.reads), "database.reads must be 1 to 200");
        let owns = self.owner_url.is_some() || self.owner_password_file.is_none();
        anyhow::ensure!(owns, "database.owner_password_file is the password of whom? set database.owner_url");
        Ok(())
    }

    /// Refuses what would go to another machine in clear. `prefer`, which is the default, takes what the network offers.
    pub(super) fn check_links(&self) -> anyhow::Result<()> {
        let owner = self.owner_url.as_ref().map(|url| ("database.owner_url", url));
        for (key, url) in [("database.url", &self.url)].into_iter().chain(owner) {
            // What is no address is found out when it is used.
            let Ok(options) = url.expose_secret().parse::<PgConnectOptions>() else { continue };
            let by_tls =
                matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull);
            let is_safe = by_tls || options.get_socket().is_some() || links::is_local(options.get_host());
            links::check(key, is_safe, "sslmode=verify-full in it", "database", self.plain_behind.as_ref())?;
        }
        Ok(())
    }

    /// Says what is allowed and not good.
    pub(crate) fn warn(&self, service: &str) {
        if self.owner_url.is_some() {
            tracing::warn!(service, "database.owner_url is set, and only `migrate` needs it: keep it from what serves");
        }
        if self.password_file.is_some() && has_password(&self.url) {
            tracing::warn!(service, "database.url has a password, so database.password_file is not used");
        }
        if self.unsafe_durability_for_tests {
            tracing::warn!(service, "database.unsafe_durability_for_tests is set: what is acknowledged may be lost");
        }
    }
}

/// Whether an address has a password.
pub(crate) fn has_password(url: &SecretString) -> bool {
    let url = url.expose_secret();
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = address.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let whose = authority.rsplit_once('@').map_or("", |(whose, _)| whose);
    whose.contains(':') || query.split('&').any(|pair| pair.starts_with("password="))
}

fn reads() -> u32 {
    4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_seen() {
        let has = |url: &str| has_password(&url.into());
        assert!(has("postgres://intake:sesame@db/intake") && has("postgres://db/intake?sslmode=require&password=x"));
        assert!(!has("postgres://intake@db:5432/intake") && !has("postgres://db/intake?sslmode=require") && !has(""));
    }
}
