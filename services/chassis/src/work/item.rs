//! A work item, and what happens to it.

use jiff::Timestamp;
use proto::claim::words::Role;
use proto::work::{self as wire, item::Content};
use proto::{Word, to_wire};
use uuid::Uuid;

/// State of a work item, as it is kept: who has an open one is said beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// It waits for somebody.
    Open,
    /// Somebody has decided.
    Decided,
    /// It was taken off its list.
    Closed,
}

impl Word for ItemState {
    const ALL: &'static [Self] = &[Self::Open, Self::Decided, Self::Closed];
    const WHAT: &'static str = "state of a work item";

    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Closed => "closed",
        }
    }
}

/// What every work item has, whatever it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub id: Uuid,
    /// Whom it waits for.
    pub role: Role,
    /// Why, stable code.
    pub reason: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// State.
    pub state: ItemState,
    /// Version for optimistic locking, from 1.
    pub version: i64,
    /// Who has it; empty: nobody.
    pub assigned_to: String,
    /// Whom it was raised to when it was overdue, and when.
    pub raised: Option<(Role, Timestamp)>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// How a work item ended: it was decided, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Who.
    pub by: String,
    /// Why (S2-33).
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// How a work item changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Somebody took it.
    Taken,
    /// It was given to somebody.
    Assigned,
    /// Whoever had it gave it to somebody else.
    HandedOver,
    /// It went back to the list.
    GivenBack,
}

impl Word for Act {
    const ALL: &'static [Self] = &[Self::Taken, Self::Assigned, Self::HandedOver, Self::GivenBack];
    const WHAT: &'static str = "change of a work item";

    fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Assigned => "assigned",
            Self::HandedOver => "handed_over",
            Self::GivenBack => "given_back",
        }
    }
}

/// A work item has changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The work item.
    pub item: Uuid,
    /// Its version from then on.
    pub version: i64,
    /// How.
    pub act: Act,
    /// Who did it.
    pub by: String,
    /// Who has it from then on; empty: nobody.
    pub to: String,
    /// Why.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What a work item is about: a kind of thing, its id, and what people call it.
pub fn about(kind: &str, id: Uuid, number: &str) -> wire::About {
    wire::About { kind: kind.to_owned(), id: id.to_string(), number: number.to_owned() }
}

/// What a service says of a work item beside what every one has.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// What it is about: kind, id, and what people call it.
    pub about: wire::About,
    /// What is to be done.
    pub kind: String,
    /// The department that the rules think of.
    pub department: String,
    /// What was decided.
    pub decision: String,
    /// What the person is shown.
    pub content: Option<Content>,
}

impl Item {
    /// Something that begins to wait.
    pub fn open(id: Uuid, role: Role, reason: &str, opened_at: Timestamp, due_at: Timestamp) -> Self {
        Self {
            id,
            role,
            reason: reason.to_owned(),
            opened_at,
            due_at,
            state: ItemState::Open,
            version: 1,
            assigned_to: String::new(),
            raised: None,
            ended: None,
        }
    }

    /// Whether it waits for somebody.
    pub fn is_open(&self) -> bool {
        self.state == ItemState::Open
    }

    /// It has changed hands.
    pub fn apply(&mut self, change: &Change) {
        self.assigned_to.clone_from(&change.to);
        self.version = change.version;
    }

    /// It was decided, or taken back.
    pub fn end(&mut self, state: ItemState, ended: Ended) {
        self.state = state;
        self.ended = Some(ended);
        self.version += 1;
    }

    /// As it is shown.
    pub fn wire(&self, labels: Labels) -> wire::Item {
        let decided = self.ended.as_ref().filter(|_| self.state == ItemState::Decided);
        let state = match self.state {
            ItemState::Open if self.assigned_to.is_empty() => wire::ItemState::Open,
            ItemState::Open => wire::ItemState::Assigned,
            ItemState::Decided => wire::ItemState::Decided,
            ItemState::Closed => wire::ItemState::Cancelled,
        };
        wire::Item {
            work_item_id: self.id.to_string(),
            etag: crate::etag(self.version),
            about: Some(labels.about),
            kind: labels.kind,
            role: self.role.word().to_owned(),
            department: labels.department,
            assigned_to: self.assigned_to.clone(),
            reason: self.reason.clone(),
            opened_at: Some(to_wire(self.opened_at)),
            due_at: Some(to_wire(self.due_at)),
            state: state.into(),
            raised_to: self.raised.map(|(role, _)| role.word().to_owned()).unwrap_or_default(),
            decision: labels.decision,
            decided_by: decided.map(|ended| ended.by.clone()).unwrap_or_default(),
            decided_at: decided.map(|ended| to_wire(ended.at)),
            note: decided.map(|ended| ended.note.clone()).unwrap_or_default(),
            content: labels.content,
        }
    }

    /// What happened to it, oldest first: what changed hands is told by `changes`, the rest it knows itself.
    pub fn history(&self, changes: &[Change]) -> Vec<wire::Change> {
        let step = |kind: wire::ChangeKind, by: &str, to: &str, note: &str, at: Option<Timestamp>| wire::Change {
            kind: kind.into(),
            by: by.to_owned(),
            to: to.to_owned(),
            note: note.to_owned(),
            at: at.map(to_wire),
        };
        let mut steps = vec![(
            Some(self.opened_at),
            step(wire::ChangeKind::Opened, "", self.role.word(), "", Some(self.opened_at)),
        )];
        steps.extend(changes.iter().map(|change| {
            let kind = match change.act {
                Act::Taken => wire::ChangeKind::Taken,
                Act::Assigned => wire::ChangeKind::Assigned,
                Act::HandedOver => wire::ChangeKind::HandedOver,
                Act::GivenBack => wire::ChangeKind::GivenBack,
            };
            (Some(change.at), step(kind, &change.by, &change.to, &change.note, Some(change.at)))
        }));
        if let Some((role, at)) = self.raised {
            steps.push((Some(at), step(wire::ChangeKind::Raised, "", role.word(), "", Some(at))));
        }
        // Each is at its time; of one time they are as they come here, and the end is last.
        steps.sort_by_key(|(at, _)| *at);
        let mut steps: Vec<_> = steps.into_iter().map(|(_, step)| step).collect();
        let ended = self.ended.as_ref();
        let (by, note, at) = ended.map_or(("", "", None), |ended| (&*ended.by, &*ended.note, Some(ended.at)));
        match self.state {
            ItemState::Open => {}
            ItemState::Decided => steps.push(step(wire::ChangeKind::Decided, by, "", note, at)),
            ItemState::Closed => steps.push(step(wire::ChangeKind::Cancelled, "", "", "", at)),
        }
        steps
    }
}
