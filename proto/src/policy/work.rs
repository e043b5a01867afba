//! Who may do work items in place of others, who gives them to a person, and whom an overdue one is raised to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Problems;
use crate::claim::words::Role;

/// Section `[work]` of a pack: the same for the work lists of all services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Roles that give a work item to a person, or take it from one.
    pub assigns: BTreeSet<Role>,
    /// By the role that an item waits for, the roles that may do it as well. Management always may.
    #[serde(default)]
    pub stands_in: BTreeMap<Role, BTreeSet<Role>>,
    /// By the role that an item waits for, the role that it is raised to when it is overdue; where none is named, management.
    #[serde(default)]
    pub raise: BTreeMap<Role, Role>,
}

impl Work {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.require(!self.assigns.is_empty(), "work.assigns", "must name a role");
        for (role, to) in &self.raise {
            let key = format!("work.raise.{}", role.word());
            problems.require(role != to || *role == Role::Management, &key, "must be another role");
        }
    }

    /// Whom an item that waits for a role is raised to.
    pub fn raised_to(&self, role: Role) -> Role {
        self.raise.get(&role).copied().unwrap_or(Role::Management)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Pack, SUPPLY_CHAIN};

    #[test]
    fn overdue_work_goes_to_who_is_named_or_to_management() {
        let work = Pack::load(None).unwrap().work;
        assert_eq!(work.raised_to(Role::Specialist), Role::Supervisor);
        assert_eq!(work.raised_to(Role::Management), Role::Management);
        assert!(work.assigns.contains(&Role::Supervisor));
    }

    #[test]
    fn nobody_is_raised_to_themselves_and_somebody_assigns() {
        let wrong = |from: &str, to: &str| {
            let text = SUPPLY_CHAIN.replacen(from, to, 1);
            assert_ne!(text, SUPPLY_CHAIN);
            Pack::parse("pack.toml", &text).unwrap_err().to_string()
        };
        let same = wrong("specialist = \"supervisor\" # work", "specialist = \"specialist\" # work");
        assert!(same.contains("must be another role"), "{same}");
        let nobody = wrong("assigns = [\"supervisor\", \"management\"]", "assigns = []");
        assert!(nobody.contains("must name a role"), "{nobody}");
    }
}
