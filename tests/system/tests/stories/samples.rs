//! The sample configurations in `deploy/samples` are read by the services' own types: no setting is missing, none is unknown,
//! and what a sample gives as default is the default.

use std::collections::BTreeSet;
use std::path::Path;

use chassis::{Service, Settings};

/// A line that is a setting without a default, as `#otlp = "…"` or `#[grpc.tls]`. Words begin behind a space.
fn is_off(line: &str) -> bool {
    line.strip_prefix('#')
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase() || "[\"".contains(first)))
}

/// Reads a configuration as the service does, and prints it.
fn read(service: &Service, lines: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("service.toml");
    std::fs::write(&file, lines.join("\n")).unwrap();
    let settings = Settings::from(service, Some(&file), Some(Default::default()));
    let mut settings = settings.unwrap_or_else(|error| panic!("{}: {error:#}", service.name));
    // The sections of a service's own are printed by its own type.
    let own = (service.own.read)(&std::mem::take(&mut settings.own)).unwrap();
    format!("{settings:#?}\n{own:#?}")
}

/// The names of all settings in what `Debug` prints of them, as `grpc.tls.key_file`.
fn settings(printed: &str) -> BTreeSet<String> {
    let (mut found, mut path) = (BTreeSet::new(), Vec::new());
    for line in printed.lines().map(str::trim) {
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let name = line.split_once(": ").map(|(name, _)| name).filter(is_name);
        if let Some(name) = name {
            let whole = path.iter().copied().flatten().chain([name]).collect::<Vec<_>>().join(".");
            found.insert(whole);
        }
        if line.ends_with(['{', '(', '[']) {
            path.push(name);
        } else if line.starts_with(['}', ')', ']']) {
            path.pop();
        }
    }
    found.remove("own");
    found
}

/// The names of all keys of a file.
fn keys(table: &toml::Table, above: &str, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        let whole = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        if let Some(table) = value.as_table() {
            keys(table, &whole, found);
        }
        found.insert(whole);
    }
}

#[test]
fn samples_have_every_setting_with_its_default_and_no_other() {
    for service in local::SERVICES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../deploy/samples/{}.toml", service.name));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines: Vec<&str> = text.lines().collect();
        let required: Vec<&str> =
            lines.iter().copied().filter(|line| line.starts_with('[') || line.ends_with("# required")).collect();
        assert_eq!(read(service, &lines), read(service, &required), "{}: a default is another one", path.display());

        let all: Vec<&str> =
            lines.iter().map(|line| if is_off(line) { line.trim_start_matches('#') } else { line }).collect();
        // Unknown keys are refused here.
        let printed = settings(&read(service, &all));
        let mut given = BTreeSet::new();
        keys(&all.join("\n").parse().unwrap(), "", &mut given);
        let missing: Vec<&String> = printed.difference(&given).collect();
        assert!(missing.is_empty(), "{}: no {missing:?}", path.display());
        assert!(printed.contains("grpc.tls.client_crl_file") && printed.len() > 50, "{printed:?}");
    }
}
