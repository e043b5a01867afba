//! What the list of all services needs of this one: what an item shows, and how it changes hands.

use std::collections::BTreeMap;

use chassis::Fault;
use chassis::work::{Asked, Shown};
use sqlx::PgPool;
use uuid::Uuid;

use crate::domain::Command;
use crate::handle::Handle;
use crate::{events, store};

/// The work list of this service.
pub(crate) struct List;

impl chassis::work::List for List {
    type Domain = Handle;
    type Own = proto::triage::ListWorkItemsRequest;

    async fn shown(&self, pool: &PgPool, items: &[Uuid]) -> Result<BTreeMap<Uuid, Shown>, Fault> {
        let shown = store::items_by_name(pool, items).await?.into_iter().map(|item| {
            let labels = events::labels(&item);
            let shown = Shown {
                number: item.claim_number.clone(),
                department: labels.department,
                decision: labels.decision,
                content: labels.content,
            };
            (item.work.id, shown)
        });
        Ok(shown.collect())
    }

    fn command(&self, _: Uuid, asked: Asked) -> Command {
        Command::Work(asked)
    }
}
