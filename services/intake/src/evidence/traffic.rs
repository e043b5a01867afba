//! Files on their way: so many of all callers at once, so that memory has an end, and nobody shuts the others out (S31).
//!
//! - One caller has a share of the places; customers together have half of them, so that the staff can always work.
//! - Who finds none waits for a moment. While somebody waits, a place is kept only by who uses it: whose bytes come (or are
//!   taken) more slowly than [`BLOCK`] in [`BLOCK_TIME`] gives it back. While nobody waits, slow lines may be slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::{Actor, ConcurrencyLimit, ConcurrencyPermit, Refusal};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tonic::{Code, Status};

/// Of its places one caller has this part, and one at the least.
const SHARE: usize = 4;
/// Who keeps a place while others wait moves so many bytes in this time.
const BLOCK: usize = 64 * 1024;
const BLOCK_TIME: Duration = Duration::from_secs(2);
/// How long a caller waits for a place: longer than a slow one keeps it.
const WAIT: Duration = Duration::from_secs(5);
/// Time between two looks for a place, and whether somebody waits for one.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The places of one direction.
#[derive(Clone)]
pub(super) struct Traffic {
    all: Pool,
    customers: Pool,
    own: Arc<ConcurrencyLimit<String>>,
}

/// ConcurrencyLimit that several share.
#[derive(Clone)]
struct Pool {
    free: Arc<Semaphore>,
    most_of_one: u32,
    /// How many wait for one of them.
    wanted: Arc<AtomicUsize>,
}

impl Pool {
    fn new(places: usize) -> Self {
        let most_of_one = u32::try_from((places / SHARE).max(1)).unwrap_or(u32::MAX);
        Self { free: Arc::new(Semaphore::new(places)), most_of_one, wanted: Arc::default() }
    }

    fn take(&self) -> Result<Held, &Self> {
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| self)?;
        Ok(Held { _permit: permit, wanted: Arc::clone(&self.wanted) })
    }
}

/// A place of a pool.
struct Held {
    _permit: OwnedSemaphorePermit,
    wanted: Arc<AtomicUsize>,
}

/// Somebody who waits for a place of a pool.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(wanted: &'a AtomicUsize) -> Self {
        wanted.fetch_add(1, Ordering::Relaxed);
        Self(wanted)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A place; it is given back when it is dropped.
pub(super) struct Way {
    held: Vec<Held>,
    _own: ConcurrencyPermit<String>,
    block: Mutex<Block>,
}

/// The bytes that have moved since it was begun.
struct Block {
    bytes: usize,
    begun: Instant,
}

impl Traffic {
    pub fn new(places: usize) -> Self {
        Self { all: Pool::new(places), customers: Pool::new((places / 2).max(1)), own: Arc::default() }
    }

    /// A place for a file of this caller: of the customer, where a caller acts for many. Waits for it for a moment.
    pub async fn take(&self, actor: &Actor) -> Result<Way, Status> {
        let until = Instant::now() + WAIT;
        let mut waiting = None;
        loop {
            match self.look(actor) {
                Ok(way) => return Ok(way),
                Err(pool) => waiting = pool.map(|pool| waiting.unwrap_or_else(|| Waiting::begin(&pool.wanted))),
            }
            if Instant::now() >= until {
                let message = "too many files are on their way; try again";
                return Err(Refusal::new(Code::ResourceExhausted, "BUSY", message).into());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A place, or the pool that has none; nothing: the caller has its share.
    fn look(&self, actor: &Actor) -> Result<Way, Option<&Pool>> {
        let (whose, pool) = match &actor.customer {
            Some(customer) => (format!("c {customer}"), &self.customers),
            None => (format!("s {}", actor.subject), &self.all),
        };
        let own = self.own.take(whose, pool.most_of_one).ok_or(None)?;
        let mut held = Vec::new();
        if actor.customer.is_some() {
            held.push(self.customers.take()?);
        }
        held.push(self.all.take()?);
        Ok(Way { held, _own: own, block: Mutex::new(Block { bytes: 0, begun: Instant::now() }) })
    }
}

impl Way {
    /// Bytes have moved.
    pub async fn moved(&self, bytes: usize) {
        let mut block = self.block.lock().await;
        block.bytes += bytes;
        if block.bytes >= BLOCK {
            *block = Block { bytes: 0, begun: Instant::now() };
        }
    }

    /// Waits until others wait for this place and it is not used.
    pub async fn wanted_and_idle(&self) {
        loop {
            let idle = self.block.lock().await.begun.elapsed() > BLOCK_TIME;
            if idle && self.held.iter().any(|held| held.wanted.load(Ordering::Relaxed) > 0) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(name: &str) -> Actor {
        Actor { customer: Some(name.to_owned()), ..Actor::new("shop", &[]) }
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_leaves_places_to_the_others_and_customers_to_the_staff() {
        let traffic = Traffic::new(16);
        let of = |name: &str| (0..16).filter_map(|_| traffic.look(&customer(name)).ok()).collect::<Vec<_>>();
        let held = of("anna");
        assert_eq!(held.len(), 2);
        let others: Vec<_> = (0..16).filter_map(|at| traffic.look(&customer(&at.to_string())).ok()).collect();
        assert_eq!(others.len(), 6, "half of the places");
        let staff: Vec<_> = (0..16).filter_map(|_| traffic.look(&Actor::new("sam", &[])).ok()).collect();
        assert_eq!(staff.len(), 4);
        drop(held);
        assert!(traffic.take(&customer("anna")).await.is_ok());
        assert!(Traffic::new(1).take(&Actor::new("sam", &[])).await.is_ok());
        assert!(Traffic::new(1).take(&customer("anna")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn sr21_who_is_slow_keeps_a_place_only_while_nobody_waits() {
        let traffic = Traffic::new(2);
        let slow = traffic.take(&customer("anna")).await.unwrap();
        let nobody_waits = tokio::time::timeout(Duration::from_secs(60), slow.wanted_and_idle()).await;
        assert!(nobody_waits.is_err());
        let (begun, sam) = (Instant::now(), Actor::new("sam", &[]));
        let other = traffic.take(&sam).await;
        assert!(other.is_ok() && begun.elapsed() < BLOCK_TIME, "the staff has its half");
        // A customer waits: the slow one goes.
        let bob = customer("bob");
        let (bob, ()) = tokio::join!(traffic.take(&bob), async {
            slow.wanted_and_idle().await;
            drop(slow);
        });
        let bob = bob.unwrap();
        assert!(begun.elapsed() < WAIT);
        // Who moves enough stays, and who waits is told.
        let carl = customer("carl");
        let moving = async {
            loop {
                bob.moved(BLOCK / 8).await;
                tokio::time::sleep(BLOCK_TIME / 10).await;
            }
        };
        tokio::select! {
            refused = traffic.take(&carl) => assert!(refused.is_err()),
            () = bob.wanted_and_idle() => panic!("it moves enough"),
            () = moving => {}
        }
        assert!(traffic.customers.wanted.load(Ordering::Relaxed) == 0, "nobody waits any more");
    }
}
