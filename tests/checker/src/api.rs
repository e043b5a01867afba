//! The public APIs, read with patience: services may be restarting while a run ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use proto::method::{self, Listing, Method};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// A read that fails for so long is itself a violation (C9).
const PATIENCE: Duration = Duration::from_secs(30);
/// Rows of a page: claims may be large.
const PAGE: i32 = 100;
/// No list of a run is longer: more means that paging does not end.
const PAGES_MAX: usize = 100_000;

/// Every service.
pub const SERVICES: [&str; 6] = ["intake", "triage", "inventory", "logistics", "escalation", "orchestrator"];

/// Reads of all services.
pub struct Api {
    channels: BTreeMap<String, Channel>,
    bearer: MetadataValue<Ascii>,
    unread: Mutex<Vec<String>>,
    dead: Mutex<BTreeSet<String>>,
}

impl Api {
    /// Channels that connect when they are used.
    pub fn new(endpoints: &BTreeMap<String, String>, token: &str) -> Result<Self> {
        let bearer = format!("Bearer {token}").parse().context("the token is not one")?;
        let mut channels = BTreeMap::new();
        for service in SERVICES {
            let address = endpoints.get(service).with_context(|| format!("no address of {service}"))?;
            let endpoint = Endpoint::from_shared(address.clone())?
                .connect_timeout(Duration::from_secs(2))
                .timeout(Duration::from_secs(5))
                .http2_keep_alive_interval(Duration::from_secs(5))
                .keep_alive_timeout(Duration::from_secs(5))
                .keep_alive_while_idle(true);
            channels.insert(service.to_owned(), endpoint.connect_lazy());
        }
        Ok(Self { channels, bearer, unread: Mutex::default(), dead: Mutex::default() })
    }

    /// Asks once.
    pub async fn call<M: Method>(&self, ask: M) -> Result<M::Reply, Status> {
        self.call_at(M::SERVICE, ask).await
    }

    /// Asks one service once, where every service has the method.
    pub async fn call_at<M: Method>(&self, service: &str, ask: M) -> Result<M::Reply, Status> {
        let channel = self.channels.get(service).expect("every service has a channel since `new`").clone();
        let mut request = Request::new(ask);
        request.set_timeout(Duration::from_secs(5));
        request.metadata_mut().insert("authorization", self.bearer.clone());
        method::call(channel, request).await.map(Response::into_inner)
    }

    /// What could not be read so far; it is forgotten then, and dead services are tried again.
    pub fn take_unread(&self) -> Vec<String> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).clear();
        std::mem::take(&mut *self.unread.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks until there is an answer; `None`: there is no such thing, or it cannot be read, which is remembered.
    pub async fn one<M: Method>(&self, ask: M) -> Option<M::Reply> {
        self.one_at(M::SERVICE, ask).await
    }

    async fn one_at<M: Method>(&self, service: &str, ask: M) -> Option<M::Reply> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            if self.dead.lock().unwrap_or_else(PoisonError::into_inner).contains(service) {
                return None;
            }
            let status = match self.call_at(service, ask.clone()).await {
                Ok(reply) => return Some(reply),
                Err(status) => status,
            };
            if status.code() == Code::NotFound {
                return None;
            }
            let may_pass = matches!(
                status.code(),
                Code::Unavailable
                    | Code::DeadlineExceeded
                    | Code::Cancelled
                    | Code::Unknown
                    | Code::Internal
                    | Code::ResourceExhausted
                    | Code::Aborted
            );
            if !may_pass || begun.elapsed() > PATIENCE {
                if may_pass {
                    self.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned());
                }
                let text = format!("{service} {}: {:?} {}", M::NAME, status.code(), status.message());
                self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(text);
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Reads a whole list, page by page.
    pub async fn list<M: Listing>(&self, ask: M) -> Vec<M::Row> {
        self.list_at(M::SERVICE, ask).await
    }

    /// Reads a whole list of one service, where every service has it.
    pub async fn list_at<M: Listing>(&self, service: &str, mut ask: M) -> Vec<M::Row> {
        let (mut all, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            ask.turn_to(PAGE, token);
            let Some(page) = self.one_at(service, ask.clone()).await else { return all };
            let found;
            (found, token) = M::rows(page);
            all.extend(found);
            if token.is_empty() {
                return all;
            }
        }
        let endless = format!("{service} {}: endless pages", M::NAME);
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(endless);
        all
    }
}
