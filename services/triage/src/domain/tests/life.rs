//! The life of an assessment: the same name, the same answer; what is taken back stays taken back.

use std::collections::BTreeMap;

use chassis::work;
use jiff::civil::date;
use proptest::prelude::*;
use proto::claim::words::Role;
use proto::claim::{LiabilityParty, Resolution};
use proto::triage::AssessReason;
use proto::triage::triage_event::Kind as Answer;

use super::super::person::{LineDecision, Round, Verdict, VerdictKind};
use super::super::{Case, Command, EntryState, Event, Item, Refusal, decide, evolve};
use super::*;

fn run(case: &mut Case, orders: &Orders, meta: &Meta, command: &Command) -> Result<Vec<Event>, Refusal> {
    let events = decide(pack(), case, orders, meta, command)?;
    events.iter().for_each(|event| evolve(case, event));
    Ok(events)
}

/// May decide whatever waits.
fn boss() -> Meta {
    meta(date(2026, 6, 22), "mia", &["management"])
}

fn assess(number: u32, reason: AssessReason) -> Command {
    let mut asked = message(vec![wanted_back()], date(2026, 6, 20));
    (asked.assessment, asked.plan_number) = (number, number);
    asked.set_reason(reason);
    Command::Assess(Box::new(ask(asked)))
}

fn cancel(number: u32) -> Command {
    let Command::Assess(ask) = assess(number, AssessReason::New) else { unreachable!() };
    Command::Cancel { claim: ask.claim, number }
}

fn refund(unit_price: Option<Money>) -> Vec<LineDecision> {
    let resolution = Resolution::RefundOnly;
    vec![LineDecision { line: 1, resolution, quantity: None, unit_price, reason: String::new() }]
}

fn verdict(item: &Item, kind: VerdictKind) -> Command {
    let verdict = Verdict { kind, liability: Some(LiabilityParty::CompanySales), note: "seen".to_owned() };
    Command::Decide { item: item.work.id, etag: chassis::etag(item.work.version), verdict }
}

fn open(case: &Case) -> Vec<Item> {
    case.items.values().filter(|item| item.work.is_open()).cloned().collect()
}

fn told(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Told(_)))
}

#[test]
fn the_same_assessment_again_gets_the_same_answer_again() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    run(&mut case, &facts([order()]), &day, &assess(1, AssessReason::New)).unwrap();
    let before = case.entries[&1].clone();
    assert!(matches!(before.answer, Some(Answer::ClaimJudged(_))));
    // Even if the facts have changed meanwhile.
    let again = run(&mut case, &Orders::default(), &day, &assess(1, AssessReason::New)).unwrap();
    assert_eq!(again, [Event::Told(1)]);
    assert_eq!(case.entries[&1], before);
}

#[test]
fn a_d10_work_items_are_due_in_working_time() {
    let mut case = Case::default();
    // A Friday, eleven o'clock in London: five hours and a half are left, Monday has seven and a half, and Tuesday two.
    run(&mut case, &facts([order()]), &system(date(2026, 6, 19)), &assess(1, AssessReason::Denied)).unwrap();
    let item = open(&case).remove(0);
    assert_eq!(pack().triage.work_items.due_hours.minor, 15);
    assert_eq!(item.work.due_at, "2026-06-23T10:00:00Z".parse().unwrap());
}

#[test]
fn a_late_assessment_of_a_cancelled_number_does_nothing() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    run(&mut case, &facts([order()]), &day, &cancel(1)).unwrap();
    assert_eq!(run(&mut case, &facts([order()]), &day, &assess(1, AssessReason::New)), Ok(Vec::new()));
    assert_eq!(run(&mut case, &facts([order()]), &day, &cancel(1)), Ok(Vec::new()));
    assert!(told(&run(&mut case, &facts([order()]), &day, &assess(2, AssessReason::New)).unwrap()));
}

#[test]
fn a_cancelled_assessment_closes_its_work_item() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    run(&mut case, &facts([order()]), &day, &assess(1, AssessReason::Denied)).unwrap();
    let item = open(&case).remove(0);
    run(&mut case, &facts([order()]), &day, &cancel(1)).unwrap();
    assert!(open(&case).is_empty());
    assert_eq!(case.entries[&1].state, EntryState::Cancelled);
    let late = verdict(&item, VerdictKind::Lines(refund(None)));
    assert_eq!(run(&mut case, &facts([order()]), &day, &late), Err(work::Refusal::Closed(item.work.id).into()));
}

#[test]
fn who_was_asked_too_often_is_not_asked_again() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    // No such order is known, and the customer answers with nothing that helps.
    for number in 1..=20 {
        run(&mut case, &Orders::default(), &day, &assess(number, AssessReason::New)).unwrap();
        assert_eq!(case.entries[&number].state, EntryState::Question);
    }
    run(&mut case, &Orders::default(), &day, &assess(21, AssessReason::New)).unwrap();
    assert_eq!(case.entries[&21].state, EntryState::Person);
    let item = open(&case).remove(0);
    let anna = meta(date(2026, 6, 22), "anna", &["specialist"]);
    let more = verdict(&item, VerdictKind::Ask("MORE".to_owned()));
    assert_eq!(run(&mut case, &Orders::default(), &anna, &more), Err(Refusal::TooLarge));
}

