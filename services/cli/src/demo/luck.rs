//! What chance decides in the outside world: by a seed and by what was returned, so that every run is the same.

use sha2::{Digest, Sha256};

/// What was returned: what a real carrier, warehouse or customer knows of a claim.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Goods {
    /// Customer reference.
    pub customer: String,
    /// Stock-keeping unit.
    pub sku: String,
    /// Units.
    pub quantity: u32,
}

/// A number from 0 to below `of`, for one question about some goods.
pub fn draw(seed: u64, question: &str, goods: &Goods, of: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    for part in [question, &goods.customer, &goods.sku, &goods.quantity.to_string()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first) % of
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_every_time_and_differs_by_question() {
        let goods = |quantity| Goods { customer: "17924".to_owned(), sku: "35004B".to_owned(), quantity };
        assert_eq!(draw(1, "answer", &goods(2), 1 << 40), draw(1, "answer", &goods(2), 1 << 40));
        assert_ne!(draw(1, "answer", &goods(2), 1 << 40), draw(2, "answer", &goods(2), 1 << 40));
        assert_ne!(draw(1, "answer", &goods(2), 1 << 40), draw(1, "count", &goods(2), 1 << 40));
        assert_ne!(draw(1, "answer", &goods(2), 1 << 40), draw(1, "answer", &goods(3), 1 << 40));
    }
}
