//! What a message says, live or parked, alone or in a batch: it makes no difference to what becomes of it.

use async_nats::jetstream::Message;
use proto::delivery::Item;
use proto::{Subject, ids};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::origin;
use crate::Actor;
use crate::lane::Origin;
use crate::message::{self, batch};

/// What is needed of a message, live or parked.
pub(crate) struct Raw {
    pub subject: String,
    pub payload: Vec<u8>,
    pub event_id: Uuid,
    pub aggregate: Uuid,
    pub actor: String,
    pub trace: Option<String>,
    pub origin: Option<Origin>,
}

/// What a message says of itself, as it was found.
struct Told<'a> {
    event_id: Option<Uuid>,
    aggregate: Option<&'a str>,
    number: Option<i32>,
    trace: Option<&'a str>,
}

impl Raw {
    /// What came as one message of the broker: a message, or those of a batch in their order.
    pub(super) fn all(prefix: &str, message: &Message) -> Vec<Self> {
        let headers = message.headers.as_ref();
        let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str());
        // What cannot be stored cannot be parked either: nothing here may carry control characters.
        let subject: String = message.subject.chars().map(|c| if c.is_control() { '?' } else { c }).take(200).collect();
        let payload = || message.payload.to_vec();
        // A subject that nobody uses says nothing of who may use it.
        let Ok(parsed) = Subject::parse(prefix, &subject) else {
            return vec![Self::of_nobody(subject, payload(), "unknown")];
        };
        let source = header("ce-source").and_then(|source| source.strip_prefix("/redress/")).unwrap_or("unknown");
        let sender = source.chars().filter(char::is_ascii_lowercase).take(32).collect::<String>();
        let forged = origin::forged(headers, &parsed);
        if forged.is_some() || origin::agree(&sender, &parsed).is_err() {
            return vec![Self::of_nobody(subject, payload(), if forged.is_some() { "unknown" } else { &sender })];
        }
        if parsed.is_batch() {
            return match batch::read(&message.payload) {
                Ok(items) => items.into_iter().map(|item| Self::of_item(prefix, &parsed, &sender, item)).collect(),
                // Whose messages are in it cannot be told: nobody waits behind it.
                Err(_) => vec![Self::of_nobody(subject, payload(), &sender)],
            };
        }
        let told = Told {
            event_id: headers.and_then(message::event_id),
            aggregate: header("ce-subject"),
            number: header("ce-sequence").and_then(|number| number.parse().ok()),
            trace: header("traceparent"),
        };
        vec![Self::of(subject, payload(), sender, &told)]
    }

    fn of(subject: String, payload: Vec<u8>, sender: String, told: &Told<'_>) -> Self {
        // A message without an id of ours is named by its content.
        let event_id = told.event_id.unwrap_or_else(|| name_of(&subject, &payload));
        let aggregate = told.aggregate.and_then(|id| ids::parse(id).ok()).unwrap_or_default();
        // What is about nothing has no order.
        let number = told.number.filter(|number| *number > 0 && !aggregate.is_nil());
        let trace = told
            .trace
            .filter(|trace| (1..=64).contains(&trace.len()) && trace.bytes().all(|byte| byte.is_ascii_graphic()));
        let actor = Actor::service(&sender).subject;
        let origin = number.map(|number| Origin { sender, number });
        Self { subject, payload, event_id, aggregate, actor, trace: trace.map(str::to_owned), origin }
    }

    /// One of a batch. It must be of the kind and the service of the subject under which the batch came: the broker has
    /// looked at that one only.
    fn of_item(prefix: &str, outer: &Subject, sender: &str, item: Item) -> Self {
        let Item { id, r#type, subject, time: _, sequence, traceparent, data } = item;
        let Ok(parsed) = Subject::of_type(&r#type) else {
            return Self::of_nobody(outer.under(prefix), data, "unknown");
        };
        let belongs = !parsed.is_batch() && parsed.batch().as_ref() == Some(outer);
        if !belongs || origin::agree(sender, &parsed).is_err() {
            return Self::of_nobody(parsed.under(prefix), data, "unknown");
        }
        let told = Told {
            event_id: ids::parse(&id).ok(),
            aggregate: Some(&subject),
            number: i32::try_from(sequence).ok(),
            trace: Some(&traceparent),
        };
        Self::of(parsed.under(prefix), data, sender.to_owned(), &told)
    }

    /// A message that whoever sent it may not send, or of which only the sender can be told. Nothing that it says of
    /// itself counts: not its claim, which would wait behind it, not its id and its number, which belong to a message
    /// that is still to come.
    fn of_nobody(subject: String, payload: Vec<u8>, sender: &str) -> Self {
        let event_id = name_of(&subject, &payload);
        let actor = Actor::service(sender).subject;
        Self { subject, payload, event_id, aggregate: event_id, actor, trace: None, origin: None }
    }

    /// Why it must not be processed, whatever it says.
    pub(super) fn wrong_origin(&self, prefix: &str) -> Option<String> {
        let Ok(subject) = Subject::parse(prefix, &self.subject) else {
            return Some("nobody may publish under such a subject".to_owned());
        };
        let sender = self.actor.strip_prefix("service:").unwrap_or("unknown");
        origin::agree(sender, &subject).err()
    }
}

fn name_of(subject: &str, payload: &[u8]) -> Uuid {
    let hash = Sha256::new_with_prefix(subject).chain_update(payload).finalize();
    uuid::Builder::from_custom_bytes(hash[..16].try_into().unwrap_or_default()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(r#type: &str) -> Item {
        let (id, claim) = (Uuid::from_u128(1).to_string(), Uuid::from_u128(2).to_string());
        Item { id, r#type: r#type.to_owned(), subject: claim, sequence: 7, data: vec![1], ..Item::default() }
    }

    #[test]
    fn one_of_a_batch_is_what_it_would_be_alone() {
        let outer = Subject::parse("x", "x.v1.command.inventory.batch").unwrap();
        let raw = Raw::of_item("x", &outer, "orchestrator", item("redress.command.inventory.v1.reserve"));
        assert_eq!(raw.subject, "x.v1.command.inventory.reserve");
        assert_eq!((raw.event_id, raw.aggregate), (Uuid::from_u128(1), Uuid::from_u128(2)));
        assert_eq!(raw.origin, Some(Origin { sender: "orchestrator".to_owned(), number: 7 }));
        assert_eq!((raw.actor.as_str(), raw.trace.as_deref()), ("service:orchestrator", None));
        assert_eq!(raw.wrong_origin("x"), None);
    }

    #[test]
    fn one_that_does_not_belong_into_its_batch_is_of_nobody() {
        let outer = Subject::parse("x", "x.v1.command.inventory.batch").unwrap();
        for wrong in [
            "redress.command.triage.v1.assess",
            "redress.event.inventory.v1.reserved",
            "redress.command.inventory.v1.batch",
            "redress.claim.v1.submitted",
            "nonsense",
            "",
        ] {
            let raw = Raw::of_item("x", &outer, "orchestrator", item(wrong));
            assert!(raw.wrong_origin("x").is_some(), "{wrong}");
            assert_eq!((raw.aggregate, raw.origin), (raw.event_id, None), "{wrong}: its claim is not held up");
            assert_ne!(raw.event_id, Uuid::from_u128(1), "{wrong}");
        }
        let raw = Raw::of_item("x", &outer, "triage", item("redress.command.inventory.v1.reserve"));
        assert!(raw.wrong_origin("x").is_some());
    }
}
