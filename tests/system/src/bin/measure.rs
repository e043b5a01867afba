//! Figures of start-up, memory, commits and messages: `just measure`.
//!
//! Starts the stack with durability on and the six services as processes, reads their idle memory, drives the
//! automatic path as an outside client, and counts what the journals say.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local::{SERVICES, StackOptions};
use proto::claim::{Category, ClaimState, Resolution};
use proto::logistics::{Direction, ShipmentState};
use sqlx::{Connection, PgConnection};
use system::World;

const CLAIMS: u32 = 200;

#[tokio::main]
async fn main() -> Result<()> {
    let program = sibling("redress")?;
    let begun = Instant::now();
    let world = World::with(StackOptions { processes: Some(program), ..StackOptions::default() }).await;
    println!("seconds from start to ready (six processes): {:.2}", begun.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (service, kib) in memory()? {
        println!("idle memory of {service}: {:.1} MiB", kib as f64 / 1024.0);
    }
    world.sold("O-1", "LAMP", 100_000, 500, 3).await;
    world.stock("LAMP", 100_000).await;
    let (commits, messages) = counts(&world).await?;
    let begun = Instant::now();
    automatic_path(&world).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let (commits_after, messages_after) = counts(&world).await?;
    let per_claim = |sum: i64| sum as f64 / f64::from(CLAIMS);
    println!("{CLAIMS} claims on the automatic path in {seconds:.1} s, 16 at a time");
    println!("commits per claim: {:.1}", per_claim(commits_after - commits));
    println!("messages per claim: {:.1}", per_claim(messages_after - messages));
    world.end().await;
    Ok(())
}

/// Submit, assess, plan, reserve, ship, delivered, closed: nobody decides anything.
async fn automatic_path(world: &World) -> Result<()> {
    use futures::StreamExt;
    let claims = futures::stream::iter(0..CLAIMS).map(|_| async {
        let claim = world.claim("O-1", "LAMP", 1, Category::Shortage, Resolution::Resend).await;
        world.carrier(&claim, Direction::Outbound, ShipmentState::Delivered).await;
        world.until_state(&claim, ClaimState::Closed).await;
    });
    claims.buffer_unordered(16).collect::<Vec<()>>().await;
    Ok(())
}

/// Transactions that wrote, relays included (their numbers come from one counter), and messages, over all services.
async fn counts(world: &World) -> Result<(i64, i64)> {
    let mut sum = (0, 0);
    for service in SERVICES {
        let mut database = PgConnection::connect(&world.stack.superuser_url(service.name)).await?;
        let counter = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        let commits: i64 = sqlx::query_scalar(counter).fetch_one(&mut database).await?;
        let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(&mut database).await?;
        sum = (sum.0.max(commits), sum.1 + messages);
    }
    Ok(sum)
}

/// Resident memory of the service processes in KiB.
fn memory() -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Ok(line) = std::fs::read_to_string(path.join("cmdline")) else { continue };
        let words: Vec<&str> = line.split('\0').collect();
        let Some(at) = words.iter().position(|word| *word == "serve") else { continue };
        let Some(service) = words.get(at + 1).filter(|name| SERVICES.iter().any(|known| known.name == **name)) else {
            continue;
        };
        found.push(((*service).to_owned(), resident(&path)?));
    }
    found.sort();
    Ok(found)
}

fn resident(process: &Path) -> Result<u64> {
    let status = std::fs::read_to_string(process.join("status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("a process has memory")?;
    Ok(line.split_whitespace().nth(1).context("a number follows")?.parse()?)
}

fn sibling(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    anyhow::ensure!(path.exists(), "{} is missing: run `cargo build --release --package cli` first", path.display());
    Ok(path)
}
