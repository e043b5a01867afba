//! `redress policy`: what a policy pack says, before anybody starts with it.

mod list;
mod show;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;
use proto::policy::{Pack, Packs, PolicyError, Said, read_folder};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::output::{self, Output, table};

/// Look at a policy pack.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Policy {
    /// Read packs as a service does at its start, and tell all that is wrong with its file and line.
    Check {
        /// The packs; of a folder all packs in it, each with all its versions.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Tell which versions of which packs are in a folder, from when on, and which one is in force today.
    List {
        /// The folder.
        folder: PathBuf,
        /// In force on this day instead, YYYY-MM-DD.
        #[arg(long)]
        on: Option<jiff::civil::Date>,
    },
    /// Read and check a pack, and say what stands out in it: rules of four eyes that are lowered, sums up to which nobody is
    /// asked, who reads personal data, and how long what is over is kept.
    Show {
        /// The pack, or a folder; without it the shipped one.
        file: Option<PathBuf>,
        /// The pack in the folder, if it has several.
        #[arg(long)]
        pack: Option<String>,
        /// The version in the folder; without it the one in force today.
        #[arg(long)]
        version: Option<u32>,
        /// Every value instead, with the file and line that said it: the pack, or one that it extends.
        #[arg(long)]
        all: bool,
    },
    /// Tell in which values two packs, or two versions of a pack, differ, each with all that it extends.
    Diff {
        /// The one pack; with --in the number of the one version.
        from: PathBuf,
        /// The other one.
        to: PathBuf,
        /// The folder with the two versions.
        #[arg(long = "in", value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// The pack in the folder, if it has several.
        #[arg(long, requires = "folder")]
        pack: Option<String>,
    },
}

/// Runs it.
pub fn run(command: &Policy, output: Output) -> Result<()> {
    match command {
        Policy::Check { files } => check(files, output),
        Policy::List { folder, on } => list::run(folder, *on, output),
        Policy::Show { file, pack, version, all } => {
            let file = chosen(file.as_deref(), pack.as_deref(), *version)?;
            if *all { show::all(file.as_deref(), output) } else { show::run(file.as_deref(), output) }
        }
        Policy::Diff { from, to, folder: None, .. } => diff(from, to, output),
        Policy::Diff { from, to, folder: Some(folder), pack } => {
            let file = |version: &Path| {
                let number = version.to_str().and_then(|number| number.parse().ok());
                let number = number.ok_or_else(|| Failure::Malformed("a version is a number, as 1".to_owned()))?;
                Ok::<_, anyhow::Error>(chosen(Some(folder), pack.as_deref(), Some(number))?.unwrap_or_default())
            };
            diff(&file(from)?, &file(to)?, output)
        }
    }
}

/// The file of the pack that is meant: as it is named, or of a version in a folder.
fn chosen(path: Option<&Path>, pack: Option<&str>, version: Option<u32>) -> Result<Option<PathBuf>> {
    let Some(folder) = path.filter(|path| path.is_dir()) else {
        if pack.is_some() || version.is_some() {
            return Err(Failure::Malformed("--pack and --version choose a pack in a folder".to_owned()).into());
        }
        return Ok(path.map(Path::to_owned));
    };
    let packs = Packs::load(Some(folder), pack).map_err(|error| bad(&error))?;
    let found = match version {
        None => packs.in_force(chassis::Clock::default().now()),
        Some(number) => {
            let known: Vec<String> = packs.versions().iter().map(|it| it.number.to_string()).collect();
            let none = || format!("{} has no version {number}, but {}", packs.name(), known.join(", "));
            let found = packs.versions().iter().find(|it| it.number == number);
            found.ok_or_else(|| Failure::Malformed(none()))?
        }
    };
    Ok(Some(PathBuf::from(&found.file)))
}

fn bad(error: &PolicyError) -> Failure {
    Failure::Malformed(error.to_string())
}

