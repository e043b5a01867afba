//! Wrong packs, and what is told about them.

use std::sync::LazyLock;

use jiff::civil::date;
use proptest::prelude::*;

use super::{Calendars, EndsOn, Term};
use crate::claim::Category;
use crate::policy::{Pack, SUPPLY_CHAIN};

/// Problems of the shipped pack after an edit, with the line that the edit is on.
fn problems_after(old: &str, new: &str, mark: &str) -> (usize, Vec<(usize, String)>) {
    assert!(SUPPLY_CHAIN.contains(old), "the pack has no {old:?}");
    let text = SUPPLY_CHAIN.replacen(old, new, 1);
    let line = 1 + text.lines().position(|line| line.starts_with(mark)).unwrap_or_else(|| panic!("no line {mark:?}"));
    (line, Pack::parse("pack.toml", &text).unwrap_err().lines())
}

#[test]
fn a_gap_in_the_table_of_categories_is_told() {
    let (_, problems) =
        problems_after("[triage.categories.transit_loss]", "[triage.categories.other_loss]", "[triage]");
    assert!(
        problems.iter().any(|(line, why)| *line > 0 && why.contains("`other_loss` is not a category")),
        "{problems:?}"
    );

    let start = SUPPLY_CHAIN.find("[triage.categories.transit_loss]").unwrap();
    let end = start + SUPPLY_CHAIN[start..].find("\n[").unwrap();
    let text = format!("{}{}", &SUPPLY_CHAIN[..start], &SUPPLY_CHAIN[end + 1..]);
    let problems = Pack::parse("pack.toml", &text).unwrap_err().lines();
    let [(line, why)] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(why, "triage.categories.transit_loss: there is no rule for this category");
    assert!(*line > 0);
}

#[test]
fn overlapping_bands_are_told_with_their_line() {
    let band = "    { from = 100_000, severity = \"serious\" },";
    let (line, problems) = problems_after(
        band,
        "    { from = 10_000, severity = \"serious\" },",
        "    { from = 10_000, severity = \"serious\"",
    );
    assert_eq!(
        problems,
        [(line, "triage.severity.value[2].from: must be above the band before: bands do not overlap".to_owned())]
    );
}

#[test]
fn a_default_that_is_no_candidate_is_told_with_its_line() {
    let (line, problems) = problems_after(
        "default = \"return_refund\" # return",
        "default = \"resend\" # return",
        "default = \"resend\" # return",
    );
    assert_eq!(
        problems,
        [(line, "triage.categories.return_request.default: resend is not among the resolutions".to_owned())]
    );
}

#[test]
fn weights_that_do_not_add_up_are_told_with_their_line() {
    let (line, problems) =
        problems_after("weights = { severity = 500,", "weights = { severity = 400,", "weights = { severity = 400,");
    assert_eq!(problems, [(line, "triage.priority.weights: must add up to 1000, not 900".to_owned())]);
}

#[test]
fn an_unknown_word_is_told_with_its_line() {
    let (line, problems) =
        problems_after("safety_risk = \"urgent\"", "safety_risk = \"grave\"", "safety_risk = \"grave\"");
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].0, line);
    assert!(problems[0].1.contains("`grave` is not a severity"), "{problems:?}");
}

#[test]
fn every_problem_is_told_at_once() {
    let text = SUPPLY_CHAIN
        .replacen("collect_from = ", "collect_from = -", 1)
        .replacen("claim_max = ", "claim_max = 99999999999999 #", 1)
        .replacen("due_hours = { minor = ", "due_hours = { minor = 1000", 1);
    let problems = Pack::parse("pack.toml", &text).unwrap_err().lines();
    for path in
        ["triage.collect_from", "triage.authority.claim_max", "triage.value_high", "triage.work_items.due_hours"]
    {
        assert!(problems.iter().any(|(line, why)| *line > 0 && why.starts_with(path)), "{path}: {problems:?}");
    }
}

