//! Who may call what (G22, P47): one layer around the whole router. Whoever has no valid identity is refused, and whoever
//! has none of the roles that the method's rule names; a method without a rule is refused to everybody.
//!
//! - [`settings`]: what a service must be told. [`rules`]: the rule of each method, read from the contract.
//! - `token`: a bearer token becomes an actor. `keys`: the keys tokens are signed with. `memory`: tokens already checked.
//! - `gate`: the layer. `ending`: a stream does not outlive its token. `ended`: whose access ended before.

mod ended;
mod ending;
mod gate;
mod keys;
mod memory;
mod provider;
pub mod rules;
pub mod settings;
mod source;
mod token;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::{Actor, Clock};

use crate::identity::{PeerIdentity, Unknown};
use ended::Ended;
pub(crate) use gate::Gate;
use keys::Keys;
use memory::Memory;
pub use rules::Rules;
pub use settings::Auth;

/// Somebody who was recognised.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Who; not bound to a customer yet.
    pub actor: Arc<Actor>,
    /// The customer that a caller with the role customer stands for.
    pub customer: Option<Arc<str>>,
    /// When the recognition ends; `None`: with the connection.
    pub until: Option<Timestamp>,
    /// When the token was issued, if it says so.
    pub issued: Option<Timestamp>,
}

/// Checks tokens outside of a service: for tools and for tests.
pub struct Tokens(Keeper);

impl Tokens {
    /// Reads the keys of the issuer.
    pub async fn open(settings: &Auth) -> anyhow::Result<Self> {
        Ok(Self(Keeper::open("tool", settings).await?))
    }

    /// Whose token it is, if it is one of anybody's.
    pub async fn actor(&self, token: &str) -> Option<Actor> {
        self.0.token(token).await.ok().map(|known| Actor::clone(&known.actor))
    }
}

/// Recognises callers.
pub(crate) struct Keeper {
    settings: Auth,
    /// `None`: there are no tokens here, only certificates.
    keys: Option<Keys>,
    /// `None`: nobody's access ends before their token.
    ended: Option<Ended>,
    memory: Memory,
    peers: Vec<(String, Known)>,
    /// The machine's time: tokens are made by others, whom no test's clock moves.
    clock: Clock,
}

impl Keeper {
    /// Reads the keys; refuses if nobody could ever be recognised.
    pub(crate) async fn open(service: &'static str, settings: &Auth) -> anyhow::Result<Self> {
        settings.check()?;
        let keys = match settings.jwks.as_str() {
            "" => None,
            source => Some(Keys::open(service, source).await?),
        };
        let ended = match settings.ended.as_str() {
            "" => None,
            source => Some(Ended::open(service, source).await?),
        };
        let peers = settings.peers()?;
        Ok(Self { settings: settings.clone(), keys, ended, memory: Memory::default(), peers, clock: Clock::default() })
    }

    /// Whose token it is.
    pub(crate) async fn token(&self, token: &str) -> Result<Known, Unknown> {
        let keys = self.keys.as_ref().ok_or(Unknown::Invalid)?;
        let now = self.clock.now();
        let set = keys.now();
        if let Some(known) = self.memory.get(token, set.number) {
            return self.in_time(known, now).and_then(|known| self.going_on(known));
        }
        let name = token::key_name(token).ok_or(Unknown::Invalid)?;
        let set = match set.find(&name) {
            Some(_) => set,
            None => keys.look_again().await,
        };
        let Some(key) = set.find(&name) else {
            return Err(if set.is_empty() { Unknown::NoKeys } else { Unknown::Invalid });
        };
        let known = token::check(token, key, &self.settings, now)?;
        self.memory.keep(token, set.number, known.clone());
        self.going_on(known)
    }

    /// Who holds a certificate.
    pub(crate) fn peer(&self, peer: &PeerIdentity) -> Result<Known, Unknown> {
        let found = self.peers.iter().find(|(uri, _)| *uri == peer.0);
        let known = found.map(|(_, known)| known.clone()).ok_or(Unknown::Stranger)?;
        self.going_on(known)
    }

    fn going_on(&self, known: Known) -> Result<Known, Unknown> {
        let ended = self.ended.as_ref().is_some_and(|ended| ended.has(&known));
        if ended { Err(Unknown::Ended) } else { Ok(known) }
    }

    /// Waits until the access of somebody has ended, while a stream goes on.
    pub(crate) fn ended(&self, known: &Known) -> BoxFuture<'static, ()> {
        self.ended.as_ref().map_or_else(|| std::future::pending().boxed(), |ended| ended.until(known).boxed())
    }

    fn in_time(&self, known: Known, now: Timestamp) -> Result<Known, Unknown> {
        // Not `until + leeway`: a token may hold until the end of time.
        let ended = known.until.is_some_and(|until| now.duration_since(until) > self.settings.leeway);
        if ended { Err(Unknown::Expired) } else { Ok(known) }
    }

    /// How long a stream of somebody may go on: a little longer than the token, never more than half a minute (S06).
    pub(crate) fn left(&self, known: &Known) -> Option<Duration> {
        let grace = self.settings.leeway.min(SignedDuration::from_secs(15));
        let left = known.until?.duration_since(self.clock.now()).saturating_add(grace);
        Some(Duration::try_from(left).unwrap_or_default())
    }

    /// Looks for new keys, and for whose access has ended, from time to time; ends never.
    pub(crate) async fn refresh(self: Arc<Self>) {
        let keys = async {
            match &self.keys {
                Some(keys) => keys.refresh(self.settings.refresh.unsigned_abs()).await,
                None => std::future::pending().await,
            }
        };
        let ended = async {
            match &self.ended {
                Some(ended) => ended.follow().await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(keys, ended);
    }
}
