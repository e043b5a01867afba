//! What the broker refuses this service. A permission that is missing is no error of the call that needs it: that one
//! just gets no answer. The broker says it beside, and here it is kept, with the subject, for readiness (P10, S20).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{ClientError, Event, ServerError};

use crate::metrics;
use crate::readiness::Part;
use crate::topology::matches;

/// Subjects that are remembered; more say nothing new.
const REMEMBERED: usize = 32;
/// How long a refusal that is not repeated counts, once what it was about is allowed again.
const FRESH: Duration = Duration::from_secs(10);
/// How long one counts about which nothing is known.
const OLD: Duration = Duration::from_secs(60);

/// How the broker begins to tell of a refusal; `publish to "x"` or `subscription to "x"` follows.
const VIOLATION: &str = "permissions violation for ";

/// What was refused, and when.
#[derive(Debug)]
pub(crate) struct Refusals {
    service: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By what was asked for, as `publish to redress.v1.event.intake.x`.
    denied: BTreeMap<String, Instant>,
    /// Why the service cannot log in.
    login: Option<String>,
}

impl Refusals {
    pub(crate) fn new(service: &'static str) -> Self {
        Self { service, state: Mutex::default() }
    }

    /// Takes what the client tells.
    pub(crate) fn heard(&self, event: &Event) {
        match event {
            Event::Connected => self.lock().login = None,
            Event::ServerError(ServerError::AuthorizationViolation) => self.login_failed("authorization violation"),
            Event::ServerError(ServerError::Other(text)) => self.said(text),
            // What ends a try to connect comes as the client's own error.
            Event::ClientError(ClientError::Other(text)) if text == "authorization violation" => {
                self.login_failed(text);
            }
            _ => {}
        }
    }

    /// The service could not log in.
    pub(crate) fn login_failed(&self, why: &str) {
        let mut state = self.lock();
        if state.login.as_deref() != Some(why) {
            tracing::error!(service = self.service, why, "the broker does not let the service in");
            state.login = Some(why.to_owned());
        }
    }

    fn said(&self, text: &str) {
        if text.to_lowercase().starts_with("user authentication") {
            return self.login_failed(text);
        }
        // It is lower case in ASCII only: the length stays.
        let Some(what) = text.get(VIOLATION.len()..).filter(|_| text.to_lowercase().starts_with(VIOLATION)) else {
            return;
        };
        let what: String = what.chars().filter(|c| !c.is_control() && *c != '"').take(200).collect();
        let what = what.replacen("Publish", "publish", 1).replacen("Subscription", "subscription", 1);
        metrics::permission_denied(self.service);
        let mut state = self.lock();
        let known = state.denied.contains_key(&what);
        if !known {
            tracing::error!(service = self.service, what, "the broker denies a permission");
        }
        if known || state.denied.len() < REMEMBERED {
            state.denied.insert(what, Instant::now());
        }
    }

    /// Something that falls under a permission was allowed.
    pub(super) fn allowed(&self, permission: &str) {
        let stands = |what: &String, at: &mut Instant| match what.rsplit_once(' ') {
            Some((action, subject)) if action.starts_with("publish") => {
                !matches(permission, subject) || at.elapsed() < FRESH
            }
            // An answer came, so answers can be listened to.
            Some(_) | None => at.elapsed() < FRESH,
        };
        self.lock().denied.retain(stands);
    }

    /// Forgets what was not repeated for long.
    pub(super) fn age(&self) {
        self.lock().denied.retain(|_, at| at.elapsed() < OLD);
    }

    /// Whether the service was not allowed to listen: what it listened to is gone then, also if it is allowed again.
    pub(super) fn is_deaf(&self) -> bool {
        self.lock().denied.keys().any(|what| what.starts_with("subscription"))
    }

    /// Whether the service may do what it must.
    pub(crate) fn part(&self) -> Part {
        let state = self.lock();
        if let Some(first) = state.denied.keys().next() {
            let more = state.denied.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            return Part::Bad(format!("the broker denies {first}{more}: see deploy/nats"));
        }
        // What was accepted is kept and waits: this is like a broker that is away.
        let login = state.login.as_ref().map(|why| Part::Degraded(format!("the broker does not let it in: {why}")));
        login.unwrap_or(Part::Fine)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> Event {
        Event::ServerError(ServerError::Other(text.to_owned()))
    }

    #[test]
    fn what_is_denied_is_named() {
        let refusals = Refusals::new("intake");
        assert_eq!(refusals.part(), Part::Fine);
        refusals.heard(&says("Permissions Violation for Publish to \"redress.v1.event.intake.x\""));
        let Part::Bad(why) = refusals.part() else { panic!("it counts") };
        assert!(why.contains("publish to redress.v1.event.intake.x"), "{why}");
        assert!(!refusals.is_deaf());
        // A moment ago it was denied: that another one is allowed says little.
        refusals.allowed("redress.v1.event.intake.*");
        assert!(matches!(refusals.part(), Part::Bad(_)));
        refusals.heard(&says("Permissions Violation for Subscription to \"_INBOX_triage.>\""));
        assert!(refusals.is_deaf());
    }

    #[test]
    fn a_login_that_fails_degrades_until_it_succeeds() {
        let refusals = Refusals::new("intake");
        refusals.heard(&Event::ServerError(ServerError::AuthorizationViolation));
        assert!(matches!(refusals.part(), Part::Degraded(_)));
        refusals.heard(&Event::Connected);
        assert_eq!(refusals.part(), Part::Fine);
    }
}
