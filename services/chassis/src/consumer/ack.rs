//! How a message of the broker is acknowledged: by what became of it, or of all that is in it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use futures::future::join_all;
use tokio::sync::oneshot::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::watch::{GAP_MAX, Trail};
use crate::lane::Answer;
use crate::topology::{ACK_PENDING_MAX, ACK_WAIT};
use crate::{crash, metrics};

/// A message takes one place, and one more for each of so many bytes.
const BYTES_OF_A_PLACE: usize = 4096;

/// How much is under way between the broker and the answers of the lanes. The broker counts its own messages; what is
/// in a batch counts here, each by itself, so that what waits in a lane and in memory has a limit.
#[derive(Clone, Debug)]
pub(crate) struct Permits {
    places: Arc<Semaphore>,
}

/// ConcurrencyLimit of a room.
const PLACES: u32 = ACK_PENDING_MAX as u32;

impl Permits {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES as usize)) }
    }

    /// Waits for a place for a message of so many bytes; it is free again when it is dropped.
    pub(super) async fn place(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let places = u32::try_from(1 + bytes / BYTES_OF_A_PLACE).unwrap_or(PLACES).min(PLACES);
        Arc::clone(&self.places).acquire_many_owned(places).await.ok()
    }
}

/// What became of a message. Of several the last one here decides: all of a batch come again if one has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Done,
    Refused,
    Parked,
    /// An earlier one has not come yet.
    Ahead,
    Failed,
    /// It was not begun: the service stops.
    Left,
}

impl Outcome {
    fn of(answer: Option<Answer>, stops: bool) -> Self {
        match answer {
            Some(Answer::Done(_)) => Self::Done,
            Some(Answer::Refused(_) | Answer::Reused) => Self::Refused,
            Some(Answer::Parked) => Self::Parked,
            Some(Answer::Ahead) => Self::Ahead,
            None if stops => Self::Left,
            Some(Answer::Failed(_)) | None => Self::Failed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Ahead => "ahead",
            Self::Failed => "failed",
            Self::Left => "left",
        }
    }
}

/// Acknowledges by the kinds of answers: the one place where this is decided. What had its effect already is known by
/// its number or its id when it comes again.
pub(super) async fn settle(
    service: &'static str,
    message: Message,
    answered: Vec<Receiver<Answer>>,
    trail: Arc<Trail>,
    stop: CancellationToken,
) {
    let mut answers = pin!(join_all(answered));
    let answers = loop {
        tokio::select! {
            answers = &mut answers => break answers,
            () = tokio::time::sleep(ACK_WAIT / 3) => drop(message.ack_with(AckKind::Progress).await),
        }
    };
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    for answer in answers {
        *outcomes.entry(Outcome::of(answer.ok(), stop.is_cancelled())).or_default() += 1;
    }
    for (outcome, count) in &outcomes {
        metrics::consumed(service, outcome.name(), *count);
    }
    let kind = match outcomes.last_key_value().map(|(outcome, _)| *outcome) {
        Some(Outcome::Done | Outcome::Refused | Outcome::Parked) => AckKind::Ack,
        Some(Outcome::Ahead) => {
            // Once for a message: if it does not help, the earlier one is not there.
            if message.info().is_ok_and(|info| info.delivered == GAP_MAX) {
                trail.gap.notify_one();
            }
            AckKind::Nak(Some(patience(&message)))
        }
        Some(Outcome::Failed) => AckKind::Nak(Some(Duration::from_secs(1))),
        // It is for another replica, at once.
        Some(Outcome::Left) | None => AckKind::Nak(None),
    };
    crash::point("consumer.before_ack");
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(service, %error, "an acknowledgement was lost; the inbox knows the message");
    }
    crash::point("consumer.after_ack");
}

/// How long a message waits for an earlier one: short at first, because that one is most likely under way.
fn patience(message: &Message) -> Duration {
    let deliveries = message.info().map_or(1, |info| info.delivered);
    Duration::from_millis(20 << deliveries.clamp(1, 6))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    #[test]
    fn one_that_must_come_again_decides_for_all() {
        let failed = || Some(Answer::Failed(Fault::Transient("x".to_owned())));
        let worst =
            |answers: Vec<Option<Answer>>, stops| answers.into_iter().map(|answer| Outcome::of(answer, stops)).max();
        let done = || Some(Answer::Done(Vec::new()));
        assert_eq!(worst(vec![done(), Some(Answer::Parked), done()], false), Some(Outcome::Parked));
        assert_eq!(worst(vec![done(), Some(Answer::Ahead), Some(Answer::Parked)], false), Some(Outcome::Ahead));
        assert_eq!(worst(vec![Some(Answer::Ahead), failed(), done()], false), Some(Outcome::Failed));
        assert_eq!(worst(vec![None, done()], false), Some(Outcome::Failed));
        assert_eq!(worst(vec![None, done()], true), Some(Outcome::Left));
    }

    #[tokio::test]
    async fn the_room_counts_messages_and_bytes() {
        let room = Permits::new();
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(room.place(100).await);
        }
        let more = tokio::time::timeout(Duration::from_millis(10), room.place(0));
        assert!(more.await.is_err(), "it is full");
        places.pop();
        assert!(room.place(100).await.is_some());
        drop(places);
        let large = room.place(128 * 1024).await;
        assert_eq!(room.places.available_permits(), PLACES as usize - 33);
        drop(large);
        assert!(room.place(usize::MAX).await.is_some(), "nothing waits for ever");
    }
}
