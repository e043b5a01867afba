//! A work item of either service, in one list.

use anyhow::Result;
use proto::claim::{Resolution, Role};
use proto::escalation::{Ruling, WorkKind};
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

    /// Who decided it; empty: nobody, it waits or was taken back.
    pub fn decided_by(&self) -> &str {
        both!(self, item => &item.decided_by)
    }

    /// When it was decided.
    pub fn decided_at(&self) -> Option<&WireTime> {
        both!(self, item => item.decided_at.as_ref())
    }

    /// Why it was decided so.
    pub fn note(&self) -> &str {
        both!(self, item => &item.note)
    }

    /// What was decided; empty: nothing yet.
    pub fn decision(&self) -> String {
        match self {
            Self::Triage(item) if item.decided_by.is_empty() => String::new(),
            Self::Triage(item) if !item.question.is_empty() => format!("asked for {}", item.question),
            Self::Triage(item) => {
                let lines = item.decision.iter().map(|plan| {
                    let what = plain::<Resolution>(plan.resolution);
                    let why = if plan.reason.is_empty() { String::new() } else { format!(" {}", plan.reason) };
                    format!("{} {what} × {}{why}", plan.line, plan.quantity)
                });
                lines.collect::<Vec<_>>().join(", ")
            }
            Self::Escalation(item) => plain::<Ruling>(item.ruling),
        }
    }

    /// Whether it waits; if not, what was decided, by whom and why.
    pub fn state(&self) -> String {
        if self.open() {
            return "open".to_owned();
        }
        if self.decided_by().is_empty() {
            return "taken back".to_owned();
        }
        let decision = match self.decision() {
            decision if decision.is_empty() => "decided".to_owned(),
            decision => decision,
        };
        let lines: Vec<&str> = self.note().lines().collect();
        let note = if lines.is_empty() { String::new() } else { format!(": {}", lines.join(" \u{21b5} ")) };
        format!("{decision} by {}{note}", self.decided_by())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decided_item_says_what_who_and_why() {
        let mut item = escalation::WorkItem { open: true, ..escalation::WorkItem::default() };
        let told = |item: &escalation::WorkItem| Item::Escalation(Box::new(item.clone())).state();
        assert_eq!(told(&item), "open");
        item.open = false;
        assert_eq!(told(&item), "taken back");
        item.decided_by = "anna".to_owned();
        item.ruling = Ruling::Deny.into();
        item.note = "too dear".to_owned();
        assert_eq!(told(&item), "deny by anna: too dear");
        let plan = proto::claim::LinePlan {
            line: 1,
            quantity: 2,
            resolution: Resolution::Replace.into(),
            ..Default::default()
        };
        let mut item = triage::WorkItem { decided_by: "ben".to_owned(), decision: vec![plan], ..Default::default() };
        let told = |item: &triage::WorkItem| Item::Triage(Box::new(item.clone())).state();
        assert_eq!(told(&item), "1 replace × 2 by ben");
        item.question = "PHOTO_NEEDED".to_owned();
        assert_eq!(told(&item), "asked for PHOTO_NEEDED by ben");
    }
}
