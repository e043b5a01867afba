//! How long Redress needs until it is whole again after a fault.

use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::{Connection, PgConnection, Row};

use super::Rig;

/// Claims that are nobody's turn but the system's own.
const OPEN: &str = "SELECT claim_id::text AS claim, version FROM process WHERE waiting_for = 8 AND state < 10";

/// Longer than this is no recovery; the checker says what is stuck.
const LIMIT: Duration = Duration::from_secs(60);

impl Rig {
    /// Time from now until every process is ready and each claim that waits for the system now has moved on.
    pub async fn recovery(&self) -> Result<Duration> {
        let begun = Instant::now();
        self.wait_ready(LIMIT).await?;
        let mut database = PgConnection::connect(&self.servers().postgres_url("orchestrator")).await?;
        let mut waiting = open(&mut database).await?;
        while !waiting.is_empty() && begun.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = open(&mut database).await?;
            waiting.retain(|claim| now.contains(claim));
        }
        Ok(begun.elapsed())
    }
}

async fn open(database: &mut PgConnection) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query(OPEN).fetch_all(database).await?;
    Ok(rows.into_iter().map(|row| (row.get("claim"), row.get("version"))).collect())
}
