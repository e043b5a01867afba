//! How many of something each has at once. Who has none has no entry, so the table is never larger than what runs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The table.
#[derive(Debug)]
pub struct ConcurrencyLimit<K: Eq + Hash>(Arc<Mutex<HashMap<K, u32>>>);

/// One of them; it is given back when it is dropped.
#[derive(Debug)]
pub struct ConcurrencyPermit<K: Eq + Hash> {
    table: Arc<Mutex<HashMap<K, u32>>>,
    key: Option<K>,
}

impl<K: Eq + Hash> Default for ConcurrencyLimit<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> ConcurrencyLimit<K> {
    /// Takes one, if it has less than `most`.
    pub fn take(&self, key: K, most: u32) -> Option<ConcurrencyPermit<K>> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.get(&key).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        table.insert(key.clone(), count + 1);
        Some(ConcurrencyPermit { table: Arc::clone(&self.0), key: Some(key) })
    }
}

impl<K: Eq + Hash> Drop for ConcurrencyPermit<K> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get_mut(&key) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(table.remove(&key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back_and_leaves_nothing() {
        let places = ConcurrencyLimit::default();
        let first = places.take("anna", 2).unwrap();
        let second = places.take("anna", 2).unwrap();
        assert!(places.take("anna", 2).is_none());
        let other = places.take("bob", 2).unwrap();
        drop(first);
        let third = places.take("anna", 2).unwrap();
        drop((second, third, other));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
