//! Who has told this? The broker lets each service publish its own subjects only; here the same table is asked again, so
//! that a message in the name of somebody else is parked and never processed (S19).
//!
//! The broker can be made to publish: an answer of its own goes to whatever subject a question names. A message that was
//! read out of a stream this way carries headers that no sender sets; one that was moved to another subject says another
//! type; an answer has no source.

use async_nats::HeaderMap;
use proto::Subject;

use crate::topology;

/// Headers of what the broker has read out of a stream.
const READ_OUT: [&str; 3] = ["Nats-Stream", "Nats-Sequence", "Nats-Time-Stamp"];

/// What is wrong with the headers of a message; none: nothing.
pub(super) fn forged(headers: Option<&HeaderMap>, subject: &Subject) -> Option<String> {
    let headers = headers?;
    if READ_OUT.iter().any(|name| headers.get(*name).is_some()) {
        return Some("the broker has read it out of a stream for somebody".to_owned());
    }
    let told = headers.get("ce-type")?.as_str();
    (told != subject.event_type()).then(|| "its type is that of another subject".to_owned())
}

/// Whether a sender may tell this.
pub(super) fn agree(sender: &str, subject: &Subject) -> Result<(), String> {
    if topology::may_publish(sender, subject) {
        return Ok(());
    }
    Err(format!("{sender} may not publish {subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_was_made_to_publish_is_told_apart() {
        let subject = Subject::Event { service: "triage".to_owned(), name: "assessed".to_owned() };
        let headers = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            pairs.iter().for_each(|(name, value)| headers.insert(*name, *value));
            headers
        };
        let own = subject.event_type();
        for (pairs, wrong) in [
            (vec![("ce-type", own.as_str())], false),
            (vec![("ce-type", own.as_str()), ("Nats-Stream", "REDRESS_EVENTS")], true),
            (vec![("ce-type", "another")], true),
        ] {
            assert_eq!(forged(Some(&headers(&pairs)), &subject).is_some(), wrong, "{pairs:?}");
        }
        assert!(agree("triage", &subject).is_ok());
        assert!(agree("inventory", &subject).is_err() && agree("unknown", &subject).is_err());
    }
}
