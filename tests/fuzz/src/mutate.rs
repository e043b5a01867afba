//! What is made of a good input: the same for the same seed, on every machine.

/// Longest input.
const BYTES_MAX: usize = 64 * 1024;
/// Bytes and words that readers stumble over.
const WORDS: [&[u8]; 16] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"-1",
    b"0",
    b"9223372036854775808",
    b"1e999",
    b"NaN",
    b"\n",
    b"\r\n",
    b"\"",
    b",",
    b"\xed\xa0\x80",
    "\u{202e}é".as_bytes(),
    b"{{[[",
];

/// A source of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that roll the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// One input, made of the good ones by one to eight changes.
pub fn mutated(good: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = good[dice.below(good.len())].clone();
    for _ in 0..=dice.below(8) {
        change(&mut input, good, dice);
        input.truncate(BYTES_MAX);
    }
    input
}

fn change(input: &mut Vec<u8>, good: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(input.len());
    let some = at..(at + dice.below(32)).min(input.len());
    match dice.below(9) {
        0 if !input.is_empty() => input[at] ^= 1 << dice.below(8),
        1 if !input.is_empty() => input[at] = u8::try_from(dice.below(256)).unwrap_or(0),
        2 => drop(input.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
        3 => drop(input.splice(some, WORDS[dice.below(WORDS.len())].iter().copied())),
        4 => drop(input.drain(some)),
        5 => {
            let again = input[some].to_vec();
            let times = 1 + dice.below(64);
            drop(input.splice(at..at, again.repeat(times)));
        }
        6 => {
            // The rest of another one.
            let other = &good[dice.below(good.len())];
            input.truncate(at);
            input.extend(&other[dice.below(other.len())..]);
        }
        7 if dice.below(16) == 0 => input.truncate(at),
        _ => {
            let to = dice.below(input.len());
            if !input.is_empty() {
                input.swap(at, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_run() {
        let good = vec![b"one and two".to_vec(), Vec::new(), b"three".to_vec()];
        let run = |seed| {
            let mut dice = Dice::new(seed);
            (0..2_000).map(|_| mutated(&good, &mut dice)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(3).iter().all(|input| input.len() <= BYTES_MAX));
    }
}
