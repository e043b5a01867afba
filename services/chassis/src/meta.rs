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
    /// What a system of others sees and changes, and nothing else: the caller is let in as that system only (SR9). Empty: it
    /// is bound to nothing. Set by the auth layer.
    pub bound: Vec<Bound>,
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
    /// Orders whose numbers begin so.
    Orders(String),
    /// Settlements in a currency.
    Finance(String),
    /// Claims of which the customer has just been told something.
    Notifier,
}

impl Bound {
    /// The role that is bound so.
    pub fn role(&self) -> &'static str {
        match self {
            Self::Carrier(_) => "carrier",
            Self::Warehouse(_) => "warehouse-system",
            Self::Channel => "channel",
            Self::Orders(_) => "orders",
            Self::Finance(_) => "finance-system",
            Self::Notifier => "notifier",
        }
    }
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
            bound: Vec::new(),
        }
    }

    /// Somebody with roles, not bound to a customer.
    pub fn new(subject: &str, roles: &[&str]) -> Self {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Self { subject: subject.to_owned(), roles, customer: None, own: None, email: None, bound: Vec::new() }
    }

    /// Whether the caller is a customer, whatever else they are.
    pub fn is_customer(&self, customer_ref: &str) -> bool {
        self.own.as_deref() == Some(customer_ref)
    }

    /// The carrier whose parcels, and no others, this call sees and changes.
    pub fn carrier(&self) -> Option<&str> {
        self.bound.iter().find_map(|bound| if let Bound::Carrier(name) = bound { Some(name.as_str()) } else { None })
    }

    /// Whether this call sees and changes only what its caller may: of a warehouse.
    pub fn may_use_warehouse(&self, warehouse: &str) -> bool {
        self.bound.iter().all(|bound| if let Bound::Warehouse(own) = bound { own == warehouse } else { true })
    }

    /// Whether this call sees and changes only what its caller may: of an order, and of what was paid for it in a currency.
    pub fn may_use_order(&self, order_no: &str, currency: &str) -> bool {
        self.bound.is_empty()
            || self.bound.iter().any(|bound| match bound {
                Bound::Orders(begins) => order_no.starts_with(begins.as_str()),
                Bound::Finance(own) => own == currency,
                Bound::Carrier(_) | Bound::Warehouse(_) | Bound::Channel | Bound::Notifier => false,
            })
    }

    /// The currencies whose settlements, and no others, this call sees and changes; none: all.
    pub fn currencies(&self) -> Option<Vec<String>> {
        (!self.bound.is_empty()).then(|| {
            let own = |bound: &Bound| if let Bound::Finance(own) = bound { Some(own.clone()) } else { None };
            self.bound.iter().filter_map(own).collect()
        })
    }

    /// The subject whose own claims, and no others, a sales channel sees and changes.
    pub fn channel(&self) -> Option<&str> {
        self.bound.contains(&Bound::Channel).then_some(self.subject.as_str())
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

/// Whether a subject is an opaque reference: it is published with decisions, so it must not be a mail address or a name
/// with blanks.
pub(crate) fn is_reference(subject: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    (1..=64).contains(&subject.len()) && subject.bytes().all(fits)
}
