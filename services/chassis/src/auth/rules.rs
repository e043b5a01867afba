//! The rule of each method, read from the option `redress.access.v1.access` of the contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{bail, ensure};
use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

use crate::Bound;
use crate::contract::CONTRACT;

/// The roles.
pub const ROLES: [&str; 19] = [
    "customer",
    "specialist",
    "supervisor",
    "warehouse",
    "quality",
    "logistics",
    "purchasing",
    "finance",
    "legal",
    "management",
    "auditor",
    "integration",
    "operator",
    "orders",
    "channel",
    "carrier",
    "warehouse-system",
    "finance-system",
    "notifier",
];

/// Whether there is such a role.
pub fn is_role(role: &str) -> bool {
    ROLES.contains(&role)
}

/// Roles of systems of others that may be bound to nothing, where the settings say so (`auth.unbound`).
pub const UNBOUND: [&str; 2] = ["orders", "finance-system"];

/// What a role of a token or of the settings says: the role, and what a system of others is bound to (SR9). Whose parcels,
/// which warehouse, which orders or which currency is said behind a colon, as `carrier:swift-express`; a carrier of nobody has
/// no role.
pub fn read_role(role: &str) -> Option<(&str, Option<Bound>)> {
    let (name, of) = role.split_once(':').map_or((role, None), |(name, of)| (name, Some(of)));
    let is_code = |of: &&str| (1..=64).contains(&of.len()) && crate::meta::is_reference(of);
    let bound = match (name, of.filter(is_code)) {
        ("carrier", Some(of)) => Some(Bound::Carrier(of.to_owned())),
        ("warehouse-system", Some(of)) => Some(Bound::Warehouse(of.to_owned())),
        ("channel", None) => Some(Bound::Channel),
        ("notifier", None) => Some(Bound::Notifier),
        ("orders", Some(of)) => Some(Bound::Orders(of.to_owned())),
        ("finance-system", Some(of)) if proto::currency::find(of).is_ok() => Some(Bound::Finance(of.to_owned())),
        ("carrier" | "warehouse-system", None) | (_, Some(_)) => return None,
        (_, None) => None,
    };
    let said = !matches!(bound, None | Some(Bound::Channel | Bound::Notifier));
    (is_role(name) && of.is_some() == said).then_some((name, bound))
}

/// Reads roles; those that are none are left out, and so are those of systems that must say what they are bound to, unless
/// they are among `unbound`. Nobody is two of carrier, warehouse and sales channel at once.
pub(super) fn read_roles<'r>(
    roles: impl Iterator<Item = &'r str>,
    unbound: &[String],
) -> Option<(Vec<String>, Vec<Bound>)> {
    let (mut names, mut all): (Vec<String>, Vec<Bound>) = (Vec::new(), Vec::new());
    for (name, bound) in roles.filter_map(read_role) {
        if bound.is_none() && UNBOUND.contains(&name) && !unbound.iter().any(|role| role == name) {
            continue;
        }
        let one = |bound: &Bound| matches!(bound, Bound::Carrier(_) | Bound::Warehouse(_) | Bound::Channel);
        if let Some(bound) = bound.filter(|bound| !all.contains(bound)) {
            if one(&bound) && all.iter().any(one) {
                return None;
            }
            all.push(bound);
        }
        names.push(name.to_owned());
    }
    Some((names, all))
}

/// Who may call a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, without any identity.
    All,
    /// Everybody with an identity.
    Known,
    /// Those with one of these roles.
    Roles(Vec<String>),
}

/// The rule of a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who may call it.
    pub who: Who,
    /// A call can be as long as the caller likes.
    pub stream: bool,
}

/// The rules of all methods by `package.Service/Method`. What is not in it is refused.
#[derive(Clone, Debug)]
pub struct Rules(Arc<BTreeMap<String, Rule>>);

