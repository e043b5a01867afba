//! Databases restored from older copies, while the streams have gone on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{self, stream::LastRawMessageErrorKind};
use chassis::topology::{self, STREAMS, stream_name};
use local::stack::PREFIX;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Act, Fault, Stage};
use crate::rig::process::Process;

pub(super) const FAULTS: [Fault; 1] = [Fault::new(
    "F23",
    "older copies of the databases of inventory and the orchestrator are put in, then the newer ones back",
    "G17",
    Act::Do(|stage| Box::pin(restored(stage))),
)];

/// One that answers, and the one that leads.
const VICTIMS: [&str; 2] = ["inventory", "orchestrator"];
/// It must be known by then.
const DETECTED: Duration = Duration::from_secs(15);

async fn restored(stage: &mut Stage) -> Result<()> {
    let victims: Vec<_> = VICTIMS.iter().flat_map(|service| stage.rig.of(service)).collect();
    stage.begin("copy databases")?;
    down(&victims).await?;
    for service in VICTIMS {
        beside(stage, &[format!("CREATE DATABASE {service}_older TEMPLATE {service}")]).await?;
    }
    let copied = told(stage).await?;
    up(&victims).await?;
    stage.end("copy databases")?;
    newer(stage, &copied).await?;

    stage.begin("older databases")?;
    down(&victims).await?;
    for service in VICTIMS {
        beside(stage, &swap(service, "newer", "older")).await?;
    }
    let (before, journalled) = (told(stage).await?, journalled(stage).await?);
    let started = Instant::now();
    for victim in &victims {
        victim.start()?;
    }
    for victim in &victims {
        detected(victim, started).await?;
    }
    // Calls and messages come all the time.
    stage.pass(6000).await;
    for victim in &victims {
        ensure!(!victim.is_ready(), "{victim} is ready on an older database");
    }
    let (after, then) = (told(stage).await?, self::journalled(stage).await?);
    ensure!(before == after, "something was published from an older database: {before:?}, then {after:?}");
    ensure!(journalled == then, "something was done on an older database: {journalled:?} rows, then {then:?}");

    down(&victims).await?;
    for service in VICTIMS {
        beside(stage, &swap(service, "older", "newer")).await?;
        beside(stage, &[format!("DROP DATABASE {service}_older")]).await?;
    }
    up(&victims).await?;
    stage.end("older databases")
}

/// Puts the database aside under one name, and the one with the other name in.
fn swap(service: &str, aside: &str, wanted: &str) -> [String; 2] {
    [
        format!("ALTER DATABASE {service} RENAME TO {service}_{aside}"),
        format!("ALTER DATABASE {service}_{wanted} RENAME TO {service}"),
    ]
}

async fn down(victims: &[Arc<Process>]) -> Result<()> {
    for victim in victims {
        let (code, took) = victim.terminate().await?;
        ensure!(code == Some(0), "{victim} ended with {code:?} after SIGTERM, {took:?}");
    }
    Ok(())
}

async fn up(victims: &[Arc<Process>]) -> Result<()> {
    for victim in victims {
        victim.start()?;
    }
    let ready = async {
        while victims.iter().any(|victim| !victim.is_ready()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.context("they were not ready 30 s after their start")
}

async fn beside(stage: &Stage, statements: &[String]) -> Result<()> {
    let mut admin = PgConnection::connect(&stage.rig.servers().postgres_url("postgres")).await?;
    for statement in statements {
        // Names are ours.
        admin.execute(AssertSqlSafe(statement.clone())).await.with_context(|| statement.clone())?;
    }
    admin.close().await?;
    Ok(())
}

/// The newest message of each victim on each stream that is its own; 0: none.
async fn told(stage: &Stage) -> Result<Vec<u64>> {
    let jetstream =
        jetstream::new(chassis::connect_nats("test", &stage.rig.nats_url(topology::OPERATOR)?.into()).await?);
    let mut newest = Vec::new();
    for service in VICTIMS {
        let row = topology::row(service).context("it is not in the table")?;
        for subjects in row.publishes.iter().filter(|subjects| !subjects.starts_with("notice")) {
            let stream = STREAMS.iter().find(|stream| subjects.starts_with(stream.kind)).context("no stream")?;
            let stream = jetstream.get_stream(stream_name(PREFIX, stream.name)).await?;
            let last = stream.get_last_raw_message_by_subject(&format!("{PREFIX}.v1.{subjects}")).await;
            newest.push(match last {
                Ok(message) => message.sequence,
                Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => 0,
                Err(error) => return Err(error.into()),
            });
        }
    }
    Ok(newest)
}

/// Rows of the journals of the victims.
async fn journalled(stage: &Stage) -> Result<Vec<i64>> {
    let mut rows = Vec::new();
    for service in VICTIMS {
        let mut database = PgConnection::connect(&stage.rig.servers().postgres_url(service)).await?;
        rows.push(sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(&mut database).await?);
        database.close().await?;
    }
    Ok(rows)
}

/// Waits until each victim has published more than it had when it was copied.
async fn newer(stage: &Stage, copied: &[u64]) -> Result<()> {
    let begun = Instant::now();
    loop {
        let now = told(stage).await?;
        if now.iter().zip(copied).all(|(now, copied)| now > copied) {
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "too little was published after the copy: {now:?}");
        stage.pass(200).await;
    }
}

/// Waits until a process says that its database is too old; it may not be ready before.
async fn detected(victim: &Process, started: Instant) -> Result<()> {
    loop {
        let told = readiness(victim).await.unwrap_or_default();
        ensure!(!told.contains(" 200 "), "{victim} is ready on an older database");
        if told.contains("older than what was published") {
            return Ok(());
        }
        ensure!(started.elapsed() < DETECTED, "{victim} does not notice that its database is older: {told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What `/readyz` answers.
async fn readiness(victim: &Process) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(victim.admin).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(2), stream.read_to_string(&mut answer)).await;
    read.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    Ok(answer)
}
