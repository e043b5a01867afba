//! Wrong packs, and what is told about them; who approves what in the shipped one.

use super::*;
use crate::policy::{Pack, SUPPLY_CHAIN};

/// Problems of the shipped pack after an edit in the section of escalation, with the line that the edit is on.
fn problems_after(old: &str, new: &str) -> (usize, Vec<(usize, String)>) {
    let section = SUPPLY_CHAIN.find("[escalation]").unwrap();
    let at = section + SUPPLY_CHAIN[section..].find(old).unwrap_or_else(|| panic!("the section has no {old:?}"));
    let text = format!("{}{new}{}", &SUPPLY_CHAIN[..at], &SUPPLY_CHAIN[at + old.len()..]);
    let line = 1 + SUPPLY_CHAIN[..at].matches('\n').count();
    (line, Pack::parse("pack.toml", &text).unwrap_err().lines())
}

/// One edit, one problem, on the line of the edit.
fn told(old: &str, new: &str, problem: &str) {
    let (line, problems) = problems_after(old, new);
    assert_eq!(problems, [(line, problem.to_owned())]);
}

#[test]
fn a_period_that_crosses_midnight_is_told() {
    let problem = "`13:30-01:00` is empty or crosses midnight: split it between two days";
    told("tuesday = [\"09:00-12:30\", \"13:30-17:30\"]", "tuesday = [\"09:00-12:30\", \"13:30-01:00\"]", problem);
    let problem = "`noon` is not a working period as 09:00-12:30";
    told("saturday = []", "saturday = [\"noon\"]", problem);
}

#[test]
fn periods_that_overlap_are_told() {
    let problem = "escalation.calendars.office.tuesday[1]: 12:00-17:30 overlaps 09:00-12:30";
    told("tuesday = [\"09:00-12:30\", \"13:30-17:30\"]", "tuesday = [\"09:00-12:30\", \"12:00-17:30\"]", problem);
    let problem =
        "escalation.calendars.office.tuesday[1]: 12:30-17:30 goes on where 09:00-12:30 ends: write one period";
    told("tuesday = [\"09:00-12:30\", \"13:30-17:30\"]", "tuesday = [\"09:00-12:30\", \"12:30-17:30\"]", problem);
    let problem = "escalation.calendars.office.tuesday[1]: 09:00-12:30 must not come before 13:30-17:30: periods are in \
                   rising order";
    told("tuesday = [\"09:00-12:30\", \"13:30-17:30\"]", "tuesday = [\"13:30-17:30\", \"09:00-12:30\"]", problem);
}

#[test]
fn a_special_day_must_be_a_working_day() {
    let problem = "escalation.calendars.office.special.2026-12-12: has no working period: it belongs to the holidays";
    told("\"2026-12-12\" = [\"10:00-14:00\"]", "\"2026-12-12\" = []", problem);
    let problem = "escalation.calendars.office.special.2026-12-25: is a holiday as well";
    told("\"2026-12-12\" = ", "\"2026-12-25\" = ", problem);
}

#[test]
fn ff6_a_calendar_says_until_when_it_is_known() {
    let known = "known_until = \"2027-12-31\"";
    let problem = "escalation.calendars.office.known_until: must not be before the last holiday or special day";
    told(known, "known_until = \"2027-12-27\"", problem);
    let (_, problems) = problems_after(known, "");
    assert!(problems.iter().any(|(line, why)| *line > 0 && why.contains("known_until")), "{problems:?}");
    // A calendar that ends before the pack begins.
    let text = SUPPLY_CHAIN.replacen("effective_from = \"2026-01-01\"", "effective_from = \"2028-01-01\"", 1);
    let line = 1 + text.lines().position(|line| line.starts_with("known_until")).unwrap();
    let why = "escalation.calendars.office.known_until: must be after effective_from: nothing could be reckoned";
    assert_eq!(Pack::parse("pack.toml", &text).unwrap_err().lines(), [(line, why.to_owned())]);
}

#[test]
fn a_calendar_without_work_or_zone_or_name_is_told() {
    let (_, problems) = problems_after("time_zone = \"Europe/London\"", "time_zone = \"Europe/Londinium\"");
    assert!(problems[0].0 > 0 && problems[0].1.contains("`Europe/Londinium` is not a time zone"), "{problems:?}");
    told("calendar = \"office\"", "calendar = \"home\"", "escalation.calendar: there is no calendar `home`");
    let start = SUPPLY_CHAIN.find("[escalation.calendars.office]").unwrap();
    let mut text = SUPPLY_CHAIN.to_owned();
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday"] {
        let at = start + text[start..].find(&format!("\n{day} = [")).unwrap() + 1;
        let end = at + text[at..].find('\n').unwrap();
        text.replace_range(at..end, &format!("{day} = []"));
    }
    let line = 1 + text[..start].matches('\n').count();
    let problems = Pack::parse("pack.toml", &text).unwrap_err().lines();
    assert_eq!(problems, [(line, "escalation.calendars.office: no weekday has a working period".to_owned())]);
}

