//! The judgement of a line and of a claim: category, severity, priority, liability, department.

use jiff::Timestamp;
use proto::claim::{Assessment, Category, LiabilityParty, Severity};
use proto::policy::triage::{CategoryRule, Kind, Triage, Word};

use super::ask::{Ask, Line};

/// What the rules think of one line.
#[derive(Clone, Debug)]
pub struct Judged<'r> {
    /// What happened.
    pub category: Category,
    /// The rule of the category.
    pub rule: &'r CategoryRule,
    /// How bad it is.
    pub severity: Severity,
    /// How urgent it is, 0 to 1000.
    pub urgency: u32,
    /// Who is liable, preliminarily.
    pub liability: LiabilityParty,
}

/// What happened to a line, and the rule for that.
pub fn category<'r>(rules: &'r Triage, line: &Line) -> (Category, &'r CategoryRule) {
    let said = line.category != Category::Unspecified;
    let category = if said { line.category } else { rules.category_by_wish.of(line.wish) };
    (category, rules.categories.get(&Word(category)).expect("a valid pack has every category"))
}

/// Judges one line; `value` is what the units concerned were sold for, if that is known. `seen`: a person of ours has looked
/// at what the line says of itself.
pub fn line<'r>(rules: &'r Triage, line: &Line, value: Option<i64>, seen: bool) -> Judged<'r> {
    let (category, rule) = category(rules, line);
    let urgency = if line.operation_stopped && seen { rules.priority.operation_stopped } else { 0 };
    Judged {
        category,
        rule,
        severity: severity(rules, rule.kind, line, value, seen),
        urgency: urgency.max(rule.urgency),
        liability: rule.liability.0,
    }
}

/// The greatest that effect, value or risk gives (S0-16). What the customer declares, and nobody has looked at, raises it by
/// one step only: whoever ticks every box is not served before others.
fn severity(rules: &Triage, kind: Kind, line: &Line, value: Option<i64>, seen: bool) -> Severity {
    let rules = &rules.severity;
    let batch_wide = kind == Kind::Quality && line.quantity >= rules.batch_wide_units;
    let bands = rules.value.iter().filter(|band| value.is_some_and(|value| value >= band.from));
    let known = batch_wide.then_some(rules.batch_wide.0);
    let known = bands.map(|band| band.severity.0).chain(known).max().unwrap_or(Severity::Minor);
    let stopped = line.operation_stopped.then_some(rules.operation_stopped.0);
    let unsafe_ = line.safety_risk.then_some(rules.safety_risk.0);
    let declared = stopped.max(unsafe_).unwrap_or(Severity::Minor);
    known.max(if seen { declared } else { declared.min(next(known)) })
}

/// One step worse.
fn next(severity: Severity) -> Severity {
    match severity {
        Severity::Unspecified | Severity::Minor => Severity::General,
        Severity::General => Severity::Serious,
        Severity::Serious | Severity::Urgent => Severity::Urgent,
    }
}

/// Judges the claim: its worst line speaks for it. A person may judge liability otherwise than the rules.
pub fn claim(
    rules: &Triage,
    ask: &Ask,
    lines: &[Judged<'_>],
    liability: Option<LiabilityParty>,
    by: &str,
    at: Timestamp,
) -> Assessment {
    // Of lines that are equally bad the first one counts.
    let worst = lines.iter().rev().max_by_key(|line| (line.severity, line.urgency)).expect("a claim has lines");
    let urgency = lines.iter().map(|line| line.urgency).max().unwrap_or(0);
    Assessment {
        number: ask.assessment(),
        category: worst.category.into(),
        severity: worst.severity.into(),
        priority: priority(rules, worst.severity, urgency, ask.message.importance),
        liability: liability.unwrap_or(worst.liability).into(),
        department: worst.rule.department.0.into(),
        judged_by: by.to_owned(),
        judged_at: Some(proto::to_wire(at)),
    }
}

/// Weighted mean of severity, urgency and importance, 0 to 1000 (S0-32).
fn priority(rules: &Triage, severity: Severity, urgency: u32, importance: u32) -> u32 {
    let rules = &rules.priority;
    let importance = rules.importance[usize::try_from(importance.min(3)).unwrap_or(0)];
    // At most 1000 weights of at most 1000 each.
    let sum = rules.weights.severity * rules.severity.of(severity)
        + rules.weights.urgency * urgency
        + rules.weights.importance * importance;
    sum / 1000
}
