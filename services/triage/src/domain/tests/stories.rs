//! One report, one outcome.

use jiff::civil::date;
use proto::claim::{Category, Channel, LiabilityParty, Money, Plan, ReportedLine, Resolution, Role, Severity};
use proto::policy::triage::Term;
use proto::triage::AssessReason;

use super::super::plan::{MONEY_MAX, QUANTITY_REDUCED};
use super::super::rules::{Outcome, Ruling, rule};
use super::*;

fn ruled(message: AssessClaim, orders: &Orders) -> Ruling {
    let ask = ask(message);
    rule(pack(), &ask, orders, None, ask.received_at)
}

fn planned(ruling: Ruling) -> Plan {
    match ruling.outcome {
        Outcome::Plan(plan) => plan,
        other => panic!("{other:?}"),
    }
}

fn person(ruling: Ruling) -> (String, Role) {
    match ruling.outcome {
        Outcome::Person { reason, role, .. } => (reason, role),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_return_inside_the_window_is_automatic_and_consented() {
    let ruling = ruled(message(vec![wanted_back()], date(2026, 6, 20)), &facts([order()]));
    assert_eq!(ruling.assessment.severity(), Severity::Minor);
    assert_eq!(ruling.assessment.liability(), LiabilityParty::CustomerChangeOfMind);
    assert_eq!(ruling.assessment.judged_by, "rules");
    let plan = planned(ruling);
    assert!(plan.automatic && plan.consented);
    assert_eq!(plan.proposed_by, "rules");
    assert_eq!(plan.policy, "supply-chain@1");
    let line = &plan.lines[0];
    assert_eq!((line.resolution(), line.quantity, line.sold_quantity), (Resolution::ReturnRefund, 2, 10));
    assert_eq!((line.order_no.as_str(), line.collect, line.promised_on.as_str()), ("O1", true, "2026-07-04"));
    // Change of mind: the customer pays the way back, so the cost is the refund alone (domain rule 7).
    assert_eq!(line.cost, Some(Money { minor_units: 200, currency: "GBP".to_owned() }));
    assert_eq!(line.freight_payer(), LiabilityParty::CustomerChangeOfMind);
}

#[test]
fn the_last_day_of_each_window_counts() {
    let rules = &pack().triage;
    let last = |term: &Term| term.last_day(BOUGHT, None, &pack().escalation.calendars);
    let on = |line: &ReportedLine, day: Date| ruled(message(vec![line.clone()], day), &facts([order()])).outcome;
    let next = |day: Date| day.tomorrow().unwrap();

    let day = last(&rules.windows.change_of_mind);
    assert!(matches!(on(&wanted_back(), day), Outcome::Plan(_)));
    assert_eq!(on(&wanted_back(), next(day)), Outcome::Refused("OUTSIDE_WINDOW".to_owned()));

    let damaged = ReportedLine { category: Category::TransitDamage.into(), ..faulty() };
    let day = last(&rules.windows.fulfilment);
    assert!(matches!(on(&damaged, day), Outcome::Plan(_)));
    assert!(matches!(on(&damaged, next(day)), Outcome::Person { reason, .. } if reason == "OUTSIDE_WINDOW"));

    let day = last(&rules.warranty);
    assert!(matches!(on(&faulty(), day), Outcome::Plan(_)));
    assert!(matches!(on(&faulty(), next(day)), Outcome::Person { reason, .. } if reason == "OUTSIDE_WINDOW"));

    let money_back = ReportedLine { wish: Resolution::ReturnRefund.into(), ..faulty() };
    let day = last(&rules.windows.quality);
    let refund = planned(ruled(message(vec![money_back.clone()], day), &facts([order()])));
    assert_eq!((refund.lines[0].resolution(), refund.consented), (Resolution::ReturnRefund, true));
    // Under warranty the fault is made good, but not with money; the customer did not wish that and is asked.
    let replaced = planned(ruled(message(vec![money_back], next(day)), &facts([order()])));
    assert_eq!((replaced.lines[0].resolution(), replaced.consented), (Resolution::Replace, false));
}

#[test]
fn a_window_begins_with_delivery_and_days_are_those_of_the_policy() {
    let delivered = Order { delivered_on: Some(date(2026, 6, 8)), ..order() };
    let asked = message(vec![wanted_back()], date(2026, 7, 8));
    assert!(matches!(ruled(asked.clone(), &facts([delivered.clone()])).outcome, Outcome::Plan(_)));
    let before = Order { delivered_on: Some(date(2026, 6, 7)), ..order() };
    assert!(matches!(ruled(asked.clone(), &facts([before])).outcome, Outcome::Refused(_)));
    // 23:30 UTC in summer is the next day in London.
    let late = AssessClaim { received_at: Some(to_wire("2026-07-08T23:30:00Z".parse().unwrap())), ..asked };
    assert!(matches!(ruled(late, &facts([delivered])).outcome, Outcome::Refused(_)));
}

#[test]
fn a_company_fault_costs_goods_and_freight_and_is_collected_only_if_worth_it() {
    let cheap = planned(ruled(message(vec![faulty()], date(2026, 6, 20)), &facts([order()])));
    assert_eq!((cheap.lines[0].collect, cheap.cost.unwrap().minor_units), (false, 200 + 500));
    let mut dear = order();
    dear.paid.minor_units = 10_000;
    let dear = planned(ruled(message(vec![faulty()], date(2026, 6, 20)), &facts([dear])));
    assert_eq!((dear.lines[0].collect, dear.cost.unwrap().minor_units), (true, 2_000 + 500 + 400));
}

#[test]
fn above_the_automatic_authority_somebody_approves() {
    let mut sold = order();
    sold.paid.minor_units = 25_000;
    let inside = planned(ruled(message(vec![wanted_back()], date(2026, 6, 20)), &facts([sold.clone()])));
    assert!(inside.automatic);
    sold.paid.minor_units = 25_010;
    let above = planned(ruled(message(vec![wanted_back()], date(2026, 6, 20)), &facts([sold.clone()])));
    assert!(!above.automatic && above.consented);
    // Lines that are each inside may together be above.
    sold.paid.minor_units = 20_000;
    let (other, third) = (Order { sku: "B".to_owned(), ..sold.clone() }, Order { sku: "C".to_owned(), ..sold.clone() });
    let line = |line, sku: &str| ReportedLine { line, sku: sku.to_owned(), ..wanted_back() };
    let lines = vec![wanted_back(), line(2, "B"), line(3, "C")];
    let all = planned(ruled(message(lines, date(2026, 6, 20)), &facts([sold, other, third])));
    assert!(!all.automatic);
}

#[test]
fn high_value_is_judged_by_a_person() {
    let mut sold = order();
    sold.paid.minor_units = 5_000_000;
    let ruling = ruled(message(vec![wanted_back()], date(2026, 6, 20)), &facts([sold]));
    assert_eq!(ruling.assessment.severity(), Severity::Urgent);
    assert_eq!(person(ruling), ("VALUE_HIGH".to_owned(), Role::Supervisor));
}

#[test]
fn lines_that_are_high_together_are_judged_by_a_person() {
    let mut sold = order();
    sold.paid.minor_units = 3_000_000;
    let second = ReportedLine { line: 2, ..wanted_back() };
    assert!(matches!(ruled(message(vec![wanted_back()], BOUGHT), &facts([sold.clone()])).outcome, Outcome::Plan(_)));
    let both = ruled(message(vec![wanted_back(), second], BOUGHT), &facts([sold]));
    assert_eq!(person(both).0, "VALUE_HIGH");
}

#[test]
fn the_greatest_numbers_do_not_overflow() {
    let mut sold = Order { quantity: 1_000_000, ..order() };
    sold.paid.minor_units = MONEY_MAX;
    let line = ReportedLine { quantity: 1_000_000, ..wanted_back() };
    let Outcome::Person { reason, proposal, .. } = ruled(message(vec![line], BOUGHT), &facts([sold])).outcome else {
        panic!("a person judges the greatest value")
    };
    assert_eq!((reason.as_str(), proposal[0].cost.as_ref().unwrap().minor_units), ("VALUE_HIGH", MONEY_MAX));
}

#[test]
fn a_claim_for_more_than_was_sold_is_cut() {
    let line = ReportedLine { quantity: 12, ..wanted_back() };
    let plan = planned(ruled(message(vec![line], date(2026, 6, 20)), &facts([order()])));
    assert_eq!((plan.lines[0].quantity, plan.lines[0].reason.as_str()), (10, QUANTITY_REDUCED));
    assert_eq!(plan.cost.unwrap().minor_units, 1_000);
}

#[test]
fn without_order_number_the_newest_fitting_purchase_counts() {
    let number = |message: AssessClaim, orders: &Orders| planned(ruled(message, orders)).lines[0].order_no.clone();
    let on = |order_no: &str, day: i8, quantity: u32| Order {
        order_no: order_no.to_owned(),
        purchased_on: date(2026, 6, day),
        delivered_on: None,
        quantity,
        ..order()
    };
    let orders = facts([on("O1", 1, 10), on("O2", 5, 10), on("O3", 7, 1), on("O4", 25, 10)]);
    let asked = message(vec![wanted_back()], date(2026, 6, 20));
    assert_eq!(number(asked.clone(), &orders), "O2");
    assert_eq!(number(asked.clone(), &facts([on("O5", 1, 1), on("O6", 2, 1)])), "O6");
    let mut occurred = asked.clone();
    occurred.lines[0].occurred_on = "2026-06-04".to_owned();
    assert_eq!(number(occurred, &orders), "O1");
    let mut named = asked;
    named.lines[0].order_no = "O3".to_owned();
    assert_eq!(number(named, &orders), "O3");
}

#[test]
fn an_unknown_purchase_is_asked_for_once() {
    let asked = message(vec![wanted_back(), ReportedLine { line: 2, ..wanted_back() }], date(2026, 6, 20));
    let none = Orders::default();
    let question = |line, reason: &str| Outcome::Question { reason: reason.to_owned(), line };
    assert_eq!(ruled(asked.clone(), &none).outcome, question(0, "ORDER_NUMBER_NEEDED"));
    let mut one = asked.clone();
    one.lines.truncate(1);
    assert_eq!(ruled(one.clone(), &none).outcome, question(1, "ORDER_NUMBER_NEEDED"));
    // A number that does not fit customer or SKU is said to be unknown.
    for (order_no, sku, customer) in [("O9", "A", "C1"), ("O1", "B", "C1"), ("O1", "A", "C2")] {
        let mut wrong = one.clone();
        (wrong.lines[0].order_no, wrong.lines[0].sku) = (order_no.to_owned(), sku.to_owned());
        wrong.customer_ref = customer.to_owned();
        assert_eq!(ruled(wrong.clone(), &facts([order()])).outcome, question(1, "ORDER_NUMBER_UNKNOWN"));
        // Asked before: somebody looks at it.
        wrong.set_reason(AssessReason::Answered);
        assert_eq!(person(ruled(wrong, &facts([order()]))).0, "ORDER_NOT_FOUND");
    }
    // The customer has none.
    one.set_reason(AssessReason::Answered);
    one.order_unknown_lines = vec![1];
    assert_eq!(ruled(one, &none).outcome, Outcome::Refused("ORDER_NOT_FOUND".to_owned()));
}

#[test]
fn who_only_knows_the_number_of_an_anonymous_order_gets_nothing_without_the_goods() {
    let anonymous = || facts([Order { customer_ref: String::new(), ..order() }]);
    let asked = |line: ReportedLine| {
        let line = ReportedLine { order_no: "O1".to_owned(), ..line };
        ruled(message(vec![line], date(2026, 6, 20)), &anonymous())
    };
    assert!(planned(asked(wanted_back())).automatic, "the goods come first, then the money");
    let missing =
        || ReportedLine { category: Category::Shortage.into(), wish: Resolution::RefundOnly.into(), ..wanted_back() };
    for line in [faulty(), missing(), ReportedLine { wish: Resolution::Resend.into(), ..missing() }] {
        let (reason, role) = person(asked(line.clone()));
        assert_eq!((reason.as_str(), role), ("ANONYMOUS_ORDER", Role::Specialist), "{line:?}");
        let known = ReportedLine { order_no: "O1".to_owned(), ..line };
        planned(ruled(message(vec![known], date(2026, 6, 20)), &facts([order()])));
    }
}

#[test]
fn sr12_who_guesses_the_number_of_an_anonymous_order_hears_what_everybody_hears() {
    let anonymous = facts([Order { customer_ref: String::new(), ..order() }]);
    let asked = |order_no: &str, line: ReportedLine, reason: AssessReason, unknown: &[u32]| {
        let line = ReportedLine { order_no: order_no.to_owned(), ..line };
        let mut asked = AssessClaim { by_staff: false, ..message(vec![line], date(2026, 6, 20)) };
        asked.set_reason(reason);
        asked.order_unknown_lines = unknown.to_vec();
        ruled(asked, &anonymous).outcome
    };
    for line in [wanted_back(), faulty()] {
        let (hit, miss) = ("O1", "O2");
        let first = |order_no: &str| asked(order_no, line.clone(), AssessReason::New, &[]);
        assert_eq!(first(hit), first(miss));
        assert_eq!(first(hit), Outcome::Question { reason: "ORDER_NUMBER_UNKNOWN".to_owned(), line: 1 });
        let gives_up = |order_no: &str| asked(order_no, line.clone(), AssessReason::Answered, &[1]);
        assert_eq!(gives_up(hit), gives_up(miss));
        // Who stays with it is looked at by a person, who sees what it is.
        for (order_no, why) in [(hit, "ANONYMOUS_ORDER"), (miss, "ORDER_NOT_FOUND")] {
            let outcome = asked(order_no, line.clone(), AssessReason::Answered, &[]);
            assert!(matches!(&outcome, Outcome::Person { reason, .. } if reason == why), "{outcome:?}");
        }
    }
}

#[test]
fn sr13_what_a_customer_declares_raises_the_severity_by_one_step() {
    let judged = |by_staff: bool, line: ReportedLine| {
        let asked = AssessClaim { by_staff, ..message(vec![line], date(2026, 6, 20)) };
        let assessment = ruled(asked, &facts([order()])).assessment;
        (assessment.severity(), assessment.priority)
    };
    let ticked = || ReportedLine { safety_risk: true, operation_stopped: true, ..faulty() };
    let (mild, none) = judged(false, faulty());
    let (declared, more) = judged(false, ticked());
    let (confirmed, most) = judged(true, ticked());
    assert_eq!([mild, declared, confirmed], [Severity::Minor, Severity::General, Severity::Urgent]);
    assert!(none < more && more < most, "{none} {more} {most}");
}

#[test]
fn what_is_no_goods_is_refused_alone_and_inside_a_plan() {
    for sku in ["D", "M", "POST", "DOT", "C2", "BANK CHARGES", "AMAZONFEE"] {
        let line = ReportedLine { sku: sku.to_owned(), ..wanted_back() };
        let ruling = ruled(message(vec![line], date(2026, 6, 20)), &Orders::default());
        assert_eq!(ruling.outcome, Outcome::Refused("NOT_GOODS".to_owned()), "{sku}");
    }
    let post = ReportedLine { line: 2, sku: "POST".to_owned(), ..wanted_back() };
    let plan = planned(ruled(message(vec![wanted_back(), post], date(2026, 6, 20)), &facts([order()])));
    assert_eq!((plan.lines[1].resolution(), plan.lines[1].reason.as_str()), (Resolution::Reject, "NOT_GOODS"));
    assert!(plan.automatic && plan.consented);
}

#[test]
fn advice_needs_no_purchase() {
    let line = ReportedLine { category: Category::UsageQuestion.into(), wish: 0, ..wanted_back() };
    let plan = planned(ruled(message(vec![line], date(2026, 6, 20)), &Orders::default()));
    assert_eq!(plan.lines[0].resolution(), Resolution::TechnicalSupport);
    assert!(plan.automatic && plan.consented);
}

#[test]
fn what_the_rules_cannot_know_goes_to_a_person() {
    let other = ReportedLine { category: 0, wish: 0, ..wanted_back() };
    assert_eq!(person(ruled(message(vec![other], BOUGHT), &facts([order()]))).0, "CATEGORY_UNCLEAR");
    let dispute = ReportedLine { category: Category::ContractDispute.into(), ..wanted_back() };
    assert_eq!(person(ruled(message(vec![dispute], BOUGHT), &Orders::default())).0, "JUDGEMENT_NEEDED");
    let mut foreign = order();
    foreign.paid.currency = "CHF".to_owned();
    assert_eq!(person(ruled(message(vec![wanted_back()], BOUGHT), &facts([foreign]))).0, "CURRENCY_UNKNOWN");
}

#[test]
fn what_was_not_good_enough_goes_to_a_person() {
    for (reason, code) in [
        (AssessReason::Denied, "DENIED"),
        (AssessReason::ConsentRefused, "CONSENT_REFUSED"),
        (AssessReason::NoAnswer, "NO_ANSWER"),
        (AssessReason::Failed, "LEG_FAILED"),
        (AssessReason::Reopened, "REOPENED"),
    ] {
        let mut asked = message(vec![wanted_back()], date(2026, 6, 20));
        asked.set_reason(reason);
        let ruling = ruled(asked, &facts([order()]));
        let Outcome::Person { reason, proposal, .. } = ruling.outcome else { panic!("{code}") };
        assert_eq!((reason.as_str(), proposal.len()), (code, 1));
    }
}

#[test]
fn the_worst_line_decides() {
    let unknown = ReportedLine { line: 2, sku: "B".to_owned(), ..wanted_back() };
    let dispute = ReportedLine { line: 3, category: Category::ContractDispute.into(), ..wanted_back() };
    let orders = facts([order()]);
    let lines = vec![wanted_back(), unknown, dispute.clone()];
    assert!(matches!(ruled(message(lines, BOUGHT), &orders).outcome, Outcome::Question { line: 2, .. }));
    let lines = vec![wanted_back(), dispute];
    assert_eq!(person(ruled(message(lines, BOUGHT), &orders)).0, "JUDGEMENT_NEEDED");
}

#[test]
fn effect_and_risk_make_it_worse_and_more_urgent() {
    let judged = |line: ReportedLine, importance| {
        let asked = AssessClaim { importance, ..message(vec![line], date(2026, 6, 20)) };
        let assessment = ruled(
            asked,
            &facts([Order {
                quantity: 1000,
                paid: Money { minor_units: 100_000, currency: "GBP".to_owned() },
                ..order()
            }]),
        )
        .assessment;
        (assessment.severity(), assessment.priority)
    };
    let (mild, first) = judged(faulty(), 0);
    let (stopped, second) = judged(ReportedLine { operation_stopped: true, ..faulty() }, 0);
    let (unsafe_, third) = judged(ReportedLine { safety_risk: true, operation_stopped: true, ..faulty() }, 3);
    let (batch, _) = judged(ReportedLine { quantity: 500, ..faulty() }, 0);
    assert_eq!(
        [mild, stopped, unsafe_, batch],
        [Severity::Minor, Severity::Serious, Severity::Urgent, Severity::Serious]
    );
    assert!(first < second && second < third && third == 1000, "{first} {second} {third}");
}

#[test]
fn a_canary_is_refused_whatever_is_known_and_nobody_is_asked() {
    let canary = |reason: AssessReason| {
        let line = ReportedLine { order_no: "CANARY".to_owned(), sku: "CANARY".to_owned(), ..wanted_back() };
        let mut message = message(vec![line], date(2026, 6, 20));
        message.customer_ref = "canary".to_owned();
        message.set_reason(reason);
        message
    };
    // Somebody may record an order under its name.
    let sold = facts([Order { order_no: "CANARY".to_owned(), sku: "CANARY".to_owned(), ..order() }]);
    for reason in [AssessReason::New, AssessReason::Answered, AssessReason::Reopened, AssessReason::Failed] {
        for orders in [&Orders::default(), &sold] {
            assert_eq!(ruled(canary(reason), orders).outcome, Outcome::Refused("CANARY".to_owned()));
        }
    }
    let mut marked_only = canary(AssessReason::New);
    marked_only.lines[0].order_no = "O9".to_owned();
    let question = Outcome::Question { reason: "ORDER_NUMBER_UNKNOWN".to_owned(), line: 1 };
    assert_eq!(ruled(marked_only, &Orders::default()).outcome, question);
    let mut order_only = canary(AssessReason::New);
    order_only.customer_ref = "C1".to_owned();
    assert_eq!(ruled(order_only, &Orders::default()).outcome, question);
}

#[test]
fn freight_of_a_change_of_mind_is_borne_by_whom_the_policy_says() {
    let returned = |channel: Channel, unit_price: i64| {
        let mut sold = order();
        sold.paid.minor_units = 10 * unit_price;
        let asked = AssessClaim { channel: channel.into(), ..message(vec![wanted_back()], date(2026, 6, 20)) };
        planned(ruled(asked, &facts([sold])))
    };
    let kept = |plan: &Plan| plan.lines[0].freight_kept.as_ref().map(|kept| kept.minor_units);
    // The company pays: it is a cost of the plan, and nobody need be asked.
    let ours = returned(Channel::Platform, 1_000);
    assert_eq!((kept(&ours), ours.cost.as_ref().unwrap().minor_units, ours.consented), (None, 2_400, true));
    assert_eq!(ours.lines[0].freight_payer(), LiabilityParty::CompanySales);
    // The customer pays: told before consent, although the refund is what was wished for.
    let theirs = returned(Channel::Phone, 1_000);
    assert_eq!((kept(&theirs), theirs.cost.as_ref().unwrap().minor_units, theirs.consented), (Some(400), 2_000, false));
    assert_eq!(theirs.lines[0].freight_payer(), LiabilityParty::CustomerChangeOfMind);
    assert!(theirs.automatic);
    // Never more than the refund.
    assert_eq!(kept(&returned(Channel::Phone, 150)), Some(300));
    // A fault of ours is not a change of mind, whatever the channel.
    let asked = AssessClaim { channel: Channel::Phone.into(), ..message(vec![faulty()], date(2026, 6, 20)) };
    assert_eq!(kept(&planned(ruled(asked, &facts([order()])))), None);
}
