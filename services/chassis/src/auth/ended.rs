//! Whose access has ended before their tokens do: somebody who left, or whose token was stolen. A list that is read again as
//! the keys are. Each line is a subject: no token of it is taken, however long it holds. With a time behind it, those that
//! were issued before: the same person can come again with a new one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use tokio::sync::watch;

use super::Known;
use super::source::{FILE_EVERY, Source};
use crate::metrics;

/// Time between two looks at an address.
const ADDRESS_EVERY: Duration = Duration::from_secs(10);

/// Subjects, each with the time before which its tokens were issued; none: whenever that was.
#[derive(Debug, Default, PartialEq, Eq)]
struct List(HashMap<String, Option<Timestamp>>);

impl List {
    fn read(text: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(text).context("it is not text")?;
        let mut list = HashMap::new();
        for (place, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(subject) = words.next() else { continue };
            let before: Option<Timestamp> = words.next().map(str::parse).transpose().ok().with_context(|| {
                format!("line {}: behind the subject is a time, as 2026-11-30T20:00:00Z", place + 1)
            })?;
            let fits = crate::meta::is_reference(subject) && words.next().is_none();
            ensure!(fits, "line {}: it is a subject, and perhaps a time", place + 1);
            // As the gate spells them. Of two lines the one that ends more counts.
            let known = list.entry(subject.to_lowercase()).or_insert(before);
            *known = known.zip(before).map(|(one, other)| one.max(other));
        }
        Ok(Self(list))
    }

    fn has(&self, known: &Known) -> bool {
        match self.0.get(&known.actor.subject) {
            None => false,
            Some(None) => true,
            // What does not say when it was issued may be old.
            Some(Some(before)) => known.issued.is_none_or(|issued| issued < *before),
        }
    }
}

/// The list, and where it comes from.
pub(super) struct Ended {
    service: &'static str,
    source: Source,
    list: watch::Sender<Arc<List>>,
}

impl Ended {
    /// Reads the list. It must be there: without it somebody would be let in who must not be.
    pub async fn open(service: &'static str, source: &str) -> Result<Self> {
        let source = Source::of("auth.ended", source)?;
        let ended = Self { service, source, list: watch::Sender::default() };
        ended.look().await.context("auth.ended")?;
        Ok(ended)
    }

    /// Whether the access of somebody has ended.
    pub fn has(&self, known: &Known) -> bool {
        self.list.borrow().has(known)
    }

    /// Waits until the access of somebody has ended.
    pub fn until(&self, known: &Known) -> impl Future<Output = ()> + Send + 'static {
        let (mut list, known) = (self.list.subscribe(), known.clone());
        async move {
            if list.wait_for(|list| list.has(&known)).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Looks from time to time; ends never.
    pub async fn follow(&self) {
        let mut seen: Option<SystemTime> = None;
        loop {
            tokio::time::sleep(if matches!(self.source, Source::File(_)) { FILE_EVERY } else { ADDRESS_EVERY }).await;
            let changed = self.source.changed().await;
            if changed.is_some() && changed == seen {
                continue;
            }
            // What was known holds on, and somebody must be told: those who were added since are still let in.
            match self.look().await {
                Ok(()) => seen = changed,
                Err(error) => {
                    tracing::error!(
                        service = self.service,
                        error = format!("{error:#}"),
                        "auth.ended cannot be read again"
                    );
                    metrics::reload_failed(self.service, "ended");
                }
            }
        }
    }

    async fn look(&self) -> Result<()> {
        let list = List::read(&self.source.read().await?)?;
        metrics::ended(self.service, list.0.len());
        self.list.send_if_modified(|known| {
            let other = **known != list;
            if other {
                tracing::info!(target: "audit", service = self.service, subjects = list.0.len(), "auth.ended: another list");
                *known = Arc::new(list);
            }
            other
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actor;

    fn ended(list: &str, subject: &str, issued: Option<&str>) -> bool {
        let issued = issued.map(|at| at.parse().unwrap());
        let actor = Arc::new(Actor::new(subject, &["finance"]));
        List::read(list.as_bytes()).unwrap().has(&Known { actor, customer: None, until: None, issued })
    }

    #[test]
    fn sr30_a_line_ends_a_subject_or_what_was_issued_to_it_before() {
        let list = "# who left\n\n  Anna  # in May\r\nbob 2026-05-01T00:00:00Z\n";
        assert!(ended(list, "anna", Some("2030-01-01T00:00:00Z")) && ended(list, "anna", None));
        assert!(ended(list, "bob", Some("2026-04-30T23:59:59Z")) && ended(list, "bob", None));
        assert!(
            !ended(list, "bob", Some("2026-05-01T00:00:00Z")) && !ended(list, "carl", None) && !ended("", "anna", None)
        );
        // Of two lines the one that ends more.
        for twice in ["bob 2026-05-01T00:00:00Z\nbob\n", "bob\nbob 2026-05-01T00:00:00Z\n"] {
            assert!(ended(twice, "bob", Some("2030-01-01T00:00:00Z")));
        }
        let later = "bob 2026-05-01T00:00:00Z\nbob 2026-04-01T00:00:00Z\n";
        assert!(ended(later, "bob", Some("2026-04-15T00:00:00Z")));
    }

    #[test]
    fn sr30_a_list_that_cannot_be_meant_is_none() {
        for (bad, place) in [
            ("anna\nbob yesterday", "line 2"),
            ("anna 2026-05-01T00:00:00Z now", "line 1"),
            ("anna@example.com", "line 1"),
        ] {
            let told = List::read(bad.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(place), "{bad}: {told}");
        }
        assert!(List::read(b"\xff").is_err());
    }
}
