//! Personal data as a type: it can be stored and handed out, but not printed by accident.

use std::fmt;

/// Personal data, or free words that may hold some. Its `Debug` shows nothing, and it has no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the database and for those who asked for it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?} {:#?}", Pii::new("Ada"), Some(Pii::new("Ada".to_owned()))), "*** Some(\n    ***,\n)");
    }
}
