//! Tests of dated versions: which one is in force, and which folders are refused.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::policy::SUPPLY_CHAIN;

/// A folder that is gone at the end of a test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn folder(name: &str, files: &[(&str, String)]) -> Folder {
    let folder = std::env::temp_dir().join(format!("redress-dated-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        std::fs::write(folder.join(file), text).unwrap();
    }
    Folder(folder)
}

fn first() -> (&'static str, String) {
    ("supply-chain.toml", SUPPLY_CHAIN.to_owned())
}

fn version(number: u32, from: &str, extends: &str, more: &str) -> String {
    format!(
        "name = \"supply-chain\"\nversion = {number}\neffective_from = \"{from}\"\nextends = \"{extends}\"\n{more}\n"
    )
}

fn refused(name: &str, files: &[(&str, String)]) -> Vec<String> {
    let folder = folder(name, files);
    let problems = Packs::load(Some(&folder.0), None).unwrap_err().problems;
    let told = |it: crate::policy::Problem| {
        let file = PathBuf::from(it.file);
        format!("{}:{}: {}", file.file_name().unwrap().to_string_lossy(), it.line, it.reason)
    };
    problems.into_iter().map(told).collect()
}

#[test]
fn a_version_says_what_differs_from_the_one_before_it() {
    let two = version(2, "2026-07-01", "supply-chain@1", "[triage]\nvalue_high = 77_000");
    let three = version(3, "2027-01-01", "supply-chain@2", "[triage]\ncollect_from = 9");
    let folder = folder("extends", &[first(), ("b.toml", two), ("a.toml", three)]);
    let packs = Packs::load(Some(&folder.0), None).unwrap();
    let told: Vec<_> =
        packs.versions().iter().map(|it| (it.number, it.from.to_string(), it.rules.triage.value_high)).collect();
    let high = Pack::load(None).unwrap().triage.value_high;
    assert_eq!(
        told,
        [
            (1, "2026-01-01".to_owned(), high),
            (2, "2026-07-01".to_owned(), 77_000),
            (3, "2027-01-01".to_owned(), 77_000)
        ]
    );
    assert_eq!(packs.of_claim(3).unwrap().triage.collect_from, 9);
}

#[test]
fn of_several_packs_in_a_folder_one_is_named_and_the_others_are_there_to_be_extended() {
    let acme = version(1, "2026-01-01", "supply-chain", "").replacen("\"supply-chain\"", "\"acme\"", 1);
    let folder = folder("several", &[first(), ("acme.toml", acme)]);
    let load = |name| Packs::load(Some(&folder.0), name);
    assert_eq!(load(Some("acme")).unwrap().label(0), "acme@1");
    assert_eq!(load(Some("supply-chain")).unwrap().versions().len(), 1);
    assert!(load(None).unwrap_err().to_string().contains("say which one: acme, supply-chain"));
    assert!(load(Some("other")).unwrap_err().to_string().contains("there is no pack other in this folder"));
}

#[test]
fn versions_that_are_twice_there_overlap_or_are_missing_are_refused_with_file_and_line() {
    let two = |from| version(2, from, "supply-chain@1", "");
    let twice = refused("twice", &[first(), ("two.toml", two("2026-07-01")), ("zwei.toml", two("2026-08-01"))]);
    assert!(twice.len() == 1 && twice[0].starts_with("zwei.toml:2: version: "), "{twice:?}");
    for (name, from) in [("same-day", "2026-01-01"), ("earlier", "2025-12-31")] {
        let overlaps = refused(name, &[first(), ("two.toml", two(from))]);
        assert!(
            overlaps.len() == 1 && overlaps[0].starts_with("two.toml:3: effective_from: must be later"),
            "{overlaps:?}"
        );
    }
    let missing = refused("missing", &[first(), ("three.toml", version(3, "2027-01-01", "supply-chain@1", ""))]);
    assert!(missing.len() == 1 && missing[0].starts_with("three.toml:2: version: version 2 is missing"), "{missing:?}");
}

