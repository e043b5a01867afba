//! Calls as an outside system makes them: with a deadline, tried again until the outcome is known, and every attempt of
//! a call that changes something is written down.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use local::Secrets;
use local::secrets::Who;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::log::{Call, Line, Log, Outcome, now_ms};
use crate::random::Random;
use proto::method::{self, Listing, Method, Mutation};

/// Rows of a page: as many as a service gives.
const PAGE: i32 = 500;
/// A call has so long.
const DEADLINE: Duration = Duration::from_secs(5);
/// A connection has so long.
const CONNECT: Duration = Duration::from_secs(2);
/// A peer that is silent for so long is asked, and given up after as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(3);
/// Connections to each service: where two replicas stand behind one address, both are met.
const CONNECTIONS: usize = 2;
/// First and longest pause between two attempts.
const PAUSE: (u64, u64) = (50, 1_600);

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Actor {
    /// The name.
    pub name: String,
    /// Roles, by comma.
    pub roles: String,
}

impl Actor {
    /// Somebody.
    pub fn new(name: impl Into<String>, roles: impl Into<String>) -> Self {
        Self { name: name.into(), roles: roles.into() }
    }
}

/// The customer: the shop's portal speaks for all of them.
pub fn customer() -> Actor {
    Actor::new("customer", "integration")
}

/// What a call is about, for the log.
#[derive(Clone, Debug)]
pub struct About {
    /// Who calls.
    pub actor: Actor,
    /// The claim, where it is known.
    pub claim: Option<String>,
    /// What the workload wants to remember: the claim's number in the plan, and what is done.
    pub tag: String,
}

/// What became of a call in the end.
#[derive(Clone, Debug)]
pub enum Answer<R> {
    /// It was done.
    Done(R),
    /// It was refused, with this reason.
    Refused(String),
    /// The run ended before it was known.
    Unknown,
}

impl<R> Answer<R> {
    /// What was answered, where it was done.
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(reply) => Some(reply),
            Self::Refused(_) | Self::Unknown => None,
        }
    }
}

/// The lines to the six services.
#[derive(Clone, Debug)]
pub struct Lines {
    channels: Arc<BTreeMap<String, Vec<Channel>>>,
    turn: Arc<AtomicUsize>,
    secrets: Secrets,
    tokens: Arc<Mutex<BTreeMap<Actor, MetadataValue<Ascii>>>>,
    log: Log,
    until: Instant,
    over: Arc<AtomicBool>,
}

impl Lines {
    /// Lines that connect when they are used, and again when they were cut.
    pub fn new(endpoints: &BTreeMap<String, String>, secrets: &Secrets, log: Log, until: Instant) -> Result<Self> {
        let mut channels = BTreeMap::new();
        for (service, address) in endpoints {
            let endpoint = Endpoint::from_shared(address.clone()).with_context(|| format!("bad address {address}"))?;
            let endpoint = endpoint
                .connect_timeout(CONNECT)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
                .keep_alive_while_idle(true)
                .tcp_nodelay(true);
            let all = (0..CONNECTIONS).map(|_| endpoint.connect_lazy()).collect();
            channels.insert(service.clone(), all);
        }
        let (channels, turn, over) = (Arc::new(channels), Arc::default(), Arc::default());
        Ok(Self { channels, turn, secrets: secrets.clone(), tokens: Arc::default(), log, until, over })
    }

