//! What the claims have cost: transactions and messages, counted in the six databases as an operator would.
//!
//! Every transaction that writes is counted, those of the relays and sweeps included: PostgreSQL gives each a number,
//! and the numbers of all six databases come from one counter. What only reads has none.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use sqlx::{Connection, PgConnection};

use crate::installation::Installation;

const COUNT: &str = "
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, (SELECT count(*) FROM journal)";

/// Counts of all six databases together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Transactions that wrote something.
    pub commits: i64,
    /// Journalled messages.
    pub messages: i64,
}

impl Counted {
    /// What was added since.
    pub fn since(self, before: Self) -> Self {
        Self { commits: self.commits - before.commits, messages: self.messages - before.messages }
    }
}

/// Counts.
pub async fn count(installation: &Installation) -> Result<Counted> {
    let databases = installation.services.keys().map(|service| async move {
        let url = installation.database(service)?;
        let mut database = PgConnection::connect(&url).await?;
        let counted: (i64, i64) = sqlx::query_as(COUNT).fetch_one(&mut database).await?;
        database.close().await?;
        anyhow::Ok(counted)
    });
    let counted = try_join_all(databases).await.context("cannot count in the databases")?;
    let sum = |sum: Counted, (commits, messages): (i64, i64)| Counted {
        commits: sum.commits.max(commits),
        messages: sum.messages + messages,
    };
    Ok(counted.into_iter().fold(Counted::default(), sum))
}
