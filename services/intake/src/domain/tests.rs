//! Every past of a small claim: two questions, two plans, two rounds, in every order.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use proto::claim::{Category, Channel, ClaimState, LinePlan, Resolution};
use proto::intake::EvidenceAudience;
use proto::policy::Pack;

use super::*;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&Pack::load(None).unwrap()));

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn report(channel: Channel) -> Report {
    let line = Line {
        order_no: "536365".to_owned(),
        sku: "85123A".to_owned(),
        batch: String::new(),
        serials: Vec::new(),
        quantity: 3,
        category: Category::QualityColour,
        wish: Resolution::Replace,
        delivered_on: None,
        occurred_on: None,
        description: Pii::new("Ada says it is green".to_owned()),
        safety_risk: false,
        operation_stopped: false,
    };
    let contact = Contact { customer_name: Pii::new("Ada".to_owned()), ..Contact::default() };
    Report {
        channel,
        customer_ref: "C-1".to_owned(),
        contact,
        lines: vec![line],
        evidence: Vec::new(),
        country: "GB".to_owned(),
        importance: 0,
        upset: false,
        announced_on: None,
    }
}

fn fresh(channel: Channel) -> Claim {
    let number = claim_number(now(), &TimeZone::UTC, 7);
    submit(&report(channel), ClaimId(Uuid::nil()), number, Vec::new(), now(), &RULES)
}

/// The other claim that the first one may be merged into.
static OTHER: LazyLock<Claim> = LazyLock::new(|| {
    let number = claim_number(now(), &TimeZone::UTC, 6);
    Claim { id: ClaimId(Uuid::max()), number, lines: Vec::new(), ..fresh(Channel::Web) }
});

fn other() -> Claim {
    OTHER.clone()
}

fn plan(number: u32) -> Box<Plan> {
    let line = LinePlan { line: 1, promised_on: "2026-12-01".to_owned(), ..LinePlan::default() };
    Box::new(Plan { number, lines: vec![line], ..Plan::default() })
}

fn piece(line: u32) -> Evidence {
    let (sha256, media_type) = ("ab".repeat(32), "image/png".to_owned());
    Evidence {
        sha256,
        media_type,
        size: 1,
        name: Pii::new("ada.png".to_owned()),
        line,
        audience: EvidenceAudience::Customer,
    }
}

fn talk(at: Option<Timestamp>) -> Action {
    let (channel, direction) = (Channel::Phone, ContactDirection::Outbound);
    Action::LogContact { at, channel, direction, note: Pii::new("Ada was glad".to_owned()) }
}

/// Every action that the walk tries, with the name it has in the table.
fn actions() -> Vec<(&'static str, Action)> {
    let text = || Pii::new(String::new());
    let mut all = vec![
        ("confirm_read_back", Action::ConfirmReadBack { version: None }),
        ("mark_duplicate", Action::MarkDuplicate { of: ClaimId(Uuid::max()), version: None }),
        ("log_contact", talk(Some(now()))),
        ("withdraw", Action::Withdraw { text: text() }),
        ("answer_follow_up", Action::AnswerFollowUp { score: 2, text: text() }),
    ];
    for number in 1..=2 {
        let question_id = format!("q{number}");
        let reason = "ORDER_NUMBER_NEEDED".to_owned();
        let (id, order_no) = (question_id.clone(), "1".to_owned());
        let address = Pii::new("1 Example Road".to_owned());
        all.push(("answer_question", Action::AnswerQuestion { question_id: id, order_no, address, text: text() }));
        all.push(("ask_customer", Action::AskCustomer { question_id: question_id.clone(), reason, line: 1 }));
        all.push(("close_question", Action::CloseQuestion { question_id }));
        for accepted in [true, false] {
            all.push(("answer_plan", Action::AnswerPlan { plan_number: number, accepted, text: text() }));
        }
        all.push(("propose_plan", Action::ProposePlan { plan: plan(number) }));
        all.push(("withdraw_plan", Action::WithdrawPlan { plan_number: number }));
        all.push(("start_follow_up", Action::StartFollowUp { round: number }));
    }
    for end in [End::Closed, End::Rejected, End::Withdrawn, End::Duplicate] {
        all.push(("end_claim", Action::EndClaim { end, reason: "R".to_owned() }));
    }
    all
}