#[test]
fn a_bearer_of_freight_that_is_nobody_is_told_with_its_line() {
    let (line, problems) = problems_after("phone = \"customer\"", "phone = \"nobody\"", "phone = \"nobody\"");
    let [(told, why)] = &problems[..] else { panic!("{problems:?}") };
    assert!(*told == line && why.contains("unknown variant `nobody`"), "{problems:?}");
    let (_, problems) = problems_after("supervision = \"company\"\n", "", "[triage.freight.bearer]");
    assert!(problems[0].1.contains("missing field `supervision`"), "{problems:?}");
}

const WARRANTY: &str = "from = \"delivery\"\nmonths = 12\n";

#[test]
fn a_term_that_is_none_is_told_with_its_line() {
    let one_of = "triage.warranty: must have exactly one of days, months and years";
    for (new, mark, problem) in [
        ("from = \"delivery\"\n", "[triage.warranty]", one_of),
        ("from = \"delivery\"\nmonths = 12\nyears = 1\n", "[triage.warranty]", one_of),
        ("from = \"delivery\"\nyears = 31\n", "years = 31", "triage.warranty.years: must be 1 to 30 years"),
        (
            "from = \"delivery\"\ndays = 7\n",
            "[triage.warranty]",
            "triage.warranty: must not end before windows.quality",
        ),
        (
            "from = \"delivery\"\nmonths = 12\nends_on = \"working_day\"\n",
            "ends_on = \"working_day\"",
            "triage.warranty.ends_on: needs the name of a calendar of [escalation]: calendar = ...",
        ),
        (
            "from = \"delivery\"\nmonths = 12\ncalendar = \"office\"\n",
            "calendar = \"office\"",
            "triage.warranty.calendar: is for ends_on = \"working_day\" only",
        ),
        (
            "from = \"delivery\"\nmonths = 12\nends_on = \"working_day\"\ncalendar = \"home\"\n",
            "calendar = \"home\"",
            "triage.warranty.calendar: there is no calendar `home`",
        ),
    ] {
        let (line, problems) = problems_after(WARRANTY, new, mark);
        assert_eq!(problems[0], (line, problem.to_owned()));
    }
}

#[test]
fn earlier_terms_are_whole_and_in_order() {
    let entry = |day: &str| {
        let term = "{ from = \"purchase\", days = 14 }";
        format!(
            "[[triage.earlier_terms]]\nlast_day = \"{day}\"\nwindows = {{ quality = {term}, change_of_mind = {term}, fulfilment = \
             {term} }}\nwarranty = {term}\n\n"
        )
    };
    let text = |days: [&str; 2]| {
        let entries = days.map(entry).concat();
        SUPPLY_CHAIN.replacen("[triage.freight]", &format!("{entries}[triage.freight]"), 1)
    };
    let pack = Pack::parse("pack.toml", &text(["2024-12-31", "2025-12-31"])).unwrap();
    let days = |day| pack.triage.terms(Category::ReturnRequest, "A", day).window.unwrap().days;
    assert_eq!(days(date(2025, 12, 31)), Some(14));
    assert_eq!(days(date(2026, 1, 1)), Some(30));
    let problems = Pack::parse("pack.toml", &text(["2025-12-31", "2024-12-31"])).unwrap_err().lines();
    let why = "triage.earlier_terms[1].last_day: must be after that of the entry before";
    assert_eq!(problems.iter().map(|(_, why)| why.as_str()).collect::<Vec<_>>(), [why]);
}

#[test]
fn an_article_comes_before_its_category_and_that_before_the_kind() {
    let own = "[triage.articles.LAMP]\nwarranty = { from = \"delivery\", years = 3 }\n\n[triage.freight]";
    let text = SUPPLY_CHAIN.replacen("[triage.freight]", own, 1).replacen(
        "[triage.categories.quality_performance]\n",
        "[triage.categories.quality_performance]\nwarranty = { from = \"delivery\", years = 2 }\n",
        1,
    );
    let rules = Pack::parse("pack.toml", &text).unwrap().triage;
    let years = |category, sku| rules.terms(category, sku, date(2026, 6, 1)).warranty.map(|term| term.years);
    assert_eq!(years(Category::QualityPerformance, "LAMP"), Some(Some(3)));
    assert_eq!(years(Category::QualityPerformance, "MUG"), Some(Some(2)));
    assert_eq!(years(Category::QualityColour, "MUG"), Some(None));
    assert_eq!(years(Category::QualityColour, "LAMP"), Some(Some(3)));
    assert_eq!(years(Category::ReturnRequest, "LAMP"), None, "nothing is wrong with the goods");
}