#[test]
fn after_many_plans_a_claim_can_only_be_refused() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &assess(51, AssessReason::Denied)).unwrap();
    let item = open(&case).remove(0);
    let anna = meta(date(2026, 6, 22), "anna", &["specialist"]);
    let plan = verdict(&item, VerdictKind::Lines(refund(None)));
    assert_eq!(run(&mut case, &orders, &anna, &plan), Err(Refusal::TooLarge));
    let reject = LineDecision { resolution: Resolution::Reject, reason: "NO".to_owned(), ..refund(None).remove(0) };
    run(&mut case, &orders, &anna, &verdict(&item, VerdictKind::Lines(vec![reject]))).unwrap();
    assert_eq!(case.entries[&51].state, EntryState::Refused);
}

#[test]
fn a_person_decides_once_and_the_answer_is_told_again() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &assess(1, AssessReason::Denied)).unwrap();
    let item = open(&case).remove(0);
    let anna = meta(date(2026, 6, 22), "anna", &["specialist"]);
    let stale = Command::Decide {
        item: item.work.id,
        etag: "\"9\"".to_owned(),
        verdict: Verdict { kind: VerdictKind::Lines(refund(None)), liability: None, note: String::new() },
    };
    assert_eq!(run(&mut case, &orders, &anna, &stale), Err(work::Refusal::EtagMismatch.into()));
    run(&mut case, &orders, &anna, &verdict(&item, VerdictKind::Lines(refund(None)))).unwrap();
    let entry = &case.entries[&1];
    let plan = entry.plan.as_ref().unwrap();
    assert_eq!((entry.version, entry.by.as_str(), plan.proposed_by.as_str()), (2, "anna", "anna"));
    assert!(!plan.automatic, "what was denied goes to those who may approve again");
    assert!(!plan.consented, "the customer wished for something else");
    assert_eq!(plan.lines[0].freight_payer(), LiabilityParty::CompanySales);
    // A promise is made from the day of the decision.
    assert_eq!(plan.lines[0].promised_on, "2026-06-27");
    assert_eq!(run(&mut case, &orders, &day, &assess(1, AssessReason::Denied)), Ok(vec![Event::Told(1)]));
    let again = verdict(&item, VerdictKind::Lines(refund(None)));
    assert_eq!(run(&mut case, &orders, &anna, &again), Err(work::Refusal::Closed(item.work.id).into()));
}

#[test]
fn a_question_of_a_person_returns_to_that_person() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &assess(1, AssessReason::Denied)).unwrap();
    let item = open(&case).remove(0);
    run(&mut case, &orders, &boss(), &verdict(&item, VerdictKind::Ask("PHOTO_NEEDED".to_owned()))).unwrap();
    assert!(matches!(&case.entries[&1].answer, Some(Answer::AnswerNeeded(asked)) if asked.reason == "PHOTO_NEEDED"));
    run(&mut case, &orders, &day, &assess(2, AssessReason::Answered)).unwrap();
    let back = open(&case).remove(0);
    assert_eq!((back.number, back.work.reason.as_str(), back.work.role), (2, "DENIED", item.work.role));
    // And the denial is not forgotten for the answer.
    let anna = meta(date(2026, 6, 22), "anna", &["specialist"]);
    run(&mut case, &orders, &anna, &verdict(&back, VerdictKind::Lines(refund(None)))).unwrap();
    let plan = case.entries[&2].plan.as_ref().unwrap();
    assert!(!plan.automatic, "what was denied goes to those who may approve again");
}

#[test]
fn what_was_said_in_a_round_is_not_forgotten_for_an_answer() {
    use AssessReason::{Answered, ConsentRefused, Denied, Failed, New, Reopened};
    let round = |reasons: &[AssessReason]| Round::of(reasons.iter().rev().copied());
    let is = |denied, wish_counts| Round { denied, wish_counts };
    assert_eq!(round(&[New]), is(false, true));
    assert_eq!(round(&[New, Denied, Answered, Answered]), is(true, true));
    assert_eq!(round(&[New, ConsentRefused, Answered]), is(false, false));
    assert_eq!(round(&[New, Denied, ConsentRefused, Failed, Answered]), is(true, false));
    // A new round begins anew; the wish is of the first.
    assert_eq!(round(&[New, Denied, Reopened, Answered]), is(false, false));
}

#[test]
fn only_the_role_that_it_waits_for_decides() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &assess(1, AssessReason::Reopened)).unwrap();
    let item = open(&case).remove(0);
    assert_eq!(item.work.role, Role::Supervisor);
    for role in ["specialist", "quality", "legal"] {
        let person = meta(date(2026, 6, 22), "anna", &[role]);
        let refused = run(&mut case, &orders, &person, &verdict(&item, VerdictKind::Lines(refund(None))));
        assert_eq!(refused, Err(work::Refusal::WrongRole(Role::Supervisor).into()), "{role}");
    }
    let manager = meta(date(2026, 6, 22), "mia", &["management"]);
    run(&mut case, &orders, &manager, &verdict(&item, VerdictKind::Lines(refund(None)))).unwrap();
}

