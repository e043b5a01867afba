//! Messages: what leaves through the journal, and how it looks on the broker (CloudEvents 1.0, NATS binding).

pub(crate) mod batch;

use async_nats::HeaderMap;
use jiff::Timestamp;
use proto::{ClaimId, EVENT_BYTES_MAX, Subject, claim, ids};
use uuid::Uuid;

use crate::fault::Fault;
use crate::topology;

/// A message to be journalled, and published after commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub(crate) subject: Subject,
    pub(crate) aggregate: Uuid,
    pub(crate) number: Option<u32>,
    pub(crate) payload: Vec<u8>,
}

impl Outgoing {
    /// A fact of a service for the orchestrator.
    pub fn event(service: &str, name: &str, claim: Uuid, message: &impl prost::Message) -> Self {
        let subject = Subject::Event { service: service.to_owned(), name: name.to_owned() };
        Self { subject, aggregate: claim, number: None, payload: message.encode_to_vec() }
    }

    /// A command of the orchestrator to a service.
    pub fn command(service: &str, name: &str, claim: Uuid, message: &impl prost::Message) -> Self {
        let subject = Subject::Command { service: service.to_owned(), name: name.to_owned() };
        Self { subject, aggregate: claim, number: None, payload: message.encode_to_vec() }
    }

    /// A public event of a claim, in canonical proto JSON.
    pub fn claim(claim: Uuid, name: &str, number: u32, event: &claim::ClaimEvent) -> Self {
        let subject = Subject::Claim { claim: ClaimId(claim), name: name.to_owned() };
        let payload = serde_json::to_vec(event).expect("a message of ours is always JSON");
        Self { subject, aggregate: claim, number: Some(number), payload }
    }

    /// What somebody must be told, in canonical proto JSON.
    pub fn notice(notice: &claim::Notice) -> Self {
        let subject = Subject::Notice { audience: notice.audience.clone(), name: notice.template.clone() };
        let payload = serde_json::to_vec(notice).expect("a message of ours is always JSON");
        let aggregate = ids::parse(&notice.claim_id).unwrap_or_default();
        Self { subject, aggregate, number: None, payload }
    }

    /// The subject.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The claim or other aggregate it is about.
    pub fn aggregate(&self) -> Uuid {
        self.aggregate
    }

    /// The service that must process it, in order; none for what subscribers read.
    pub(crate) fn destination(&self) -> Option<&str> {
        match &self.subject {
            _ if self.aggregate.is_nil() => None,
            Subject::Command { service, .. } => Some(service),
            Subject::Event { .. } => *topology::EVENTS_TO,
            Subject::Claim { .. } | Subject::Notice { .. } => None,
        }
    }

    /// What is accepted can always be published.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.payload.len() > EVENT_BYTES_MAX {
            let size = self.payload.len();
            return Err(Fault::Permanent(format!(
                "event {} has {size} bytes, the limit is {EVENT_BYTES_MAX}",
                self.subject
            )));
        }
        // A subject that cannot be read would hold the relay up for ever.
        if Subject::parse("x", &self.subject.under("x")).is_err() || self.subject.is_batch() {
            return Err(Fault::Permanent(format!("{:?} is no subject", self.subject)));
        }
        Ok(())
    }
}

/// The event id that a message on the broker carries, if it has one of ours.
pub(crate) fn event_id(headers: &HeaderMap) -> Option<Uuid> {
    ids::parse(headers.get("ce-id")?.as_str()).ok()
}

/// Whether a message of a stream was read out of one by somebody before, and stored again: then the broker has described it twice.
pub(crate) fn is_stored_again(headers: &HeaderMap) -> bool {
    headers.get_all("Nats-Stream").count() > 1
}

/// The headers of a message on the broker.
pub(crate) struct Envelope<'a> {
    pub event_id: Uuid,
    pub source: &'a str,
    pub subject: &'a Subject,
    pub aggregate: Uuid,
    pub number: Option<i32>,
    pub at: Timestamp,
    pub trace: Option<&'a str>,
}

impl Envelope<'_> {
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let id = self.event_id.to_string();
        headers.insert("Nats-Msg-Id", id.as_str());
        headers.insert("ce-id", id.as_str());
        headers.insert("ce-specversion", "1.0");
        headers.insert("ce-source", format!("/redress/{}", self.source));
        headers.insert("ce-type", self.subject.event_type());
        headers.insert("ce-subject", self.aggregate.to_string());
        headers.insert("ce-time", self.at.to_string());
        let content = if self.subject.is_public() { "application/json" } else { "application/protobuf" };
        headers.insert("ce-datacontenttype", content);
        if let Some(number) = self.number {
            headers.insert("ce-sequence", number.to_string());
        }
        if let Some(trace) = self.trace {
            headers.insert("traceparent", trace);
        }
        headers
    }
}
