//! One service asks another something at once and changes nothing by it, for a call of a person: what it knows itself is not
//! enough to say yes. Nothing that a claim waits for goes this way. The broker lets only those of the table ask and answer,
//! so an answer is that of the service that it names.

use std::future::Future;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use futures::StreamExt;
use tonic::Status;

use crate::Fault;

/// A person waits for the answer.
const LIMIT: Duration = Duration::from_secs(3);
/// Questions that are answered at once.
const AT_ONCE: usize = 16;
/// Says that there is no answer.
const NONE: &str = "Redress-No-Answer";

/// Asks another service.
#[derive(Clone, Debug)]
pub struct Ask {
    client: Client,
    subject: String,
}

impl Ask {
    pub(crate) fn new(client: Client, prefix: &str, subject: &str) -> Self {
        Self { client, subject: format!("{prefix}.v1.{subject}") }
    }

    /// The answer; UNAVAILABLE if there is none in time.
    pub async fn ask<A: prost::Message + Default>(&self, question: &impl prost::Message) -> Result<A, Status> {
        let asked = self.client.request(self.subject.clone(), question.encode_to_vec().into());
        let answer = tokio::time::timeout(LIMIT, asked).await;
        let answer = answer.ok().and_then(Result::ok).filter(|answer| answer.headers.is_none());
        let answer = answer.and_then(|answer| A::decode(answer.payload).ok());
        answer.ok_or_else(|| crate::unavailable("another service that must be asked does not answer; try again"))
    }
}

/// Answers questions until the client ends.
pub(crate) async fn answer<Q, A, Found>(client: Client, subject: String, find: impl Fn(Q) -> Found)
where
    Q: prost::Message + Default,
    A: prost::Message,
    Found: Future<Output = Result<A, Fault>>,
{
    // One of the replicas answers.
    let Ok(questions) = client.queue_subscribe(subject, "answers".to_owned()).await else { return };
    let (client, find) = (&client, &find);
    questions.for_each_concurrent(AT_ONCE, |question| one(client, find, question)).await;
}

#[expect(clippy::disallowed_methods, reason = "an answer is no message: nobody waits for it but who has asked")]
async fn one<Q, A, Found>(client: &Client, find: &impl Fn(Q) -> Found, question: Message)
where
    Q: prost::Message + Default,
    A: prost::Message,
    Found: Future<Output = Result<A, Fault>>,
{
    let Some(reply) = question.reply else { return };
    let found = match Q::decode(question.payload) {
        Ok(asked) => find(asked).await.map_err(|fault| fault.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let sent = match found {
        Ok(answer) => client.publish(reply, answer.encode_to_vec().into()).await,
        Err(why) => {
            tracing::debug!(why, "a question of another service has no answer");
            let mut headers = HeaderMap::new();
            headers.insert(NONE, "1");
            client.publish_with_headers(reply, headers, Vec::new().into()).await
        }
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer could not be sent");
    }
}
