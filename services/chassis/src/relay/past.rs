//! Is this database older than what was published under its name?
//!
//! So it is after the restore of a backup while the streams went on (F23): receivers have heard numbers that this
//! database would give again to something else, and they would take it for what they know. So before a relay does
//! anything on a new connection, to the broker or to the database, the newest message of this service on each stream is
//! looked up in the journal, which is never trimmed. If it is not there, nothing is published, consumed or accepted,
//! and readiness says why, until the newer database is back or the streams are gone with what they told.
//!
//! Who can publish in the name of a service can stop it this way. A message that was not sent as a relay sends is told
//! apart, and says nothing; one that is forged with care is not. Permissions of the broker are against that.

use async_nats::client::RequestErrorKind;
use async_nats::{HeaderMap, StatusCode};
use proto::{Subject, ids};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Relay;
use super::error::RelayError;
use crate::message::{self, batch};
use crate::progress::Past;
use crate::topology::{self, FEED, STREAMS, stream_name};

const JOURNALLED: &str = "SELECT EXISTS (SELECT FROM journal WHERE aggregate = $1 AND event_id = $2)";

/// The statements of this module, for the test that prepares them all.
pub(super) const STATEMENTS: &[&str] = &[JOURNALLED];

/// A message that a stream has.
struct Told {
    /// Aggregates and ids of its events: one, or those of a batch.
    events: Vec<(Uuid, Uuid)>,
    stream: String,
    /// When it was stored, as the broker says it.
    at: String,
}

impl Relay {
    /// Fails if the database is older than what was published. First the broker is asked, then the journal: what a
    /// replica publishes meanwhile is journalled before.
    pub(super) async fn look_at_past(&self, connection: &mut PgConnection) -> Result<(), RelayError> {
        let publishes = topology::row(self.service).map(|row| row.publishes).unwrap_or_default();
        // Notices are published by several: what is there in the name of a service need not be its own. The feed has what
        // the public stream has.
        let own = |subjects: &&&str| !subjects.starts_with("notice.") && **subjects != FEED;
        for subjects in publishes.iter().filter(own) {
            let Some(told) = self.last_told(subjects).await? else { continue };
            let Told { events, stream, at } = told;
            // An older database may have some of a batch: they were committed one after the other.
            for (aggregate, event_id) in events {
                let known = sqlx::query_scalar(JOURNALLED).bind(aggregate).bind(event_id);
                if !known.fetch_one(&mut *connection).await? {
                    let why = format!(
                        "the database is older than what was published from it: event {event_id}, on {stream} since {at}, \
                         is not in the journal; restore the newer database"
                    );
                    self.progress.past_is(Past::Older(why.clone()));
                    return Err(RelayError::Older(why));
                }
            }
        }
        if self.progress.older().is_some() {
            tracing::warn!(service = self.service, "the database has all that was published: the service goes on");
        }
        self.progress.past_is(Past::Whole);
        Ok(())
    }

    /// The newest message of this service on some subjects. None: there is none, or it cannot be told whose it is.
    async fn last_told(&self, subjects: &str) -> Result<Option<Told>, RelayError> {
        let Some(stream) = STREAMS.iter().find(|stream| subjects.split('.').next() == Some(stream.kind)) else {
            return Ok(None);
        };
        let stream = stream_name(&self.prefix, stream.name);
        // With the subjects in the body: as a part of the address they would need a permission of their own.
        let question = json!({ "last_by_subj": format!("{}.v1.{subjects}", self.prefix) }).to_string();
        let answer = match self.client.request(format!("$JS.API.DIRECT.GET.{stream}"), question.into()).await {
            Ok(answer) => answer,
            Err(error) if error.kind() == RequestErrorKind::NoResponders => return Err(RelayError::missing(&stream)),
            Err(error) => {
                return Err(RelayError::Unanswered(format!("{stream} does not tell its last message: {error}")));
            }
        };
        match answer.status {
            None => {}
            Some(StatusCode::NOT_FOUND) => return Ok(None),
            Some(status) => {
                return Err(RelayError::Unanswered(format!("{stream} does not tell its last message: {status}")));
            }
        }
        Ok(answer.headers.as_ref().and_then(|headers| self.own(headers, &answer.payload, stream)))
    }

    /// Reads what was sent as a relay of this service sends.
    fn own(&self, headers: &HeaderMap, payload: &[u8], stream: String) -> Option<Told> {
        let header = |name: &str| headers.get(name).map(|value| value.as_str());
        if header("ce-source")?.strip_prefix("/redress/") != Some(self.service) {
            return None;
        }
        let id = header("ce-id")?;
        // Of another type than its subject.
        let subject = header("Nats-Subject")
            .and_then(|subject| Subject::parse(&self.prefix, subject).ok())
            .filter(|subject| header("ce-type") == Some(subject.event_type().as_str()));
        // The broker's own name for it begins with its id, also where it was sent under a second one.
        let named = header("Nats-Msg-Id").is_some_and(|name| name.starts_with(id));
        let batch = subject.as_ref().is_some_and(Subject::is_batch);
        let events = subject.filter(|_| !message::is_stored_again(headers) && named).and_then(|_| match batch {
            true => of_batch(message::event_id(headers)?, payload),
            false => Some(vec![(ids::parse(header("ce-subject")?).ok()?, message::event_id(headers)?)]),
        });
        if events.is_none() {
            tracing::warn!(service = self.service, id, stream, "somebody else publishes in the name of the service");
        }
        let at = header("Nats-Time-Stamp").unwrap_or("some time").to_owned();
        events.map(|events| Told { events, stream, at })
    }
}

/// Aggregates and ids of the events of a batch, if it is called as a relay calls it.
fn of_batch(name: Uuid, payload: &[u8]) -> Option<Vec<(Uuid, Uuid)>> {
    let items = batch::read(payload).ok()?;
    let events: Vec<_> = items
        .iter()
        .map(|item| Some((ids::parse(&item.subject).ok()?, ids::parse(&item.id).ok()?)))
        .collect::<Option<_>>()?;
    (batch::name(events.iter().map(|(_, event_id)| *event_id)) == name).then_some(events)
}
