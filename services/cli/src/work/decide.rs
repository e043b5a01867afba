//! `redress work decide`.

use anyhow::Result;

use crate::connect::Session;
use crate::item::{self, Decide};

/// Decides.
pub async fn run(decide: Decide, session: &Session) -> Result<()> {
    let (list, found) = item::find(&session.clients, &decide.work_item).await?;
    let id = decide.work_item.clone();
    (list.decide)(decide, found.into_whole(), session).await?;
    super::tell(&id, session).await
}
