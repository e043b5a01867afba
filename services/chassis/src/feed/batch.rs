//! A message of the feed: a batch in the JSON format of CloudEvents 1.0, compressed.

use std::fmt::Write as _;
use std::io::{self, Read as _};

use async_nats::{HeaderMap, Message};
use flate2::Compression;
use flate2::read::GzEncoder;
use serde::de::IgnoredAny;

use super::source::{End, LAST, STORED, is_original};

/// An event of ours is smaller, also in this form: a message of the feed has room for some and one more.
const EVENT_MAX: usize = 128 * 1024;

/// Attributes of an event, in the order in which they are written; on the broker they are headers with `ce-` before.
const ATTRIBUTES: [&str; 8] = ["specversion", "id", "source", "type", "subject", "time", "sequence", "datacontenttype"];

/// Headers and payload of the message that has these events; none: they are not events.
pub(super) fn of(stored: &[Message], end: &End) -> io::Result<Option<(HeaderMap, Vec<u8>)>> {
    let events: Vec<String> = stored.iter().filter_map(event).collect();
    if events.is_empty() {
        return Ok(None);
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/cloudevents-batch+json; charset=UTF-8");
    headers.insert("content-encoding", "gzip");
    headers.insert("Redress-Events", events.len().to_string());
    headers.insert(LAST, end.sequence.to_string());
    headers.insert(STORED, end.stored.as_str());
    Ok(Some((headers, compressed(&format!("[{}]", events.join(",\n")))?)))
}

/// Every reader gets a copy from the broker: what repeats from event to event is worth leaving out, however quickly.
fn compressed(batch: &str) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::with_capacity(batch.len() / 4);
    GzEncoder::new(batch.as_bytes(), Compression::fast()).read_to_end(&mut compressed)?;
    Ok(compressed)
}

/// An event with what the broker kept as its headers. What somebody else has written into the public stream may be no event
/// in JSON, and would make all others unreadable: it is left out.
fn event(message: &Message) -> Option<String> {
    let headers = message.headers.as_ref().filter(|_| is_original(message))?;
    headers.get("ce-id")?;
    let data = std::str::from_utf8(&message.payload).ok()?;
    serde_json::from_str::<IgnoredAny>(data).ok()?;
    let mut event = String::with_capacity(data.len() + 400);
    event.push('{');
    let named = ATTRIBUTES.iter().map(|name| (*name, headers.get(format!("ce-{name}"))));
    for (name, value) in named.chain([("traceparent", headers.get("traceparent"))]) {
        if let Some(value) = value {
            write!(event, "\"{name}\":{},", serde_json::Value::from(value.as_str())).ok()?;
        }
    }
    write!(event, "\"data\":{data}}}").ok()?;
    (event.len() <= EVENT_MAX).then_some(event)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::feed::source::BYTES_MAX;
    use crate::topology::STREAMS;

    fn message(id: Option<&str>, payload: &str) -> Message {
        let mut headers = HeaderMap::new();
        if let Some(id) = id {
            headers.insert("ce-id", id);
        }
        headers.insert("ce-type", "of \"this\" type");
        Message {
            subject: "redress.v1.claim.a.b".into(),
            reply: None,
            payload: payload.to_owned().into(),
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        }
    }

    fn read(payload: &[u8]) -> Value {
        serde_json::from_reader(flate2::read::GzDecoder::new(payload)).unwrap()
    }

    fn end() -> End {
        End { sequence: 7, stored: "then".to_owned(), pending: 0 }
    }

    #[test]
    fn events_keep_their_attributes_and_their_order() {
        let stored = [message(Some("1"), r#"{"a":[1]}"#), message(Some("2"), "{ }")];
        let (headers, payload) = of(&stored, &end()).unwrap().unwrap();
        let read = read(&payload);
        let kind = "of \"this\" type";
        assert_eq!(read, json!([{"id": "1", "type": kind, "data": {"a": [1]}}, {"id": "2", "type": kind, "data": {}}]));
        assert_eq!(headers.get("Redress-Events").unwrap().as_str(), "2");
        assert_eq!(headers.get("content-encoding").unwrap().as_str(), "gzip");
        assert_eq!((headers.get(LAST).unwrap().as_str(), headers.get(STORED).unwrap().as_str()), ("7", "then"));
    }

    #[test]
    fn a_message_has_room_for_what_is_read_at_once_whatever_it_is() {
        let feed = STREAMS.iter().find(|stream| stream.kind == "feed").unwrap();
        let once = usize::try_from(BYTES_MAX).unwrap() + EVENT_MAX;
        // Headers, and what cannot be compressed and needs a little more.
        assert!(once + once / 1_000 + 4 * 1024 <= usize::try_from(feed.message_max).unwrap());
    }

    #[test]
    fn what_is_no_event_is_left_out() {
        let foreign = [message(None, "{}"), message(Some("1"), "no JSON"), message(Some("1"), r#"{}],"x":[{}"#)];
        assert!(of(&foreign, &end()).unwrap().is_none());
        let mut answer = message(Some("2"), "{}");
        answer.status = Some(async_nats::StatusCode::NOT_FOUND);
        let mut again = message(Some("2"), "{}");
        let headers = again.headers.as_mut().unwrap();
        headers.append("Nats-Stream", "A");
        headers.append("Nats-Stream", "A");
        let large = message(Some("2"), &format!("\"{}\"", "x".repeat(EVENT_MAX)));
        let stored = [foreign[1].clone(), answer, again, large, message(Some("3"), "{}")];
        let (_, payload) = of(&stored, &end()).unwrap().unwrap();
        assert_eq!(read(&payload).as_array().unwrap().len(), 1);
    }
}
