//! The test stand: a private PostgreSQL and NATS with durability on, the six services as processes, and the driver.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use local::{Stack, StackOptions};
use proto::logistics::ShipmentState;
use sqlx::{Connection as _, PgConnection};
use testkit::{Bearer, Wire};
use tonic::transport::Endpoint;

use crate::driver::Driver;
use crate::options::Options;
use crate::shop::Shop;

/// Connections to a service that is under load.
pub const CHANNELS: usize = 4;
/// Storage of the streams together, to which the feed adds two fifths, so that a long run does not fill them: they keep
/// everything for days.
const STORAGE_MIB: u32 = 11 * 1024;

/// Everything that is measured, and who drives it.
pub struct Stand {
    /// The running stack.
    pub stack: Stack,
    /// The broker.
    pub nats: async_nats::Client,
    /// The outside world.
    pub driver: Driver,
    /// Every shop that was opened, for the check in the end.
    pub shops: Vec<Arc<Shop>>,
    /// Claims that were left to a person on purpose: they stay open.
    pub undecided: u32,
    /// What is asked for.
    pub options: Options,
}

impl Stand {
    /// Starts everything.
    pub async fn start(options: &Options) -> Result<Self> {
        let processes = if options.in_process { None } else { Some(program(options)?) };
        // In-process is for tests, which do not measure.
        let durable = processes.is_some();
        let feed = options.feed;
        let stack = StackOptions { processes, durable, feed, operator: true, ..StackOptions::default() };
        let stack = Stack::start(stack).await?;
        let nats = chassis::connect_nats("load", &stack.nats_url_as(chassis::topology::OPERATOR)?.into()).await?;
        chassis::provision(&nats, stack.prefix(), STORAGE_MIB).await?;
        let intake = channels(&stack, "intake").await?;
        let logistics = channels(&stack, "logistics").await?;
        let states: &[_] = if options.in_transit {
            &[ShipmentState::InTransit, ShipmentState::Delivered]
        } else {
            &[ShipmentState::Delivered]
        };
        let driver = Driver::start(nats.clone(), stack.prefix(), intake, logistics, states).await?;
        Ok(Self { stack, nats, driver, shops: Vec::new(), undecided: 0, options: options.clone() })
    }

    /// Opens a shop.
    pub async fn open_shop(&mut self, name: &str, skus: u32, lines: u32) -> Result<Arc<Shop>> {
        let shop = Arc::new(Shop::new(name, skus, lines));
        shop.open(self.channel("triage").await?, self.channel("inventory").await?).await?;
        self.shops.push(Arc::clone(&shop));
        Ok(shop)
    }

    /// A connection to a service.
    pub async fn channel(&self, service: &str) -> Result<Wire> {
        channel(&self.stack, service).await
    }

    /// A connection of the superuser to a database.
    pub async fn database(&self, name: &str) -> Result<PgConnection> {
        PgConnection::connect(&self.stack.superuser_url(name)).await.with_context(|| format!("cannot reach {name}"))
    }

    /// Waits until the services have nothing to do, so that the next measurement begins at rest.
    pub async fn settle(&self) -> Result<()> {
        let mut postgres = self.database("postgres").await?;
        sqlx::query("CHECKPOINT").execute(&mut postgres).await?;
        tokio::time::sleep(Duration::from_millis(if self.options.quick { 100 } else { 1_000 })).await;
        Ok(())
    }

    /// Stops everything.
    pub async fn stop(self) -> Result<()> {
        self.driver.stop();
        self.stack.stop().await
    }
}

async fn channels(stack: &Stack, service: &str) -> Result<Vec<Wire>> {
    try_join_all((0..CHANNELS).map(|_| channel(stack, service))).await
}

async fn channel(stack: &Stack, service: &str) -> Result<Wire> {
    connect(stack.endpoints(), service, &Bearer::new(stack.secrets())).await
}

/// A connection to one of the services at some addresses.
pub async fn connect(services: &BTreeMap<String, String>, service: &str, bearer: &Bearer) -> Result<Wire> {
    let address = services.get(service).with_context(|| format!("there is no service {service}"))?;
    let endpoint = Endpoint::from_shared(address.clone())?.tcp_nodelay(true);
    let channel = endpoint.connect().await.with_context(|| format!("{service} does not answer"))?;
    Ok(bearer.on(channel))
}

/// The program `redress` of this build.
pub fn program(options: &Options) -> Result<PathBuf> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name("redress"));
    let program = options.program.clone().map_or_else(beside, Ok)?;
    ensure!(program.exists(), "{} is missing: run `just bench`, which builds it", program.display());
    Ok(program)
}
