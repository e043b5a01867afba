//! A service: what the bootstrap must know of it.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use config::Map;
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::database::{self, DatabaseTarget};
use crate::settings::{Database, Own};
use crate::{Context, Grant, Settings};

/// The routes of a service, once it is built.
pub type Building<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Routes>> + Send + 'a>>;

/// A service: its name, its schema, and how it is built.
pub struct Service {
    /// Name, as `inventory`: of the database, the consumer, the variables.
    pub name: &'static str,
    /// The migrations of its own tables.
    pub migrations: &'static Migrator,
    /// What the role that serves may do with its own tables.
    pub grants: &'static [Grant],
    /// The settings that only this service has.
    pub own: Own,
    /// Methods that take longer than others by their nature, by their full name, and how long the edge lets each go on; the
    /// service gives up before.
    pub long: &'static [(&'static str, Duration)],
    /// Wires lanes, consumers and gRPC. Boxed, so that its code is generated once.
    pub build: for<'a> fn(&'a Context) -> Building<'a>,
}

impl Settings {
    /// Reads the settings of a service from a file, if any, and the process's variables.
    pub fn load(service: &Service, file: Option<&Path>) -> anyhow::Result<Self> {
        Self::from(service, file, None)
    }

    /// The same from given variables; for tests and for the local stack.
    pub fn from(
        service: &Service,
        file: Option<&Path>,
        variables: Option<Map<String, String>>,
    ) -> anyhow::Result<Self> {
        let settings = Self::read(service.name, service.own.sections, file, variables)?;
        (service.own.read)(&settings.own)?;
        Ok(settings)
    }
}

/// Brings a database to the schema of a service, as its owner, and grants the role that serves what it needs.
pub async fn migrate(service: &Service, owner_url: &SecretString, app: &str) -> anyhow::Result<()> {
    let owner = DatabaseTarget::of_owner(owner_url, None)?;
    database::migrate((service.migrations, service.grants), &owner, app).await
}

/// The same by the settings of a service.
pub(crate) async fn migrate_by(service: &Service, settings: &Database) -> anyhow::Result<()> {
    let owner = DatabaseTarget::of_owner(settings.owner()?, settings.owner_password_file.as_deref())?;
    let app = DatabaseTarget::of(service.name, settings)?;
    database::migrate((service.migrations, service.grants), &owner, app.role()).await
}
