//! What a lane was busy with last, so that it need not be read again. It is only ever a guess: whether it is still so is
//! checked by the statement that rests on it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Remembers the newest values, `least` of them at least and at most twice as many.
#[derive(Debug)]
pub struct Recent<K, V> {
    least: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Remembers nothing yet.
    pub fn new(least: usize) -> Self {
        Self { least, young: HashMap::new(), old: HashMap::new() }
    }

    /// What is remembered.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// It is committed, or was read, that it is so.
    pub fn learn(&mut self, values: impl IntoIterator<Item = (K, V)>) {
        self.young.extend(values);
        if self.young.len() > self.least {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_known_and_the_oldest_goes() {
        const LEAST: usize = 10;
        let mut recent = Recent::new(LEAST);
        for key in 0..3 * LEAST {
            recent.learn([(key, 1)]);
        }
        recent.learn([(3 * LEAST - 1, 2)]);
        assert_eq!(recent.get(&(3 * LEAST - 1)), Some(&2));
        assert!((2 * LEAST..3 * LEAST).all(|key| recent.get(&key).is_some()));
        assert_eq!(recent.get(&0), None);
    }
}
