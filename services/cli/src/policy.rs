//! `redress policy`: what a policy pack says, before anybody starts with it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use proto::policy::{Pack, PolicyError, Said};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::money;
use crate::output::{self, Output, table};

/// Look at a policy pack.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Policy {
    /// Read packs as a service does at its start, and tell all that is wrong with its file and line.
    Check {
        /// The packs.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Read and check a pack, and say what stands out in it: rules of four eyes that are lowered, sums up to which nobody is
    /// asked, who reads personal data, and how long what is over is kept.
    Show {
        /// The pack; without it the shipped one.
        file: Option<PathBuf>,
        /// Every value instead, with the file and line that said it: the pack, or one that it extends.
        #[arg(long)]
        all: bool,
    },
    /// Tell in which values two packs differ, each with all that it extends.
    Diff {
        /// The one pack.
        from: PathBuf,
        /// The other one.
        to: PathBuf,
    },
}

/// Runs it.
pub fn run(command: &Policy, output: Output) -> Result<()> {
    match command {
        Policy::Check { files } => check(files, output),
        Policy::Show { file, all: true } => show_all(file.as_deref(), output),
        Policy::Show { file, all: false } => show(file.as_deref(), output),
        Policy::Diff { from, to } => diff(from, to, output),
    }
}

fn bad(error: &PolicyError) -> Failure {
    Failure::Malformed(error.to_string())
}

