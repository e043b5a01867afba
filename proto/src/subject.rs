//! Every NATS subject, built and parsed here and nowhere else.
//!
//! ```text
//! redress.v1.command.<service>.<name>    orchestrator -> service
//! redress.v1.event.<service>.<name>      service -> orchestrator
//! redress.v1.claim.<claim id>.<name>     orchestrator -> the world
//! redress.v1.notice.<audience>.<name>    what somebody must be told
//! ```
//!
//! Commands to one service, and events of one, may leave together: as a [`crate::delivery::Batch`] under the name
//! [`BATCH`], which no message has.
//!
//! The first token is a prefix, so that several installations and every test can share one broker.

use std::fmt;

use crate::ClaimId;

/// The name under which several commands or events leave together.
pub const BATCH: &str = "batch";

/// A subject without its prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A command of the orchestrator to a service.
    Command {
        /// Service that is told.
        service: String,
        /// What to do, as `reserve`.
        name: String,
    },
    /// A fact of a service for the orchestrator.
    Event {
        /// Service that tells.
        service: String,
        /// What happened, as `reserved`.
        name: String,
    },
    /// A public event in the life of a claim.
    Claim {
        /// The claim.
        claim: ClaimId,
        /// What happened, as `submitted`.
        name: String,
    },
    /// What somebody must be told.
    Notice {
        /// Who is told, as `customer`.
        audience: String,
        /// Template key.
        name: String,
    },
}

/// Why a text is not a subject of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a subject of this product: {0:?}")]
pub struct NotASubject(pub String);

impl Subject {
    /// The subject under `prefix`.
    pub fn under(&self, prefix: &str) -> String {
        format!("{prefix}.v1.{self}")
    }

    /// Reads a subject under `prefix`.
    pub fn parse(prefix: &str, text: &str) -> Result<Self, NotASubject> {
        let wrong = || NotASubject(text.to_owned());
        let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(".v1.")).ok_or_else(wrong)?;
        let tokens: Vec<&str> = rest.split('.').collect();
        let [kind, about, name] = tokens[..] else { return Err(wrong()) };
        if !is_token(about) || !is_token(name) {
            return Err(wrong());
        }
        let (about_owned, name) = (about.to_owned(), name.to_owned());
        match kind {
            "command" => Ok(Self::Command { service: about_owned, name }),
            "event" => Ok(Self::Event { service: about_owned, name }),
            "claim" => Ok(Self::Claim { claim: about.parse().map_err(|_| wrong())?, name }),
            "notice" => Ok(Self::Notice { audience: about_owned, name }),
            _ => Err(wrong()),
        }
    }

    /// The last token: what is to be done or has happened.
    pub fn name(&self) -> &str {
        match self {
            Self::Command { name, .. } | Self::Event { name, .. } => name,
            Self::Claim { name, .. } | Self::Notice { name, .. } => name,
        }
    }

    /// CloudEvents type: the subject without the id of the claim.
    pub fn event_type(&self) -> String {
        match self {
            Self::Command { service, name } => format!("redress.command.{service}.v1.{name}"),
            Self::Event { service, name } => format!("redress.event.{service}.v1.{name}"),
            Self::Claim { name, .. } => format!("redress.claim.v1.{name}"),
            Self::Notice { audience, name } => format!("redress.notice.{audience}.v1.{name}"),
        }
    }

    /// Reads the CloudEvents type of a command or an event.
    pub fn of_type(text: &str) -> Result<Self, NotASubject> {
        let wrong = || NotASubject(text.to_owned());
        let tokens: Vec<&str> = text.split('.').collect();
        let ["redress", kind @ ("command" | "event"), service, "v1", name] = tokens[..] else { return Err(wrong()) };
        if !is_token(service) || !is_token(name) {
            return Err(wrong());
        }
        let (service, name) = (service.to_owned(), name.to_owned());
        Ok(if kind == "command" { Self::Command { service, name } } else { Self::Event { service, name } })
    }

    /// The subject of the batches in which such messages leave; none: subscribers read them, so they leave alone.
    pub fn batch(&self) -> Option<Self> {
        let name = BATCH.to_owned();
        match self {
            Self::Command { service, .. } => Some(Self::Command { service: service.clone(), name }),
            Self::Event { service, .. } => Some(Self::Event { service: service.clone(), name }),
            Self::Claim { .. } | Self::Notice { .. } => None,
        }
    }

    /// Whether it is that of a batch.
    pub fn is_batch(&self) -> bool {
        matches!(self, Self::Command { name, .. } | Self::Event { name, .. } if name == BATCH)
    }

    /// Whether the payload is canonical proto JSON (public streams) rather than protobuf.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Command { .. } | Self::Event { .. } => false,
            Self::Claim { .. } | Self::Notice { .. } => true,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { service, name } => write!(f, "command.{service}.{name}"),
            Self::Event { service, name } => write!(f, "event.{service}.{name}"),
            Self::Claim { claim, name } => write!(f, "claim.{claim}.{name}"),
            Self::Notice { audience, name } => write!(f, "notice.{audience}.{name}"),
        }
    }
}

fn is_token(token: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    !token.is_empty() && token.len() <= 64 && token.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids;

    fn subjects() -> impl Strategy<Value = Subject> {
        let token = "[a-z][a-z0-9_-]{0,30}";
        prop_oneof![
            (token, token).prop_map(|(service, name)| Subject::Command { service, name }),
            (token, token).prop_map(|(service, name)| Subject::Event { service, name }),
            (any::<[u8; 10]>(), token).prop_map(|(random, name)| {
                let claim = ClaimId(ids::v7(jiff::Timestamp::UNIX_EPOCH, random));
                Subject::Claim { claim, name }
            }),
            (token, token).prop_map(|(audience, name)| Subject::Notice { audience, name }),
        ]
    }

    proptest! {
        #[test]
        fn a_subject_is_text_and_back(subject in subjects()) {
            prop_assert_eq!(Subject::parse("redress", &subject.under("redress")), Ok(subject));
        }

        #[test]
        fn a_type_is_text_and_back_for_what_may_leave_together(subject in subjects()) {
            let read = Subject::of_type(&subject.event_type());
            prop_assert_eq!(read.ok(), subject.batch().map(|_| subject.clone()));
            let batch = subject.batch();
            prop_assert_eq!(batch.is_none(), subject.is_public());
            prop_assert!(batch.is_none_or(|batch| batch.is_batch() && batch.batch() == Some(batch.clone())));
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            let _ = (Subject::parse("redress", &text), Subject::of_type(&text));
        }
    }

    #[test]
    fn what_is_no_type_of_ours_is_refused() {
        for text in [
            "redress.command.inventory.v2.reserve",
            "redress.command.inventory.v1",
            "redress.command.inventory.v1.reserve.more",
            "redress.command.*.v1.reserve",
            "redress.command.inventory.v1.",
            "redress.claim.v1.submitted",
            "redress.notice.customer.v1.sent",
            "other.command.inventory.v1.reserve",
        ] {
            assert!(Subject::of_type(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        for text in [
            "redress.v1.command.inventory",
            "redress.v1.command.inventory.reserve.more",
            "redress.v2.command.inventory.reserve",
            "other.v1.command.inventory.reserve",
            "redress.v1.claim.123.submitted",
            "redress.v1.event.*.submitted",
            "redress.v1.event.intake.>",
            "redress.v1.event..x",
        ] {
            assert!(Subject::parse("redress", text).is_err(), "{text}");
        }
    }
}
