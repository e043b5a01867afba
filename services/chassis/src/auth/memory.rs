//! Tokens already checked: a caller who calls often costs one signature check, not one per call.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use sha2::{Digest, Sha256};

use super::Known;

/// Tokens in one half. Only tokens with a good signature are remembered, so a stranger cannot fill it.
const HALF: usize = 2048;

/// Two halves: when the young one is full, the old one is forgotten and the young one grows old.
#[derive(Debug, Default)]
pub(super) struct Memory(RwLock<Halves>);

#[derive(Debug, Default)]
struct Halves {
    keys: u64,
    young: HashMap<[u8; 32], Known>,
    old: HashMap<[u8; 32], Known>,
}

impl Memory {
    /// Whose token it is, if it was checked with these keys before.
    pub fn get(&self, token: &str, keys: u64) -> Option<Known> {
        let name = name(token);
        let halves = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (halves.keys == keys).then(|| halves.young.get(&name).or_else(|| halves.old.get(&name)).cloned()).flatten()
    }

    /// Remembers a token that was checked with these keys; what was checked with others is forgotten.
    pub fn keep(&self, token: &str, keys: u64, known: Known) {
        let mut halves = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if halves.keys > keys {
            return;
        }
        if halves.keys < keys {
            *halves = Halves { keys, ..Halves::default() };
        }
        if halves.young.len() >= HALF {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(name(token), known);
    }
}

fn name(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Actor;

    #[test]
    fn it_is_bounded_and_forgets_with_the_keys() {
        let memory = Memory::default();
        let known =
            || Known { actor: Arc::new(Actor::new("anna", &["finance"])), customer: None, until: None, issued: None };
        for number in 0..HALF * 3 {
            memory.keep(&number.to_string(), 1, known());
        }
        let halves = memory.0.read().unwrap();
        assert!(halves.young.len() + halves.old.len() <= 2 * HALF);
        drop(halves);
        let last = (HALF * 3 - 1).to_string();
        assert!(memory.get(&last, 1).is_some());
        assert!(memory.get(&last, 2).is_none(), "other keys: it must be checked again");
        memory.keep("new", 2, known());
        assert!(memory.get(&last, 1).is_none());
    }
}
