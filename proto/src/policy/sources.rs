//! The files of a pack: what it says itself, and what it takes from the pack that it extends.
//!
//! `extends = "supply-chain"` takes everything from that pack, and says only what differs. Tables are merged key by key,
//! everything else (arrays, too) is replaced. `removes = ["triage.windows.quality.days"]` takes keys of the parent away
//! first. `name`, `version` and `effective_from` are never taken from a parent. `extends = "supply-chain@1"` names a version:
//! so a version says what differs from the one before it.
//!
//! Each text is parsed behind as many line breaks as the texts before it are long. So a position belongs to one file
//! only, and what is wrong in the merged pack is told where it was written.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue, Deserializer};

use super::problems::{PolicyError, Problem};

/// A pack extends one that extends another, at most so many in all. Versions of one pack count once.
const CHAIN_MAX: usize = 4;
/// What each pack says for itself.
const OWN: [&str; 3] = ["name", "version", "effective_from"];

/// The pack, the pack that it extends, and so on.
#[derive(Debug)]
pub(super) struct Sources(Vec<Source>);

#[derive(Debug)]
struct Source {
    file: String,
    from: usize,
    padded: String,
}

/// Which pack it is.
#[derive(Clone, Debug, PartialEq)]
struct Label {
    name: String,
    version: Option<i64>,
}

/// One value of a resolved pack, and who said it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The key, as `triage.windows.quality.days`; an array is one value.
    pub key: String,
    /// The value.
    pub value: toml::Value,
    /// The file that said it.
    pub file: String,
    /// The line in that file.
    pub line: usize,
}

impl Source {
    fn table(&self) -> Result<DeTable<'_>, PolicyError> {
        let root = DeTable::parse(&self.padded).map_err(|error| {
            let line = error.span().map_or(0, |span| self.line(span.start));
            PolicyError::one(&self.file, line, error.message())
        })?;
        Ok(root.into_inner())
    }

    fn line(&self, offset: usize) -> usize {
        let end = offset.min(self.padded.len());
        self.padded.as_bytes()[self.from..end.max(self.from)].iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn label(&self) -> Result<Option<Label>, PolicyError> {
        let version = self.table()?.get("version").and_then(|version| version.get_ref().as_integer().and_then(number));
        Ok(self.text_of("name")?.map(|(name, _)| Label { name, version }))
    }

    fn text_of(&self, key: &str) -> Result<Option<(String, usize)>, PolicyError> {
        let Some(value) = self.table()?.remove(key) else { return Ok(None) };
        let line = self.line(value.span().start);
        match value.get_ref().as_str() {
            Some(text) => Ok(Some((text.to_owned(), line))),
            None => Err(PolicyError::one(&self.file, line, format!("{key}: must be a string"))),
        }
    }
}

impl Sources {
    /// The name of the pack in `file`.
    pub(super) fn name(file: &str, text: &str) -> Result<String, PolicyError> {
        let source = Source { file: file.to_owned(), from: 0, padded: text.to_owned() };
        let name = source.text_of("name")?;
        name.map(|(name, _)| name).ok_or_else(|| PolicyError::one(file, 1, "missing field `name`"))
    }

    /// The text of `file` and all that it extends: packs beside it in `folder`, or shipped ones.
    pub(super) fn read(file: &str, text: &str, folder: Option<&Path>) -> Result<Self, PolicyError> {
        let mut sources = Self(Vec::new());
        sources.push(file, text);
        let mut labels: Vec<Label> = Vec::new();
        while let Some(child) = sources.0.last() {
            labels.push(child.label()?.unwrap_or_else(|| Label { name: child.file.clone(), version: None }));
            let Some((parent, line)) = child.text_of("extends")? else { break };
            let refuse = |why: String| PolicyError::one(&child.file, line, format!("extends: {why}"));
            let said: Vec<String> = labels.iter().map(|label| label.name.clone()).collect();
            let chain = || format!("{} → {parent}", said.join(" → "));
            let wanted = Label::parse(&parent).map_err(refuse)?;
            if labels.iter().any(|label| wanted.is_of(label)) {
                return Err(refuse(format!("a circle: {}", chain())));
            }
            let names: BTreeSet<&String> = labels.iter().map(|label| &label.name).chain([&wanted.name]).collect();
            if names.len() > CHAIN_MAX {
                return Err(refuse(format!("more than {CHAIN_MAX} packs: {}", chain())));
            }
            let (file, text) = find(&wanted, folder).map_err(refuse)?;
            sources.push(&file, &text);
            let found = sources.0.last().map(|source| source.text_of("name")).transpose()?.flatten();
            match found {
                Some((name, _)) if name == wanted.name => {}
                Some((name, line)) => {
                    let why = format!("name: is {name}, but the file was looked for as {parent}");
                    return Err(PolicyError::one(&file, line, why));
                }
                None => return Err(PolicyError::one(&file, 1, "missing field `name`")),
            }
        }
        Ok(sources)
    }

