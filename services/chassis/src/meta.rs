//! What comes with every command: when, who, and what it is called.

use std::cell::Cell;

use jiff::Timestamp;
use proto::ids;
use uuid::Uuid;

use crate::Pii;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Subject of the caller, as `anna` or `service:orchestrator`.
    pub subject: String,
    /// Roles of the caller, lower case.
    pub roles: Vec<String>,
    /// The customer whose claims, and no others, this call may see and change: the caller is let in as a customer only.
    /// Set by the auth layer.
    pub customer: Option<String>,
    /// The customer that the caller is as well, whatever they are let in as: nobody decides about their own claims.
    pub own: Option<String>,
    /// The e-mail address of a customer that the issuer of the token has verified.
    pub email: Option<Pii<String>>,
    /// What a system of others sees and changes, and nothing else: the caller is let in as that system only (SR9). Set by the
    /// auth layer.
    pub bound: Option<Bound>,
}

/// What a system of others is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The parcels of a carrier, as the policy pack names it.
    Carrier(String),
    /// A warehouse, by its code.
    Warehouse(String),
    /// The claims that it has brought itself.
    Channel,
}

impl Actor {
    /// A service of ours.
    pub fn service(name: &str) -> Self {
        Self {
            subject: format!("service:{name}"),
            roles: Vec::new(),
            customer: None,
            own: None,
            email: None,
            bound: None,
        }
    }

    /// Somebody with roles, not bound to a customer.
    pub fn new(subject: &str, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Self { subject: subject.to_owned(), roles, customer: None, own: None, email: None, bound: None }
    }

    /// Whether the caller is a customer, whatever else they are.
    pub fn is_customer(&self, customer_ref: &str) -> bool {
        self.own.as_deref() == Some(customer_ref)
    }

    /// The carrier whose parcels, and no others, this call sees and changes.
    pub fn carrier(&self) -> Option<&str> {
        if let Some(Bound::Carrier(name)) = &self.bound { Some(name) } else { None }
    }

    /// Whether this call sees and changes only what its caller may: of a warehouse.
    pub fn may_use_warehouse(&self, warehouse: &str) -> bool {
        if let Some(Bound::Warehouse(own)) = &self.bound { own == warehouse } else { true }
    }

    /// The subject whose own claims, and no others, a sales channel sees and changes.
    pub fn channel(&self) -> Option<&str> {
        (self.bound == Some(Bound::Channel)).then_some(self.subject.as_str())
    }

    /// Whether it is a service of ours.
    pub fn is_service(&self) -> bool {
        self.subject.starts_with("service:")
    }

    /// Whether the caller has a role.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|has| has == role)
    }
}

/// What comes with every command.
#[derive(Debug)]
pub struct Meta {
    /// When: the same for every command of a batch.
    pub now: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Request id of the call, or event id of the message.
    pub id: Uuid,
    scope: String,
    made: Cell<u32>,
}

impl Meta {
    /// What comes with a command; tests of a pure `decide` make their own.
    pub fn new(now: Timestamp, actor: Actor, id: Uuid) -> Self {
        Self::scoped(now, actor, id, "")
    }

    /// The same for an id that names something only within a method or consumer.
    pub(crate) fn scoped(now: Timestamp, actor: Actor, id: Uuid, scope: &str) -> Self {
        Self { now, actor, id, scope: scope.to_owned(), made: Cell::new(0) }
    }

    /// A new id, made from the time and from what the command is called: no chance is involved.
    pub fn new_id(&self) -> Uuid {
        let count = self.made.get();
        self.made.set(count + 1);
        ids::derived(self.now, &[&self.id.to_string(), &self.scope, &self.actor.subject, &count.to_string()])
    }
}
