//! The watchdog of a subscription: it stops when the broker has messages for us and nobody gets them (P16).

use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer as Durable, pull};

use crate::topology::ACK_PENDING_MAX;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// Looks without progress after which the subscription is made anew.
const PATIENCE: u32 = 4;

/// Returns when the subscription should be made anew, with the reason.
pub(super) async fn stuck(mut consumer: Durable<pull::Config>) -> String {
    let mut last = 0;
    let mut looks = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        let info = match tokio::time::timeout(EVERY, consumer.info()).await {
            Ok(Ok(info)) => info,
            // A broker that is away is noticed by the subscription itself; one that lost the consumer is not.
            Ok(Err(error)) if error.to_string().contains("not found") => return "the consumer is gone".to_owned(),
            Ok(Err(_)) | Err(_) => continue,
        };
        let waiting = info.num_pending > 0 && i64::try_from(info.num_ack_pending).unwrap_or(i64::MAX) < ACK_PENDING_MAX;
        let delivered = info.delivered.consumer_sequence;
        looks = if waiting && delivered == last { looks + 1 } else { 0 };
        last = delivered;
        if looks >= PATIENCE {
            return format!("{} messages wait and none is delivered", info.num_pending);
        }
    }
}