fn check(files: &[PathBuf], output: Output) -> Result<()> {
    let mut wrong = Vec::new();
    for file in files {
        let pack = Pack::load(Some(file));
        if output.is_json() {
            let problems = pack.as_ref().err().map_or(&[][..], |error| &error.problems);
            let problem = |it: &proto::policy::Problem| json!({"file": it.file, "line": it.line, "reason": it.reason});
            output::json(&json!({
                "file": file.display().to_string(),
                "policy": pack.as_ref().ok().map(Pack::label),
                "problems": problems.iter().map(problem).collect::<Vec<_>>(),
            }))?;
        }
        match pack {
            Ok(pack) => {
                output.tell(format!("{}: {}, in force from {}", file.display(), pack.label(), pack.effective_from))?
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Malformed(wrong.join("\n")).into()) }
}

/// Every value of a pack that is right.
fn said(file: Option<&Path>) -> Result<Vec<Said>> {
    Pack::load(file).map_err(|error| bad(&error))?;
    Ok(Pack::said(file).map_err(|error| bad(&error))?)
}

fn show_all(file: Option<&Path>, output: Output) -> Result<()> {
    let said = said(file)?;
    if output.is_json() {
        let value = |it: &Said| json!({"key": it.key, "value": it.value, "file": it.file, "line": it.line});
        return output::json(&said.iter().map(value).collect::<Vec<_>>());
    }
    let mut table = table(["key", "value", "said by"]);
    for it in said {
        table.add_row([it.key, it.value.to_string(), format!("{}:{}", it.file, it.line)]);
    }
    output::line(table)
}

fn diff(from: &Path, to: &Path, output: Output) -> Result<()> {
    let values = |file| -> Result<BTreeMap<String, Value>> {
        said(Some(file))?.into_iter().map(|it| Ok((it.key, serde_json::to_value(it.value)?))).collect()
    };
    let (from, to) = (values(from)?, values(to)?);
    let keys: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let differ: Vec<&String> = keys.into_iter().filter(|key| from.get(*key) != to.get(*key)).collect();
    if output.is_json() {
        let row = |key: &&String| json!({"key": key, "from": from.get(*key), "to": to.get(*key)});
        return output::json(&differ.iter().map(row).collect::<Vec<_>>());
    }
    let mut table = table(["key", "from", "to"]);
    let cell = |value: Option<&Value>| value.map_or_else(|| "-".to_owned(), Value::to_string);
    for key in differ {
        table.add_row([key.clone(), cell(from.get(key)), cell(to.get(key))]);
    }
    output::line(table)
}

fn show(file: Option<&Path>, output: Output) -> Result<()> {
    let pack = Pack::load(file).map_err(|error| bad(&error))?;
    let lowered = pack.four_eyes.lowered();
    let pairs = pack.four_eyes.exclusive_roles.iter().map(|[one, other]| format!("{one} and {other}"));
    let pairs: Vec<String> = pairs.collect();
    let sums = pack.orchestrator.sums;
    if output.is_json() {
        return output::json(&json!({
            "policy": pack.label(),
            "effective_from": pack.effective_from.to_string(),
            "currency": pack.currency,
            "time_zone": pack.time_zone().iana_name(),
            "four_eyes_lowered": lowered,
            "exclusive_roles": pairs,
            "reads_per_hour": pack.contacts.reads_per_hour,
            "system_reads_per_hour": pack.contacts.system_reads_per_hour,
            "retention": pack.retention.told().into_iter().collect::<BTreeMap<_, _>>(),
            "readers": pack.contacts.told().into_iter().collect::<BTreeMap<_, _>>(),
            "sums": {
                "order_max": sums.order_max,
                "customer_days": sums.customer_days,
                "customer_max": sums.customer_max,
                "person_day_max": sums.person_day_max,
                "denied_days": sums.denied_days,
            },
        }));
    }
    let mut table = table(["what", "as the pack says"]);
    let none = |all: String, none: &str| if all.is_empty() { none.to_owned() } else { all };
    table.add_row(["policy", &pack.label()]);
    table.add_row(["in force from", &pack.effective_from.to_string()]);
    table.add_row(["currency", &pack.currency]);
    table.add_row(["time zone", pack.time_zone().iana_name().unwrap_or("")]);
    table.add_row(["rules of four eyes that are lowered", &none(lowered.join(", "), "none")]);
    table.add_row(["roles that exclude each other", &none(pairs.join("; "), "none")]);
    let reads = (pack.contacts.reads_per_hour, pack.contacts.system_reads_per_hour);
    table.add_row(["reads of personal data in an hour", &format!("{} of a person, {} of a system", reads.0, reads.1)]);
    for (role, reads) in pack.contacts.told() {
        table.add_row([format!("{role} reads"), reads]);
    }
    for (what, days) in pack.retention.told() {
        table.add_row([format!("{} kept after the end", what.trim_end_matches("_days")), format!("{days} days")]);
    }
    table.add_row(["journal and audit rows", "kept: they have no personal data"]);
    let money = |minor_units| money::amount(minor_units, &pack.currency);
    table.add_row(["for one order without a person", &money(sums.order_max)]);
    let days = sums.customer_days;
    table.add_row([&format!("for a customer in {days} days without a person"), &money(sums.customer_max)]);
    table.add_row(["by one person on a day alone", &money(sums.person_day_max)]);
    table.add_row(["what was denied is remembered", &format!("{} days", sums.denied_days)]);
    output::line(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn shipped(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies").join(name)
    }

    fn show(file: Option<PathBuf>, all: bool, output: Output) -> Result<()> {
        run(&Policy::Show { file, all }, output)
    }

    #[test]
    fn a_pack_is_shown_and_a_bad_one_is_told_with_its_line() {
        for output in [Output::Table, Output::Json] {
            show(None, false, output).unwrap();
            show(Some(shipped("tile-warehouse.toml")), true, output).unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), proto::policy::SUPPLY_CHAIN.replacen("payment = true", "payment = 1", 1)).unwrap();
        for all in [false, true] {
            let error = show(Some(file.path().to_owned()), all, Output::Json).unwrap_err();
            assert!(error.to_string().contains(":25: "), "{error}");
        }
    }

    #[test]
    fn all_files_are_checked_and_all_problems_told() {
        let good = [shipped("supply-chain.toml"), shipped("tile-warehouse.toml")];
        let folder = tempfile::tempdir().unwrap();
        let head = "name = \"acme\"\nversion = 2\neffective_from = \"2026-05-01\"\nextends = \"supply-chain\"\n";
        let one = folder.path().join("one.toml");
        std::fs::write(&one, format!("{head}[inventory]\nhold_s = 0\n[logistics]\nlate_days = 0\n")).unwrap();
        let other = folder.path().join("other.toml");
        std::fs::write(&other, format!("{head}[logistics\n")).unwrap();
        for output in [Output::Table, Output::Json] {
            run(&Policy::Check { files: good.to_vec() }, output).unwrap();
            let files = vec![one.clone(), good[0].clone(), other.clone(), folder.path().join("none.toml")];
            let error = run(&Policy::Check { files }, output).unwrap_err();
            assert_eq!(exit::code(&error), 4);
            let told = error.to_string();
            for place in ["one.toml:6: ", "one.toml:8: ", "other.toml:5: ", "none.toml:0: "] {
                assert!(told.contains(place), "{told}");
            }
        }
    }

    #[test]
    fn two_packs_are_compared() {
        for output in [Output::Table, Output::Json] {
            let (from, to) = (shipped("supply-chain.toml"), shipped("tile-warehouse.toml"));
            run(&Policy::Diff { from, to }, output).unwrap();
        }
        let (from, to) = (shipped("supply-chain.toml"), shipped("none.toml"));
        assert_eq!(exit::code(&run(&Policy::Diff { from, to }, Output::Json).unwrap_err()), 4);
    }
}
