//! The layer around the router: recognises the caller, looks at the rule of the method, and lets in or refuses. What is
//! refused has read nothing of the request and changes nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use proto::policy::Packs;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};

use super::ending::Ending;
use super::rules::Who;
use super::{Auth, Keeper, Known, Rules};
use crate::connection::Connection;
use crate::identity::Unknown;
use crate::limits::{self, ConcurrencyPermit, Limits};
use crate::tls::Peer;
use crate::{Actor, Clock, metrics, status};

/// The layer.
#[derive(Clone)]
pub(crate) struct Gate {
    service: &'static str,
    keeper: Arc<Keeper>,
    rules: Rules,
    limits: Arc<Limits>,
    packs: Arc<Packs>,
    clock: Clock,
}

/// As whom a call is let in.
struct Admitted {
    actor: Actor,
    /// When a stream is over, and what is said then.
    end: Option<BoxFuture<'static, Status>>,
    /// One of the places that the caller has. A stream keeps it to its end.
    place: ConcurrencyPermit<String>,
}

impl Gate {
    /// Reads the rules and the keys; refuses if a method has no rule, or if nobody could ever be recognised.
    pub(crate) async fn open(
        service: &'static str,
        settings: &Auth,
        limits: &limits::Settings,
        (packs, clock): (&Arc<Packs>, &Clock),
    ) -> anyhow::Result<Self> {
        let rules = Rules::read()?;
        let limits = Arc::new(Limits::new(limits));
        Ok(Self {
            service,
            keeper: Arc::new(Keeper::open(service, settings).await?),
            rules,
            limits,
            packs: Arc::clone(packs),
            clock: clock.clone(),
        })
    }

    /// The rules of all methods.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Who recognises callers.
    pub(crate) fn keeper(&self) -> Arc<Keeper> {
        Arc::clone(&self.keeper)
    }

    /// Whom a call is let in as, and for how long; nobody: the method is open to all.
    async fn admit(&self, request: &Parts) -> Result<Option<Admitted>, Status> {
        let method = request.uri.path().trim_start_matches('/');
        let rule = self.rules.get(method);
        if rule.is_some_and(|rule| rule.who == Who::All) {
            return Ok(None);
        }
        // What nobody serves is not told to strangers.
        let known = match self.recognise(request).await {
            Ok(known) => {
                request.extensions.get::<Connection>().into_iter().for_each(Connection::recognise);
                known
            }
            Err(unknown) => {
                self.limits.take_stranger(address(request)).map_err(|status| self.limited(status))?;
                return Err(self.unknown(rule.map(|_| method), unknown));
            }
        };
        let place = self.limits.take(&known.actor, known.customer.as_deref()).map_err(|status| self.limited(status))?;
        let Some(rule) = rule else { return Err(self.forbidden("unknown", &known, &[])) };
        // Who may have which roles is no rule about a claim: it is that of the day.
        if let Some(pair) = self.packs.in_force(self.clock.now()).rules.four_eyes.excluded(&known.actor.roles) {
            return Err(self.excluded(method, &known, &pair));
        }
        let mut actor = Actor::clone(&known.actor);
        if let Who::Roles(roles) = &rule.who {
            let as_whom: Vec<&str> = roles.iter().map(String::as_str).filter(|role| actor.has_role(role)).collect();
            if as_whom.is_empty() {
                return Err(self.forbidden(method, &known, roles));
            }
            // Whoever is let in as a customer only sees own claims only.
            let as_customer = as_whom.iter().all(|role| *role == "customer");
            if as_customer {
                actor.customer = known.customer.as_deref().map(str::to_owned);
            }
            // And whoever is let in as a system of others only, what it is bound to as that.
            actor.bound.retain(|bound| as_whom.contains(&bound.role()));
            let is_bound = |role: &&str| *role == "customer" || actor.bound.iter().any(|bound| bound.role() == *role);
            if as_customer || !as_whom.iter().all(is_bound) {
                actor.bound.clear();
            }
        }
        let end = rule.stream.then(|| self.end(&known, request.extensions.get::<Connection>().cloned()));
        Ok(Some(Admitted { actor, end, place }))
    }