#[test]
fn a_target_of_no_time_or_more_time_for_what_is_worse_is_told() {
    let (line, problems) = problems_after("minutes = { minor = 240, ", "minutes = { minor = 1, ");
    let why = "escalation.clocks.acknowledgement.minutes: what is worse must not have more time";
    assert_eq!(problems, [(line, why.to_owned())]);
    let (line, problems) = problems_after("urgent = 60 }", "urgent = 0 }");
    let why = "escalation.clocks.acknowledgement.minutes.urgent: must be 1 to 527,040 working minutes";
    assert_eq!(problems, [(line, why.to_owned())]);
}

#[test]
fn a_ladder_begins_with_the_breach_and_rises() {
    let first = "minor = [{ role = \"supervisor\", after_minutes = 0 }";
    let late = "minor = [{ role = \"supervisor\", after_minutes = 5 }";
    let problem = "escalation.ladder.minor[0].after_minutes: the first level is raised with the breach: it has 0";
    told(first, late, problem);
    let (line, problems) = problems_after(
        "minor = [{ role = \"supervisor\", after_minutes = 0 }, { role = \"management\", after_minutes = 960 }]",
        "minor = [{ role = \"supervisor\", after_minutes = 0 }, { role = \"supervisor\", after_minutes = 0 }]",
    );
    assert_eq!(
        problems,
        [
            (line, "escalation.ladder.minor[1].after_minutes: must be 1 to 527,040 working minutes".to_owned()),
            (line, "escalation.ladder.minor[1].role: is the role of the level before".to_owned()),
        ]
    );
}

#[test]
fn a_matrix_has_no_gap_and_no_overlap() {
    let problem = "escalation.authority[0].bands[1].up_to: must be above the band before: bands do not overlap";
    told("{ up_to = 100_000, roles", "{ up_to = 1_000, roles", problem);

    let problem = "escalation.authority[0].bands[3].up_to: the last band must have no end: there is a gap above it";
    let last = "{ roles = [\"supervisor\", \"finance\", \"management\"] }";
    told(last, "{ up_to = 2_000_000, roles = [\"supervisor\", \"finance\", \"management\"] }", problem);

    let problem = "escalation.authority[0].bands[0]: only the last band has no end: the bands after it overlap";
    told("{ up_to = 5_000, roles = [] }", "{ roles = [] }", problem);

    let problem = "escalation.authority[0].bands[3].roles: names a role twice";
    told(last, "{ roles = [\"supervisor\", \"finance\", \"supervisor\"] }", problem);

    let (_, problems) = problems_after("\"refund_only\"]", "]");
    let missing: Vec<_> = problems.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(
        missing,
        [
            "escalation.authority: there is no rule for refund_only with minor",
            "escalation.authority: there is no rule for refund_only with general"
        ]
    );
    assert!(problems.iter().all(|(line, _)| *line > 0));

    let (line, problems) =
        problems_after("resolutions = [\"technical_support\", ", "resolutions = [\"technical_support\", \"replace\", ");
    assert!(
        !problems.is_empty() && problems.iter().all(|(at, why)| *at == line && why.contains("already")),
        "{problems:?}"
    );
}

#[test]
fn somebody_is_always_there() {
    let problem = "escalation.absent_roles: management takes the place of others: it is there";
    told("absent_roles = []", "absent_roles = [\"finance\", \"management\"]", problem);
}

#[test]
fn a_work_item_is_due_some_day() {
    let problem = "escalation.due_hours.support: must be 1 to 720 working hours";
    told("support = 8", "support = 0", problem);
}

#[test]
fn cost_resolution_and_severity_name_those_who_approve() {
    let rules = Pack::load(None).unwrap().escalation;
    let chain = |resolution, severity, cost| -> Vec<String> {
        rules.chain(resolution, severity, cost).iter().map(ToString::to_string).collect()
    };
    assert!(chain(Resolution::Replace, Severity::General, Some(5_000)).is_empty());
    assert_eq!(chain(Resolution::Replace, Severity::General, Some(5_001)), ["supervisor"]);
    assert_eq!(chain(Resolution::Replace, Severity::Unspecified, Some(5_001)), ["supervisor"]);
    assert_eq!(chain(Resolution::Replace, Severity::Minor, Some(100_001)), ["supervisor", "finance"]);
    assert_eq!(chain(Resolution::Replace, Severity::Minor, None), ["supervisor", "finance", "management"]);
    assert!(chain(Resolution::Reject, Severity::Minor, Some(0)).is_empty());
}

#[test]
fn a_day_off_gives_way_to_the_next_working_day() {
    let office = &Pack::load(None).unwrap().escalation.calendars["office"];
    for (day, working) in [
        ("2026-11-27", "2026-11-27"),
        ("2026-11-28", "2026-11-30"),
        ("2026-11-29", "2026-11-30"),
        // Christmas, the weekend, and the day given for it.
        ("2026-12-25", "2026-12-29"),
        // A Saturday that is worked.
        ("2026-12-12", "2026-12-12"),
    ] {
        assert_eq!(office.working_day(day.parse().unwrap()), working.parse().unwrap(), "{day}");
    }
}
