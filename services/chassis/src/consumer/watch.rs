//! The watchdog of a subscription. It is made anew when the broker has messages for us and nobody gets them (P16). The
//! consumer itself begins anew, at the first message that the stream holds, when the broker lost messages and the
//! consumer does not know it (P03): what comes in the place of the lost ones would never be delivered. What was
//! processed already has no second effect.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{Consumer as Durable, Info, pull};
use async_nats::jetstream::stream::{DirectGetErrorKind, Info as StreamInfo, Stream};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::topology::ACK_PENDING_MAX;
use crate::{message, nats};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// Looks without progress after which the subscription is made anew.
const PATIENCE: u32 = 4;
/// Deliveries after which a message has waited too long for an earlier one: about twenty seconds.
pub(super) const GAP_MAX: i64 = 20;

/// What a subscription has got.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    newest: Mutex<Option<(u64, Uuid)>>,
    /// A message waits for one that was not delivered.
    pub gap: Notify,
}

impl Trail {
    /// A message came.
    pub(super) fn came(&self, sequence: u64, event_id: Uuid) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.is_none_or(|(last, _)| last <= sequence) {
            *newest = Some((sequence, event_id));
        }
    }

    fn newest(&self) -> Option<(u64, Uuid)> {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The consumer begins anew.
    pub(super) fn forget(&self) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What is to be made anew, and why.
pub(super) enum Stuck {
    /// The subscription.
    Subscription(String),
    /// The consumer.
    Consumer(&'static str),
}

/// Returns when something is to be made anew.
pub(super) async fn stuck(
    client: Client,
    stream: Stream<()>,
    mut consumer: Durable<pull::Config>,
    trail: &Trail,
) -> Stuck {
    let (mut last, mut looks) = (0, 0);
    let mut connects = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = trail.gap.notified() => return Stuck::Consumer("a message waits for one that is not delivered"),
        }
        let info = match tokio::time::timeout(EVERY, consumer.info()).await {
            Ok(Ok(info)) => info,
            // A broker that is away is noticed by the subscription itself; one that lost the consumer is not.
            Ok(Err(error)) if error.to_string().contains("not found") => {
                return Stuck::Subscription("the consumer is gone".to_owned());
            }
            Ok(Err(_)) | Err(_) => continue,
        };
        let now = nats::connects(&client);
        if connects != Some(now) && nats::is_connected(&client) {
            match lost(&stream, info, trail).await {
                Some(true) => return Stuck::Consumer("the broker lost messages"),
                Some(false) => connects = Some(now),
                None => {}
            }
        }
        let waiting = info.num_pending > 0 && i64::try_from(info.num_ack_pending).unwrap_or(i64::MAX) < ACK_PENDING_MAX;
        let delivered = info.delivered.consumer_sequence;
        looks = if waiting && delivered == last { looks + 1 } else { 0 };
        last = delivered;
        if looks >= PATIENCE {
            return Stuck::Subscription(format!("{} messages wait and none is delivered", info.num_pending));
        }
    }
}

/// Whether the broker lost messages that the consumer counts as delivered; none: it does not say.
async fn lost(stream: &Stream<()>, consumer: &Info, trail: &Trail) -> Option<bool> {
    let look = async {
        let info: StreamInfo = stream.get_info().await.ok()?;
        if consumer.delivered.stream_sequence > info.state.last_sequence {
            return Some(true);
        }
        let Some((sequence, event_id)) = trail.newest() else { return Some(false) };
        match stream.direct_get(sequence).await {
            Ok(found) => Some(message::event_id(&found.headers).is_some_and(|found| found != event_id)),
            // Messages that are too old go from the front of the stream.
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Some(sequence >= info.state.first_sequence),
            Err(_) => None,
        }
    };
    tokio::time::timeout(EVERY, look).await.ok().flatten()
}
