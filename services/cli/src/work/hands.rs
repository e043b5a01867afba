//! `redress work take`, `assign` and `hand-over`: who has a work item.

use anyhow::Result;
use proto::work::{AssignWorkRequest, HandOverWorkRequest, TakeWorkRequest};
use tonic::Request;

use crate::connect::Session;
use crate::item;

/// Which work item, and why it changes hands.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// The work item, as `list` shows it.
    pub work_item: String,
    /// Only if the work item still has this version.
    #[arg(long)]
    pub etag: Option<String>,
}

/// Who is to have it.
#[derive(Clone, Debug)]
pub enum To {
    /// Whoever asks.
    Me,
    /// A person, whoever has it.
    Assigned(String),
    /// Another person, or nobody (empty), by who has it.
    HandedOver(String),
}

/// It changes hands.
pub async fn run(which: Which, to: To, note: String, session: &Session) -> Result<()> {
    let (list, found) = item::find(&session.clients, &which.work_item).await?;
    let mut client = session.clients.work(list.service)?;
    let (request_id, work_item_id) = (session.request_id(), which.work_item);
    let etag = which.etag.unwrap_or(found.work.etag);
    let id = work_item_id.clone();
    match to {
        To::Me => {
            client.take_work(Request::new(TakeWorkRequest { request_id, work_item_id, etag, note })).await?;
        }
        To::Assigned(to) => {
            let ask = AssignWorkRequest { request_id, work_item_id, etag, to, note };
            client.assign_work(Request::new(ask)).await?;
        }
        To::HandedOver(to) => {
            let ask = HandOverWorkRequest { request_id, work_item_id, etag, to, note };
            client.hand_over_work(Request::new(ask)).await?;
        }
    }
    super::tell(&id, session).await
}
