//! What a subscriber of a public stream has received, in the order in which it came.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read as _;

use flate2::read::GzDecoder;
use proto::Subject;
use proto::claim::{ClaimEvent, Notice, claim_event};
use serde_json::Value;

/// A message as it came from the broker.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Subject.
    pub subject: String,
    /// Event id, by its header.
    pub event_id: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// An event of a claim as it came first.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Number within the claim.
    pub number: u32,
    /// Event id.
    pub event_id: String,
    /// Hash of the payload.
    pub digest: u64,
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
    /// The event, where it is kept.
    pub event: Option<ClaimEvent>,
}

/// Something that no subscriber should receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oddity {
    /// The claim, as far as it is known.
    pub claim: String,
    /// Event id.
    pub event_id: String,
    /// What is odd.
    pub what: String,
}

/// The public stream of claims, as one subscriber received it. Its size is bounded by the number of different events.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// Events by claim, in the order in which they came first.
    pub claims: BTreeMap<String, Vec<Seen>>,
    /// Claims that intake has submitted to itself.
    pub canaries: BTreeSet<String>,
    /// Deliveries of what was known already: same event id, same content.
    pub repeats: u64,
    /// What no subscriber should receive.
    pub odd: Vec<Oddity>,
    /// Times that the subscription was begun again from the start of the stream.
    pub restarts: u32,
}

impl Feed {
    /// Takes a message; `keep`: with its content.
    pub fn take(&mut self, prefix: &str, message: &Arrived, keep: bool) {
        let event_id = message.event_id.clone();
        let claim = match Subject::parse(prefix, &message.subject) {
            Ok(Subject::Claim { claim, .. }) => claim.to_string(),
            _ => {
                let what = format!("subject {:?} is none of a claim", message.subject);
                return self.odd.push(Oddity { claim: String::new(), event_id, what });
            }
        };
        let event: ClaimEvent = match serde_json::from_slice(&message.payload) {
            Ok(event) => event,
            Err(error) => {
                let what = format!("an event that is no event: {error}");
                return self.odd.push(Oddity { claim, event_id, what });
            }
        };
        if event.claim_id != claim {
            let what = format!("event {} of claim {} came on the subject of {claim}", event.number, event.claim_id);
            return self.odd.push(Oddity { claim, event_id, what });
        }
        if let Some(claim_event::Kind::Submitted(submitted)) = &event.kind
            && proto::canary::is_marked(&submitted.customer_ref)
        {
            self.canaries.insert(claim.clone());
        }
        let digest = digest(&message.payload);
        let events = self.claims.entry(claim.clone()).or_default();
        // Looked for from the end, because what comes again is most likely young.
        match events.iter().rfind(|known| known.number == event.number) {
            None => events.push(Seen {
                number: event.number,
                event_id,
                digest,
                at_ms: message.at_ms,
                event: keep.then_some(event),
            }),
            Some(known) if known.event_id == event_id && known.digest == digest => self.repeats += 1,
            Some(known) => {
                let how = if known.event_id == event_id { "another content" } else { "another event id" };
                let what = format!("number {} came again with {how}: {} and {event_id}", event.number, known.event_id);
                let odd = Oddity { claim, event_id, what };
                // A subscription that starts over gets it once more.
                if !self.odd.contains(&odd) {
                    self.odd.push(odd);
                }
            }
        }
    }
}

/// The events of a message of the feed, as if each had come by itself. What cannot be read gives a message that is odd.
pub fn events(prefix: &str, batch: &Arrived) -> Vec<Arrived> {
    let mut json = Vec::new();
    let unpacked = GzDecoder::new(&batch.payload[..]).read_to_end(&mut json);
    let events = unpacked.ok().and_then(|_| serde_json::from_slice::<Vec<Value>>(&json).ok());
    let Some(events) = events else { return vec![batch.clone()] };
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let arrived = |event: Value| {
        let name = text(&event, "type").rsplit('.').next().unwrap_or_default().to_owned();
        Arrived {
            subject: format!("{prefix}.v1.claim.{}.{name}", text(&event, "subject")),
            event_id: text(&event, "id"),
            payload: event["data"].to_string().into_bytes(),
            at_ms: batch.at_ms,
        }
    };
    events.into_iter().map(arrived).collect()
}

/// Notices, each once, with the event ids under which it came.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// By event id.
    pub by_event: BTreeMap<String, Notice>,
    /// What no subscriber should receive.
    pub odd: Vec<Oddity>,
    /// Times that the subscription was begun again from the start of the stream.
    pub restarts: u32,
}