fn term(days: Option<u32>, months: Option<u32>, years: Option<u32>) -> Term {
    let (ends_on, calendar, after_repair) = (EndsOn::AnyDay, None, None);
    Term { from: super::Start::Delivery, days, months, years, ends_on, calendar, after_repair }
}

#[test]
fn ff4_months_and_years_go_by_the_calendar() {
    let none = Calendars::new();
    let last = |term: Term, start| term.last_day(start, None, &none);
    assert_eq!(last(term(None, None, Some(2)), date(2027, 3, 1)), date(2029, 3, 1));
    assert_eq!(last(term(Some(730), None, None), date(2027, 3, 1)), date(2029, 2, 28));
    assert_eq!(last(term(None, None, Some(1)), date(2024, 2, 29)), date(2025, 2, 28));
    assert_eq!(last(term(None, None, Some(4)), date(2024, 2, 29)), date(2028, 2, 29));
    assert_eq!(last(term(None, Some(1), None), date(2026, 1, 31)), date(2026, 2, 28));
    assert_eq!(last(term(None, Some(36), None), date(2023, 11, 30)), date(2026, 11, 30));
    // It is lengthened once, if the goods were repaired within it.
    let longer = super::Length { days: None, months: Some(12), years: None };
    let lengthened = Term { after_repair: Some(longer), ..term(None, None, Some(2)) };
    let repaired = |day| lengthened.last_day(date(2026, 8, 31), Some(day), &none);
    assert_eq!(repaired(date(2028, 8, 31)), date(2029, 8, 31));
    assert_eq!(repaired(date(2028, 9, 1)), date(2028, 8, 31));
}

#[test]
fn ff3_a_term_ends_on_a_working_day() {
    let pack = Pack::load(None).unwrap();
    let window = &pack.triage.windows.change_of_mind;
    let last = |start| window.last_day(start, None, &pack.escalation.calendars);
    assert_eq!(last(date(2026, 10, 30)), date(2026, 11, 30), "the 29th is a Sunday");
    assert_eq!(last(date(2026, 11, 25)), date(2026, 12, 29), "the 25th and the 28th are holidays");
    assert_eq!(last(date(2026, 11, 12)), date(2026, 12, 12), "this Saturday is worked");
    assert_eq!(last(date(2026, 10, 28)), date(2026, 11, 27), "a Friday");
}

proptest! {
    /// Whatever the unit, a later start never ends earlier, a working day never shortens, and it is the same day of the
    /// month unless that is too short.
    #[test]
    fn terms_rise_with_their_start(start in 0_i64..20_000, later in 0_i64..400, number in 1_u32..=30, unit in 0..3) {
        static PACK: LazyLock<Pack> = LazyLock::new(|| Pack::load(None).unwrap());
        let calendars = &PACK.escalation.calendars;
        let given = |at| (unit == at).then_some(number);
        let any = term(given(0), given(1), given(2));
        let working = Term { ends_on: EndsOn::WorkingDay, calendar: Some("office".to_owned()), ..any.clone() };
        let start = date(2000, 1, 1).saturating_add(jiff::Span::new().days(start));
        let last = any.last_day(start, None, calendars);
        prop_assert!(last > start && any.last_day(start.saturating_add(jiff::Span::new().days(later)), None, calendars) >= last);
        prop_assert!(unit == 0 || last.day() == start.day() || (last == last.last_of_month() && last.day() < start.day()));
        let open = working.last_day(start, None, calendars);
        prop_assert!(open >= last && !calendars["office"].day(open).is_empty());
        prop_assert!(last == open || calendars["office"].day(last).is_empty());
    }
}
