//! What the claims have cost: transactions and messages, counted in the six databases as an operator would.
//!
//! A transaction is counted if it has journalled a message or taken a call or message; what only reads, polls or moves
//! the cursor of the relay is not.

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use sqlx::{Connection, PgConnection};

use crate::connect::Installation;

const COUNT: &str = "
    SELECT (SELECT count(*) FROM (SELECT xmin::text FROM journal UNION SELECT xmin::text FROM inbox) AS written(tx)),
           (SELECT count(*) FROM journal)";

/// Counts of all six databases together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Transactions that recorded something.
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
        let url = installation.postgres.get(service).with_context(|| format!("{service} has no database"))?;
        let mut database = PgConnection::connect(url).await?;
        let counted: (i64, i64) = sqlx::query_as(COUNT).fetch_one(&mut database).await?;
        database.close().await?;
        anyhow::Ok(counted)
    });
    let counted = try_join_all(databases).await.context("cannot count in the databases")?;
    let sum = |sum: Counted, (commits, messages): (i64, i64)| Counted {
        commits: sum.commits + commits,
        messages: sum.messages + messages,
    };
    Ok(counted.into_iter().fold(Counted::default(), sum))
}
