//! Where something is read that changes while we serve: a file, or an https address.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use reqwest::Url;

/// Time between two looks at a file.
pub(super) const FILE_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for an answer.
const FETCH_LIMIT: Duration = Duration::from_secs(5);
/// Bytes that are taken.
const BYTES_MAX: usize = 256 * 1024;

/// A file, or an address.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    Address(Box<reqwest::Client>, Url),
}

impl Source {
    /// What a setting names.
    pub fn of(setting: &str, source: &str) -> Result<Self> {
        if !source.contains("://") {
            return Ok(Self::File(source.into()));
        }
        let url = Url::parse(source).ok().with_context(|| format!("{setting} is not an address"))?;
        // `http://localhost:x@other/` is an address of `other`, and an address is seen by more eyes than a password.
        ensure!(url.username().is_empty() && url.password().is_none(), "{setting} must not have user and password");
        // On the machine itself nobody can be in between.
        let safe = url.scheme() == "https" || url.scheme() == "http" && is_local(&url);
        ensure!(safe, "{setting} must be a file or an https address");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(FETCH_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .with_context(|| format!("{setting}: no client can be made"))?;
        Ok(Self::Address(Box::new(client), url))
    }

    /// When a file was changed; none: it is not known, or there is none.
    pub async fn changed(&self) -> Option<SystemTime> {
        let Self::File(path) = self else { return None };
        tokio::fs::metadata(path).await.ok()?.modified().ok()
    }

    /// What is there now.
    pub async fn read(&self) -> Result<Vec<u8>> {
        match self {
            Self::File(path) => tokio::fs::read(path).await.with_context(|| format!("cannot read {}", path.display())),
            Self::Address(client, address) => fetch(client, address).await,
        }
    }
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn fetch(client: &reqwest::Client, address: &Url) -> Result<Vec<u8>> {
    let mut answer = client.get(address.clone()).send().await?;
    ensure!(answer.status().is_success(), "the address answers {}", answer.status());
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        text.extend_from_slice(&chunk);
        ensure!(text.len() <= BYTES_MAX, "the answer has more than {BYTES_MAX} bytes");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sr33_an_address_in_clear_is_one_of_this_machine_whatever_it_looks_like() {
        for good in [
            "keys.json",
            "/etc/keys.json",
            "https://id.example/keys",
            "http://localhost:8080/k",
            "http://[::1]/k",
            "http://127.0.0.1:1/",
        ] {
            assert!(Source::of("auth.jwks", good).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example/keys",
            "http://localhost:x@other/keys",
            "http://localhost:8080@other/keys",
            "http://localhost@other/keys",
            "http://127.0.0.1:1@other/keys",
            "https://user:word@id.example/keys",
            "http://localhost.example/keys",
            "http://127.0.0.1.example/keys",
            "http:///localhost@other/keys",
            "http://other\\@localhost/keys",
            "ftp://localhost/keys",
            "https://",
        ] {
            let told = Source::of("auth.jwks", bad).map(drop).unwrap_err().to_string();
            assert!(told.contains("auth.jwks"), "{bad}: {told}");
        }
    }
}
