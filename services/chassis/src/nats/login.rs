//! As whom a service comes to the broker.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use async_nats::Auth;

use crate::settings::Nats;

/// A user, and the file with its password.
pub(super) struct Login {
    pub user: String,
    file: PathBuf,
}

impl Login {
    /// Fails if there is no password: no service works on a broker that lets everybody in.
    pub(super) fn of(service: &str, settings: &Nats) -> anyhow::Result<Self> {
        let user = settings.user.clone().unwrap_or_else(|| service.to_owned());
        let file = settings.password_file.clone();
        let file = file.context("nats.password_file is not set: the file with the password of nats.user")?;
        let login = Self { user, file };
        login.auth().context("nats.password_file cannot be used")?;
        Ok(login)
    }

    /// Reads the password anew.
    pub(super) fn auth(&self) -> anyhow::Result<Auth> {
        let text = std::fs::read_to_string(&self.file);
        let text = text.with_context(|| format!("{} cannot be read", self.file.display()))?;
        let password = text.trim_end_matches(['\r', '\n']);
        ensure!(!password.is_empty(), "{} is empty", self.file.display());
        let mut auth = Auth::new();
        auth.username = Some(self.user.clone());
        auth.password = Some(password.to_owned());
        Ok(auth)
    }
}
