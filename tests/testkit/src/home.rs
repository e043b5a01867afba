//! Where a service of a test lives: a fresh database and private subjects on the servers that all tests of a process
//! share. As in a deployment it serves by a role that owns nothing.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use chassis::topology::{self, OPERATOR};
use chassis::{Service, Settings};
use local::{Secrets, ServerOptions, Servers, roles};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

static SERVERS: OnceLock<(Servers, Secrets)> = OnceLock::new();
static TEMPLATES: Mutex<Option<HashMap<&'static str, ()>>> = Mutex::new(None);

/// The servers of this process; started at the first use, stopped by the kernel with the process.
pub fn servers() -> &'static Servers {
    &shared().0
}

/// What the services of this process keep secret.
pub fn secrets() -> &'static Secrets {
    &shared().1
}

/// Address of NATS for the user who may do everything: the permissions of each service are tested where each has its
/// own user, by the tests of the whole.
pub fn nats_url() -> String {
    secrets().nats_url(&servers().nats_url(), OPERATOR).expect("there is a password")
}

fn shared() -> &'static (Servers, Secrets) {
    SERVERS.get_or_init(|| start_servers(ServerOptions::default()))
}

/// Servers of a test's own, whose broker has one user, who may do everything.
pub fn start_servers(options: ServerOptions) -> (Servers, Secrets) {
    let mut secrets = None;
    let servers = Servers::start_with(options, |folder| {
        let secrets = secrets.insert(Secrets::make(&folder.join("secrets"))?);
        let password = secrets.nats_password(OPERATOR)?;
        Ok(topology::authorization("redress", &[topology::operator()], |_| format!("{password:?}")))
    });
    let servers = servers.expect("PostgreSQL and NATS can be started");
    (servers, secrets.expect("they were made"))
}

/// The secrets of a service, on the broker as the user who may do everything, and on a PostgreSQL that may forget.
pub fn secret_variables(service: &str, secrets: &Secrets) -> Vec<(String, String)> {
    let prefix = format!("REDRESS_{}__NATS__", service.to_uppercase());
    let file = secrets.nats_password_file(OPERATOR).display().to_string();
    let mut variables = secrets.variables(service);
    variables.retain(|(key, _)| !key.starts_with(&prefix));
    variables.extend([(format!("{prefix}USER"), OPERATOR.to_owned()), (format!("{prefix}PASSWORD_FILE"), file)]);
    let forgets = format!("REDRESS_{}__DATABASE__UNSAFE_DURABILITY_FOR_TESTS", service.to_uppercase());
    variables.push((forgets, "true".to_owned()));
    variables
}

/// Makes a migrated database on servers of a test's own, and the roles of its service; gives its address for the role
/// that serves.
pub async fn make_database(servers: &Servers, secrets: &Secrets, service: &Service, database: &str) -> String {
    let mut admin = PgConnection::connect(&servers.postgres_url("postgres")).await.expect("PostgreSQL answers");
    let make_roles = roles::make(secrets, service.name).expect("there are passwords");
    admin.execute(AssertSqlSafe(make_roles)).await.expect("roles can be made");
    let create = roles::database(service.name, database, "template1");
    admin.execute(AssertSqlSafe(create)).await.expect("a database can be made");
    let host = servers.postgres_address();
    let owner = secrets.postgres_url(&host, &roles::owner(service.name), database).expect("there is a password");
    chassis::migrate(service, &owner.into(), service.name).await.expect("the migrations run");
    secrets.postgres_url(&host, service.name, database).expect("there is a password")
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
        let create = roles::database(service.name, &database, &format!("\"{template}\" STRATEGY FILE_COPY"));
        testing_retry(&mut admin, &create).await;
        admin.execute(AssertSqlSafe(roles::close(service.name, &database))).await.expect("a database can be closed");
        let home = Self { service, database, prefix, variables: Vec::new() };
        let client = chassis::connect_nats("testkit", &nats_url().into()).await.expect("NATS answers");
        chassis::provision(&client, &home.prefix, 50).await.expect("streams can be made");
        home
    }

    /// Address of the database for the role that serves.
    pub fn app_url(&self) -> String {
        let host = servers().postgres_address();
        secrets().postgres_url(&host, self.service.name, &self.database).expect("there is a password")
    }

    /// Address of the database for its owner.
    pub fn owner_url(&self) -> String {
        let host = servers().postgres_address();
        secrets().postgres_url(&host, &roles::owner(self.service.name), &self.database).expect("there is a password")
    }

    /// Address of the database, as superuser.
    pub fn database_url(&self) -> String {
        servers().postgres_url(&self.database)
    }

    /// A pool on the database, as superuser.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(3).connect(&self.database_url()).await.expect("PostgreSQL answers")
    }

    /// Folder of the checkpoints of its audit chain.
    pub fn checkpoints(&self) -> PathBuf {
        secrets().folder().join(format!("audit-{}", self.prefix))
    }

    /// The variables under which a process of the service lives here.
    pub fn environment(&self) -> Vec<(String, String)> {
        let prefix = format!("REDRESS_{}__", self.service.name.to_uppercase());
        let own = [
            ("DATABASE__URL", self.app_url()),
            ("NATS__URL", servers().nats_url()),
            ("NATS__PREFIX", self.prefix.clone()),
            ("TELEMETRY__LOG", std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned())),
            ("AUDIT__CHECKPOINTS", self.checkpoints().display().to_string()),
        ];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        let own = own.chain(self.variables.clone()).map(|(key, value)| (format!("{prefix}{key}"), value));
        // Given variables win.
        secret_variables(self.service.name, secrets()).into_iter().chain(own).collect()
    }

    /// The settings under which a service of this process lives here.
    pub fn settings(&self) -> Settings {
        let variables = self.environment().into_iter().collect();
        Settings::from(self.service, None, Some(variables)).expect("the settings of a test are right")
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
        make_database(servers(), secrets(), service, &name).await;
        TEMPLATES.lock().expect("nobody panics with the lock").get_or_insert_default().insert(service.name, ());
    }
    name
}
