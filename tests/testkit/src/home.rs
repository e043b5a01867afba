//! Where a service of a test lives: a fresh database and private subjects on the servers that all tests of a process
//! share.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use chassis::{Service, Settings};
use local::{ServerOptions, Servers};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

static SERVERS: OnceLock<Servers> = OnceLock::new();
static TEMPLATES: Mutex<Option<HashMap<&'static str, ()>>> = Mutex::new(None);

/// The servers of this process; started at the first use, stopped by the kernel with the process.
pub fn servers() -> &'static Servers {
    SERVERS.get_or_init(|| Servers::start(ServerOptions::default()).expect("PostgreSQL and NATS can be started"))
}

/// Where one service lives.
#[derive(Clone)]
pub struct Home {
    /// The service.
    pub service: &'static Service,
    /// Name of its database.
    pub database: String,
    /// First token of its subjects.
    pub prefix: String,
    /// More variables for the service, without `REDRESS_<SERVICE>__`.
    pub variables: Vec<(String, String)>,
}

impl Home {
    /// A fresh database with the service's schema, and subjects nobody else uses.
    pub async fn new(service: &'static Service) -> Self {
        let prefix = format!("t{}", &uuid::Uuid::now_v7().simple().to_string()[12..]);
        Self::with_prefix(service, &prefix).await
    }

    /// A fresh database for a service that shares the subjects of others.
    pub async fn with_prefix(service: &'static Service, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        let database = format!("{}_{prefix}", service.name);
        let servers = tokio::task::spawn_blocking(servers).await.expect("the servers start");
        let template = template(service).await;
        let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await.expect("PostgreSQL answers");
        let create = format!("CREATE DATABASE \"{database}\" TEMPLATE \"{template}\" STRATEGY FILE_COPY");
        testing_retry(&mut admin, &create).await;
        let home = Self { service, database, prefix, variables: Vec::new() };
        let client = chassis::connect_nats("testkit", &servers.nats_url().into()).await.expect("NATS answers");
        chassis::provision(&client, &home.prefix, 50).await.expect("streams can be made");
        home
    }

    /// Address of the database, as superuser.
    pub fn database_url(&self) -> String {
        servers().postgres_url(&self.database)
    }

    /// A pool on the database, as superuser.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(3).connect(&self.database_url()).await.expect("PostgreSQL answers")
    }

    /// The variables under which a process of the service lives here.
    pub fn environment(&self) -> Vec<(String, String)> {
        let prefix = format!("REDRESS_{}__", self.service.name.to_uppercase());
        let own = [
            ("DATABASE__URL", self.database_url()),
            ("NATS__URL", servers().nats_url()),
            ("NATS__PREFIX", self.prefix.clone()),
            ("TELEMETRY__LOG", std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned())),
        ];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        own.chain(self.variables.clone()).map(|(key, value)| (format!("{prefix}{key}"), value)).collect()
    }

    /// The settings under which a service of this process lives here.
    pub fn settings(&self) -> Settings {
        let variables = self.environment().into_iter().collect();
        Settings::from(self.service.name, None, Some(variables)).expect("the settings of a test are right")
    }
}

/// Creating from one template is refused while another session uses it: a test waits its turn.
async fn testing_retry(admin: &mut PgConnection, create: &str) {
    for _ in 0..200 {
        match sqlx::query(AssertSqlSafe(create.to_owned())).execute(&mut *admin).await {
            Ok(_) => return,
            Err(error) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("55006") => {
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
            Err(error) => panic!("a database cannot be made: {error:?}"),
        }
    }
    panic!("the template is always in use");
}

/// A migrated database to copy from: migrating takes longer than copying.
async fn template(service: &'static Service) -> String {
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let name = format!("template_{}", service.name);
    let _turn = MAKING.lock().await;
    let made =
        TEMPLATES.lock().expect("nobody panics with the lock").get_or_insert_default().contains_key(service.name);
    if !made {
        let servers = servers();
        let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await.expect("PostgreSQL answers");
        let create = format!("CREATE DATABASE \"{name}\"");
        sqlx::query(AssertSqlSafe(create)).execute(&mut admin).await.expect("a database can be made");
        let url = servers.postgres_url(&name).into();
        chassis::migrate(&url, service.migrations).await.expect("the migrations run");
        TEMPLATES.lock().expect("nobody panics with the lock").get_or_insert_default().insert(service.name, ());
    }
    name
}