impl Rules {
    /// The rules of the contract, and of what every service offers beside it.
    pub fn read() -> anyhow::Result<Self> {
        let mut rules = Self::of(&CONTRACT)?;
        for (method, who, stream) in [
            // Probes have no credentials, and are told nothing but serving or not.
            ("grpc.health.v1.Health/Check", Who::All, false),
            ("grpc.health.v1.Health/Watch", Who::Known, true),
            ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Who::Known, true),
        ] {
            rules.insert(method.to_owned(), Rule { who, stream });
        }
        Ok(Self(Arc::new(rules)))
    }

    /// The rules of the methods of a contract; refuses if one has none (S02).
    fn of(pool: &DescriptorPool) -> anyhow::Result<BTreeMap<String, Rule>> {
        let mut rules = BTreeMap::new();
        let mut bare = Vec::new();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let name = format!("{}/{}", method.parent_service().full_name(), method.name());
            let roles = roles(pool, &method);
            if roles.is_empty() {
                bare.push(name);
                continue;
            }
            if let Some(role) = roles.iter().find(|role| !is_role(role)) {
                bail!("{name} is open to {role:?}, and there is no such role");
            }
            let stream = method.is_server_streaming() || method.is_client_streaming();
            rules.insert(name, Rule { who: Who::Roles(roles), stream });
        }
        ensure!(bare.is_empty(), "nobody said who may call {} (option redress.access.v1.access)", bare.join(", "));
        Ok(rules)
    }

    /// The rule of a method.
    pub fn get(&self, method: &str) -> Option<&Rule> {
        self.0.get(method)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.0.iter().map(|(method, rule)| (method.as_str(), rule))
    }
}

fn roles(pool: &DescriptorPool, method: &MethodDescriptor) -> Vec<String> {
    let Some(option) = pool.get_extension_by_name("redress.access.v1.access") else { return Vec::new() };
    let options = method.options();
    let access = options.get_extension(&option);
    let roles = access.as_message().and_then(|access| access.get_field_by_name("roles"));
    let roles = roles.as_deref().and_then(Value::as_list).unwrap_or_default();
    roles.iter().filter_map(|role| role.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn sr9_a_system_of_others_says_which_it_is() {
        let carrier = |name: &str| Some(Bound::Carrier(name.to_owned()));
        assert_eq!(read_role("carrier:own-van"), Some(("carrier", carrier("own-van"))));
        assert_eq!(
            read_role("warehouse-system:W1"),
            Some(("warehouse-system", Some(Bound::Warehouse("W1".to_owned()))))
        );
        assert_eq!(read_role("channel"), Some(("channel", Some(Bound::Channel))));
        assert_eq!(read_role("notifier"), Some(("notifier", Some(Bound::Notifier))));
        assert_eq!(read_role("orders"), Some(("orders", None)));
        let euro = Bound::Finance("EUR".to_owned());
        assert_eq!(read_role("finance-system:EUR"), Some(("finance-system", Some(euro.clone()))));
        for none in [
            "carrier",
            "carrier:",
            "carrier:a b",
            "warehouse-system",
            "channel:web",
            "notifier:mail",
            "orders:",
            "finance-system:euro",
            "finance:x",
            "king",
            "",
            ":",
        ] {
            assert_eq!(read_role(none), None, "{none}");
        }
        let read = |roles: &[&'static str]| read_roles(roles.iter().copied(), &[]);
        assert_eq!(read(&["carrier:a", "logistics", "king"]).unwrap().1, [Bound::Carrier("a".to_owned())]);
        assert_eq!(read(&["carrier:a", "carrier:b"]), None);
        assert_eq!(read(&["carrier:a", "channel"]), None);
        // A web shop brings claims and records its orders.
        let web = read(&["channel", "orders:WEB-", "orders:APP-", "orders:WEB-"]).unwrap().1;
        assert_eq!(web, [Bound::Channel, Bound::Orders("WEB-".to_owned()), Bound::Orders("APP-".to_owned())]);
        // Bound to nothing only where it is said.
        assert_eq!(read(&["orders", "finance-system"]).unwrap(), (Vec::new(), Vec::new()));
        let said = read_roles(["orders", "finance-system:EUR"].into_iter(), &["orders".to_owned()]).unwrap();
        assert_eq!(said, (vec!["orders".to_owned(), "finance-system".to_owned()], vec![euro]));
    }

    #[test]
    fn every_method_has_a_rule() {
        let rules = Rules::read().unwrap();
        assert!(rules.iter().count() > 40);
        let confirm = rules.get("redress.orchestrator.v1.OrchestratorService/ConfirmSettlement").unwrap();
        assert_eq!(confirm.who, Who::Roles(vec!["finance".to_owned(), "finance-system".to_owned()]));
        assert!(rules.get("redress.orchestrator.v1.OrchestratorService/Rob").is_none());
    }

    /// S02: a method without a rule ends the start, and is named.
    #[test]
    fn a_method_without_a_rule_ends_the_start() {
        // This reading knows no options of ours: it is the contract with every rule taken away.
        let set = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let pool = DescriptorPool::from_file_descriptor_set(set).unwrap();
        let error = Rules::of(&pool).unwrap_err().to_string();
        assert!(error.contains("redress.intake.v1.IntakeService/SubmitClaim"), "{error}");
    }
}