#[test]
fn a_decision_that_does_not_fit_names_each_line() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let mut asked = message(vec![wanted_back()], date(2026, 6, 20));
    asked.lines.push(proto::claim::ReportedLine { line: 2, sku: "B".to_owned(), ..wanted_back() });
    asked.lines.push(proto::claim::ReportedLine { line: 3, ..wanted_back() });
    asked.set_reason(AssessReason::Denied);
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &Command::Assess(Box::new(ask(asked)))).unwrap();
    let item = open(&case).remove(0);
    let mut decisions = refund(Some(Money { minor_units: 1, currency: "GBP".to_owned() }));
    decisions.push(LineDecision { line: 2, ..refund(None).remove(0) });
    decisions.push(LineDecision { line: 3, quantity: Some(3), ..refund(None).remove(0) });
    let wrong = verdict(&item, VerdictKind::Lines(decisions.clone()));
    let Err(Refusal::PlanInvalid(misfits)) = run(&mut case, &orders, &boss(), &wrong) else { panic!() };
    assert_eq!(misfits.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3]);
    decisions.swap_remove(0).line = 9;
    decisions.push(LineDecision { line: 2, ..refund(None).remove(0) });
    decisions.push(LineDecision { line: 9, ..refund(None).remove(0) });
    let wrong = verdict(&item, VerdictKind::Lines(decisions));
    let Err(Refusal::PlanInvalid(misfits)) = run(&mut case, &orders, &boss(), &wrong) else { panic!() };
    assert_eq!(misfits.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 9, 1]);
    // Given the price, goods of an unknown purchase are refunded.
    let priced = Some(Money { minor_units: 150, currency: "GBP".to_owned() });
    let right = vec![
        refund(None).remove(0),
        LineDecision { line: 2, unit_price: priced, ..refund(None).remove(0) },
        LineDecision { line: 3, resolution: Resolution::Reject, reason: "WORN".to_owned(), ..refund(None).remove(0) },
    ];
    run(&mut case, &orders, &boss(), &verdict(&item, VerdictKind::Lines(right))).unwrap();
    let plan = case.entries[&1].plan.as_ref().unwrap();
    assert_eq!(plan.cost.as_ref().unwrap().minor_units, 200 + 300);
}

#[test]
fn a_person_may_refuse_the_claim() {
    let (mut case, day) = (Case::default(), system(date(2026, 6, 20)));
    let orders = facts([order()]);
    run(&mut case, &orders, &day, &assess(1, AssessReason::Reopened)).unwrap();
    let no = LineDecision { resolution: Resolution::Reject, reason: "WORN".to_owned(), ..refund(None).remove(0) };
    let item = open(&case).remove(0);
    run(&mut case, &orders, &boss(), &verdict(&item, VerdictKind::Lines(vec![no]))).unwrap();
    assert!(matches!(&case.entries[&1].answer, Some(Answer::ClaimRefused(refused)) if refused.reason == "WORN"));
}

proptest! {
    #[test]
    fn any_order_of_commands_keeps_the_promises(steps in proptest::collection::vec((0..4_u8, 1..4_u32, 1..=6_i32), 1..25)) {
        let mut case = Case::default();
        let orders = facts([order()]);
        let mut versions: BTreeMap<u32, u32> = BTreeMap::new();
        for (step, (what, number, reason)) in (0_u128..).zip(steps) {
            let command = match what {
                0 | 1 => assess(number, AssessReason::try_from(reason).unwrap()),
                2 => cancel(number),
                _ => match open(&case).first() {
                    Some(item) => verdict(item, VerdictKind::Lines(refund(None))),
                    None => continue,
                },
            };
            let who = if what < 3 { Actor::service("orchestrator") } else { Actor::new("mia", &["management"]) };
            let day = Meta::new(at(date(2026, 6, 20)), who, Uuid::from_u128(step));
            let cancelled: Vec<u32> = case
                .entries
                .values()
                .filter_map(|entry| (entry.state == EntryState::Cancelled).then_some(entry.number))
                .collect();
            let events = run(&mut case, &orders, &day, &command).unwrap();
            for event in &events {
                if let Event::Assessed(entry) = event {
                    let before = versions.insert(entry.number, entry.version).unwrap_or(0);
                    prop_assert_eq!(entry.version, before + 1);
                    prop_assert!(!cancelled.contains(&entry.number), "what is taken back stays so");
                }
                if let Event::Told(number) = event {
                    prop_assert!(case.entries[number].answer.is_some());
                }
            }
            if what < 2 {
                prop_assert_eq!(told(&events), !cancelled.contains(&number), "an assessment is never met with silence");
            }
            for entry in case.entries.values() {
                let waiting = open(&case).iter().filter(|item| item.number == entry.number).count();
                prop_assert_eq!(waiting, usize::from(entry.state == EntryState::Person));
            }
        }
    }
}