    /// A stream ends with the token that opened it, or with the certificate, or when the access of who opened it does.
    fn end(&self, known: &Known, connection: Option<Connection>) -> BoxFuture<'static, Status> {
        let (left, ended) = (self.keeper.left(known), self.keeper.ended(known));
        let over = async move {
            if let Some(left) = left {
                tokio::time::sleep(left).await;
                return Unknown::Expired;
            }
            if let Some(peer) = connection.as_ref().and_then(Connection::peer) {
                peer.lapsed().await;
            }
            Unknown::Lapsed
        };
        Box::pin(async move {
            let why = tokio::select! { why = over => why, () = ended => Unknown::Ended };
            unauthenticated(why)
        })
    }

    async fn recognise(&self, request: &Parts) -> Result<Known, Unknown> {
        let peer = request.extensions.get::<Connection>().and_then(Connection::peer);
        // Also for who has a token: where certificates are required, one that has lapsed is none.
        peer.map_or(Ok(()), Peer::holds)?;
        match bearer(&request.headers)? {
            Some(token) => self.keeper.token(token).await,
            None => self.keeper.peer(peer.ok_or(Unknown::Nothing)?.identity()?),
        }
    }

    /// Counted and not logged: whoever does this does it often.
    fn limited(&self, status: Status) -> Status {
        metrics::denied(self.service, "limited");
        status
    }

    fn unknown(&self, method: Option<&str>, unknown: Unknown) -> Status {
        let method = method.unwrap_or("unknown");
        tracing::warn!(target: "audit", service = self.service, method, why = ?unknown, "nobody is let in");
        metrics::denied(self.service, "unknown");
        if unknown == Unknown::NoKeys {
            return status::unavailable("the keys of the issuer cannot be had; try again");
        }
        unauthenticated(unknown)
    }

    /// Nobody has both of these roles: who decides does not pay, as the policy says.
    fn excluded(&self, method: &str, known: &Known, pair: &[String; 2]) -> Status {
        let (subject, roles) = (&known.actor.subject, pair.join(","));
        tracing::warn!(target: "audit", service = self.service, method, subject, roles, "roles that exclude each other");
        metrics::denied(self.service, "excluded");
        let about = [("roles".to_owned(), roles)];
        let details = ErrorDetails::with_error_info("ROLES_EXCLUDED", status::domain(), about);
        let message = "the caller has two roles that the policy lets nobody have at once";
        Status::with_error_details(Code::PermissionDenied, message, details)
    }

    fn forbidden(&self, method: &str, known: &Known, roles: &[String]) -> Status {
        let actor = &known.actor;
        tracing::warn!(
            target: "audit",
            service = self.service, method, subject = actor.subject, roles = actor.roles.join(","),
            "not let in: it has none of the roles"
        );
        metrics::denied(self.service, "forbidden");
        let about = [("method", method.to_owned()), ("roles", roles.join(","))];
        let about = about.map(|(key, value)| (key.to_owned(), value));
        let details = ErrorDetails::with_error_info("FORBIDDEN", status::domain(), about);
        Status::with_error_details(Code::PermissionDenied, "this needs a role that the caller does not have", details)
    }
}

/// Where a call comes from.
fn address(request: &Parts) -> Option<IpAddr> {
    request.extensions.get::<Connection>()?.address()
}

/// The one bearer token of a call, if it has one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Unknown> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    if given.next().is_some() {
        return Err(Unknown::Invalid);
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Unknown::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(token.trim())) } else { Err(Unknown::Invalid) }
}

fn unauthenticated(unknown: Unknown) -> Status {
    let (why, message, advice) = match unknown {
        Unknown::Nothing => ("NO_CREDENTIALS", "this needs a bearer token or a client certificate", "Bearer"),
        Unknown::Expired => {
            ("TOKEN_EXPIRED", "the time of the token has passed or has not come", "Bearer error=\"invalid_token\"")
        }
        Unknown::TooLong => {
            ("TOKEN_TOO_LONG", "the token holds for longer than is taken here", "Bearer error=\"invalid_token\"")
        }
        Unknown::Ended => ("ACCESS_ENDED", "the access of this subject has ended", "Bearer error=\"invalid_token\""),
        Unknown::Lapsed => ("CERTIFICATE_LAPSED", "the client certificate does not hold any more", "Bearer"),
        Unknown::Stranger => ("UNKNOWN_CERTIFICATE", "nobody here knows the client certificate", "Bearer"),
        Unknown::Invalid | Unknown::NoKeys => {
            ("TOKEN_INVALID", "the token cannot be accepted", "Bearer error=\"invalid_token\"")
        }
    };
    let about = [("why".to_owned(), why.to_owned())];
    let details = ErrorDetails::with_error_info("UNAUTHENTICATED", status::domain(), about);
    let mut status = Status::with_error_details(Code::Unauthenticated, message, details);
    status.metadata_mut().insert("www-authenticate", advice.parse().expect("a fixed text is ASCII"));
    status
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { inner, gate: Arc::new(self.clone()) }
    }
}

/// What is behind the layer.
#[derive(Clone)]
pub(crate) struct Gated<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The clone that was polled ready goes with the call; a fresh one stays.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let admitted = match gate.admit(&parts).await {
                Ok(admitted) => admitted,
                Err(status) => return Ok(status.into_http()),
            };
            // Nobody behind the gate needs the credentials.
            parts.headers.remove(AUTHORIZATION);
            let mut request = Request::from_parts(parts, body);
            let Some(Admitted { actor, end, place }) = admitted else { return inner.call(request).await };
            request.extensions_mut().insert(actor);
            let Some(mut end) = end else { return inner.call(request).await };
            tokio::select! {
                answer = inner.call(request) => {
                    answer.map(|answer| answer.map(|body| Body::new(Ending::new(body, end, place))))
                }
                status = &mut end => Ok(status.into_http()),
            }
        })
    }
}