impl Notices {
    /// Takes a message.
    pub fn take(&mut self, prefix: &str, message: &Arrived) {
        let event_id = message.event_id.clone();
        let odd = |claim: &str, what: String| Oddity { claim: claim.to_owned(), event_id: event_id.clone(), what };
        let parsed = Subject::parse(prefix, &message.subject);
        let Ok(notice) = serde_json::from_slice::<Notice>(&message.payload) else {
            return self.odd.push(odd("", "a notice that is no notice".to_owned()));
        };
        let claim = notice.claim_id.clone();
        let fits = |subject: &Subject| matches!(subject, Subject::Notice { audience, name } if *audience == notice.audience && *name == notice.template);
        if !parsed.as_ref().is_ok_and(fits) {
            return self.odd.push(odd(&claim, format!("a notice on the wrong subject {:?}", message.subject)));
        }
        if let Some(known) = self.by_event.get(&event_id)
            && *known != notice
        {
            return self.odd.push(odd(&claim, "a notice came again with another content".to_owned()));
        }
        self.by_event.insert(event_id, notice);
    }
}

fn digest(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    payload.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::GzEncoder;

    use super::*;

    const CLAIM: &str = "0198c0de-0000-7000-8000-000000000001";

    fn arrived(number: u32, event_id: &str, round: u32) -> Arrived {
        let event = ClaimEvent { claim_id: CLAIM.to_owned(), number, round, ..ClaimEvent::default() };
        Arrived {
            subject: format!("redress.v1.claim.{CLAIM}.submitted"),
            event_id: event_id.to_owned(),
            payload: serde_json::to_vec(&event).unwrap(),
            at_ms: 1,
        }
    }

    #[test]
    fn a_repetition_is_the_same_event_and_nothing_else() {
        let mut feed = Feed::default();
        feed.take("redress", &arrived(1, "a", 1), false);
        feed.take("redress", &arrived(1, "a", 1), false);
        assert_eq!((feed.claims[CLAIM].len(), feed.repeats, feed.odd.len()), (1, 1, 0));
        feed.take("redress", &arrived(1, "b", 1), false);
        feed.take("redress", &arrived(1, "a", 2), false);
        assert_eq!(feed.odd.len(), 2);
    }

    #[test]
    fn a_batch_is_taken_apart() {
        let one = |number: u32| {
            let data: Value = serde_json::from_slice(&arrived(number, "", 1).payload).unwrap();
            serde_json::json!({ "id": number.to_string(), "type": "redress.claim.v1.submitted", "subject": CLAIM, "data": data })
        };
        let batch = |json: &[u8]| {
            let mut payload = Vec::new();
            GzEncoder::new(json, Compression::fast()).read_to_end(&mut payload).unwrap();
            Arrived { payload, ..arrived(1, "", 1) }
        };
        let mut feed = Feed::default();
        for event in events("redress", &batch(&serde_json::to_vec(&[one(1), one(2)]).unwrap())) {
            feed.take("redress", &event, false);
        }
        assert_eq!(
            (feed.claims[CLAIM].len(), &feed.claims[CLAIM][1].event_id, feed.odd.len()),
            (2, &"2".to_owned(), 0)
        );
        events("redress", &batch(b"[{]")).iter().for_each(|event| feed.take("redress", event, false));
        assert_eq!(feed.odd.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_odd() {
        let mut feed = Feed::default();
        feed.take("redress", &Arrived { payload: b"\0".to_vec(), ..arrived(1, "a", 1) }, false);
        feed.take("redress", &Arrived { subject: "redress.v1.notice.a.b".to_owned(), ..arrived(1, "a", 1) }, false);
        assert_eq!(feed.odd.len(), 2);
    }

    #[test]
    fn a_notice_is_known_by_its_event() {
        let notice =
            Notice { notice_id: "n".into(), audience: "customer".into(), template: "x".into(), ..Notice::default() };
        let message = Arrived {
            subject: "redress.v1.notice.customer.x".to_owned(),
            event_id: "a".to_owned(),
            payload: serde_json::to_vec(&notice).unwrap(),
            at_ms: 1,
        };
        let mut notices = Notices::default();
        notices.take("redress", &message);
        notices.take("redress", &message);
        assert_eq!((notices.by_event.len(), notices.odd.len()), (1, 0));
        notices.take("redress", &Arrived { subject: "redress.v1.notice.finance.x".to_owned(), ..message });
        assert_eq!(notices.odd.len(), 1);
    }
}
