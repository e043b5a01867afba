//! Tests of packs that extend others.

use std::path::PathBuf;

use proptest::prelude::*;
use toml::{Table, Value};

use super::*;
use crate::policy::{Pack, SHIPPED, SUPPLY_CHAIN};

const HEAD: &str = "name = \"acme\"\nversion = 3\neffective_from = \"2026-05-01\"\nextends = \"supply-chain\"\n";

fn refused(text: &str) -> String {
    Pack::parse("acme.toml", text).unwrap_err().to_string()
}

/// A folder with these packs; each has `name`, `extends` and `more`.
fn folder(name: &str, packs: &[(&str, &str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("redress-packs-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, extends, more) in packs {
        let text = format!(
            "name = \"{name}\"\nversion = 1\neffective_from = \"2026-01-01\"\nextends = \"{extends}\"\n{more}\n"
        );
        std::fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    }
    folder
}

#[test]
fn a_pack_says_only_what_differs() {
    let more = "[triage]\nvalue_high = 77_000\n[triage.windows.quality]\ndays = 9\n[intake.duplicates]\ndays = 8";
    let pack = Pack::parse("acme.toml", &format!("{HEAD}{more}")).unwrap();
    let shipped = Pack::load(None).unwrap();
    assert_eq!(pack.label(), "acme@3");
    assert_eq!(pack.triage.value_high, 77_000);
    assert_eq!(pack.triage.windows.quality.days, Some(9));
    assert_eq!(pack.triage.windows.quality.calendar, shipped.triage.windows.quality.calendar);
    assert_eq!(pack.triage.windows.fulfilment.days, shipped.triage.windows.fulfilment.days);
    assert_eq!(pack.logistics.carriers.len(), shipped.logistics.carriers.len());
}

#[test]
fn every_shipped_pack_is_valid_and_has_its_name() {
    for (name, text) in SHIPPED {
        let pack = Pack::parse(&format!("{name}.toml"), text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(pack.name, name);
    }
}

#[test]
fn an_array_is_replaced() {
    let van = "name = \"van\"\nmode = \"express\"\ncountries = [\"*\"]\nbase_minor = 1\nper_unit_minor = 1\ndays = 1\n";
    let text = format!("{HEAD}[[logistics.carriers]]\n{van}units_max = 5\n");
    let pack = Pack::parse("acme.toml", &text).unwrap();
    assert_eq!(pack.logistics.carriers.len(), 1);
}

#[test]
fn what_is_removed_is_taken_from_nobody() {
    let months = "removes = [\"triage.windows.quality.days\"]\n[triage.windows.quality]\nmonths = 2\n";
    let pack = Pack::parse("acme.toml", &format!("{HEAD}{months}")).unwrap();
    assert_eq!((pack.triage.windows.quality.days, pack.triage.windows.quality.months), (None, Some(2)));
    assert_eq!(
        refused(&format!("{HEAD}removes = [\n\"triage.nothing\"]")),
        "acme.toml:6: removes: what is extended has no triage.nothing"
    );
    assert!(refused(&format!("{HEAD}removes = [\"logistics\"]")).contains("missing field `logistics`"));
    assert!(refused(&format!("{HEAD}removes = 5")).starts_with("acme.toml:5: removes: must be an array"));
}

#[test]
fn a_wrong_value_is_told_where_it_was_written() {
    let unknown = refused(&format!("{HEAD}[triage]\nvalue_hihg = 7\n"));
    assert!(unknown.starts_with("acme.toml:6: ") && unknown.contains("value_hihg"), "{unknown}");
    let kind = refused(&format!("{HEAD}[triage]\nvalue_high = \"7\"\n"));
    assert!(kind.starts_with("acme.toml:6: "), "{kind}");
    let range = refused(&format!("{HEAD}[inventory]\nhold_s = 0\n[logistics]\nlate_days = 0\n"));
    let lines: Vec<&str> = range.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["acme.toml:6", "acme.toml:8"], "{range}");
    assert!(refused("name = \"acme\"\nextends = \"supply-chain\"\n").contains("missing field `version`"));

    let folder = folder("wrong", &[("parent", "supply-chain", "[inventory]\nhold_s = 0"), ("child", "parent", "")]);
    let parent = folder.join("parent.toml").display().to_string();
    let error = Pack::load(Some(&folder.join("child.toml"))).unwrap_err();
    let found: Vec<(String, usize)> = error.problems.into_iter().map(|it| (it.file, it.line)).collect();
    assert_eq!(found, [(parent, 6)]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn circles_unknown_parents_and_long_chains_are_refused_by_name() {
    let many = [("e1", "e2", ""), ("e2", "e3", ""), ("e3", "e4", ""), ("e4", "supply-chain", "")];
    let circle = [("a", "b", ""), ("b", "a", ""), ("self", "self", ""), ("lost", "nowhere", "")];
    let folder = folder("refused", &[many, circle].concat());
    std::fs::write(folder.join("odd.toml"), "name = \"other\"\n").unwrap();
    std::fs::write(folder.join("of-odd.toml"), "name = \"of-odd\"\nextends = \"odd\"\n").unwrap();
    std::fs::write(folder.join("path.toml"), "name = \"path\"\nextends = \"../a\"\n").unwrap();
    for (file, line, why) in [
        ("a", "b.toml:4", "extends: a circle: a → b → a"),
        ("self", "self.toml:4", "extends: a circle: self → self"),
        ("e1", "e4.toml:4", "extends: more than 4 packs: e1 → e2 → e3 → e4 → supply-chain"),
        ("lost", "lost.toml:4", "extends: no pack nowhere: neither nowhere.toml beside this file nor a shipped one"),
        ("of-odd", "odd.toml:1", "name: is other, but the file was looked for as odd"),
        ("path", "path.toml:2", "extends: \"../a\" is no name of a pack"),
    ] {
        let error = Pack::load(Some(&folder.join(format!("{file}.toml")))).unwrap_err().to_string();
        assert!(error.contains(line) && error.contains(why), "{error}");
    }
    assert_eq!(Pack::load(Some(&folder.join("e2.toml"))).unwrap().label(), "e2@1");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn each_value_is_told_with_the_file_that_said_it() {
    let text =
        format!("{HEAD}[triage]\nvalue_high = 7\n[triage.articles.\"A.1\".quality]\nfrom = \"delivery\"\ndays = 1");
    let said = Sources::read("acme.toml", &text, None).unwrap().said().unwrap();
    let find = |key: &str| said.iter().find(|said| said.key == key).unwrap_or_else(|| panic!("{key}"));
    let high = find("triage.value_high");
    assert_eq!((high.file.as_str(), high.line, &high.value), ("acme.toml", 6, &Value::Integer(7)));
    assert_eq!(find("triage.articles.\"A.1\".quality.days").line, 9);
    let collect = find("triage.collect_from");
    let line = 1 + SUPPLY_CHAIN.lines().position(|line| line.starts_with("collect_from")).unwrap();
    assert_eq!((collect.file.as_str(), collect.line), ("supply-chain.toml", line));
    assert!(said.iter().all(|said| said.line > 0 && said.key != "extends"));
}

fn tree() -> impl Strategy<Value = Table> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::Integer),
        "[a-z]{0,4}".prop_map(Value::String),
        prop::collection::vec((0..9i64).prop_map(Value::Integer), 0..3).prop_map(Value::Array),
    ];
    let node = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|all| Value::Table(all.into_iter().collect()))
    });
    prop::collection::btree_map("[a-d]", node, 0..4).prop_map(|all| all.into_iter().collect())
}

