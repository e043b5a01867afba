//! Who may do what with a work item. Pure.

use std::collections::BTreeSet;

use proto::claim::words::Role;
use proto::policy::{Pack, work::Work};
use tonic::Code;
use uuid::Uuid;

use super::{Act, Change, Item};
use crate::{Actor, Meta, etag};

/// Versions of a work item that has changed hands too often: it is only decided then (P56).
pub const CHANGES_MAX: i64 = 200;

/// The rules of the policy pack.
#[derive(Clone, Debug)]
pub struct Rules {
    policy: Work,
    absent: BTreeSet<Role>,
}

/// What somebody asks about a work item, besides deciding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The work item.
    pub item: Uuid,
    /// The version that was read.
    pub etag: String,
    /// What is asked.
    pub what: What,
    /// Why.
    pub note: String,
}

/// Who is to have a work item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Whoever asks.
    Take,
    /// A person, whoever has it now.
    Assign(String),
    /// Whoever has it gives it to a person, or back to the list (empty).
    HandOver(String),
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such work item.
    #[error("there is no such work item")]
    Unknown(Uuid),
    /// It was decided or taken back.
    #[error("the work item was decided or taken back")]
    Closed(Uuid),
    /// It was changed since it was read.
    #[error("the work item was changed since it was read")]
    EtagMismatch,
    /// It waits for somebody else.
    #[error("the work item waits for the role {}", .0.word())]
    WrongRole(Role),
    /// Another person has it.
    #[error("another person has the work item")]
    Assigned(String),
    /// Nobody has it.
    #[error("nobody has the work item")]
    NotAssigned,
    /// It has changed hands too often (P56).
    #[error("the work item has changed hands too often; it can only be decided")]
    TooOften,
}

impl From<Refusal> for crate::Refusal {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        let state = |reason| Self::new(Code::FailedPrecondition, reason, &text);
        match refusal {
            Refusal::Unknown(item) => Self::not_found("work_item", item),
            Refusal::Closed(item) => state("WORK_ITEM_CLOSED").with("work_item", item),
            Refusal::EtagMismatch => Self::etag_mismatch(),
            Refusal::WrongRole(role) => Self::forbidden("WRONG_ROLE", &text).with("role", role.word()),
            Refusal::Assigned(to) => state("WORK_ITEM_ASSIGNED").with("assigned_to", to),
            Refusal::NotAssigned => state("WORK_ITEM_NOT_ASSIGNED"),
            Refusal::TooOften => state("HANDED_OVER_TOO_OFTEN"),
        }
    }
}

impl Rules {
    /// The rules of a pack that was validated.
    pub fn new(pack: &Pack) -> Self {
        let absent = pack.escalation.absent_roles.iter().filter_map(|role| role.0.said()).collect();
        Self { policy: pack.work.clone(), absent }
    }

    /// Whether the item waits and is as it was read.
    pub fn is_current(&self, item: &Item, read: &str) -> Result<(), Refusal> {
        if !item.is_open() {
            return Err(Refusal::Closed(item.id));
        }
        if etag(item.version) == read { Ok(()) } else { Err(Refusal::EtagMismatch) }
    }

    /// Whether somebody may decide the item: they have a role that may, and nobody else has the item. The service looks
    /// besides whether they have a hand in what it is about.
    pub fn may_decide(&self, item: &Item, who: &Actor) -> Result<(), Refusal> {
        self.has_role(item, who)?;
        match item.assigned_to.as_str() {
            "" => Ok(()),
            to if to == who.subject => Ok(()),
            to => Err(Refusal::Assigned(to.to_owned())),
        }
    }

    /// Management may do what waits for others: a small company has not every role twice.
    fn has_role(&self, item: &Item, who: &Actor) -> Result<(), Refusal> {
        let stands_in = self.policy.stands_in.get(&item.role).into_iter().flatten().copied();
        let raised = item.raised.map(|(role, _)| role);
        let mut roles = [item.role, Role::Management].into_iter().chain(raised).chain(stands_in);
        if roles.any(|role| who.has_role(role.word())) { Ok(()) } else { Err(Refusal::WrongRole(item.role)) }
    }

    fn assigns(&self, who: &Actor) -> Result<(), Refusal> {
        if self.policy.assigns.iter().any(|role| who.has_role(role.word())) {
            return Ok(());
        }
        Err(Refusal::WrongRole(self.policy.assigns.first().copied().unwrap_or(Role::Management)))
    }

    /// How an item changes hands; `None`: it is with that person already.
    pub fn change(&self, item: &Item, meta: &Meta, asked: &Asked) -> Result<Option<Change>, Refusal> {
        self.is_current(item, &asked.etag)?;
        let who = &meta.actor;
        let has = item.assigned_to.as_str();
        let (act, to) = match &asked.what {
            What::Take => {
                self.may_decide(item, who)?;
                (Act::Taken, who.subject.as_str())
            }
            What::Assign(to) => {
                self.assigns(who)?;
                (Act::Assigned, to.as_str())
            }
            What::HandOver(_) if has.is_empty() => return Err(Refusal::NotAssigned),
            What::HandOver(_) if has != who.subject && self.assigns(who).is_err() => {
                return Err(Refusal::Assigned(has.to_owned()));
            }
            What::HandOver(to) if to.is_empty() => (Act::GivenBack, ""),
            What::HandOver(to) => (Act::HandedOver, to.as_str()),
        };
        if to == has {
            return Ok(None);
        }
        if item.version >= CHANGES_MAX {
            return Err(Refusal::TooOften);
        }
        Ok(Some(Change {
            item: item.id,
            version: item.version + 1,
            act,
            by: who.subject.clone(),
            to: to.to_owned(),
            note: asked.note.clone(),
            at: meta.now,
        }))
    }

    /// Whom an item is raised to that nobody has decided in time; `None`: it does not wait, or was raised before.
    pub fn raise(&self, item: &Item) -> Option<Role> {
        let waits = item.is_open() && item.raised.is_none();
        let role = self.policy.raised_to(item.role);
        waits.then(|| if self.absent.contains(&role) { Role::Management } else { role })
    }
}
