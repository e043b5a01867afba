//! `redress policy show`: what stands out in a pack, or every value of it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use proto::policy::{Pack, Said};
use serde_json::json;

use super::{bad, said};
use crate::money;
use crate::output::{self, Output, table};

/// Every value of a pack, with who said it.
pub(super) fn all(file: Option<&Path>, output: Output) -> Result<()> {
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

/// What stands out in a pack.
pub(super) fn run(file: Option<&Path>, output: Output) -> Result<()> {
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
