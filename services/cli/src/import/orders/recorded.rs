//! A file and what is recorded already: nothing that was recorded is lost without a word, and nothing is counted twice.

use std::collections::{BTreeMap, BTreeSet};

use proto::codes;
use proto::triage::{OrderFacts, OrderLine};

use super::super::Entry;
use super::super::report::{Kind, Report};
use super::paid;
use crate::money;

/// What becomes of lines of an order and article of which something else is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Existing {
    /// They are more of it: order lines of their own.
    Add,
    /// They are right, and what is recorded is not.
    Replace,
    /// What is recorded stays.
    Skip,
}

/// Names an order line, however it is spelled.
pub type Key = (String, String, String);

/// The name of an order line.
pub fn key(line: &OrderLine) -> Key {
    (codes::key(&line.order_no), codes::key(&line.sku), line.line_id.clone())
}

/// What is to be recorded.
#[derive(Debug, Default)]
pub struct Settled {
    /// Lines to record.
    pub entries: Vec<Entry<OrderLine>>,
    /// The versions that are recorded of those that are replaced.
    pub versions: BTreeMap<Key, u32>,
    /// Lines that are recorded as they stand.
    pub same: Vec<Entry<OrderLine>>,
}

/// Decides about each line of a file by what is recorded of its order and article.
pub fn settle(
    entries: Vec<Entry<OrderLine>>,
    known: &[OrderFacts],
    existing: Option<Existing>,
    is_moved: bool,
    report: &mut Report,
) -> Settled {
    let mut recorded: BTreeMap<(String, String), Vec<&OrderFacts>> = BTreeMap::new();
    for facts in known {
        let Some(line) = &facts.line else { continue };
        let (order, sku, _) = key(line);
        recorded.entry((order, sku)).or_default().push(facts);
    }
    let mut groups: BTreeMap<(String, String), Vec<Entry<OrderLine>>> = BTreeMap::new();
    for entry in entries {
        let (order, sku, _) = key(&entry.value);
        groups.entry((order, sku)).or_default().push(entry);
    }
    let mut settled = Settled::default();
    for (article, entries) in groups {
        let facts = recorded.remove(&article).unwrap_or_default();
        group(entries, facts, existing, is_moved, report, &mut settled);
    }
    settled
}

/// The lines of one article of one order.
fn group(
    entries: Vec<Entry<OrderLine>>,
    mut facts: Vec<&OrderFacts>,
    existing: Option<Existing>,
    is_moved: bool,
    report: &mut Report,
    settled: &mut Settled,
) {
    if facts.is_empty() {
        settled.entries.extend(entries);
        return;
    }
    let ids: BTreeSet<String> = facts.iter().flat_map(|facts| &facts.line).map(|line| line.line_id.clone()).collect();
    let mut others = Vec::new();
    for entry in entries {
        match facts.iter().position(|facts| facts.line.as_ref().is_some_and(|line| is_same(line, &entry.value))) {
            Some(at) => {
                facts.remove(at);
                settled.same.push(entry);
            }
            None => others.push(entry),
        }
    }
    let mut number = 2..;
    for mut entry in others {
        let day = &entry.value.purchased_on;
        let at = facts.iter().position(|facts| facts.line.as_ref().is_some_and(|line| line.purchased_on == *day));
        let is_later = at.is_none() && !is_moved;
        match existing {
            Some(Existing::Skip) => {
                let told = format!("recorded is {}", told(&facts));
                report.rows_add(&entry.rows, Kind::Skipped, "RECORDED_OTHERWISE", &told);
            }
            Some(Existing::Replace) if !facts.is_empty() => {
                let before = facts.remove(at.unwrap_or(0));
                let told = format!("in place of {}", told(&[before]));
                report.rows_add(&entry.rows, Kind::Noted, "REPLACED", &told);
                let line_id = before.line.as_ref().map(|line| line.line_id.clone()).unwrap_or_default();
                entry.value.line_id = line_id;
                settled.versions.insert(key(&entry.value), before.version);
                settled.entries.push(entry);
            }
            None if !is_later && !facts.is_empty() => {
                let told = format!(
                    "recorded is {}: --existing says whether these are more (add), instead (replace) or nothing new (skip)",
                    told(&facts)
                );
                report.rows_add(&entry.rows, Kind::Refused, "RECORDED_OTHERWISE", &told);
            }
            Some(Existing::Add | Existing::Replace) | None => {
                let free = number.by_ref().map(|number: u32| number.to_string()).find(|id| !ids.contains(id));
                entry.value.line_id = free.unwrap_or_default();
                let told = "more of an article that is recorded for this order";
                report.rows_add(&entry.rows, Kind::Noted, "ADDED", told);
                settled.entries.push(entry);
            }
        }
    }
    if existing == Some(Existing::Replace) && !facts.is_empty() {
        report.notes.push(format!("recorded, and not in the file: {}; it stays as it is", told(&facts)));
    }
}

/// Whether a line says what is recorded.
fn is_same(recorded: &OrderLine, line: &OrderLine) -> bool {
    let currency = |line: &OrderLine| {
        line.paid_total.as_ref().or(line.unit_price.as_ref()).map(|money| money.currency.clone()).unwrap_or_default()
    };
    let facts = |line: &OrderLine| {
        let days = (line.purchased_on.clone(), line.delivered_on.clone());
        (codes::tidy(&line.customer_ref), line.quantity, paid::total(line), currency(line), days)
    };
    facts(recorded) == facts(line)
}