fn merged(parent: &Table, child: &Table) -> Table {
    let mut all = parent.clone();
    for (key, value) in child {
        let value = match (parent.get(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(merged(below, above)),
            (_, value) => value.clone(),
        };
        all.insert(key.clone(), value);
    }
    all
}

fn resolved(tables: &[&Table]) -> Table {
    let mut sources = Sources(Vec::new());
    for (at, table) in tables.iter().enumerate() {
        sources.push(&at.to_string(), &toml::to_string(table).unwrap());
    }
    sources.value().unwrap()
}

proptest! {
    #[test]
    fn tables_are_merged_key_by_key_and_all_else_is_replaced(parent in tree(), child in tree()) {
        prop_assert_eq!(resolved(&[&child, &parent]), merged(&parent, &child));
    }

    #[test]
    fn who_says_nothing_or_the_same_changes_nothing(pack in tree()) {
        prop_assert_eq!(&resolved(&[&Table::new(), &pack]), &pack);
        prop_assert_eq!(&resolved(&[&pack, &pack]), &pack);
        prop_assert_eq!(&resolved(&[&pack]), &pack);
    }

    #[test]
    fn each_value_is_said_by_the_nearest_that_has_it(parent in tree(), child in tree()) {
        let mut sources = Sources(Vec::new());
        sources.push("child", &toml::to_string(&child).unwrap());
        sources.push("parent", &toml::to_string(&parent).unwrap());
        let own = { let mut own = Sources(Vec::new()); own.push("child", &sources.0[0].padded); own.said().unwrap() };
        for said in sources.said().unwrap() {
            let here = own.iter().any(|own| own.key == said.key && own.value == said.value);
            let table = matches!(said.value, Value::Table(_));
            prop_assert!(table || here == (said.file == "child"), "{said:?}");
        }
    }
}
