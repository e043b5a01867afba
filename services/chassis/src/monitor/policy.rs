//! Whether all versions of the policy pack are loaded that open claims go by: those of the service's own claims, and those that
//! parked messages wait for.

use std::collections::BTreeSet;
use std::sync::Arc;

use proto::policy::Packs;
use sqlx::PgPool;

use crate::readiness::Part;

/// What parked messages wait for, as `supply-chain@2`: their detail begins with it.
pub(super) const WAITING: &str =
    "SELECT DISTINCT split_part(detail, ' ', 1) FROM parked WHERE reason = 'POLICY_VERSION_UNKNOWN'";

/// What is known of it.
pub(crate) struct PolicyWatch {
    packs: Arc<Packs>,
    /// Tells the versions of open claims; asked until all of them are loaded. A version that others begin to use later is
    /// met in a message.
    in_use: Option<&'static str>,
    used: BTreeSet<String>,
    awaited: BTreeSet<String>,
    waiting: i64,
}

impl PolicyWatch {
    pub(crate) fn new(packs: Arc<Packs>, in_use: Option<&'static str>) -> Self {
        Self { packs, in_use, used: BTreeSet::new(), awaited: BTreeSet::new(), waiting: 0 }
    }

    /// Looks into the database; so many parked messages wait for a version.
    pub(super) async fn look(&mut self, pool: &PgPool, waiting: i64) -> Result<(), sqlx::Error> {
        self.waiting = waiting;
        self.awaited.clear();
        if waiting > 0 {
            let awaited: Vec<String> = sqlx::query_scalar(WAITING).fetch_all(pool).await?;
            self.awaited.extend(awaited);
        }
        if let Some(in_use) = self.in_use {
            let numbers: Vec<i32> = sqlx::query_scalar(in_use).fetch_all(pool).await?;
            self.used = numbers.into_iter().map(|number| self.packs.label(number.unsigned_abs())).collect();
            if self.missing().next().is_none() {
                self.in_use = None;
            }
        }
        Ok(())
    }

    fn missing(&self) -> impl Iterator<Item = &String> {
        let loaded =
            |label: &str| self.packs.versions().iter().any(|version| self.packs.label(version.number) == label);
        let wanted: BTreeSet<&String> = self.used.union(&self.awaited).collect();
        wanted.into_iter().filter(move |label| !loaded(label))
    }

    pub(super) fn part(&self) -> Part {
        let missing: Vec<&str> = self.missing().map(String::as_str).collect();
        if !missing.is_empty() {
            return Part::Bad(format!("open claims go by {}, which is not loaded here", missing.join(", ")));
        }
        if self.waiting > 0 {
            let (waiting, awaited) =
                (self.waiting, self.awaited.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
            return Part::Degraded(format!("{waiting} parked messages have waited for {awaited}: redrive them"));
        }
        Part::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_version_is_not_ready_and_who_has_it_again_says_that_messages_wait() {
        let mut watch = PolicyWatch::new(Arc::new(Packs::load(None, None).unwrap()), None);
        assert_eq!(watch.part(), Part::Fine);
        watch.used.extend(["supply-chain@1".to_owned(), "supply-chain@2".to_owned()]);
        let bad = |name: &str| Part::Bad(format!("open claims go by {name}, which is not loaded here"));
        assert_eq!(watch.part(), bad("supply-chain@2"));
        watch.used.clear();
        (watch.waiting, watch.awaited) = (2, BTreeSet::from(["acme@1".to_owned()]));
        assert_eq!(watch.part(), bad("acme@1"));
        watch.awaited = BTreeSet::from(["supply-chain@1".to_owned()]);
        let told = "2 parked messages have waited for supply-chain@1: redrive them".to_owned();
        assert_eq!(watch.part(), Part::Degraded(told));
    }
}
