//! Waits that differ between processes: what fails together must not come again together (P41).

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Between half of a time and the whole of it.
#[must_use]
pub fn jittered(longest: Duration) -> Duration {
    // Every new state of this hasher has a key of its own: chance enough for a wait.
    let chance = RandomState::new().build_hasher().finish() % 1024;
    let half = longest / 2;
    half + half.mul_f64(f64::from(u32::try_from(chance).unwrap_or(0)) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_in_their_half() {
        let longest = Duration::from_secs(2);
        let waits: Vec<_> = (0..100).map(|_| jittered(longest)).collect();
        assert!(waits.iter().all(|wait| (longest / 2..=longest).contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
