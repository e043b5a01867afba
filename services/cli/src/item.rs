//! Work items of all services that have a work list, in one list: [`LISTS`] has a row for each.

pub mod decide;
pub mod judgement;
pub mod task;

use anyhow::Result;
use futures::future::BoxFuture;
use proto::work::{GetWorkRequest, GetWorkResponse, ItemState, ListWorkRequest, item::Content};
use proto::{WireTime, work};
use serde::Serialize;
use tonic::{Code, Request};

pub use decide::Decide;

use crate::connect::{Clients, Session};
use crate::exit::Failure;

/// A service that has a work list, and what is its own of an item: one row each.
pub struct List {
    /// The service.
    pub service: &'static str,
    /// What was decided, in words.
    pub decision: fn(&work::Item) -> String,
    /// Shows people what an item is about.
    pub show: fn(&work::Item) -> Result<()>,
    /// Decides an item.
    pub decide: for<'s> fn(Decide, work::Item, &'s Session) -> BoxFuture<'s, Result<()>>,
}

/// The services that have a work list.
pub const LISTS: &[List] = &[
    List { service: "triage", decision: judgement::decision, show: judgement::show, decide: judgement::decide },
    List { service: "escalation", decision: task::decision, show: task::show, decide: task::decide },
];

/// Something that waits for a person.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// The service that has it.
    pub service: &'static str,
    /// What every work item has.
    pub work: work::Item,
    /// What it shows.
    #[serde(rename = "item")]
    pub content: serde_json::Value,
    #[serde(skip)]
    whole: work::Item,
}

impl Item {
    fn new(list: &'static List, whole: work::Item) -> Result<Self> {
        let content = match &whole.content {
            Some(Content::Judgement(item)) => serde_json::to_value(item)?,
            Some(Content::Task(item)) => serde_json::to_value(item)?,
            None => serde_json::Value::Null,
        };
        let work = work::Item { content: None, ..whole.clone() };
        Ok(Self { service: list.service, work, content, whole })
    }

    /// The item as the service gave it.
    pub fn into_whole(self) -> work::Item {
        self.whole
    }

    /// What it shows.
    pub fn shown(&self) -> Option<&Content> {
        self.whole.content.as_ref()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.work.work_item_id
    }

    /// What people call what it is about, as the number of a claim.
    pub fn number(&self) -> &str {
        self.work.about.as_ref().map_or("", |about| &about.number)
    }

    /// Whether it waits, for anybody or for somebody.
    pub fn is_open(&self) -> bool {
        matches!(self.work.state(), ItemState::Open | ItemState::Assigned)
    }

    fn list(&self) -> Option<&'static List> {
        LISTS.iter().find(|list| list.service == self.service)
    }

    /// What was decided; empty: nothing yet.
    pub fn decision(&self) -> String {
        let decided = self.work.state() == ItemState::Decided;
        self.list().filter(|_| decided).map(|list| (list.decision)(&self.whole)).unwrap_or_default()
    }

    /// Shows people what it is about.
    pub fn show(&self) -> Result<()> {
        self.list().map_or(Ok(()), |list| (list.show)(&self.whole))
    }

    /// Whether it waits, and for whom; if not, what was decided, by whom and why.
    pub fn state(&self) -> String {
        match self.work.state() {
            ItemState::Unspecified | ItemState::Open => "open".to_owned(),
            ItemState::Assigned => format!("with {}", self.work.assigned_to),
            ItemState::Cancelled => "taken back".to_owned(),
            ItemState::Decided => {
                let decision = match self.decision() {
                    decision if decision.is_empty() => "decided".to_owned(),
                    decision => decision,
                };
                let lines: Vec<&str> = self.work.note.lines().collect();
                let note = if lines.is_empty() { String::new() } else { format!(": {}", lines.join(" \u{21b5} ")) };
                format!("{decision} by {}{note}", self.work.decided_by)
            }
        }
    }

    fn due(&self) -> (i64, i32) {
        // What has no deadline is the least urgent.
        self.work.due_at.as_ref().map_or((i64::MAX, 0), |due: &WireTime| (due.seconds, due.nanos))
    }
}

