//! Chance, as a function of seed, claim and question: whoever asks again gets the same answer, in whatever order.

use uuid::Builder;

use crate::random::Random;

/// The dice of a run.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    run: String,
}

impl Dice {
    /// Dice of a seed. `run` keeps the names of two runs on one stack apart; it decides nothing.
    pub fn new(seed: u64, run: String) -> Self {
        Self { seed, run }
    }

    /// What the names of this run end with: lower-case letters and digits.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Chance for one question about one claim.
    pub fn about(&self, claim: u64, question: &str) -> Random {
        Random::new(mixed(&[&self.seed.to_string(), &claim.to_string(), question]))
    }

    /// Whether something with this chance in a hundred happens to a claim.
    pub fn percent(&self, claim: u64, question: &str, percent: u32) -> bool {
        self.about(claim, question).percent(percent)
    }

    /// A request id: the same for the same act of the same run.
    pub fn request_id(&self, parts: &[&str]) -> String {
        let seed = self.seed.to_string();
        let half = |salt: &str| {
            let mut all = vec![salt, &seed, &self.run];
            all.extend(parts);
            mixed(&all).to_be_bytes()
        };
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&half("left"));
        bytes[8..].copy_from_slice(&half("right"));
        Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

/// FNV-1a over the parts, then spread over all bits.
fn mixed(parts: &[&str]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    Random::new(hash).number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_for_the_same_question_only() {
        let dice = |seed, run: &str| Dice::new(seed, run.to_owned());
        let draw = |dice: &Dice, claim, question| dice.about(claim, question).number();
        assert_eq!(draw(&dice(1, "a"), 7, "judge"), draw(&dice(1, "b"), 7, "judge"));
        assert_ne!(draw(&dice(1, "a"), 7, "judge"), draw(&dice(2, "a"), 7, "judge"));
        assert_ne!(draw(&dice(1, "a"), 7, "judge"), draw(&dice(1, "a"), 8, "judge"));
        assert_ne!(draw(&dice(1, "a"), 7, "judge"), draw(&dice(1, "a"), 7, "count"));
        assert_ne!(dice(1, "a").request_id(&["x"]), dice(1, "b").request_id(&["x"]));
        assert_eq!(dice(1, "a").request_id(&["x"]), dice(1, "a").request_id(&["x"]));
    }
}