fn check(files: &[PathBuf], output: Output) -> Result<()> {
    let mut wrong = Vec::new();
    for file in files {
        let packs = if file.is_dir() { of_folder(file) } else { vec![Packs::load(Some(file), None)] };
        for packs in packs {
            if output.is_json() {
                tell_json(file, &packs)?;
            }
            match packs {
                Ok(packs) => packs.versions().iter().try_for_each(|it| {
                    output.tell(format!("{}: {}, in force from {}", it.file, it.rules.label(), it.from))
                })?,
                Err(error) => wrong.push(error.to_string()),
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Malformed(wrong.join("\n")).into()) }
}

/// Every pack in a folder.
fn of_folder(folder: &Path) -> Vec<Result<Packs, PolicyError>> {
    let names: BTreeSet<String> = match read_folder(folder) {
        Ok(files) => files.into_iter().map(|it| it.name).collect(),
        Err(error) => return vec![Err(error)],
    };
    names.iter().map(|name| Packs::load(Some(folder), Some(name))).collect()
}

fn tell_json(path: &Path, packs: &Result<Packs, PolicyError>) -> Result<()> {
    match packs {
        Ok(packs) => packs
            .versions()
            .iter()
            .try_for_each(|it| output::json(&json!({"file": it.file, "policy": it.rules.label(), "problems": []}))),
        Err(error) => {
            let problem = |it: &proto::policy::Problem| json!({"file": it.file, "line": it.line, "reason": it.reason});
            let problems: Vec<Value> = error.problems.iter().map(problem).collect();
            output::json(&json!({"file": path.display().to_string(), "policy": null, "problems": problems}))
        }
    }
}

/// Every value of a pack that is right.
fn said(file: Option<&Path>) -> Result<Vec<Said>> {
    Pack::load(file).map_err(|error| bad(&error))?;
    Ok(Pack::said(file).map_err(|error| bad(&error))?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn shipped(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/policies").join(name)
    }

    fn show(file: Option<PathBuf>, all: bool, output: Output) -> Result<()> {
        run(&Policy::Show { file, pack: None, version: None, all }, output)
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
            run(&Policy::Diff { from, to, folder: None, pack: None }, output).unwrap();
        }
        let (from, to) = (shipped("supply-chain.toml"), shipped("none.toml"));
        assert_eq!(
            exit::code(&run(&Policy::Diff { from, to, folder: None, pack: None }, Output::Json).unwrap_err()),
            4
        );
    }

    #[test]
    fn versions_in_a_folder_are_listed_shown_compared_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
        write("supply-chain.toml", proto::policy::SUPPLY_CHAIN);
        let head = "name = \"supply-chain\"\nversion = 2\nextends = \"supply-chain@1\"\n";
        let known = "[escalation.calendars.office]\nknown_until = \"2100-12-31\"\n";
        let two = format!("{head}effective_from = \"2099-01-01\"\n{known}[triage]\nvalue_high = 77_000\n");
        write("two.toml", &two);
        let here = || folder.path().to_owned();
        let diff = |from: &str, to: &str| Policy::Diff {
            from: PathBuf::from(from),
            to: PathBuf::from(to),
            folder: Some(here()),
            pack: None,
        };
        let show = |version| Policy::Show { file: Some(here()), pack: None, version, all: true };
        for output in [Output::Table, Output::Json] {
            run(&Policy::Check { files: vec![here(), shipped("")] }, output).unwrap();
            run(&Policy::List { folder: here(), on: Some("2099-01-01".parse().unwrap()) }, output).unwrap();
            run(&show(Some(2)), output).unwrap();
            run(&diff("1", "2"), output).unwrap();
        }
        let file = |version| chosen(Some(folder.path()), None, version).unwrap().unwrap();
        assert_eq!(file(None), folder.path().join("supply-chain.toml"), "the second one has not begun");
        assert_eq!(file(Some(2)), folder.path().join("two.toml"));
        assert_eq!(exit::code(&run(&show(Some(3)), Output::Json).unwrap_err()), 4);
        assert_eq!(exit::code(&run(&diff("1", "x"), Output::Json).unwrap_err()), 4);

        write("three.toml", &format!("{head}effective_from = \"2099-02-01\"\n{known}"));
        let error = run(&Policy::Check { files: vec![here()] }, Output::Table).unwrap_err();
        assert!(error.to_string().contains("two.toml:2: version: "), "{error}");
    }
}
