//! What a lane remembers of the numbers that it has processed, so that it need not ask for them again. It is only ever a
//! guess: whether the number is still the last one is checked by the statement that moves it.

use std::collections::HashMap;

use uuid::Uuid;

/// Places that are remembered at least; at most twice as many.
const LEAST: usize = 4_096;

/// About whom, and who told it.
pub(super) type Place = (Uuid, String);
/// The last number that was processed, and the message that had it.
pub(super) type Last = (i32, Uuid);

/// The last numbers of the places that a lane was busy with last.
#[derive(Default)]
pub(crate) struct Heard {
    young: HashMap<Place, Last>,
    old: HashMap<Place, Last>,
}

impl Heard {
    /// What is remembered of a place.
    pub(super) fn last(&self, place: &Place) -> Option<Last> {
        self.young.get(place).or_else(|| self.old.get(place)).copied()
    }

    /// It is committed that these are the last ones.
    pub(super) fn learn(&mut self, places: impl IntoIterator<Item = (Place, Last)>) {
        self.young.extend(places);
        if self.young.len() > LEAST {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// Whatever is remembered may be wrong.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_known_and_the_oldest_goes() {
        let place = |number: usize| (Uuid::from_u128(number as u128), "intake".to_owned());
        let mut heard = Heard::default();
        for number in 0..3 * LEAST {
            heard.learn([(place(number), (1, Uuid::nil()))]);
        }
        heard.learn([(place(3 * LEAST - 1), (2, Uuid::max()))]);
        assert_eq!(heard.last(&place(3 * LEAST - 1)), Some((2, Uuid::max())));
        assert!((2 * LEAST..3 * LEAST).all(|number| heard.last(&place(number)).is_some()));
        assert_eq!(heard.last(&place(0)), None);
        heard.forget();
        assert_eq!(heard.last(&place(3 * LEAST - 1)), None);
    }
}
