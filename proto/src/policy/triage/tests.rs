//! Wrong packs, and what is told about them.

use crate::policy::{Pack, SUPPLY_CHAIN};

/// Problems of the shipped pack after an edit, with the line that the edit is on.
fn problems_after(old: &str, new: &str, mark: &str) -> (usize, Vec<(usize, String)>) {
    assert!(SUPPLY_CHAIN.contains(old), "the pack has no {old:?}");
    let text = SUPPLY_CHAIN.replacen(old, new, 1);
    let line = 1 + text.lines().position(|line| line.starts_with(mark)).unwrap_or_else(|| panic!("no line {mark:?}"));
    (line, Pack::parse("pack.toml", &text).unwrap_err().problems)
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
    let problems = Pack::parse("pack.toml", &text).unwrap_err().problems;
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
    let problems = Pack::parse("pack.toml", &text).unwrap_err().problems;
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
