//! Messages that leave together: how a test sends them, and what it finds in them.

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Message};
use chassis::Outgoing;
use futures::StreamExt;
use prost::Message as _;
use proto::Subject;
use proto::delivery::{Batch, Item};
use uuid::Uuid;

/// A message as one of a batch, as its sender's relay makes it.
pub fn item(event_id: Uuid, number: Option<u32>, message: &Outgoing) -> Item {
    Item {
        id: event_id.to_string(),
        r#type: message.subject().event_type(),
        subject: message.aggregate().to_string(),
        sequence: number.unwrap_or(0),
        data: message.payload().to_vec(),
        ..Item::default()
    }
}

/// Publishes a batch among messages like `subject`, with the headers that the relay sets. The broker's own filter for
/// repeated ids is by-passed.
pub async fn publish_batch(jetstream: &jetstream::Context, prefix: &str, subject: &Subject, items: Vec<Item>) {
    let batch = subject.batch().expect("such messages leave together");
    let headers = crate::service::headers(Uuid::now_v7(), &batch, None);
    let payload = Batch { items }.encode_to_vec();
    let sent = jetstream.publish_with_headers(batch.under(prefix), headers, payload.into()).await;
    sent.expect("NATS takes the batch").await.expect("NATS keeps the batch");
}

/// Event id, claim and number of what came as one message of the broker: a message, or those of a batch.
pub fn told(message: &Message) -> Vec<(String, String, String)> {
    if message.subject.rsplit('.').next() == Some(proto::subject::BATCH) {
        let items = Batch::decode(message.payload.clone()).expect("a batch").items;
        let number = |item: &Item| Some(item.sequence).filter(|number| *number > 0);
        let number = |item: &Item| number(item).map(|number| number.to_string()).unwrap_or_default();
        return items.iter().map(|item| (item.id.clone(), item.subject.clone(), number(item))).collect();
    }
    let header = |name: &str| {
        let value = message.headers.as_ref().and_then(|headers: &HeaderMap| headers.get(name));
        value.map(ToString::to_string).unwrap_or_default()
    };
    vec![(header("ce-id"), header("ce-subject"), header("ce-sequence"))]
}

/// The same of every message that a stream has, in order.
pub async fn all_told(stream: &mut Stream) -> Vec<(String, String, String)> {
    let count = stream.info().await.expect("it answers").state.messages;
    let config = pull::OrderedConfig::default();
    let consumer: Consumer<pull::OrderedConfig> = stream.create_consumer(config).await.expect("it can be read");
    let mut messages = consumer.messages().await.expect("it can be read");
    let mut all = Vec::new();
    for _ in 0..count {
        all.extend(told(&messages.next().await.expect("it goes on").expect("a message")));
    }
    all
}
