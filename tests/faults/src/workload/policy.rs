//! The shipped policy with nearly the shortest clocks a pack may have, always at work: deadlines pass while a run goes on.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use proto::policy::SUPPLY_CHAIN;
use toml::{Table, Value};

/// Days of the week, as a calendar names them.
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The clocks.
const CLOCKS: [&str; 4] = ["acknowledgement", "first_feedback", "approval", "final_solution"];
/// A hold that waits for missing goods runs out after so many seconds.
const HOLD_S: i64 = 10;
/// A question that a service has not answered is asked again after so many seconds.
const ASK_AGAIN_S: i64 = 5;

/// After so many days a customer who was asked something is reminded, it lapses, and a follow-up is over. A day of a run is
/// `REDRESS_DAY_S`.
const SILENCE_DAYS: (i64, i64, i64) = (1, 3, 3);

/// Writes the policy for a run into a folder; gives the file.
pub fn write_policy(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("policy.toml");
    std::fs::write(&file, short()?).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

/// The pack: one minute for every clock and every level, two to solve what is minor, short holds, and questions that are soon
/// asked again.
fn short() -> Result<String> {
    let mut pack: Table = SUPPLY_CHAIN.parse()?;
    let calendar = at(&mut pack, &["escalation", "calendars", "office"])?;
    for day in DAYS {
        calendar.insert(day.to_owned(), Value::Array(vec!["00:00-24:00".into()]));
    }
    calendar.remove("holidays");
    calendar.remove("special");
    for clock in CLOCKS {
        each_severity(at(&mut pack, &["escalation", "clocks", clock, "minutes"])?, |minutes| *minutes = 1.into());
    }
    // A judgement re-targets: what is minor gets more time than it began with.
    let solution = at(&mut pack, &["escalation", "clocks", "final_solution", "minutes"])?;
    solution.insert("minor".to_owned(), 2.into());
    each_severity(at(&mut pack, &["escalation", "ladder"])?, |levels| {
        let levels = levels.as_array_mut().into_iter().flatten().skip(1).filter_map(Value::as_table_mut);
        levels.for_each(|level| drop(level.insert("after_minutes".to_owned(), 1.into())));
    });
    at(&mut pack, &["inventory"])?.insert("hold_s".to_owned(), HOLD_S.into());
    // The checker reads what was kept of every claim, and is one person.
    at(&mut pack, &["contacts"])?.insert("reads_per_hour".to_owned(), 1_000_000.into());
    silence(&mut pack)?;
    let again = at(&mut pack, &["orchestrator", "ask_again"])?;
    again.insert("first_s".to_owned(), ASK_AGAIN_S.into());
    again.insert("longest_s".to_owned(), (ASK_AGAIN_S * 4).into());
    Ok(toml::to_string(&pack)?)
}

/// A question that nobody answers ends the claim, a plan that nobody answers is for a person.
fn silence(pack: &mut Table) -> Result<()> {
    let (remind, lapse, over) = SILENCE_DAYS;
    at(pack, &["orchestrator", "follow_up"])?.insert("days_without_answer".to_owned(), over.into());
    at(pack, &["orchestrator", "silence"])?.insert("days".to_owned(), "plain".into());
    for (asked, then) in [("question", "withdrawn"), ("plan", "person")] {
        let rule = at(pack, &["orchestrator", "silence", asked])?;
        rule.insert("remind_days".to_owned(), Value::Array(vec![remind.into()]));
        rule.insert("lapse_days".to_owned(), lapse.into());
        rule.insert("then".to_owned(), then.into());
    }
    Ok(())
}

fn at<'t>(table: &'t mut Table, path: &[&str]) -> Result<&'t mut Table> {
    path.iter().try_fold(table, |table, key| {
        table.get_mut(*key).and_then(Value::as_table_mut).with_context(|| format!("the shipped pack has no {key}"))
    })
}

fn each_severity(table: &mut Table, change: impl Fn(&mut Value)) {
    table.iter_mut().for_each(|(_, value)| change(value));
}

#[cfg(test)]
mod tests {
    use proto::policy::Pack;
    use proto::policy::orchestrator::{Days, Lapse};

    use super::*;

    #[test]
    fn the_pack_is_valid_and_short() {
        let pack = Pack::parse("policy.toml", &short().unwrap()).unwrap();
        assert_eq!(pack.inventory.hold_s, 10);
        assert!(pack.escalation.calendars["office"].holidays.is_empty());
        let silence = pack.orchestrator.silence;
        assert_eq!((silence.days, silence.question.lapse_days), (Days::Plain, 3));
        assert_eq!((silence.question.then, silence.plan.then), (Lapse::Withdrawn, Lapse::Person));
    }
}