    fn push(&mut self, file: &str, text: &str) {
        let from = self.0.last().map_or(0, |last| last.padded.len() + 1);
        let padded = "\n".repeat(from) + text;
        self.0.push(Source { file: file.to_owned(), from, padded });
    }

    /// What all of them say together.
    pub(super) fn tree(&self) -> Result<Spanned<DeTable<'_>>, PolicyError> {
        let mut tree = DeTable::new();
        for (at, source) in self.0.iter().enumerate().rev() {
            let mut said = source.table()?;
            if at + 1 < self.0.len() {
                said.remove("extends");
                if let Some(removes) = said.remove("removes") {
                    self.take_away(&mut tree, &removes, source)?;
                }
            }
            if at > 0 {
                for key in OWN {
                    said.remove(key);
                }
            }
            merge(&mut tree, said);
        }
        Ok(Spanned::new(0..0, tree))
    }

    fn take_away(
        &self,
        tree: &mut DeTable<'_>,
        removes: &Spanned<DeValue<'_>>,
        source: &Source,
    ) -> Result<(), PolicyError> {
        let line = |value: &Spanned<DeValue<'_>>| source.line(value.span().start);
        let Some(paths) = removes.get_ref().as_array() else {
            return Err(PolicyError::one(&source.file, line(removes), "removes: must be an array of keys"));
        };
        for path in paths.iter() {
            let parts = path.get_ref().as_str().and_then(parts);
            let gone = parts.is_some_and(|parts| remove(tree, &parts));
            if !gone {
                let key = path.get_ref().as_str().unwrap_or_default();
                let why = format!("removes: what is extended has no {key}");
                return Err(PolicyError::one(&source.file, line(path), why));
            }
        }
        Ok(())
    }

    /// The merged pack as a value of its own.
    pub(super) fn value<'de, T: Deserialize<'de>>(&'de self) -> Result<T, PolicyError> {
        T::deserialize(Deserializer::from(self.tree()?)).map_err(|error| {
            let (file, line) = self.place(error.span().map_or(0, |span| span.start));
            PolicyError::one(file, line, error.message())
        })
    }

    /// Every value, and who said it.
    pub(super) fn said(&self) -> Result<Vec<Said>, PolicyError> {
        let values: toml::Table = self.value()?;
        let tree = DeValue::Table(self.tree()?.into_inner());
        let mut said = Vec::new();
        let mut open = vec![(Vec::new(), toml::Value::Table(values))];
        while let Some((path, value)) = open.pop() {
            match value {
                toml::Value::Table(table) if !table.is_empty() => {
                    for (key, value) in table.into_iter().rev() {
                        open.push((path.iter().cloned().chain([key]).collect(), value));
                    }
                }
                value => {
                    let (file, line) = self.place(deepest(&tree, path.iter().map(String::as_str)).unwrap_or(0));
                    said.push(Said { key: written(&path), value, file: file.to_owned(), line });
                }
            }
        }
        Ok(said)
    }

    /// The problems at their places, by a path such as `triage.windows[2].days`: of the deepest part that is written.
    pub(super) fn placed(&self, problems: Vec<(String, String)>) -> PolicyError {
        let tree = self.tree().map(|root| DeValue::Table(root.into_inner()));
        let place = |path: &str| {
            let parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']'));
            let at = tree.as_ref().ok().and_then(|tree| deepest(tree, parts));
            at.map_or((self.0[0].file.as_str(), 0), |at| self.place(at))
        };
        let problems = problems.into_iter().map(|(path, reason)| {
            let (file, line) = place(&path);
            Problem { file: file.to_owned(), line, reason: format!("{path}: {reason}") }
        });
        PolicyError { problems: problems.collect() }
    }

    fn place(&self, offset: usize) -> (&str, usize) {
        let source = self.0.iter().rev().find(|source| source.from <= offset).unwrap_or(&self.0[0]);
        (&source.file, source.line(offset))
    }
}

