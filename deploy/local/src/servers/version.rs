//! Versions as the programs print them, and the oldest ones we accept.
//!
//! The floors are not taste: an older NATS server accepts every request and silently does
//! something else, so it must be refused before the first message.

use std::fmt;

/// `major.minor.patch`; what is missing counts as 0, what follows (`-RC.1`, `beta2`) is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    numbers: [u32; 3],
    /// How many of the numbers were there, so that `15.18` is not shown as `15.18.0`.
    shown: usize,
}

pub(super) const POSTGRES_FLOOR: Version = Version::new([15, 0, 0], 1);
pub(super) const NATS_FLOOR: Version = Version::new([2, 14, 3], 3);

impl Version {
    const fn new(numbers: [u32; 3], shown: usize) -> Version {
        Version { numbers, shown }
    }

    /// Reads the first word that starts like a version in what `--version` printed.
    pub(super) fn parse(text: &str) -> Option<Version> {
        text.split_whitespace().find_map(|word| {
            let word = word.strip_prefix('v').unwrap_or(word);
            let mut numbers = [0; 3];
            let mut shown = 0;
            for part in word.split('.').take(3) {
                let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let Ok(number) = part[..digits].parse() else {
                    break;
                };
                numbers[shown] = number;
                shown += 1;
                if digits < part.len() {
                    break;
                }
            }
            (shown > 0).then_some(Version { numbers, shown })
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = self.numbers[..self.shown].iter().map(u32::to_string);
        f.write_str(&numbers.collect::<Vec<_>>().join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Version::parse(text).map(|version| version.to_string()).unwrap_or_default()
    }

    #[test]
    fn reads_what_the_programs_print() {
        assert_eq!(shown("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), "15.18");
        assert_eq!(shown("postgres (PostgreSQL) 16.2"), "16.2");
        assert_eq!(shown("postgres (PostgreSQL) 19beta2"), "19");
        assert_eq!(shown("nats-server: v2.15.1\n"), "2.15.1");
        assert_eq!(shown("nats-server: v2.12.0-RC.1"), "2.12.0");
        assert_eq!(shown("command not found"), "");
    }

    #[test]
    fn compares_by_number() {
        let version = |text| Version::parse(text).expect("a version");
        assert!(version("v2.9.10") < NATS_FLOOR);
        assert!(version("v2.14.2") < NATS_FLOOR);
        assert!(version("v2.14.3") >= NATS_FLOOR);
        assert!(version("14.9") < POSTGRES_FLOOR);
        assert!(version("15.0") >= POSTGRES_FLOOR);
    }
}
