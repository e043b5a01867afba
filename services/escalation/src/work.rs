//! What the list of all services needs of this one: what an item shows, and how it changes hands.

use std::collections::BTreeMap;

use chassis::Fault;
use chassis::work::{Asked, Shown};
use proto::work::item::Content;
use sqlx::PgPool;
use uuid::Uuid;

use crate::events::Command;
use crate::handle::Handle;
use crate::{domain, store, wire};

/// The work list of this service.
pub(crate) struct List;

impl chassis::work::List for List {
    type Domain = Handle;
    type Own = proto::escalation::ListWorkItemsRequest;

    async fn shown(&self, pool: &PgPool, items: &[Uuid]) -> Result<BTreeMap<Uuid, Shown>, Fault> {
        let shown = store::items_by_name(pool, items).await?.into_iter().map(|row| {
            let content = Content::Task(wire::item(row.claim, row.number, &row.item, row.plan));
            (row.item.work.id, Shown { content: Some(content), ..Shown::default() })
        });
        Ok(shown.collect())
    }

    fn command(&self, about: Uuid, asked: Asked) -> Command {
        Command { claim: about, number: None, policy_version: 0, what: domain::Command::Work(asked) }
    }
}