#[test]
fn all_that_is_wrong_in_a_folder_is_told_at_once() {
    let money =
        version(2, "2026-07-01", "supply-chain@1", "currency = \"CHF\"\n[triage]\ntime_zone = \"Asia/Shanghai\"");
    let range = version(3, "2026-08-01", "supply-chain@1", "[inventory]\nhold_s = 0");
    let wrong = refused("wrong", &[first(), ("two.toml", money), ("three.toml", range)]);
    let places: Vec<&str> = wrong.iter().map(|it| it.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["three.toml:6", "two.toml:5", "two.toml:7"], "{wrong:?}");
    let lost = refused("lost", &[first(), ("two.toml", version(2, "2026-07-01", "supply-chain@7", ""))]);
    assert!(lost[0].starts_with("two.toml:4: extends: no version 7 of supply-chain"), "{lost:?}");
    let circle = refused("circle", &[("two.toml", version(2, "2026-07-01", "supply-chain@2", ""))]);
    assert!(circle[0].starts_with("two.toml:4: extends: a circle"), "{circle:?}");
    assert_eq!(refused("empty", &[]).len(), 1);
    assert!(refused("broken", &[first(), ("odd.toml", "name = ".to_owned())])[0].starts_with("odd.toml:1: "));
}

#[test]
fn a_claim_without_a_version_has_the_oldest_and_an_unknown_one_is_named() {
    let two = version(2, "2026-07-01", "supply-chain@1", "");
    let folder = folder("claim", &[first(), ("two.toml", two)]);
    let packs = Packs::load(Some(&folder.0), None).unwrap();
    assert_eq!([0, 1, 2].map(|number| packs.of_claim(number).unwrap().version), [1, 1, 2]);
    assert_eq!(packs.of_claim(3).unwrap_err().to_string(), "supply-chain@3 is not loaded here");
    assert_eq!([0, 2, 7].map(|number| packs.label(number)), ["supply-chain@1", "supply-chain@2", "supply-chain@7"]);
}

fn dated(zone: &str, days: &[Date]) -> Dated<u32> {
    let versions = (1..).zip(days).map(|(number, from)| (number, *from, number));
    Dated::of("acme", TimeZone::get(zone).unwrap(), versions)
}

#[test]
fn a_version_begins_at_midnight_of_the_companys_zone() {
    let in_force = |zone: &str, day: &str, now: &str| {
        dated(zone, &["2026-01-01".parse().unwrap(), day.parse().unwrap()]).in_force(now.parse().unwrap()).number
    };
    // Winter and summer, east and west of Greenwich, and a night whose clocks go forward at midnight.
    for (zone, day, midnight) in [
        ("Europe/London", "2026-12-01", "2026-12-01T00:00:00Z"),
        ("Europe/London", "2026-07-01", "2026-06-30T23:00:00Z"),
        ("Asia/Shanghai", "2026-07-01", "2026-06-30T16:00:00Z"),
        ("America/New_York", "2026-07-01", "2026-07-01T04:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z"),
    ] {
        let midnight: Timestamp = midnight.parse().unwrap();
        let before = (midnight - jiff::SignedDuration::from_micros(1)).to_string();
        assert_eq!(in_force(zone, day, &before), 1, "{zone}");
        assert_eq!(in_force(zone, day, &midnight.to_string()), 2, "{zone}");
    }
    assert_eq!(in_force("UTC", "2026-07-01", "2025-12-31T23:59:59Z"), 1, "before all of them it is the oldest");
}

proptest! {
    #[test]
    fn the_version_in_force_is_the_newest_that_has_begun(
        steps in prop::collection::vec(1..400i64, 1..6),
        seconds in 1_600_000_000..2_000_000_000i64,
        zone in prop::sample::select(vec!["UTC", "Europe/London", "Asia/Shanghai", "Pacific/Apia", "America/St_Johns"]),
    ) {
        let mut day: Date = "2023-01-01".parse().unwrap();
        let days: Vec<Date> = steps.iter().map(|step| { day += jiff::Span::new().days(*step); day }).collect();
        let (dated, now) = (dated(zone, &days), Timestamp::from_second(seconds).unwrap());
        let today = now.to_zoned(TimeZone::get(zone).unwrap()).date();
        let begun = days.iter().filter(|from| **from <= today).count().max(1);
        prop_assert_eq!(dated.in_force(now).number, u32::try_from(begun).unwrap());
        // Nothing that has been in force comes back.
        prop_assert!(dated.in_force(now + jiff::SignedDuration::from_hours(24)).number >= dated.in_force(now).number);
    }
}
