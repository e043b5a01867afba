//! A toy service on servers of its own, which a test may kill, and links between them, which a test may cut.
#![expect(clippy::disallowed_methods, reason = "a link has tasks of its own")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chassis::{Clock, Running, Service, Settings};
use local::{Secrets, ServerOptions, Servers};
use proto::inventory::inventory_service_client::InventoryServiceClient;
use proto::inventory::{AdjustStockRequest, AdjustStockResponse};
use serde_json::Value;
use sqlx::PgPool;
use testkit::{Bearer, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::transport::Channel;
use tonic::{Request, Status};

const DATABASE: &str = "inventory";

/// Servers of one test.
pub struct Stand {
    pub servers: Servers,
    pub secrets: Secrets,
}

impl Stand {
    /// Both servers, a migrated database, streams and consumers.
    pub async fn start(service: &Service) -> Self {
        Self::with(service, ServerOptions::default()).await
    }

    /// The same, on a database that keeps what it has committed even if it is killed.
    pub async fn durable(service: &Service) -> Self {
        Self::with(service, ServerOptions { durable: true, ..ServerOptions::default() }).await
    }

    async fn with(service: &Service, options: ServerOptions) -> Self {
        let start = || testkit::start_servers(options);
        let (servers, secrets) = tokio::task::spawn_blocking(start).await.unwrap();
        let stand = Self { servers, secrets };
        testkit::make_database(&stand.servers, &stand.secrets, service, DATABASE).await;
        stand.provision().await;
        stand
    }

    pub async fn provision(&self) {
        let client = chassis::connect_nats("stand", &self.nats_url().into()).await.unwrap();
        chassis::provision(&client, "redress", 50).await.unwrap();
    }

    /// Address of NATS for the user who may do everything.
    pub fn nats_url(&self) -> String {
        self.secrets.nats_url(&self.servers.nats_url(), chassis::topology::OPERATOR).unwrap()
    }

    pub fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let (database, nats) = (self.database_at(&self.servers.postgres_address()), self.servers.nats_url());
        let log = std::env::var("TEST_LOG").unwrap_or_else(|_| "off".to_owned());
        let own =
            [("DATABASE__URL", database.as_str()), ("NATS__URL", nats.as_str()), ("TELEMETRY__LOG", log.as_str())];
        let variables =
            own.iter().chain(more).map(|(key, value)| (format!("REDRESS_INVENTORY__{key}"), value.to_string()));
        let secrets = testkit::secret_variables("inventory", &self.secrets);
        Settings::from(&crate::toy::SERVICE, None, Some(secrets.into_iter().chain(variables).collect())).unwrap()
    }

    pub async fn run(&self, service: &'static Service, more: &[(&str, &str)]) -> Running {
        chassis::start(service, self.settings(more), Clock::default()).await.unwrap()
    }

    pub async fn pool(&self) -> PgPool {
        PgPool::connect(&self.servers.postgres_url(DATABASE)).await.unwrap()
    }

    /// Address of the database behind a link.
    pub fn database_behind(&self, link: &Link) -> String {
        self.database_at(&link.address.to_string())
    }

    /// Address of the database for its owner.
    pub fn owner_url(&self) -> String {
        let host = self.servers.postgres_address();
        self.secrets.postgres_url(&host, &local::roles::owner(DATABASE), DATABASE).unwrap()
    }

    /// Address of another database for the role that serves.
    pub fn elsewhere(&self, database: &str) -> String {
        self.secrets.postgres_url(&self.servers.postgres_address(), DATABASE, database).unwrap()
    }

    fn database_at(&self, host: &str) -> String {
        self.secrets.postgres_url(host, DATABASE, DATABASE).unwrap()
    }

    /// A link to PostgreSQL.
    pub async fn link_to_postgres(&self) -> Link {
        Link::to(format!("{}:{}", self.servers.postgres_host(), self.servers.postgres_port()).parse().unwrap()).await
    }

    /// A link to NATS.
    pub async fn link_to_nats(&self) -> Link {
        Link::to(self.servers.nats_url().strip_prefix("nats://").unwrap().parse().unwrap()).await
    }
}

/// A link that can become a black hole: what runs through it then is dead for ever, and nobody is told.
pub struct Link {
    pub address: SocketAddr,
    hole: watch::Sender<bool>,
}

impl Link {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (hole, holed)) = (listener.local_addr().unwrap(), watch::channel(false));
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut holed = holed.clone();
                tokio::spawn(async move {
                    let carry = async {
                        let Ok(mut far) = TcpStream::connect(target).await else { return };
                        let _ = far.set_nodelay(true);
                        let _ = near.set_nodelay(true);
                        // Both ends stay open, whatever comes: they are held until the task ends.
                        let (from, to) = (&mut near, &mut far);
                        let swallowed = tokio::select! {
                            biased;
                            _ = holed.wait_for(|holed| *holed) => true,
                            _ = tokio::io::copy_bidirectional(from, to) => false,
                        };
                        if swallowed {
                            std::future::pending::<()>().await;
                        }
                    };
                    carry.await;
                });
            }
        });
        Self { address, hole }
    }

    /// From now on everything is swallowed.
    pub fn swallow(&self) {
        self.hole.send_replace(true);
    }

    /// New connections come through again; the old ones stay dead.
    pub fn heal(&self) {
        self.hole.send_replace(false);
    }
}

/// What `/readyz` says.
pub async fn readiness(admin: SocketAddr) -> (bool, Value) {
    let mut stream = TcpStream::connect(admin).await.unwrap();
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (answer.lines().next().unwrap().contains(" 200 "), serde_json::from_str(body).unwrap())
}

/// Waits until it is ready, or not, for at most 15 s (G19); gives what it says then.
pub async fn until_ready(admin: SocketAddr, wanted: bool) -> Value {
    let begun = Instant::now();
    loop {
        let (ready, told) = readiness(admin).await;
        if ready == wanted {
            return told;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "ready is not {wanted} after 15 s: {told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The reason that a part gives.
pub fn reason(told: &Value, part: &str) -> String {
    told["parts"][part]["reason"].as_str().unwrap_or_default().to_owned()
}

pub async fn channel(secrets: &Secrets, running: &Running) -> Wire {
    let channel = Channel::from_shared(format!("http://{}", running.grpc())).unwrap().connect().await.unwrap();
    Bearer::new(secrets).on(channel)
}

/// Makes a pile grow; a call with 3 s.
pub async fn grow(channel: &Wire, request_id: &str, pile: &str) -> Result<AdjustStockResponse, Status> {
    let adjust = AdjustStockRequest {
        request_id: request_id.to_owned(),
        sku: pile.to_owned(),
        delta: 1,
        ..AdjustStockRequest::default()
    };
    let mut request = Request::new(adjust);
    request.set_timeout(Duration::from_secs(3));
    let answer = InventoryServiceClient::new(channel.clone()).adjust_stock(request).await;
    answer.map(tonic::Response::into_inner)
}
