//! Personal data as a type: it can be sealed and handed out, but not printed or saved by accident (G23, S23).

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Personal data, or free words that may hold some. It prints as `***`, serde does not know it, and it is wiped from
/// memory when it goes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pii<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Pii<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value. `why` says to the reader of the code what becomes of it; a search for `expose(` finds every place where
    /// personal data comes into the open.
    pub fn expose(&self, _why: &'static str) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s23_it_does_not_print() {
        let ada = Pii::new("Ada".to_owned());
        assert_eq!(format!("{ada} {ada:?} {:#?}", Some(&ada)), "*** *** Some(\n    ***,\n)");
        assert_eq!(format!("{ada:>9}"), "***");
        assert_eq!(ada.expose("a test"), "Ada");
    }
}
