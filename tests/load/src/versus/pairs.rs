//! Pairs of measurements and their ratios.

use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

/// What was measured of one build in one turn.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Figures {
    /// Claims a second that were closed.
    pub claims_per_s: f64,
    /// CPU in milliseconds for each claim: services, PostgreSQL and NATS.
    pub cpu_ms_per_claim: f64,
    /// A claim alone, from its submission to its end: the median in milliseconds.
    pub alone_ms: f64,
    /// What is wrong; a comparison with any has failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Both builds, one directly after the other.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pair {
    /// This build.
    pub new: Figures,
    /// The build compared with.
    pub other: Figures,
}

/// The least, the middle and the most of the ratios new / other of all pairs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// Of some ratios; none of none, and of ratios that are no numbers.
    pub fn of(mut ratios: Vec<f64>) -> Option<Self> {
        ratios.retain(|ratio| ratio.is_finite());
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.len() / 2;
        let (min, max) = (*ratios.first()?, *ratios.last()?);
        let median = if ratios.len().is_multiple_of(2) {
            f64::midpoint(ratios[middle - 1], ratios[middle])
        } else {
            ratios[middle]
        };
        Some(Self { min, median, max })
    }
}

/// The ratios of each figure, new / other.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Ratios {
    /// Above 1: the new build closes more.
    pub claims_per_s: Option<Spread>,
    /// Below 1: the new build needs less.
    pub cpu_ms_per_claim: Option<Spread>,
    /// Below 1: the new build is quicker.
    pub alone_ms: Option<Spread>,
}

/// What two builds do in turn.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Comparison {
    /// Program of this build.
    pub new: PathBuf,
    /// Program of the other build.
    pub other: PathBuf,
    /// Claims in flight.
    pub flights: usize,
    /// The pairs, in the order they were measured.
    pub pairs: Vec<Pair>,
    /// Their ratios.
    pub ratios: Ratios,
}

impl Comparison {
    /// Nothing is measured yet.
    pub fn new(new: &Path, other: &Path, flights: usize) -> Self {
        let (new, other) = (new.to_owned(), other.to_owned());
        Self { new, other, flights, pairs: Vec::new(), ratios: Ratios::default() }
    }

    /// Adds a pair; says what it is.
    pub fn add(&mut self, new: Figures, other: Figures) -> String {
        let told = format!(
            "pair {}: {:.1} against {:.1} claims/s = {:.3}",
            self.pairs.len() + 1,
            new.claims_per_s,
            other.claims_per_s,
            new.claims_per_s / other.claims_per_s
        );
        self.pairs.push(Pair { new, other });
        let of = |figure: fn(&Figures) -> f64| {
            Spread::of(self.pairs.iter().map(|pair| figure(&pair.new) / figure(&pair.other)).collect())
        };
        self.ratios = Ratios {
            claims_per_s: of(|it| it.claims_per_s),
            cpu_ms_per_claim: of(|it| it.cpu_ms_per_claim),
            alone_ms: of(|it| it.alone_ms),
        };
        told
    }

    /// Everything that is wrong, with the build it concerns.
    pub fn problems(&self) -> Vec<String> {
        let sides = self.pairs.iter().flat_map(|pair| [("new", &pair.new), ("other", &pair.other)]);
        sides.flat_map(|(name, it)| it.problems.iter().map(move |what| format!("{name}: {what}"))).collect()
    }

    /// One object.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the comparison is plain data")
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(["pair", "claims/s new", "other", "ratio", "CPU ms new", "other", "alone ms new", "other"]);
        for (at, Pair { new, other }) in self.pairs.iter().enumerate() {
            table.add_row([
                (at + 1).to_string(),
                format!("{:.1}", new.claims_per_s),
                format!("{:.1}", other.claims_per_s),
                format!("{:.3}", new.claims_per_s / other.claims_per_s),
                format!("{:.2}", new.cpu_ms_per_claim),
                format!("{:.2}", other.cpu_ms_per_claim),
                format!("{:.1}", new.alone_ms),
                format!("{:.1}", other.alone_ms),
            ]);
        }
        let row = |name: &str, spread: Option<Spread>| match spread {
            Some(Spread { min, median, max }) => format!("{name}: min {min:.3}, median {median:.3}, max {max:.3}\n"),
            None => format!("{name}: nothing to compare\n"),
        };
        let Ratios { claims_per_s, cpu_ms_per_claim, alone_ms } = self.ratios;
        format!(
            "{table}\nnew / other, {} pairs, {} claims in flight\n{}{}{}",
            self.pairs.len(),
            self.flights,
            row("claims a second", claims_per_s),
            row("CPU of a claim", cpu_ms_per_claim),
            row("a claim alone", alone_ms),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(claims_per_s: f64, cpu_ms_per_claim: f64) -> Figures {
        Figures { claims_per_s, cpu_ms_per_claim, alone_ms: 10.0, problems: Vec::new() }
    }

    #[test]
    fn the_middle_is_of_the_ratios_and_not_of_the_figures() {
        let mut found = Comparison::new(Path::new("a"), Path::new("b"), 64);
        // The machine is twice as fast for the second pair: the ratio does not see it.
        for (new, other) in [(90.0, 100.0), (200.0, 200.0), (110.0, 100.0)] {
            found.add(figures(new, 5.0), figures(other, 4.0));
        }
        assert_eq!(found.ratios.claims_per_s, Some(Spread { min: 0.9, median: 1.0, max: 1.1 }));
        assert_eq!(found.ratios.cpu_ms_per_claim, Some(Spread { min: 1.25, median: 1.25, max: 1.25 }));
        let table = found.table();
        assert!(table.contains("claims a second: min 0.900, median 1.000, max 1.100"), "{table}");
        let again: Comparison = serde_json::from_str(&found.json()).unwrap();
        assert_eq!((again.pairs.len(), again.ratios.claims_per_s), (3, found.ratios.claims_per_s));
    }

    #[test]
    fn an_even_number_has_the_mean_of_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(spread, Spread { min: 1.0, median: 2.5, max: 4.0 });
        assert_eq!(Spread::of(vec![7.0]), Some(Spread { min: 7.0, median: 7.0, max: 7.0 }));
    }

    #[test]
    fn what_cannot_be_divided_is_left_out() {
        assert_eq!(Spread::of(vec![f64::INFINITY, f64::NAN]), None);
        assert_eq!(Spread::of(Vec::new()), None);
        let mut found = Comparison::new(Path::new("a"), Path::new("b"), 1);
        found.add(figures(0.0, 1.0), figures(0.0, 1.0));
        assert!(found.table().contains("claims a second: nothing to compare"));
    }

    #[test]
    fn what_is_wrong_says_of_which_build() {
        let mut found = Comparison::new(Path::new("a"), Path::new("b"), 1);
        let wrong = Figures { problems: vec!["it lost a claim".to_owned()], ..figures(1.0, 1.0) };
        found.add(figures(1.0, 1.0), wrong);
        assert_eq!(found.problems(), ["other: it lost a claim"]);
    }
}