    /// The token of somebody, made once.
    fn token(&self, actor: &Actor) -> Result<MetadataValue<Ascii>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(actor) {
            return Ok(token.clone());
        }
        let roles: Vec<&str> = actor.roles.split(',').filter(|role| !role.is_empty()).collect();
        let ttl = Duration::from_secs(24 * 60 * 60);
        let token = self.secrets.token(&Who { subject: &actor.name, roles: &roles, customer: None, ttl })?;
        let token: MetadataValue<Ascii> = format!("Bearer {token}").parse()?;
        tokens.insert(actor.clone(), token.clone());
        Ok(token)
    }

    /// No call is tried again from now on.
    pub fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether no call is tried again.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || Instant::now() >= self.until
    }

    /// Reads something, once.
    pub async fn read<M: Method>(&self, request: M) -> Result<M::Reply, Status> {
        self.send(&Actor::new("workload", "auditor,integration"), request).await
    }

    /// Reads a whole list, page by page.
    pub async fn list<M: Listing>(&self, mut ask: M) -> Result<Vec<M::Row>, Status> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            ask.turn_to(PAGE, token);
            let rows;
            (rows, token) = M::rows(self.read(ask.clone()).await?);
            all.extend(rows);
            if token.is_empty() {
                return Ok(all);
            }
        }
    }

    /// Changes something: tried again with the same request id until the outcome is known or the run ends.
    pub async fn insist<M: Mutation>(&self, about: &About, request: M) -> Answer<M::Reply> {
        let mut chance =
            Random::new(request.request_id().bytes().fold(0, |sum, byte| sum * 31 % 0xFFFF_FFFB + u64::from(byte)));
        let mut pause = PAUSE.0;
        loop {
            match self.attempt(about, request.clone()).await {
                Attempt::Known(answer) => return answer,
                Attempt::Again if self.is_over() => return Answer::Unknown,
                Attempt::Again => {}
            }
            tokio::time::sleep(Duration::from_millis(chance.between(pause / 2, pause))).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn attempt<M: Mutation>(&self, about: &About, request: M) -> Attempt<M::Reply> {
        let begun_ms = now_ms();
        let answered = self.send(&about.actor, request.clone()).await;
        let ended_ms = now_ms();
        let (outcome, code, reason) = match &answered {
            Ok(_) => (Outcome::Ok, Code::Ok, String::new()),
            Err(status) => judged(status),
        };
        let response = answered.as_ref().ok().map(json);
        let told = response.as_ref().and_then(|reply| reply.get("claim")?.get("claimId")?.as_str());
        let call = Call {
            method: M::NAME.to_owned(),
            service: M::SERVICE.to_owned(),
            request_id: request.request_id().to_owned(),
            claim: about.claim.clone().or_else(|| told.map(str::to_owned)),
            tag: about.tag.clone(),
            begun_ms,
            ended_ms,
            outcome,
            code: name(code).to_owned(),
            reason: reason.clone(),
            actor: about.actor.name.clone(),
            request: json(&request),
            response,
        };
        // A log that cannot be written makes the whole run worthless, and the checker will see that it is cut off.
        if let Err(error) = self.log.write(&Line::Call(call)) {
            eprintln!("workload: {error:#}");
        }
        match answered {
            Ok(reply) => Attempt::Known(Answer::Done(reply)),
            // Refused for now is refused without an effect, and without a memory of it.
            Err(_) if outcome == Outcome::Unknown || code == Code::ResourceExhausted => Attempt::Again,
            Err(_) => Attempt::Known(Answer::Refused(reason)),
        }
    }

    async fn send<M: Method>(&self, actor: &Actor, body: M) -> Result<M::Reply, Status> {
        let channels = self.channels.get(M::SERVICE).ok_or_else(|| Status::unavailable("no such service is known"))?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let channel = channels[turn % channels.len()].clone();
        let mut request = Request::new(body);
        request.set_timeout(DEADLINE);
        let token = self.token(actor).map_err(|error| Status::unauthenticated(format!("{error:#}")))?;
        request.metadata_mut().insert("authorization", token);
        // The deadline of the transport, and one for a transport that hangs.
        match tokio::time::timeout(DEADLINE + Duration::from_secs(1), method::call(channel, request)).await {
            Ok(answered) => answered.map(tonic::Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded("there was no answer")),
        }
    }
}

enum Attempt<R> {
    Known(Answer<R>),
    Again,
}

/// What a status says. What comes from the transport and not from the service says nothing about the effect.
fn judged(status: &Status) -> (Outcome, Code, String) {
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    let code = status.code();
    let unknown = match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown => true,
        Code::Internal | Code::ResourceExhausted | Code::DataLoss => reason.is_empty(),
        _ => false,
    };
    (if unknown { Outcome::Unknown } else { Outcome::Refused }, code, reason)
}

fn json(message: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(message).unwrap_or(serde_json::Value::Null)
}

/// Name of a code as the contract writes it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn only_what_the_service_said_is_known() {
        let told = |code, reason: &str| {
            let details = ErrorDetails::with_error_info(reason, "redress.intake", []);
            judged(&Status::with_error_details(code, "no", details)).0
        };
        assert_eq!(told(Code::FailedPrecondition, "CLAIM_ENDED"), Outcome::Refused);
        assert_eq!(told(Code::ResourceExhausted, "BUSY"), Outcome::Refused);
        assert_eq!(told(Code::Internal, "COMMAND_FAILED"), Outcome::Refused);
        assert_eq!(told(Code::Unavailable, "UNAVAILABLE"), Outcome::Unknown);
        for status in [Status::internal("h2"), Status::unknown("h2"), Status::cancelled("h2"), Status::unavailable("")]
        {
            assert_eq!(judged(&status).0, Outcome::Unknown, "{status:?}");
        }
    }
}
