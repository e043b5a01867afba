//! `redress policy list`: the versions in a folder.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use jiff::civil::Date;
use proto::policy::{Packs, Version, read_folder};
use serde_json::json;

use super::bad;
use crate::output::{self, Output, table};

/// A version of a pack, and whether it is the one in force.
struct Row {
    policy: String,
    from: Date,
    /// The last day; none: no other version follows.
    until: Option<Date>,
    in_force: bool,
    file: String,
}

pub(super) fn run(folder: &Path, on: Option<Date>, output: Output) -> Result<()> {
    let files = read_folder(folder).map_err(|error| bad(&error))?;
    let names: BTreeSet<String> = files.into_iter().map(|it| it.name).collect();
    let mut rows = Vec::new();
    for name in names {
        let packs = Packs::load(Some(folder), Some(&name)).map_err(|error| bad(&error))?;
        rows.extend(of(&packs, on.unwrap_or_else(|| packs.day(chassis::Clock::default().now()))));
    }
    if output.is_json() {
        let row = |row: &Row| {
            json!({
                "policy": row.policy,
                "effective_from": row.from.to_string(),
                "until": row.until.map(|day| day.to_string()),
                "in_force": row.in_force,
                "file": row.file,
            })
        };
        return output::json(&rows.iter().map(row).collect::<Vec<_>>());
    }
    let mut table = table(["policy", "in force from", "until", "in force", "file"]);
    for row in rows {
        let until = row.until.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let in_force = if row.in_force { "yes" } else { "" }.to_owned();
        table.add_row([row.policy, row.from.to_string(), until, in_force, row.file]);
    }
    output::line(table)
}

fn of(packs: &Packs, day: Date) -> Vec<Row> {
    let later = packs.versions().iter().skip(1).map(|later| later.from.yesterday().ok());
    let row = |(it, until): (&Version<_>, _)| Row {
        policy: packs.label(it.number),
        from: it.from,
        until,
        in_force: packs.on(day).number == it.number,
        file: it.file.clone(),
    };
    packs.versions().iter().zip(later.chain([None])).map(row).collect()
}
