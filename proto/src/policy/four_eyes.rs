//! Where money or goods move, another person looks at it. What a small company cannot do is lowered by name.

use serde::Deserialize;

use super::triage::Word;
use crate::claim::Role;

use super::Problems;

/// Section `[four_eyes]` of a pack: each rule holds (`true`) or is lowered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FourEyes {
    /// Who reported a claim, or answered or agreed for the customer, does not decide what gives money or goods in it; nor
    /// does the customer.
    pub reporter: bool,
    /// Who reported, proposed or approved does not confirm the payment.
    pub payment: bool,
    /// A price that a person gives is approved by another person.
    pub own_price: bool,
    /// Who said that a payment failed does not let it be tried again.
    pub retry: bool,
    /// Who released a legal hold does not forget the customer.
    pub hold: bool,
    /// Pairs of roles that nobody has at once: a token with both is refused.
    pub exclusive_roles: Vec<[Word<Role>; 2]>,
}

impl FourEyes {
    pub(super) fn check(&self, problems: &mut Problems) {
        for [one, other] in &self.exclusive_roles {
            let fits = one != other && *one != Word(Role::Unspecified) && *other != Word(Role::Unspecified);
            problems.require(fits, "four_eyes.exclusive_roles", "a pair has two different roles");
        }
    }

    /// Names of the rules that are lowered.
    pub fn lowered(&self) -> Vec<&'static str> {
        let rules = [
            ("reporter", self.reporter),
            ("payment", self.payment),
            ("own_price", self.own_price),
            ("retry", self.retry),
            ("hold", self.hold),
        ];
        rules.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
    }

    /// A pair of roles that exclude each other, if somebody has both.
    pub fn excluded(&self, roles: &[String]) -> Option<[String; 2]> {
        let has = |role: &Word<Role>| roles.contains(&role.to_string());
        let pair = self.exclusive_roles.iter().find(|[one, other]| has(one) && has(other))?;
        Some([pair[0].to_string(), pair[1].to_string()])
    }
}

#[cfg(test)]
mod tests {
    use crate::policy::{Pack, SUPPLY_CHAIN};

    fn pack(from: &str, to: &str) -> Result<Pack, crate::policy::PolicyError> {
        Pack::parse("pack.toml", &SUPPLY_CHAIN.replacen(from, to, 1))
    }

    #[test]
    fn what_is_lowered_has_a_name() {
        let shipped = Pack::load(None).unwrap();
        assert_eq!(shipped.four_eyes.lowered(), Vec::<&str>::new());
        let small = pack("reporter = true", "reporter = false").unwrap();
        assert_eq!(small.four_eyes.lowered(), ["reporter"]);
    }

    #[test]
    fn roles_exclude_each_other() {
        let roles = |all: &[&str]| all.iter().map(|role| (*role).to_owned()).collect::<Vec<_>>();
        let pair = pack("exclusive_roles = []", "exclusive_roles = [[\"specialist\", \"finance\"]]").unwrap();
        let both = pair.four_eyes.excluded(&roles(&["finance", "legal", "specialist"]));
        assert_eq!(both, Some(["specialist", "finance"].map(str::to_owned)));
        assert_eq!(pair.four_eyes.excluded(&roles(&["finance", "legal"])), None);
        let same = pack("exclusive_roles = []", "exclusive_roles = [[\"finance\", \"finance\"]]").unwrap_err();
        assert!(same.to_string().contains("two different roles"), "{same}");
        assert!(pack("exclusive_roles = []", "exclusive_roles = [[\"finance\", \"king\"]]").is_err());
    }
}