/// Everything that is asked for, what is due first first.
pub async fn list(clients: &Clients, ask: &ListWorkRequest) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for list in LISTS {
        items.extend(at(list, clients, ask).await?);
    }
    items.sort_by_key(|item| (!item.is_open(), item.due()));
    Ok(items)
}

/// What one service has.
async fn at(list: &'static List, clients: &Clients, ask: &ListWorkRequest) -> Result<Vec<Item>> {
    let mut client = clients.work(list.service)?;
    let mut ask = ListWorkRequest { page_size: 500, ..ask.clone() };
    let mut items = Vec::new();
    loop {
        let page = client.list_work(Request::new(ask.clone())).await?.into_inner();
        for item in page.items {
            items.push(Item::new(list, item)?);
        }
        ask.page_token = page.next_page_token;
        if ask.page_token.is_empty() {
            return Ok(items);
        }
    }
}

/// A work item, whichever service has it, and its history.
pub async fn read(clients: &Clients, work_item: &str) -> Result<(&'static List, Item, Vec<work::Change>)> {
    for list in LISTS {
        let ask = GetWorkRequest { work_item_id: work_item.to_owned() };
        match clients.work(list.service)?.get_work(Request::new(ask)).await {
            Ok(found) => {
                let GetWorkResponse { item, history } = found.into_inner();
                return Ok((list, Item::new(list, item.unwrap_or_default())?, history));
            }
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(status.into()),
        }
    }
    Err(Failure::NotFound(format!("there is no work item {work_item}")).into())
}

/// A work item, whichever service has it.
pub async fn find(clients: &Clients, work_item: &str) -> Result<(&'static List, Item)> {
    let (list, item, _) = read(clients, work_item).await?;
    Ok((list, item))
}

#[cfg(test)]
mod tests {
    use proto::claim::Resolution;
    use proto::{escalation, triage};

    use super::*;

    #[test]
    fn every_service_with_a_work_list_has_a_row() {
        let rows: Vec<&str> = LISTS.iter().map(|list| list.service).collect();
        assert_eq!(rows, proto::WORK_LISTS);
    }

    #[test]
    fn an_item_says_who_has_it_and_a_decided_one_what_who_and_why() {
        let of = |at: usize, item: &work::Item| Item::new(&LISTS[at], item.clone()).unwrap();
        let mut item = work::Item {
            state: ItemState::Open.into(),
            content: Some(Content::Task(escalation::WorkItem::default())),
            ..work::Item::default()
        };
        assert_eq!(of(1, &item).state(), "open");
        (item.assigned_to, item.state) = ("ben".to_owned(), ItemState::Assigned.into());
        assert_eq!(of(1, &item).state(), "with ben");
        item.state = ItemState::Cancelled.into();
        assert_eq!(of(1, &item).state(), "taken back");
        item.state = ItemState::Decided.into();
        (item.decided_by, item.decision, item.note) = ("anna".to_owned(), "deny".to_owned(), "too dear".to_owned());
        assert_eq!(of(1, &item).state(), "deny by anna: too dear");
        let (resolution, line, quantity) = (Resolution::Replace.into(), 1, 2);
        let plan = proto::claim::LinePlan { line, quantity, resolution, ..Default::default() };
        let mut judged = triage::WorkItem { decision: vec![plan], ..Default::default() };
        let mut item = work::Item {
            state: ItemState::Decided.into(),
            decided_by: "ben".to_owned(),
            content: Some(Content::Judgement(judged.clone())),
            ..work::Item::default()
        };
        assert_eq!(of(0, &item).state(), "1 replace × 2 by ben");
        judged.question = "PHOTO_NEEDED".to_owned();
        item.content = Some(Content::Judgement(judged));
        assert_eq!(of(0, &item).state(), "asked for PHOTO_NEEDED by ben");
    }

    /// Scripts read what the service says under `item`, and what every work item has under `work`.
    #[test]
    fn its_json_has_what_the_service_shows_apart() {
        let task = escalation::WorkItem { step: 2, ..Default::default() };
        let item =
            work::Item { work_item_id: "x".to_owned(), content: Some(Content::Task(task)), ..work::Item::default() };
        let json = serde_json::to_value(Item::new(&LISTS[1], item).unwrap()).unwrap();
        let expected = serde_json::json!({"service": "escalation", "work": {"workItemId": "x"}, "item": {"step": 2}});
        assert_eq!(json, expected);
    }
}
