//! Whether a service gets on, part by part, each with its reason. Probes and gRPC health say the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::supervisor::Supervisor;

/// A look that is older says nothing: who looks is stuck.
const STALE: Duration = Duration::from_secs(8);

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It gets on.
    Fine,
    /// It does not, but the service is of use without it.
    Degraded(String),
    /// It does not: nobody should be sent here.
    Bad(String),
}

/// A part that the service itself looks at. It can degrade the service, and never makes it unready.
#[derive(Clone, Debug)]
pub struct OwnPart {
    name: &'static str,
    trouble: Arc<Mutex<Option<String>>>,
}

impl OwnPart {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, trouble: Arc::default() }
    }

    /// Says how it is: nothing, or what is wrong with it.
    pub fn say(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(crate) fn look(&self) -> (&'static str, Part) {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.name, trouble.map_or(Part::Fine, Part::Degraded))
    }
}

/// When was looked, and what was found.
type Look = (Option<Instant>, BTreeMap<&'static str, Part>);

/// The parts of a service, as they were at the last look.
#[derive(Clone, Debug)]
pub(crate) struct Readiness {
    supervisor: Supervisor,
    looked: Arc<Mutex<Look>>,
}

impl Readiness {
    pub(crate) fn new(supervisor: Supervisor) -> Self {
        Self { supervisor, looked: Arc::default() }
    }

    /// Takes what a look has found; gives the parts that have changed.
    pub(crate) fn found(&self, parts: BTreeMap<&'static str, Part>) -> Vec<(&'static str, Part)> {
        let mut looked = self.lock();
        let changed = |name: &&'static str, part: &Part| looked.1.get(name).is_none_or(|before| !before.is_like(part));
        let changed = parts.iter().filter(|(name, part)| changed(name, part)).map(|(name, part)| (*name, part.clone()));
        let changed = changed.collect();
        *looked = (Some(Instant::now()), parts);
        changed
    }

    /// Whether somebody may be sent here.
    pub(crate) fn is_ready(&self) -> bool {
        let looked = self.lock();
        let fresh = looked.0.is_some_and(|at| at.elapsed() < STALE);
        let bad = looked.1.values().any(|part| matches!(part, Part::Bad(_)));
        fresh && !bad && !self.supervisor.is_stopping() && self.supervisor.dead().is_none()
    }

    /// All of it, for people.
    pub(crate) fn tell(&self, service: &str) -> Value {
        let ready = self.is_ready();
        let (at, mut parts) = self.lock().clone();
        // Tasks end between two looks.
        parts.insert("tasks", self.supervisor.dead().map_or(Part::Fine, Part::Bad));
        if at.is_none_or(|at| at.elapsed() >= STALE) {
            parts.insert("monitor", Part::Bad("nobody has looked for a while".to_owned()));
        }
        let degraded = parts.values().any(|part| *part != Part::Fine);
        let parts: BTreeMap<_, _> = parts.iter().map(|(name, part)| (*name, part.tell())).collect();
        let stopping = self.supervisor.is_stopping();
        json!({ "service": service, "ready": ready, "degraded": degraded, "stopping": stopping, "parts": parts })
    }

    fn lock(&self) -> MutexGuard<'_, Look> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn tell(&self) -> Value {
        match self {
            Self::Fine => json!({ "ok": true }),
            Self::Degraded(reason) => json!({ "ok": false, "blocks": false, "reason": reason }),
            Self::Bad(reason) => json!({ "ok": false, "blocks": true, "reason": reason }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_part_makes_unready_and_a_degraded_one_does_not() {
        let supervisor = Supervisor::new("inventory");
        let readiness = Readiness::new(supervisor.clone());
        assert!(!readiness.is_ready(), "nobody has looked");
        let with = |part| BTreeMap::from([("broker", part), ("database", Part::Fine)]);
        assert_eq!(readiness.found(with(Part::Fine)).len(), 2);
        assert!(readiness.is_ready());
        assert_eq!(readiness.found(with(Part::Degraded("away".to_owned()))).len(), 1);
        assert!(readiness.is_ready());
        let told = readiness.tell("inventory");
        assert_eq!((&told["degraded"], &told["parts"]["broker"]["reason"]), (&json!(true), &json!("away")));
        readiness.found(with(Part::Bad("too old".to_owned())));
        assert!(!readiness.is_ready());
        readiness.found(with(Part::Fine));
        supervisor.bury("the relay panicked".to_owned());
        assert!(!readiness.is_ready());
        assert_eq!(readiness.tell("inventory")["parts"]["tasks"]["reason"], "the relay panicked");
    }
}
