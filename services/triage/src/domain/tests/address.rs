//! B-D13: nobody ships to nowhere.

use jiff::civil::date;
use proto::claim::Plan;
use proto::triage::triage_event::Kind as Answer;

use super::super::person::{LineDecision, Verdict, VerdictKind};
use super::super::rules::ADDRESS_NEEDED;
use super::super::{Case, Command, Event, Item, Refusal, decide, evolve};
use super::*;

fn run(case: &mut Case, meta: &Meta, command: &Command) -> Result<(), Refusal> {
    let events: Vec<Event> = decide(pack(), case, &facts([order()]), meta, command)?;
    events.iter().for_each(|event| evolve(case, event));
    Ok(())
}

fn assess(number: u32, reason: AssessReason, line: ReportedLine, address_known: bool) -> Command {
    let mut asked = message(vec![line], date(2026, 6, 20));
    (asked.assessment, asked.plan_number) = (number, number);
    asked.address_known = Some(address_known);
    asked.set_reason(reason);
    Command::Assess(Box::new(ask(asked)))
}

fn answer(case: &Case, number: u32) -> &Answer {
    case.entries[&number].answer.as_ref().unwrap()
}

fn asked(case: &Case, number: u32) -> (&str, u32) {
    match answer(case, number) {
        Answer::AnswerNeeded(question) => (&question.reason, question.line),
        other => panic!("{other:?}"),
    }
}

fn planned(case: &Case, number: u32) -> &Plan {
    match answer(case, number) {
        Answer::ClaimJudged(judged) => judged.plan.as_ref().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn waits(case: &Case) -> Item {
    case.items.values().find(|item| item.work.is_open()).unwrap().clone()
}

fn verdict(item: &Item, resolution: Resolution) -> Command {
    let line = LineDecision { line: 1, resolution, quantity: None, unit_price: None, reason: String::new() };
    let verdict = Verdict { kind: VerdictKind::Lines(vec![line]), liability: None, note: "seen".to_owned() };
    Command::Decide { item: item.work.id, etag: chassis::etag(item.work.version), verdict }
}

fn day() -> Meta {
    system(date(2026, 6, 20))
}

fn anna() -> Meta {
    meta(date(2026, 6, 22), "anna", &["specialist"])
}

#[test]
fn b_d13_without_an_address_the_customer_is_asked_once_before_any_plan() {
    for line in [wanted_back(), faulty()] {
        let mut case = Case::default();
        run(&mut case, &day(), &assess(1, AssessReason::New, line.clone(), false)).unwrap();
        assert_eq!(asked(&case, 1), (ADDRESS_NEEDED, 0));
        // With an address it goes on as it would have.
        let mut told = case.clone();
        run(&mut told, &day(), &assess(2, AssessReason::Answered, line.clone(), true)).unwrap();
        assert!(planned(&told, 2).automatic);
        // Without one a person decides, who is shown what the rules would do.
        run(&mut case, &day(), &assess(2, AssessReason::Answered, line, false)).unwrap();
        let item = waits(&case);
        assert_eq!((item.work.reason.as_str(), item.proposal.len()), (ADDRESS_NEEDED, 1));
    }
}

#[test]
fn b_d13_what_needs_no_address_is_not_asked_about() {
    let money =
        ReportedLine { category: Category::Shortage.into(), wish: Resolution::RefundOnly.into(), ..wanted_back() };
    let mut case = Case::default();
    run(&mut case, &day(), &assess(1, AssessReason::New, money, false)).unwrap();
    assert!(planned(&case, 1).automatic);
    // What was asked before it was told has an address.
    let mut before = message(vec![wanted_back()], date(2026, 6, 20));
    before.address_known = None;
    let mut case = Case::default();
    run(&mut case, &day(), &Command::Assess(Box::new(ask(before)))).unwrap();
    assert!(planned(&case, 1).automatic);
}

#[test]
fn b_d13_the_plan_of_a_person_waits_for_the_address() {
    let mut case = Case::default();
    run(&mut case, &day(), &assess(1, AssessReason::Denied, wanted_back(), false)).unwrap();
    let item = waits(&case);
    run(&mut case, &anna(), &verdict(&item, Resolution::ReturnRefund)).unwrap();
    assert_eq!(asked(&case, 1), (ADDRESS_NEEDED, 0));
    let mut told = case.clone();
    let later = system(date(2026, 6, 25));
    run(&mut told, &later, &assess(2, AssessReason::Answered, wanted_back(), true)).unwrap();
    let plan = planned(&told, 2);
    assert_eq!((plan.number, plan.proposed_by.as_str()), (2, "anna"));
    assert_eq!(plan.lines[0].promised_on, "2026-07-09", "promised from the day of the answer");
    let judgement = told.entries[&2].judgement.as_ref().unwrap();
    assert_eq!((judgement.number, judgement.judged_by.as_str(), told.entries[&2].by_person), (2, "anna", true));
    // Without an answer it comes back to that person, who can only decide what needs no address.
    run(&mut case, &later, &assess(2, AssessReason::Answered, wanted_back(), false)).unwrap();
    let item = waits(&case);
    assert_eq!(item.work.reason, "DENIED");
    let nowhere = vec![(1, "no address is known: nothing can be sent or collected")];
    let refused = run(&mut case, &anna(), &verdict(&item, Resolution::ReturnRefund));
    assert_eq!(refused, Err(Refusal::PlanInvalid(nowhere)));
    run(&mut case, &anna(), &verdict(&item, Resolution::RefundOnly)).unwrap();
    assert_eq!(planned(&case, 2).lines[0].resolution(), Resolution::RefundOnly);
}