impl Label {
    /// `supply-chain`, or with the version `supply-chain@1`.
    fn parse(text: &str) -> Result<Self, String> {
        let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(letter) {
            return Err(format!("{text:?} is no name of a pack: small letters, digits and -"));
        }
        let version = version.map(|number| number.parse().map_err(|_| format!("{number:?} is no version of a pack")));
        Ok(Self { name: name.to_owned(), version: version.transpose()? })
    }

    /// Whether it is what another label wants, or would be if it said its version.
    fn is_of(&self, other: &Self) -> bool {
        self.name == other.name && (self.version.is_none() || self.version == other.version)
    }
}

/// The file and text of a pack: beside this one, or a shipped one.
fn find(wanted: &Label, folder: Option<&Path>) -> Result<(String, String), String> {
    let Label { name, version } = wanted;
    if version.is_some() {
        return find_version(wanted, folder);
    }
    let shipped = super::SHIPPED.iter().find(|(shipped, _)| shipped == name);
    if let Some(path) = folder.map(|folder| folder.join(format!("{name}.toml"))) {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok((path.display().to_string(), text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", path.display())),
        }
    }
    shipped.map(|(name, text)| (format!("{name}.toml"), (*text).to_owned())).ok_or_else(|| {
        let shipped: Vec<&str> = super::SHIPPED.iter().map(|(name, _)| *name).collect();
        format!("no pack {name}: neither {name}.toml beside this file nor a shipped one ({})", shipped.join(", "))
    })
}

/// A version has any file name. What cannot be read beside this file is not it.
fn find_version(wanted: &Label, folder: Option<&Path>) -> Result<(String, String), String> {
    let files =
        folder.and_then(|folder| std::fs::read_dir(folder_or_here(folder)).ok()).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|entry| entry.path()).filter(|file| super::dated::is_pack(file)).collect();
    files.sort();
    let beside =
        files.into_iter().filter_map(|file| Some((file.display().to_string(), std::fs::read_to_string(file).ok()?)));
    let shipped = super::SHIPPED.iter().map(|(name, text)| (format!("{name}.toml"), (*text).to_owned()));
    let found = beside.chain(shipped).find(|(file, text)| {
        let source = Source { file: file.clone(), from: 0, padded: text.clone() };
        source.label().ok().flatten().is_some_and(|label| wanted.version == label.version && wanted.is_of(&label))
    });
    let version = wanted.version.unwrap_or_default();
    found.ok_or_else(|| format!("no version {version} of {}: neither beside this file nor a shipped one", wanted.name))
}

fn folder_or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn merge<'i>(base: &mut DeTable<'i>, over: DeTable<'i>) {
    for (key, value) in over {
        let span = value.span();
        let value = match (base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.into_inner()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => {
                let mut both = std::mem::take(below);
                merge(&mut both, above);
                DeValue::Table(both)
            }
            (_, value) => value,
        };
        base.insert(key, Spanned::new(span, value));
    }
}

fn number(written: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(written.as_str(), written.radix()).ok()
}

/// The parts of a key as TOML writes it.
fn parts(key: &str) -> Option<Vec<String>> {
    let mut table: toml::Table = toml::from_str(&format!("{key} = 0")).ok()?;
    let mut parts = Vec::new();
    loop {
        let (part, value) = table.into_iter().next()?;
        parts.push(part);
        match value {
            toml::Value::Table(next) => table = next,
            _ => return Some(parts),
        }
    }
}

fn remove(table: &mut DeTable<'_>, parts: &[String]) -> bool {
    match parts {
        [] => false,
        [last] => table.remove(last.as_str()).is_some(),
        [first, rest @ ..] => match table.get_mut(first.as_str()).map(Spanned::get_mut) {
            Some(DeValue::Table(next)) => remove(next, rest),
            _ => false,
        },
    }
}

fn written(path: &[String]) -> String {
    let bare = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let part = |part: &String| if bare(part) { part.clone() } else { format!("{part:?}") };
    path.iter().map(part).collect::<Vec<_>>().join(".")
}

/// Where the deepest of the parts that is written begins.
fn deepest<'p>(root: &DeValue<'_>, parts: impl Iterator<Item = &'p str>) -> Option<usize> {
    let (mut value, mut at) = (root, None);
    for part in parts {
        let next = match value {
            DeValue::Table(table) => table.get(part),
            DeValue::Array(array) => part.parse().ok().and_then(|index: usize| array.get(index)),
            _ => None,
        };
        let Some(next) = next else { break };
        (value, at) = (next.get_ref(), Some(next.span().start));
    }
    at
}

#[cfg(test)]
mod tests;
