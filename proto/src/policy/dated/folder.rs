//! The packs in a folder: each file is one version of one pack.

use std::path::{Path, PathBuf};

use super::Packs;
use crate::policy::problems::Problem;
use crate::policy::sources::Sources;
use crate::policy::{Pack, PolicyError};

/// A file of a folder, and of which pack and version it is.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The file.
    pub file: PathBuf,
    /// Name of the pack.
    pub name: String,
}

/// The files of a folder (`*.toml`), by name, with the pack that each belongs to.
pub fn read_folder(folder: &Path) -> Result<Vec<Chosen>, PolicyError> {
    let place = folder.display().to_string();
    let fault = |error: std::io::Error| PolicyError::one(&place, 0, error.to_string());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let file = entry.map_err(fault)?.path();
        if is_pack(&file) {
            files.push(file);
        }
    }
    files.sort();
    let mut problems = Vec::new();
    let mut chosen = Vec::new();
    for file in files {
        match name_of(&file) {
            Ok(name) => chosen.push(Chosen { file, name }),
            Err(error) => problems.extend(error.problems),
        }
    }
    if chosen.is_empty() && problems.is_empty() {
        return Err(PolicyError::one(&place, 0, "there is no pack (*.toml) in this folder"));
    }
    if problems.is_empty() { Ok(chosen) } else { Err(PolicyError { problems }) }
}

/// Whether a file of a folder is a pack.
pub(in crate::policy) fn is_pack(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "toml") && !file.is_dir()
}

fn name_of(file: &Path) -> Result<String, PolicyError> {
    let place = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| PolicyError::one(&place, 0, error.to_string()))?;
    Sources::name(&place, &text)
}

/// The files of one pack: of the only one, or of the one that is named.
pub(super) fn choose(mut found: Vec<Chosen>, name: Option<&str>) -> Result<Vec<Chosen>, String> {
    let mut names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let name = match (name, &names[..]) {
        (Some(name), _) if names.contains(&name) => name.to_owned(),
        (Some(name), _) => return Err(format!("there is no pack {name} in this folder, but {}", names.join(", "))),
        (None, [only]) => (*only).to_owned(),
        (None, _) => {
            return Err(format!("there are several packs in this folder, say which one: {}", names.join(", ")));
        }
    };
    found.retain(|it| it.name == name);
    Ok(found)
}

/// Reads the versions of one pack. They must be told apart by number and by day, and none may be missing between two.
pub(super) fn versions(files: Vec<Chosen>) -> Result<Packs, PolicyError> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut read: Vec<(Sources, String, Pack)> = Vec::new();
    for Chosen { file, .. } in files {
        let pack = crate::policy::sources(Some(&file)).and_then(|sources| Ok((Pack::resolve(&sources)?, sources)));
        match pack {
            Ok((pack, sources)) => read.push((sources, file.display().to_string(), pack)),
            Err(error) => problems.extend(error.problems),
        }
    }
    read.sort_by_key(|(_, _, pack)| pack.version);
    for pair in read.windows(2) {
        let [(_, file, before), (sources, _, pack)] = pair else { continue };
        let wrong = misfits(before, file, pack).into_iter().map(|(key, why)| (key.to_owned(), why)).collect();
        problems.extend(sources.placed(wrong).problems);
    }
    if !problems.is_empty() {
        return Err(PolicyError { problems });
    }
    Ok(Packs::new(read.into_iter().map(|(_, file, pack)| (file, pack)).collect()))
}

/// What is wrong with a version after the one before it.
fn misfits(before: &Pack, file: &str, pack: &Pack) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let (number, last) = (pack.version, before.version);
    if number == last {
        wrong.push(("version", format!("{file} is version {number}, too")));
    } else if number > last + 1 {
        wrong.push(("version", format!("version {} is missing: before {number} there is only {last}", last + 1)));
    }
    if number != last && pack.effective_from <= before.effective_from {
        let begun = before.effective_from;
        wrong.push(("effective_from", format!("must be later than {begun}, the day of version {last} ({file})")));
    }
    if pack.currency != before.currency {
        let currency = &before.currency;
        wrong.push(("currency", format!("must be {currency} as in version {last}: sums of customers are kept in it")));
    }
    if pack.time_zone() != before.time_zone() {
        let zone = before.time_zone().iana_name().unwrap_or_default();
        wrong.push(("triage.time_zone", format!("must be {zone} as in version {last}: versions begin by its days")));
    }
    wrong
}
