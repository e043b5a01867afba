//! Two builds in turn: this one and the one `--against` names, each on an installation of its own that its own program
//! starts, driven by this driver over the public contract. What a machine does slower or faster from one minute to the next
//! meets both, so the ratio of a pair says more than two runs of a day apart.

mod pairs;
mod side;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::bench::say;
use crate::options::{Options, Point};
use crate::stand;
pub use pairs::{Comparison, Figures, Pair, Spread};
use side::{Ran, Side};

/// Claims in flight when nothing is said.
const FLIGHTS: usize = 64;

/// Measures both builds, pair by pair.
pub async fn run(options: &Options, against: &Path) -> Result<Comparison> {
    let (this, other) = (stand::program(options)?, program(against)?);
    let flights = match options.points.as_slice() {
        [] => FLIGHTS,
        [Point::Closed(flights)] => *flights,
        _ => bail!("--against takes one point, as closed:64"),
    };
    say(&format!("new: {}\nother: {}", this.display(), other.display()));
    let mut found = Comparison::new(&this, &other, flights);
    for pair in 0..options.pairs {
        let (new, other) = measure(&this, &other, options, flights, pair % 2 == 0).await?;
        say(&found.add(new, other));
    }
    Ok(found)
}

/// Both have an installation, fresh for each pair. They are measured in halves, one, the other, the other, the one: what
/// the machine does slower from one half to the next meets both alike. Who is in the middle changes.
async fn measure(
    this: &Path,
    other: &Path,
    options: &Options,
    flights: usize,
    new_first: bool,
) -> Result<(Figures, Figures)> {
    let new = Side::start(this, options).await.context("the new build")?;
    let other = Side::start(other, options).await.context("the other build")?;
    let (first, second) = if new_first { (&new, &other) } else { (&other, &new) };
    let half = Duration::from_secs(options.seconds) / 2;
    let alone = (first.alone().await?, second.alone().await?);
    let outer = first.loaded(flights, half).await?;
    let inner = second.loaded(flights, half).await?.and(second.loaded(flights, half).await?);
    let outer = outer.and(first.loaded(flights, half).await?);
    let figures = |ran: &Ran, alone_ms, problems| Figures {
        claims_per_s: ran.claims_per_s(),
        cpu_ms_per_claim: ran.cpu_ms_per_claim(),
        alone_ms,
        problems,
    };
    let (new_ran, other_ran) = if new_first { (&outer, &inner) } else { (&inner, &outer) };
    let (new_alone, other_alone) = if new_first { alone } else { (alone.1, alone.0) };
    let other = figures(other_ran, other_alone, other.stop().await?);
    Ok((figures(new_ran, new_alone, new.stop().await?), other))
}

/// The program of another build: a checkout, a folder with programs, or the program itself.
fn program(against: &Path) -> Result<PathBuf> {
    let places = [against.join("target/release/redress"), against.join("redress"), against.to_owned()];
    let found = places.iter().find(|place| place.is_file());
    let found = found.with_context(|| {
        format!("{} has no target/release/redress: run `cargo build --release --package cli` there", against.display())
    })?;
    Ok(found.canonicalize()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_a_folder_and_a_program_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let told = program(folder.path()).unwrap_err().to_string();
        assert!(told.contains("cargo build --release"), "{told}");
        let bare = folder.path().join("redress");
        std::fs::write(&bare, "").unwrap();
        assert_eq!(program(&bare).unwrap(), bare.canonicalize().unwrap());
        assert_eq!(program(folder.path()).unwrap(), bare.canonicalize().unwrap());
        let built = folder.path().join("target/release");
        std::fs::create_dir_all(&built).unwrap();
        std::fs::write(built.join("redress"), "").unwrap();
        assert_eq!(program(folder.path()).unwrap(), built.join("redress").canonicalize().unwrap());
    }
}
