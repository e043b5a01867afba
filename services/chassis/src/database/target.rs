//! Where a database is, and as whom to connect.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection, PgPool};

use crate::settings::{Database, has_password};

/// Time between two looks at the file with the password.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where a database is. A connection to it has the password of that moment: one that was changed needs no restart (F19).
#[derive(Clone)]
pub(crate) struct DatabaseTarget {
    options: PgConnectOptions,
    password_file: Option<PathBuf>,
}

impl DatabaseTarget {
    /// For the role that serves.
    pub fn of(name: &str, settings: &Database) -> anyhow::Result<Self> {
        let options = address(&settings.url, "database.url")?.application_name(name).options(super::LIMITS);
        let file = settings.password_file.as_deref().filter(|_| !has_password(&settings.url));
        Self::new(options, file, "database.password_file")
    }

    /// For the role that owns the tables.
    pub fn of_owner(url: &SecretString, password_file: Option<&Path>) -> anyhow::Result<Self> {
        let options = address(url, "database.owner_url")?.application_name("migrate");
        let options = options.options([("lock_timeout", "5s"), ("TimeZone", "UTC")]);
        let file = password_file.filter(|_| !has_password(url));
        Self::new(options, file, "database.owner_password_file")
    }

    fn new(options: PgConnectOptions, password_file: Option<&Path>, key: &'static str) -> anyhow::Result<Self> {
        let home = Self { options, password_file: password_file.map(Path::to_owned) };
        home.password().with_context(|| format!("{key} cannot be used"))?;
        Ok(home)
    }

    /// The role.
    pub fn role(&self) -> &str {
        self.options.get_username()
    }

    /// How to connect now.
    pub fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        let options = self.options.clone();
        Ok(match self.password()? {
            Some(password) => options.password(password.expose_secret()),
            None => options,
        })
    }

    /// A connection of a lane or a relay.
    pub async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.options()?.options(super::PLANS).connect().await
    }

    /// Tells a pool each new password; ends never.
    pub async fn follow(self, pool: PgPool) {
        let told = |home: &Self| home.password().ok().flatten().map(|password| password.expose_secret().to_owned());
        if self.password_file.is_none() {
            return std::future::pending().await;
        }
        let mut last = None;
        loop {
            let now = told(&self);
            if now.is_some() && now != last {
                let options = PgConnectOptions::clone(&pool.connect_options());
                pool.set_connect_options(options.password(now.as_deref().unwrap_or_default()));
                last = now;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn password(&self) -> std::io::Result<Option<SecretString>> {
        let Some(file) = &self.password_file else { return Ok(None) };
        let text = std::fs::read_to_string(file)
            .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(std::io::Error::other(format!("{} is empty", file.display())));
        }
        Ok(Some(password.into()))
    }
}

fn address(url: &SecretString, key: &'static str) -> anyhow::Result<PgConnectOptions> {
    // What is wrong with it is not told: it may have a password.
    let address = PgConnectOptions::from_str(url.expose_secret()).ok();
    address.with_context(|| format!("{key} is not a PostgreSQL address"))
}
