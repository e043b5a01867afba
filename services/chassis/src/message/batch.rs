//! Several commands to one service, or events of one, as one message of the broker.
//!
//! Each message costs the broker, the sender and the receiver a publication, a delivery and two acknowledgements; under
//! load most of what a relay sends goes to few receivers. What is inside is still a message each: known, numbered,
//! parked and acknowledged by itself. The broker only carries them together.

use async_nats::HeaderMap;
use prost::Message;
use proto::Subject;
use proto::delivery::{Batch, Item};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Envelope;
use crate::Malformed;

/// Messages in a batch at the most. Who reads takes as many as any sender sends: a larger number must be read by all
/// before one sends it.
pub(crate) const ITEMS_MAX: usize = 256;
/// Bytes of a batch at the most: with its headers it must fit into a message of the streams.
pub(crate) const BYTES_MAX: usize = 96 * 1024;
/// What an item takes besides its payload, its subject and its trace context, and a little more.
pub(crate) const OVERHEAD: usize = 160;

/// A message as one of a batch.
pub(crate) fn item(envelope: &Envelope<'_>, payload: &[u8]) -> Item {
    Item {
        id: envelope.event_id.to_string(),
        r#type: envelope.subject.event_type(),
        subject: envelope.aggregate.to_string(),
        time: Some(proto::to_wire(envelope.at)),
        sequence: envelope.number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
        traceparent: envelope.trace.unwrap_or_default().to_owned(),
        data: payload.to_vec(),
    }
}

/// What a batch is called: the same messages in the same order are the same batch, which the broker keeps once.
pub(crate) fn name(event_ids: impl Iterator<Item = Uuid>) -> Uuid {
    let hash = event_ids.fold(Sha256::new_with_prefix("batch"), |hash, id| hash.chain_update(id));
    uuid::Builder::from_custom_bytes(hash.finalize()[..16].try_into().unwrap_or_default()).into_uuid()
}

/// The headers of a batch: it is about no claim, and has no number.
pub(crate) fn headers(name: Uuid, source: &str, subject: &Subject) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let id = name.to_string();
    headers.insert("Nats-Msg-Id", id.as_str());
    headers.insert("ce-id", id.as_str());
    headers.insert("ce-specversion", "1.0");
    headers.insert("ce-source", format!("/redress/{source}"));
    headers.insert("ce-type", subject.event_type());
    headers.insert("ce-datacontenttype", "application/protobuf");
    headers
}

/// Reads a batch.
pub(crate) fn read(payload: &[u8]) -> Result<Vec<Item>, Malformed> {
    let items = Batch::decode(payload).map_err(|error| Malformed(error.to_string()))?.items;
    match items.len() {
        1..=ITEMS_MAX => Ok(items),
        // Every item is kept until it is answered, and parked with a row of its own.
        count => Err(Malformed(format!("a batch has 1 to {ITEMS_MAX} messages, this one has {count}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::STREAMS;

    #[test]
    fn a_batch_is_named_by_what_is_in_it_and_by_its_order() {
        let [one, two] = [1, 2].map(Uuid::from_u128);
        let name = |ids: &[Uuid]| name(ids.iter().copied());
        assert_eq!(name(&[one, two]), name(&[one, two]));
        assert_ne!(name(&[one, two]), name(&[two, one]));
        assert_ne!(name(&[one, two]), name(&[one]));
        assert_ne!(name(&[one]), one);
    }

    #[test]
    fn an_item_takes_no_more_than_is_reckoned_and_a_batch_fits_into_its_stream() {
        let subject = Subject::Event { service: "s".repeat(64), name: "n".repeat(64) };
        let trace = "t".repeat(64);
        let envelope = Envelope {
            event_id: Uuid::max(),
            source: "orchestrator",
            subject: &subject,
            aggregate: Uuid::max(),
            number: Some(i32::MAX),
            at: jiff::Timestamp::MAX,
            trace: Some(&trace),
        };
        let payload = vec![1; proto::EVENT_BYTES_MAX];
        let batch = Batch { items: vec![item(&envelope, &payload)] };
        let reckoned = OVERHEAD + payload.len() + subject.to_string().len() + trace.len();
        assert!(batch.encoded_len() <= reckoned, "{} bytes", batch.encoded_len());
        assert_eq!(read(&batch.encode_to_vec()).unwrap(), batch.items);
        for stream in STREAMS {
            let room = usize::try_from(stream.config("redress", 50).max_message_size).unwrap();
            assert!(BYTES_MAX + 1024 <= room, "{}", stream.name);
        }
    }

    #[test]
    fn a_batch_of_nothing_or_of_too_much_is_none() {
        let of = |count: usize| Batch { items: vec![Item::default(); count] }.encode_to_vec();
        assert!(read(&of(0)).is_err() && read(&of(ITEMS_MAX + 1)).is_err() && read(&[0xff; 5]).is_err());
        assert_eq!(read(&of(ITEMS_MAX)).unwrap().len(), ITEMS_MAX);
    }
}