fn apply(claim: &Claim, action: &Action) -> Result<(Claim, Vec<Event>), Refusal> {
    let events = decide(&RULES, claim, Some(&OTHER), now(), "anna", action)?;
    let mut after = claim.clone();
    events.iter().for_each(|event| evolve(&mut after, event));
    Ok((after, events))
}

/// What a claim is, apart from the count of its changes.
fn content(claim: &Claim) -> String {
    format!("{:?}", Claim { version: 0, ..claim.clone() })
}

fn same(one: &Claim, other: &Claim) -> bool {
    Claim { version: 0, ..one.clone() } == Claim { version: 0, ..other.clone() }
}

fn tells_customer(event: &Event) -> bool {
    matches!(event, Event::QuestionAsked(_) | Event::PlanProposed(..) | Event::FollowUpStarted(_) | Event::Ended { .. })
}

/// Calls `look` with every claim that can be, every action, and what came of it.
fn walk(mut look: impl FnMut(&Claim, &'static str, &Action, &Result<(Claim, Vec<Event>), Refusal>)) -> usize {
    let actions = actions();
    // Lines take no part in what can happen.
    let start = Claim { lines: Vec::new(), ..fresh(Channel::Phone) };
    let mut seen = HashSet::from([content(&start)]);
    let mut waiting = vec![start];
    while let Some(claim) = waiting.pop() {
        for (name, action) in &actions {
            let result = apply(&claim, action);
            look(&claim, name, action, &result);
            // A claim that has ended, or goes on as another one, is at rest; to look at a few of them from all sides is
            // enough.
            if let Ok((after, _)) = result
                && (after.end.is_none() && after.duplicate_of.is_none() || after.questions.is_empty())
                && seen.insert(content(&after))
            {
                waiting.push(after);
            }
        }
    }
    seen.len()
}

#[test]
fn every_past_keeps_the_promises() {
    let claims = walk(|claim, name, action, result| {
        let Ok((after, events)) = result else {
            assert!(action.is_call(), "{name} of the orchestrator is refused in {claim:?}");
            return;
        };
        assert_eq!(after.version > claim.version, !same(after, claim), "{name} in {claim:?}");
        never_goes_back(claim, after);
        if claim.end.is_some() {
            assert!(events.is_empty(), "{name} moves a claim that has ended");
        }
        if claim.given_up().is_some() && claim.end.is_none() && !action.is_call() {
            let asks = events.iter().any(|event| tells_customer(event) && !matches!(event, Event::Ended { .. }));
            assert!(!asks, "{name} asks the customer of a claim that was given up");
        }
        let again = apply(after, action);
        if action.is_call() {
            assert!(again.is_err(), "{name} is taken twice");
        } else {
            let (twice, events) = again.unwrap();
            assert!(same(&twice, after), "{name} has a second effect");
            assert!(!events.iter().any(tells_customer), "{name} tells the customer twice");
        }
    });
    assert!(claims > 9_000, "the walk saw only {claims} claims");
}

/// What is answered stays answered, what is taken back stays taken back, what has ended stays ended.
fn never_goes_back(before: &Claim, after: &Claim) {
    for (at, question) in before.questions.iter().enumerate() {
        let later = &after.questions[at];
        assert_eq!(question.id, later.id);
        assert!(question.answered_at.is_none() || later.answered_at.is_some());
        assert!(question.closed_at.is_none() || (later.closed_at.is_some() && later.answered_at.is_none()));
    }
    if let (Some(known), Some(later)) = (&before.proposal, &after.proposal) {
        assert!(known.number <= later.number);
        let was_open = known.state == ProposalState::Open;
        assert!(known.number < later.number || known.state == later.state || was_open);
    }
    assert!(after.scores.starts_with(&before.scores));
    assert!(after.contacts.starts_with(&before.contacts));
    assert!(after.withdrawal_requested >= before.withdrawal_requested);
    assert!(before.end.is_none() || before.end == after.end);
    assert!(before.read_back.is_none() || before.read_back == after.read_back);
    assert!(before.duplicate_of.is_none() || before.duplicate_of == after.duplicate_of);
    assert!(after.duplicate_of.is_none() || !after.withdrawal_requested);
    assert_eq!(after.end.is_some(), after.state().has_ended());
}

/// State and action → what can come of it. The table in which people look; a test prints it, so that it cannot lie.
const TABLE: &str = include_str!("transitions.txt");

#[test]
fn the_table_is_true() {
    let mut table: BTreeMap<(i32, &str), BTreeSet<String>> = BTreeMap::new();
    walk(|claim, name, _, result| {
        let outcome = match result {
            Err(refusal) => refusal.reason().to_owned(),
            Ok((after, _)) if after.state() == claim.state() => "stays".to_owned(),
            Ok((after, _)) => short(after.state()),
        };
        table.entry((claim.state() as i32, name)).or_default().insert(outcome);
    });
    let row = |((state, name), outcomes): (&(i32, &str), &BTreeSet<String>)| {
        let outcomes = outcomes.iter().cloned().collect::<Vec<_>>().join(" | ");
        format!("{:<18} {name:<18} {outcomes}\n", short(ClaimState::try_from(*state).unwrap()))
    };
    let text: String = table.iter().map(row).collect();
    assert_eq!(text, TABLE, "{text}");
}

fn short(state: ClaimState) -> String {
    state.word().to_owned()
}

#[test]
fn what_is_known_is_told_again() {
    for (asked, answer) in [
        (
            "ask_customer",
            Answer::Question { question_id: "q1".to_owned(), line: 1, order_no: "1".to_owned(), address_given: true },
        ),
        ("propose_plan", Answer::Plan { plan_number: 1, accepted: true }),
        ("start_follow_up", Answer::FollowUp { round: 1, score: 2 }),
    ] {
        let of = |wanted: &str| actions().into_iter().find(|(name, _)| *name == wanted).unwrap().1;
        let answered = of(&asked
            .replace("ask_customer", "answer_question")
            .replace("propose", "answer")
            .replace("start", "answer"));
        let (claim, _) = apply(&fresh(Channel::Phone), &of(asked)).unwrap();
        let (claim, events) = apply(&claim, &answered).unwrap();
        assert_eq!(events, [Event::Answered(answer.clone(), now())]);
        let (same, events) = apply(&claim, &of(asked)).unwrap();
        assert_eq!((same, events), (claim.clone(), vec![Event::AnsweredBefore(answer)]));
        let (claim, _) = apply(&claim, &of("withdraw")).unwrap();
        assert_eq!(apply(&claim, &of(asked)).unwrap().1, [Event::AnsweredBefore(Answer::Withdrawal)]);
    }
}

#[test]
fn what_is_taken_back_first_is_never_asked() {
    let id = || "q1".to_owned();
    let close = Action::CloseQuestion { question_id: id() };
    let ask = Action::AskCustomer { question_id: id(), reason: "R".to_owned(), line: 0 };
    let (withdraw, propose) = (Action::WithdrawPlan { plan_number: 1 }, Action::ProposePlan { plan: plan(1) });
    for (back, forth) in [(&close, &ask), (&withdraw, &propose)] {
        let (claim, _) = apply(&fresh(Channel::Web), back).unwrap();
        let (claim, events) = apply(&claim, forth).unwrap();
        assert!(events.is_empty());
        assert_eq!(claim.state(), ClaimState::Submitted);
    }
    let (claim, _) = apply(&fresh(Channel::Web), &Action::ProposePlan { plan: plan(2) }).unwrap();
    assert!(apply(&claim, &propose).unwrap().1.is_empty(), "an older plan is void");
    assert_eq!(claim.open_plan().unwrap().number, 2);
}

#[test]
fn promises_are_made_kept_and_moved() {
    // It is a Sunday: the office opens the next morning.
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let claim = fresh(Channel::Phone);
    assert_eq!(claim.promises.acknowledgement, at("2026-11-23T10:00:00Z"));
    assert_eq!(claim.promises.first_feedback, at("2026-11-23T17:30:00Z"));
    assert_eq!(fresh(Channel::Web).promises.acknowledgement, None);
    let (claim, _) = apply(&claim, &Action::ConfirmReadBack { version: Some(1) }).unwrap();
    assert_eq!(claim.promises.acknowledgement, None);
    let (claim, _) = apply(&claim, &Action::ProposePlan { plan: plan(1) }).unwrap();
    assert_eq!(claim.promises.solution, Some("2026-12-02T00:00:00Z".parse().unwrap()));
    assert_eq!(claim.promises.first_feedback, None);
    let refuse = Action::AnswerPlan { plan_number: 1, accepted: false, text: Pii::default() };
    assert_eq!(apply(&claim, &refuse).unwrap().0.promises.solution, None);
    let (claim, _) = apply(&claim, &Action::EndClaim { end: End::Closed, reason: String::new() }).unwrap();
    assert_eq!(claim.promises, Promises::default());
}

#[test]
fn only_what_goes_on_takes_in_a_duplicate() {
    let (claim, of) = (fresh(Channel::Phone), ClaimId(Uuid::max()));
    let mark = |version| Action::MarkDuplicate { of, version };
    let merge = |other: Option<&Claim>, version| decide(&RULES, &claim, other, now(), "anna", &mark(version)).map(drop);
    assert_eq!(merge(Some(&other()), Some(1)), Ok(()));
    assert_eq!(merge(Some(&other()), Some(2)), Err(Refusal::EtagMismatch));
    assert_eq!(merge(None, None), Err(Refusal::NoOther { of }));
    let foreign = Claim { customer_ref: "C-2".to_owned(), ..other() };
    assert_eq!(merge(Some(&foreign), None), Err(Refusal::OtherCustomer));
    for gone in [
        Claim { withdrawal_requested: true, ..other() },
        Claim { duplicate_of: Some((ClaimId(Uuid::nil()), "RD-2026-000007".to_owned())), ..other() },
        Claim { end: Some((End::Withdrawn, String::new())), ..other() },
    ] {
        assert_eq!(merge(Some(&gone), None), Err(Refusal::NotMergeable));
    }
    // What was solved or refused before was reported before.
    let closed = Claim { end: Some((End::Closed, String::new())), ..other() };
    assert_eq!(merge(Some(&closed), None), Ok(()));
    let (merged, _) = apply(&claim, &mark(None)).unwrap();
    let again = apply(&merged, &mark(None)).unwrap_err();
    assert_eq!(again, Refusal::AlreadyDuplicate { of: "RD-2026-000006".to_owned() });
    let text = Pii::default();
    assert_eq!(apply(&merged, &Action::Withdraw { text }).unwrap_err().reason(), "ALREADY_DUPLICATE");
}

#[test]
fn b_d4_a_contact_keeps_what_was_promised_and_the_receipt_does_not() {
    let claim = fresh(Channel::Phone);
    assert!(claim.promises.acknowledgement.is_some() && claim.promises.first_feedback.is_some(), "it is received");
    let (talked, events) = apply(&claim, &talk(None)).unwrap();
    let logged = LoggedContact {
        at: now(),
        channel: Channel::Phone,
        direction: ContactDirection::Outbound,
        by: "anna".to_owned(),
        logged_at: now(),
    };
    assert_eq!(events, [Event::ContactLogged(logged.clone())]);
    assert_eq!((talked.contacts.as_slice(), &talked.promises), (&[logged][..], &Promises::default()));
    let (about, _) = talk(None).words(&talked).unwrap();
    assert_eq!(about, "contact 1");

    let refused = |claim: &Claim, action: &Action| apply(claim, action).unwrap_err();
    let (received_at, early) = (claim.received_at, now() - jiff::SignedDuration::from_micros(1));
    assert_eq!(refused(&claim, &talk(Some(early))), Refusal::ContactBeforeClaim { received_at });
    assert_eq!(refused(&talked, &talk(Some(now()))), Refusal::ContactKnown { number: 1 });
    let mut full = claim.clone();
    for second in 1..=i64::try_from(CONTACTS_MAX).unwrap() {
        full = apply(&full, &talk(Some(now() + jiff::SignedDuration::from_secs(second)))).unwrap().0;
    }
    assert_eq!(refused(&full, &talk(None)), Refusal::TooManyContacts);
    // Whoever has withdrawn may be called until it has ended.
    let (withdrawn, _) = apply(&claim, &Action::Withdraw { text: Pii::default() }).unwrap();
    let (withdrawn, _) = apply(&withdrawn, &talk(None)).unwrap();
    let (ended, _) = apply(&withdrawn, &Action::EndClaim { end: End::Withdrawn, reason: "W".to_owned() }).unwrap();
    assert_eq!(refused(&ended, &talk(None)), Refusal::ClaimEnded);
}

#[test]
fn ff6_a_promise_beyond_the_known_holidays_is_provisional() {
    let due = |text: &str| text.parse().unwrap();
    for promised in [Promised::Acknowledgement, Promised::FirstFeedback] {
        assert!(!RULES.is_provisional(promised, due("2027-12-31T17:30:00Z")));
        assert!(RULES.is_provisional(promised, due("2028-01-03T09:30:00Z")));
    }
    assert!(!RULES.is_provisional(Promised::Solution, due("2028-01-04T00:00:00Z")), "a day that was proposed");
}

#[test]
fn b_d13_it_is_known_whether_goods_can_be_sent() {
    let claim = fresh(Channel::Phone);
    assert_eq!(claim.address_known, Some(false), "no address was given");
    let (claim, _) =
        apply(&claim, &actions().into_iter().find(|(name, _)| *name == "ask_customer").unwrap().1).unwrap();
    let answer = |address: &str| Action::AnswerQuestion {
        question_id: claim.questions[0].id.clone(),
        order_no: String::new(),
        address: Pii::new(address.to_owned()),
        text: Pii::default(),
    };
    assert_eq!(apply(&claim, &answer(" ")).unwrap().0.address_known, Some(false), "spaces are no address");
    assert_eq!(apply(&claim, &answer("1 Example Road")).unwrap().0.address_known, Some(true));
}

#[test]
fn a_promise_moves_with_its_clock_and_the_customer_is_told_of_a_later_one() {
    let claim = fresh(Channel::Phone);
    let hour = |hour: i8| now().to_zoned(TimeZone::UTC).with().hour(hour).build().unwrap().timestamp();
    let to = |promised, at: Option<Timestamp>| Action::MovePromises(vec![(promised, at.map(Until::Time))]);
    let later =
        to(Promised::FirstFeedback, claim.promises.first_feedback.map(|at| at + jiff::SignedDuration::from_hours(1)));
    let (moved, events) = apply(&claim, &later).unwrap();
    assert!(moved.promises.first_feedback > claim.promises.first_feedback);
    assert_eq!(moved.promises.acknowledgement, claim.promises.acknowledgement, "what is not named stays");
    assert_eq!(events, [Event::PromisesMoved(moved.promises.clone(), claim.promises.clone())]);
    assert!(apply(&moved, &later).unwrap().1.is_empty(), "told again, nothing happens");
    let (sooner, _) = apply(&moved, &to(Promised::FirstFeedback, Some(hour(11)))).unwrap();
    assert_eq!(sooner.promises.first_feedback, Some(hour(11)));
    let (kept, _) = apply(&sooner, &to(Promised::FirstFeedback, None)).unwrap();
    assert_eq!(kept.promises.first_feedback, None);
    let day = Action::MovePromises(vec![(Promised::Solution, Some(Until::Day(jiff::civil::date(2026, 12, 24))))]);
    let (dated, _) = apply(&kept, &day).unwrap();
    assert_eq!(dated.promises.solution, Some("2026-12-25T00:00:00Z".parse().unwrap()));
    let (ended, _) = apply(&dated, &Action::EndClaim { end: End::Closed, reason: String::new() }).unwrap();
    assert!(apply(&ended, &day).unwrap().1.is_empty(), "an ended claim promises nothing");
}

#[test]
fn another_version_is_not_confirmed() {
    let claim = fresh(Channel::Phone);
    assert_eq!(apply(&claim, &Action::ConfirmReadBack { version: Some(2) }), Err(Refusal::EtagMismatch));
}

#[test]
fn nothing_personal_is_printed() {
    let (claim, events) = apply(&fresh(Channel::Phone), &Action::AddEvidence { evidence: vec![piece(1)] }).unwrap();
    let command = Command::Submit { request_id: Uuid::nil(), report: Box::new(report(Channel::Phone)), own: false };
    let text = format!("{claim:?} {events:?} {command:?} {:?}", read_back(&RULES, &claim));
    assert!(!text.to_lowercase().contains("ada"), "{text}");
}

#[test]
fn the_number_can_be_quoted() {
    assert_eq!(claim_number(now(), &TimeZone::UTC, 7), "RD-2026-000007");
    assert_eq!(claim_number(now(), &TimeZone::UTC, 12_345_678), "RD-2026-12345678");
}

/// Before eight in the morning in China it is yesterday in London, and on New Year's Day last year.
#[test]
fn b_d5_days_and_years_are_those_of_the_company() {
    let mut pack = Pack::load(None).unwrap();
    pack.triage.time_zone = TimeZone::get("Asia/Shanghai").unwrap();
    pack.escalation.calendars.values_mut().for_each(|calendar| calendar.time_zone = pack.triage.time_zone.clone());
    let rules = Rules::new(&pack);
    let new_year: Timestamp = "2026-12-31T16:00:00Z".parse().unwrap();
    let number = claim_number(new_year, rules.zone(), 7);
    assert_eq!(number, "RD-2027-000007");
    let claim = submit(&report(Channel::Web), ClaimId(Uuid::nil()), number, Vec::new(), new_year, &rules);
    assert_eq!(read_back(&rules, &claim)[0], "Claim RD-2027-000007, received on 2027-01-01 by web");
    let end = rules.solution(&plan(1)).unwrap();
    assert_eq!(end, "2026-12-01T16:00:00Z".parse().unwrap(), "the end of the day in China");
}

/// A-D10: told and watched are one instant.
#[test]
fn case_promise_on_a_holiday() {
    let mut pack = Pack::load(None).unwrap();
    let office = pack.escalation.calendars.get_mut("office").unwrap();
    office.time_zone = TimeZone::get("Europe/Berlin").unwrap();
    office.holidays.extend((30..=30).map(|day| jiff::civil::date(2026, 11, day)));
    office.holidays.extend((1..=4).map(|day| jiff::civil::date(2026, 12, day)));
    let rules = Rules::new(&pack);
    let monday: Timestamp = "2026-11-30T12:37:00Z".parse().unwrap();
    let claim = submit(&report(Channel::Phone), ClaimId(Uuid::nil()), String::new(), Vec::new(), monday, &rules);
    let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(claim.promises.acknowledgement, at("2026-12-07T09:00:00Z"));
    assert_eq!(claim.promises.first_feedback, at("2026-12-07T16:30:00Z"));
}

#[test]
fn the_main_points_are_read_back() {
    let points = read_back(&RULES, &fresh(Channel::Phone));
    assert_eq!(
        points,
        [
            "Claim RD-2026-000007, received on 2026-11-22 by phone",
            "Line 1: 3 x 85123A, order 536365, problem: quality colour, hopes for: replace, evidence: 0",
            "First feedback by 2026-11-23 17:30 GMT",
        ]
    );
}

proptest! {
    #[test]
    fn a_claim_holds_no_more_than_it_can(sizes in prop::collection::vec((1_usize..=50, 0_u32..=2), 1..12)) {
        let mut claim = fresh(Channel::Phone);
        for (at, (size, line)) in sizes.into_iter().enumerate() {
            let add = Action::AddEvidence { evidence: vec![piece(line); size] };
            match apply(&claim, &add) {
                Ok((after, _)) => { prop_assert_eq!(after.evidence.len(), claim.evidence.len() + size); claim = after; }
                Err(Refusal::NoSuchLine { line }) => prop_assert_eq!(line, 2),
                Err(refusal) => {
                    prop_assert_eq!(refusal, Refusal::TooMuchEvidence { held: claim.evidence.len() });
                    prop_assert!(claim.evidence.len() + size > EVIDENCE_MAX);
                }
            }
            prop_assert!(claim.evidence.len() <= EVIDENCE_MAX);
            for n in 0..4 {
                let ask = Action::AskCustomer { question_id: format!("q{at}-{n}"), reason: "R".to_owned(), line: 0 };
                let full = claim.questions.len() >= QUESTIONS_MAX;
                match apply(&claim, &ask) {
                    Ok((after, _)) => { prop_assert!(!full); claim = after; }
                    Err(refusal) => { prop_assert!(full); prop_assert_eq!(refusal, Refusal::TooManyQuestions); }
                }
            }
        }
    }
}

fn new_file(digit: &str, line: u32, size: u64) -> Box<NewFile> {
    let received = Evidence { sha256: digit.repeat(64), ..piece(line) };
    Box::new(NewFile {
        id: Uuid::from_u128(u128::from(digit.as_bytes()[0])),
        received,
        kind: proto::intake::EvidenceKind::Picture,
        key: digit.repeat(64),
        stored_sha256: digit.repeat(64),
        stored_size: size,
        metadata: proto::intake::EvidenceMetadata::Removed,
        fresh_until: now(),
        quota: 100,
        own: None,
    })
}

#[test]
fn a_file_is_kept_once_within_the_quota_and_in_time() {
    let keep = |claim: &Claim, file: Box<NewFile>| apply(claim, &Action::KeepFile { file });
    let (claim, _) = keep(&fresh(Channel::Phone), new_file("a", 1, 60)).unwrap();
    assert_eq!((claim.evidence.len(), claim.files.len(), claim.files[0].number), (1, 1, 1));
    assert_eq!(claim.files[0].by, "anna");
    let (again, events) = keep(&claim, new_file("a", 0, 60)).unwrap();
    assert!(again == claim && events.is_empty(), "the same bytes change nothing");
    assert_eq!(keep(&claim, new_file("b", 1, 41)).unwrap_err(), Refusal::EvidenceQuota { held: 60 });
    assert_eq!(keep(&claim, new_file("b", 2, 1)).unwrap_err(), Refusal::NoSuchLine { line: 2 });
    let mut late = new_file("b", 1, 1);
    late.fresh_until = now() - jiff::SignedDuration::from_secs(1);
    assert_eq!(keep(&claim, late).unwrap_err(), Refusal::UploadExpired);
    // What was announced becomes a file; two files are never the same piece.
    let announced = Evidence { sha256: "c".repeat(64), ..piece(0) };
    let (claim, _) = apply(&claim, &Action::AddEvidence { evidence: vec![announced] }).unwrap();
    let (claim, _) = keep(&claim, new_file("c", 1, 40)).unwrap();
    assert_eq!((claim.evidence.len(), claim.files[1].number), (2, 2));
    let (ended, _) = apply(&claim, &Action::EndClaim { end: End::Closed, reason: String::new() }).unwrap();
    assert_eq!(keep(&ended, new_file("d", 1, 0)).unwrap_err(), Refusal::ClaimEnded);
    assert!(keep(&ended, new_file("a", 1, 60)).unwrap().1.is_empty(), "what is known is still answered");
}

/// What staff have is nothing that a customer is told of, not even by being told that it is there.
#[test]
fn sr14_the_same_bytes_for_staff_and_for_the_customer_are_two_pieces() {
    let keep = |claim: &Claim, audience: EvidenceAudience| {
        let mut file = new_file("a", 1, 10);
        file.received.audience = audience;
        file.id = Uuid::from_u128(claim.files.len() as u128 + 1);
        apply(claim, &Action::KeepFile { file }).unwrap()
    };
    let audiences = |claim: &Claim| claim.files.iter().map(|file| file.audience).collect::<Vec<_>>();
    use EvidenceAudience::{Customer, Staff};
    let (claim, _) = keep(&fresh(Channel::Phone), Staff);
    let (claim, _) = keep(&claim, Customer);
    assert_eq!((audiences(&claim), claim.evidence.len()), (vec![Staff, Customer], 2));
    assert_eq!(claim.file(&"a".repeat(64), Customer).unwrap().audience, Customer);
    // What the customer has brought is known to staff, whatever is said of it again.
    let (claim, _) = keep(&fresh(Channel::Phone), Customer);
    let (claim, events) = keep(&claim, Staff);
    assert!(events.is_empty() && audiences(&claim) == [Customer]);
    // What staff announced becomes no piece of the customer's.
    let announced = Evidence { sha256: "a".repeat(64), audience: Staff, ..piece(1) };
    let (claim, _) = apply(&fresh(Channel::Phone), &Action::AddEvidence { evidence: vec![announced] }).unwrap();
    let (claim, _) = keep(&claim, Customer);
    assert_eq!((audiences(&claim), claim.files[0].number), (vec![Customer], 2));
}
