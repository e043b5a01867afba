//! Files on their way: so many of all callers at once, and no more than a share of that of one, who must not shut the others
//! out (S31).

use std::sync::Arc;

use chassis::{Actor, Place, Places, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Status};

/// Of all places one caller has this part, and one at the least.
const SHARE: u32 = 4;

/// The places of one direction.
#[derive(Clone)]
pub(super) struct Traffic {
    all: Arc<Semaphore>,
    own: Arc<Places<String>>,
    most: u32,
}

/// A place; it is given back when it is dropped.
pub(super) struct Way {
    _all: OwnedSemaphorePermit,
    _own: Place<String>,
}

impl Traffic {
    pub fn new(places: usize) -> Self {
        let most = u32::try_from(places).unwrap_or(u32::MAX) / SHARE;
        Self { all: Arc::new(Semaphore::new(places)), own: Arc::default(), most: most.max(1) }
    }

    /// A place for a file of this caller: of the customer, where a caller acts for many.
    pub fn take(&self, actor: &Actor) -> Result<Way, Status> {
        let whose = actor.customer.as_ref().map_or_else(|| format!("s {}", actor.subject), |of| format!("c {of}"));
        let busy = || Refusal::new(Code::ResourceExhausted, "BUSY", "too many files are on their way; try again");
        let own = self.own.take(whose, self.most).ok_or_else(busy)?;
        let all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| busy())?;
        Ok(Way { _all: all, _own: own })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_leaves_places_to_the_others() {
        let traffic = Traffic::new(8);
        let customer = |name: &str| Actor { customer: Some(name.to_owned()), ..Actor::new("shop", &[]) };
        let held: Vec<_> = (0..8).filter_map(|_| traffic.take(&customer("anna")).ok()).collect();
        assert_eq!(held.len(), 2);
        let others: Vec<_> = (0..8).filter_map(|at| traffic.take(&customer(&at.to_string())).ok()).collect();
        assert_eq!(others.len(), 6);
        drop(held);
        assert!(traffic.take(&customer("anna")).is_ok());
        assert!(Traffic::new(1).take(&Actor::new("shop", &[])).is_ok());
    }
}
