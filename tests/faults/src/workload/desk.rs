//! A desk: somebody looks at a list of the public API again and again, and does what is on it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;

use super::world::{World, lock};

/// Longest pause of somebody whose list cannot be read.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Somebody with a list.
pub trait Desk: 'static {
    /// What is on the list.
    type Item: Send + 'static;
    /// How often the list is read.
    const LOOK_EVERY: Duration = Duration::from_millis(150);
    /// What is still on the list after it was done is done again after so long.
    const PATIENCE: Duration = Duration::from_secs(3);
    /// How much is done at once.
    const HANDS: usize = 12;

    /// Reads the list.
    fn list(world: &World) -> impl Future<Output = Result<Vec<Self::Item>, Status>> + Send;
    /// The claim it is about; none: no claim.
    fn claim(item: &Self::Item) -> Option<&str>;
    /// Names an item in its present version.
    fn key(item: &Self::Item) -> String;
    /// Does it; `turn` counts from 0 how often it was done before.
    fn serve(world: Arc<World>, item: Self::Item, turn: u32) -> impl Future<Output = ()> + Send + 'static;
}

/// Works until the run is over, and ends what was begun.
pub async fn work<D: Desk>(world: Arc<World>) {
    let mut done: BTreeMap<String, (u32, Instant)> = BTreeMap::new();
    let busy: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let hands = Arc::new(Semaphore::new(D::HANDS));
    let mut deeds = JoinSet::new();
    let mut pause = D::LOOK_EVERY;
    while !world.lines.is_over() {
        while deeds.try_join_next().is_some() {}
        let Ok(items) = D::list(&world).await else {
            pause = (pause * 2).min(PAUSE_MAX);
            tokio::time::sleep(pause).await;
            continue;
        };
        pause = D::LOOK_EVERY;
        for item in items {
            // What is not acknowledged yet is nobody's business yet.
            if D::claim(&item).is_some_and(|claim| world.case(claim).is_none()) {
                continue;
            }
            let key = D::key(&item);
            let before = done.get(&key);
            let early = before.is_some_and(|(_, at)| at.elapsed() < D::PATIENCE);
            if early || !lock(&busy).insert(key.clone()) {
                continue;
            }
            let turn = before.map_or(0, |(turn, _)| turn + 1);
            done.insert(key.clone(), (turn, Instant::now()));
            world.busy.fetch_add(1, Ordering::Relaxed);
            let (world, busy, hands) = (Arc::clone(&world), Arc::clone(&busy), Arc::clone(&hands));
            deeds.spawn(async move {
                let hand = hands.acquire_owned().await;
                D::serve(Arc::clone(&world), item, turn).await;
                drop(hand);
                lock(&busy).remove(&key);
                world.busy.fetch_sub(1, Ordering::Relaxed);
            });
        }
        tokio::time::sleep(pause).await;
    }
    deeds.join_all().await;
}
