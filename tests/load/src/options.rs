//! What is asked for on the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};

/// Measures Redress under load, beside what naked PostgreSQL does on the same machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "load", version)]
pub struct Options {
    /// A point to measure, as closed:64 (claims in flight), open:50% (of the peak) or open:120 (claims a second). May
    /// be repeated. Without any: closed with 1, 16, 64 and 256 claims in flight, open with 25, 50 and 75 %.
    #[arg(long = "point", value_name = "POINT")]
    pub points: Vec<Point>,
    /// Seconds measured at each point, after a fifth of it to warm up.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Runs, each on servers of its own: the middle of each figure is told.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=25))]
    pub runs: u32,
    /// Compares with another build, the release programs of the checkout or in the folder that is named: both in turn, on
    /// installations of their own, pair by pair. The ratios new / other of claims a second, CPU of a claim and a claim
    /// alone are told with their least, middle and most. Takes one `--point closed:N`, or 64 claims in flight.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["growth", "runs", "quick", "plot", "profile", "in_process"])]
    pub against: Option<PathBuf>,
    /// Pairs that `--against` measures; a pair takes some 20 seconds longer than twice `--seconds`.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub pairs: u32,
    /// One short run, to see that everything works. Its figures mean nothing.
    #[arg(long)]
    pub quick: bool,
    /// What grows or breaks: measured instead of the points, unless points are given too. May be repeated.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub growth: Vec<Growth>,
    /// What is written to standard output; progress goes to standard error.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Writes a plot of throughput and latency over load.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// Writes a flame graph of the services and servers at the last closed point; needs perf.
    #[arg(long, value_name = "FILE.svg")]
    pub profile: Option<PathBuf>,
    /// Stock-keeping units that the claims are about.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub skus: u32,
    /// Order lines that the claims are about, in turn.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub lines: u32,
    /// Closed claims that are loaded for `--growth closed-claims`.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub closed_claims: u64,
    /// Deadlines that fall into one second for `--growth deadlines`.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub deadlines: u32,
    /// Seconds that the snapshot (180), outage (60) or overload (60) lasts.
    #[arg(long)]
    pub hold: Option<u64>,
    /// The orchestrator writes the feed, too: public events, many in one message.
    #[arg(long)]
    pub feed: bool,
    /// The carrier tells of each parcel that it is under way, and then that it is delivered; without, only the latter.
    #[arg(long)]
    pub in_transit: bool,
    /// Measures B6 with the driver of this program even if pgbench is there.
    #[arg(long)]
    pub own_baseline: bool,
    /// The six services in this process: for the test of this program.
    #[arg(long, hide = true)]
    pub in_process: bool,
    /// The program `redress`; without: the one beside this program.
    #[arg(long)]
    pub program: Option<PathBuf>,
}

/// What is written to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Table,
    /// One object.
    Json,
}

/// What grows or breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Growth {
    /// An empty store against one with a million closed claims.
    ClosedClaims,
    /// One hot SKU against 10,000.
    HotSku,
    /// 50 and 10 subscribers of the public stream, and 50 of the feed, against 1.
    Subscribers,
    /// A foreign REPEATABLE READ snapshot that is held.
    Snapshot,
    /// 10,000 deadlines in one second.
    Deadlines,
    /// The broker is away at 50 % load, and what has waited is caught up.
    Outage,
    /// Three times the peak.
    Overload,
}

/// One point of load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// So many claims in flight; the next begins when one has ended.
    Closed(usize),
    /// Claims arrive by schedule, whatever happens to the others: percent of the peak.
    OpenPercent(u32),
    /// The same, in claims a second.
    OpenRate(f64),
}

impl Point {
    /// What is measured when nothing is said.
    pub const ALL: [Self; 7] = [
        Self::Closed(1),
        Self::Closed(16),
        Self::Closed(64),
        Self::Closed(256),
        Self::OpenPercent(25),
        Self::OpenPercent(50),
        Self::OpenPercent(75),
    ];

    /// Whether the load waits for the claims.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(flights) => write!(f, "closed:{flights}"),
            Self::OpenPercent(percent) => write!(f, "open:{percent}%"),
            Self::OpenRate(rate) => write!(f, "open:{rate}"),
        }
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a point: say closed:64, open:50% or open:120");
        let (kind, load) = text.split_once(':').ok_or_else(wrong)?;
        let point = match (kind, load.strip_suffix('%')) {
            ("closed", None) => load.parse().ok().filter(|n| (1..=10_000).contains(n)).map(Self::Closed),
            ("open", Some(share)) => share.parse().ok().filter(|n| (1..=1_000).contains(n)).map(Self::OpenPercent),
            ("open", None) => load.parse().ok().filter(|rate| (0.1..=100_000.0).contains(rate)).map(Self::OpenRate),
            _ => None,
        };
        point.ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_text_and_back() {
        for point in Point::ALL.into_iter().chain([Point::OpenRate(120.5)]) {
            assert_eq!(point.to_string().parse::<Point>(), Ok(point));
        }
    }

    #[test]
    fn what_is_no_point_is_refused() {
        for text in ["", "closed", "closed:0", "closed:5%", "open:0", "open:NaN", "open:-1", "half:1"] {
            assert!(text.parse::<Point>().is_err(), "{text:?} was taken");
        }
    }
}
