//! A work item of either service, in one list.

use anyhow::Result;
use proto::claim::Role;
use proto::escalation::WorkKind;
use proto::{WireTime, escalation, triage};
use serde::Serialize;
use tonic::{Code, Request};

use crate::connect::Clients;
use crate::words::plain;

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "service", content = "item", rename_all = "lowercase")]
pub enum Item {
    /// What the rules could not judge.
    Triage(Box<triage::WorkItem>),
    /// An approval, a task or an escalation.
    Escalation(Box<escalation::WorkItem>),
}

macro_rules! both {
    ($item:expr, $it:ident => $value:expr) => {
        match $item {
            Item::Triage($it) => $value,
            Item::Escalation($it) => $value,
        }
    };
}

impl Item {
    /// Its id.
    pub fn id(&self) -> &str {
        both!(self, item => &item.work_item_id)
    }

    /// The number a customer can quote.
    pub fn claim_number(&self) -> &str {
        both!(self, item => &item.claim_number)
    }

    /// Whom it waits for.
    pub fn role(&self) -> i32 {
        both!(self, item => item.role)
    }

    /// Why.
    pub fn reason(&self) -> &str {
        both!(self, item => &item.reason)
    }

    /// When it is due.
    pub fn due_at(&self) -> Option<&WireTime> {
        both!(self, item => item.due_at.as_ref())
    }

    /// Open, or decided.
    pub fn open(&self) -> bool {
        both!(self, item => item.open)
    }

    /// Whether it waits; if not, who decided and why.
    pub fn state(&self) -> String {
        match self {
            Self::Triage(item) if item.open => "open".to_owned(),
            Self::Triage(item) if item.decided_by.is_empty() => "taken back".to_owned(),
            Self::Triage(item) => {
                let note = if item.note.is_empty() { String::new() } else { format!(": {}", item.note) };
                format!("decided by {}{note}", item.decided_by)
            }
            Self::Escalation(item) => if item.open { "open" } else { "decided" }.to_owned(),
        }
    }

    /// What is to be done.
    pub fn kind(&self) -> String {
        match self {
            Self::Triage(_) => "judge".to_owned(),
            Self::Escalation(item) => plain::<WorkKind>(item.kind),
        }
    }
}

/// Everything that waits, most urgent first.
pub async fn list(clients: &Clients, role: Role, claim_id: &str, all: bool) -> Result<Vec<Item>> {
    let (judge, rest) =
        tokio::try_join!(at_triage(clients, role, claim_id, all), at_escalation(clients, role, claim_id, all))?;
    let mut items: Vec<Item> = judge.into_iter().chain(rest).collect();
    // What has no deadline is the least urgent.
    items.sort_by_key(|item| (!item.open(), item.due_at().map_or((i64::MAX, 0), |due| (due.seconds, due.nanos))));
    Ok(items)
}

async fn at_triage(clients: &Clients, role: Role, claim_id: &str, all: bool) -> Result<Vec<Item>> {
    let mut request = triage::ListWorkItemsRequest {
        page_size: 500,
        role: role.into(),
        claim_id: claim_id.to_owned(),
        include_closed: all,
        ..Default::default()
    };
    let mut items = Vec::new();
    loop {
        let page = match clients.triage()?.list_work_items(Request::new(request.clone())).await {
            Ok(page) => page.into_inner(),
            // Judgements are not for everybody who has tasks.
            Err(status) if status.code() == Code::PermissionDenied => return Ok(items),
            Err(status) => return Err(status.into()),
        };
        items.extend(page.work_items.into_iter().map(|item| Item::Triage(Box::new(item))));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(items);
        }
    }
}

async fn at_escalation(clients: &Clients, role: Role, claim_id: &str, all: bool) -> Result<Vec<Item>> {
    let mut request = escalation::ListWorkItemsRequest {
        page_size: 500,
        role: role.into(),
        claim_id: claim_id.to_owned(),
        include_closed: all,
        ..Default::default()
    };
    let mut items = Vec::new();
    loop {
        let page = clients.escalation()?.list_work_items(Request::new(request.clone())).await?.into_inner();
        items.extend(page.work_items.into_iter().map(|item| Item::Escalation(Box::new(item))));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(items);
        }
    }
}