fn told(facts: &[&OrderFacts]) -> String {
    let lines = facts.iter().flat_map(|facts| &facts.line);
    let one = |line: &OrderLine| {
        let price = line.paid_total.as_ref().or(line.unit_price.as_ref());
        let currency = price.map(|price| price.currency.clone()).unwrap_or_default();
        let paid = money::amount(paid::total(line).unwrap_or(0), &currency);
        let id = if line.line_id.is_empty() { String::new() } else { format!(" (line {})", line.line_id) };
        format!(
            "order {} article {}{id}: {} for {paid} {currency} on {}",
            line.order_no, line.sku, line.quantity, line.purchased_on
        )
    };
    lines.map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proto::claim::Money;

    use super::super::tests::{orders, wanted};
    use super::*;

    const MONDAY: &str = "9100,ART-1,x,2,2026-11-20,10.00,C1,Germany\n";
    const THURSDAY: &str = "9100,ART-1,x,1,2026-11-23,10.00,C1,Germany\n";
    const CORRECTED: &str = "9100,ART-1,x,3,2026-11-20,10.00,C1,Germany\n";

    /// What is recorded after some files, and the last report.
    fn after(files: &[&str], existing: Option<Existing>, is_moved: bool) -> (Vec<OrderFacts>, Report) {
        let (mut known, mut last) = (BTreeMap::<Key, OrderFacts>::new(), Report::default());
        for file in files {
            let (entries, mut report) = orders(file, &wanted(None));
            let facts: Vec<OrderFacts> = known.values().cloned().collect();
            for entry in settle(entries, &facts, existing, is_moved, &mut report).entries {
                let before = known.get(&key(&entry.value)).map_or(0, |facts| facts.version);
                // As the service says it.
                let mut line = entry.value.clone();
                let paid = paid::total(&line).unwrap();
                line.paid_total = Some(Money { minor_units: paid, currency: "GBP".to_owned() });
                let facts = OrderFacts { line: Some(line), version: before + 1, ..OrderFacts::default() };
                known.insert(key(&entry.value), facts);
            }
            last = report;
        }
        (known.into_values().collect(), last)
    }

    fn sold(facts: &[OrderFacts]) -> u32 {
        facts.iter().flat_map(|facts| &facts.line).map(|line| line.quantity).sum()
    }

    fn reasons(report: &Report) -> Vec<(Kind, &'static str)> {
        report.rows.iter().map(|row| (row.kind, row.reason)).collect()
    }

    #[test]
    fn case_order_in_two_files() {
        let (facts, report) = after(&[MONDAY, THURSDAY], None, false);
        assert_eq!((sold(&facts), reasons(&report)), (3, vec![(Kind::Noted, "ADDED")]));
        // Whatever is imported again changes nothing, and an export of both days neither.
        let both = format!("{MONDAY}{THURSDAY}");
        let (facts, report) = after(&[MONDAY, THURSDAY, MONDAY, THURSDAY, &both], None, false);
        assert_eq!((sold(&facts), facts.len()), (3, 2), "{facts:?}");
        assert!(report.rows.is_empty(), "{:?}", report.rows);
        let (facts, _) = after(&[&both, THURSDAY], None, false);
        assert_eq!(sold(&facts), 3);
    }

    #[test]
    fn another_number_of_the_same_day_is_asked_about() {
        let (facts, report) = after(&[MONDAY, CORRECTED], None, false);
        assert_eq!((sold(&facts), reasons(&report)), (2, vec![(Kind::Refused, "RECORDED_OTHERWISE")]));
        let told = &report.rows[0].text;
        assert!(told.contains("2 for 20.00 GBP on 2026-11-20") && told.contains("--existing"), "{told}");
        let (facts, report) = after(&[MONDAY, CORRECTED], Some(Existing::Replace), false);
        assert_eq!((sold(&facts), facts[0].version, reasons(&report)), (3, 2, vec![(Kind::Noted, "REPLACED")]));
        assert!(report.rows[0].text.contains("2 for 20.00 GBP"), "it says what was lost: {}", report.rows[0].text);
        let (facts, _) = after(&[MONDAY, CORRECTED], Some(Existing::Add), false);
        assert_eq!(sold(&facts), 5);
        let (facts, report) = after(&[MONDAY, CORRECTED], Some(Existing::Skip), false);
        assert_eq!((sold(&facts), reasons(&report)), (2, vec![(Kind::Skipped, "RECORDED_OTHERWISE")]));
    }

    #[test]
    fn the_same_lines_on_another_day_are_not_added_when_dates_are_moved() {
        let (facts, report) = after(&[MONDAY, THURSDAY], None, true);
        assert_eq!((sold(&facts), reasons(&report)), (2, vec![(Kind::Refused, "RECORDED_OTHERWISE")]));
    }

    #[test]
    fn what_a_file_does_not_have_stays_and_is_told() {
        let (facts, report) = after(&[MONDAY, THURSDAY, CORRECTED], Some(Existing::Replace), false);
        // Thursday's file replaced Monday's line, and the third that again.
        assert_eq!((sold(&facts), facts[0].version, report.notes.len()), (3, 3, 0));
        let both = format!("{MONDAY}{THURSDAY}");
        let (facts, report) = after(&[&both, CORRECTED], Some(Existing::Replace), false);
        assert_eq!(sold(&facts), 4);
        assert!(report.notes[0].contains("(line 2)") && report.notes[0].contains("stays"), "{:?}", report.notes);
    }
}
