//! Crash points and seeded bugs, for the fault tests. Without the feature `faults` all of it compiles to nothing.
//!
//! A crash point is a place between two effects. `REDRESS_CRASH_POINT=relay.acked:3` ends the process there, at the
//! third time; `REDRESS_CRASH_COVERAGE=<file>` gathers the names of all points that were passed.
//! `REDRESS_BUG=<name>` plants a known mistake of the engine where it meets the world, which the checker of the fault tests
//! must find; mistakes of services are planted by the tests (`tests/faults/src/spoiled.rs`).

/// A place between two effects.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn point(_name: &'static str) {}

/// Whether a mistake is planted.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn bug(_name: &'static str) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use planted::{bug, point};

#[cfg(feature = "faults")]
mod planted {
    use std::collections::HashSet;
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{LazyLock, Mutex};

    static TARGET: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("REDRESS_CRASH_POINT").ok()?;
        let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), times.parse().unwrap_or(1)))
    });
    static COVERAGE: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("REDRESS_CRASH_COVERAGE").ok());
    static BUG: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("REDRESS_BUG").ok());
    static PASSED: AtomicU32 = AtomicU32::new(0);
    static SEEN: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

    /// A place between two effects: the process may end here.
    pub fn point(name: &'static str) {
        cover(name);
        if let Some((target, times)) = TARGET.as_ref()
            && target == name
            && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *times
        {
            std::process::abort();
        }
    }

    fn cover(name: &'static str) {
        let Some(file) = COVERAGE.as_ref() else { return };
        let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !seen.insert(name) {
            return;
        }
        // One short line by one write: several processes share the file.
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
        if let Err(error) = opened.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes())) {
            tracing::error!(%error, "the coverage of crash points cannot be written");
        }
    }

    /// Whether a mistake is planted.
    pub fn bug(name: &'static str) -> bool {
        BUG.as_deref() == Some(name)
    }
}
