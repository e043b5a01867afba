use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proto::policy::Packs;
use proto::{ClaimId, ids};

use super::*;

const STATES: [VisitState; 7] = [
    VisitState::Requested,
    VisitState::Proposed,
    VisitState::Appointed,
    VisitState::OnSite,
    VisitState::Done,
    VisitState::Failed,
    VisitState::Cancelled,
];

/// 2026-10-12, a Monday, 08:00 in London.
fn now() -> Timestamp {
    "2026-10-12T07:00:00Z".parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rules() -> Rules {
    let packs = Packs::load(None, None).unwrap();
    let kind = VisitKind {
        kind: "repair".to_owned(),
        resolutions: BTreeSet::new(),
        categories: BTreeSet::new(),
        skills: vec!["HVAC".to_owned()],
        certificates: vec!["F-GAS".to_owned()],
        minutes: 90,
        tools: Vec::new(),
        checklist: Vec::new(),
    };
    Rules { kinds: BTreeMap::from([(kind.kind.clone(), kind)]), ..Rules::of(&packs) }
}

fn technician(name: &str, until: jiff::civil::Date) -> Technician {
    let set = |word: &str| BTreeSet::from([word.to_owned()]);
    Technician {
        id: name.to_owned(),
        skills: set("HVAC"),
        certificates: BTreeMap::from([("F-GAS".to_owned(), until)]),
        regions: set("GB"),
        ..Technician::default()
    }
}

fn wanted() -> Wanted {
    Wanted { kind: "repair".to_owned(), sku: "AC-900".to_owned(), quantity: 1, region: "GB".to_owned() }
}

fn job() -> Job {
    Job { claim: ClaimId(ids::v7(Timestamp::UNIX_EPOCH, [1; 10])), round: 1, line: 1, attempt: 1 }
}

fn visit() -> Visit {
    let events = arrange(None, &wanted(), &rules());
    evolve(Uuid::from_u128(1), job(), None, &events[0])
}

fn appointment(name: &str, begin: &str) -> Appointment {
    Appointment::new(name, at(begin), &rules().kinds["repair"])
}

fn after(visit: &Visit, events: &[Event]) -> Visit {
    events.iter().fold(visit.clone(), |visit, event| evolve(visit.id, visit.job, Some(visit), event))
}

fn in_state(state: VisitState) -> Visit {
    let agreed = matches!(state, VisitState::Appointed | VisitState::OnSite);
    let appointment = agreed.then(|| appointment("T-2", "2026-10-14T09:00:00Z"));
    Visit { state, appointment, trips: 1, ..visit() }
}

fn said(outcome: VisitOutcome) -> Report {
    let failure = (outcome == VisitOutcome::Failed).then_some(VisitFailure::NobodyThere);
    let text = String::new;
    Report { outcome, failure, work: text(), material: text(), serial_out: text(), serial_in: text() }
}

fn appointing(visit: &Visit, technician: &Technician, begin: &str) -> Result<Vec<Event>, Refusal> {
    let appointment = appointment(&technician.id, begin);
    appoint(visit, Some(technician), &appointment, false, now(), &rules())
}

#[test]
fn s4_49_who_has_no_valid_certificate_on_the_day_is_not_offered_and_not_appointed() {
    let (one, two) = (technician("T-1", date(2026, 10, 13)), technician("T-2", date(2027, 10, 13)));
    let offered = |from| {
        let offers = offers(&visit(), [&one, &two].into_iter(), |_| false, (from, now()), &rules()).unwrap();
        offers.into_iter().map(|offer| (offer.technician, offer.starts_at.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(offered(date(2026, 10, 13))[0], ("T-1".to_owned(), "2026-10-13T08:00:00Z".to_owned()));
    assert!(
        offered(date(2026, 10, 14)).iter().all(|(name, _)| name == "T-2"),
        "the certificate has ended the day before"
    );
    let expired = appointing(&visit(), &one, "2026-10-14T09:00:00Z").unwrap_err();
    assert_eq!(expired.reason(), "CERTIFICATE_EXPIRED");
    assert!(appointing(&visit(), &one, "2026-10-13T09:00:00Z").is_ok(), "the last day is valid");
    assert!(appointing(&visit(), &two, "2026-10-14T09:00:00Z").is_ok());
}

#[test]
fn s4_49_skill_region_hours_and_time_must_fit() {
    let good = technician("T-2", date(2027, 10, 13));
    let why = |technician: &Technician, begin: &str| appointing(&visit(), technician, begin).unwrap_err().reason();
    let ok = "2026-10-14T09:00:00Z";
    assert_eq!(why(&Technician { skills: BTreeSet::new(), ..good.clone() }, ok), "SKILL_MISSING");
    let regions = |region: &str| BTreeSet::from([region.to_owned()]);
    assert_eq!(why(&Technician { regions: regions("GB-LND"), ..good.clone() }, ok), "OUT_OF_REGION");
    assert_eq!(why(&Technician { left: true, ..good.clone() }, ok), "UNKNOWN_TECHNICIAN");
    let off = BTreeSet::from([date(2026, 10, 14)]);
    assert_eq!(why(&Technician { days_off: off, ..good.clone() }, ok), "NOT_WORKING");
    assert_eq!(why(&good, "2026-10-14T10:30:00Z"), "NOT_WORKING", "it would reach into the break");
    assert_eq!(why(&good, "2026-10-17T09:00:00Z"), "NOT_WORKING", "a Saturday");
    assert_eq!(why(&good, "2026-10-09T09:00:00Z"), "TIME_PASSED");
    let saturday = technician::Hours { weekday: jiff::civil::Weekday::Saturday, begin: 480, end: 720 };
    let own = Technician { hours: vec![saturday], ..good.clone() };
    assert!(appointing(&visit(), &own, "2026-10-17T09:00:00Z").is_ok(), "hours of one's own");
    assert_eq!(why(&own, ok), "NOT_WORKING");
    let busy = appoint(&visit(), Some(&good), &appointment("T-2", ok), true, now(), &rules()).unwrap_err();
    assert_eq!(busy.reason(), "TECHNICIAN_BUSY");
    let never = appoint(&visit(), None, &appointment("T-9", ok), false, now(), &rules()).unwrap_err();
    assert_eq!(never.reason(), "UNKNOWN_TECHNICIAN");
}

#[test]
fn s4_54_a_technician_is_sent_again_until_it_is_solved() {
    let two = technician("T-2", date(2027, 10, 13));
    let mut visit = visit();
    for (trip, outcome) in [(1, VisitOutcome::Failed), (2, VisitOutcome::Failed), (3, VisitOutcome::Done)] {
        visit = after(&visit, &appointing(&visit, &two, "2026-10-14T09:00:00Z").unwrap());
        // Another time of the same trip.
        visit = after(&visit, &appointing(&visit, &two, "2026-10-15T09:00:00Z").unwrap());
        assert_eq!(visit.trips, trip);
        visit = after(&visit, &report(&visit, Some(&two), &said(VisitOutcome::OnSite), now(), &rules()).unwrap());
        visit = after(&visit, &report(&visit, Some(&two), &said(outcome), now(), &rules()).unwrap());
        assert_eq!(visit.appointment, None);
    }
    assert_eq!((visit.state, visit.trips), (VisitState::Done, 3));
}

#[test]
fn who_is_not_certified_any_more_does_not_begin() {
    let visit = in_state(VisitState::Appointed);
    let ended = technician("T-2", date(2026, 10, 11));
    let begin = |outcome| report(&visit, Some(&ended), &said(outcome), now(), &rules());
    assert_eq!(begin(VisitOutcome::OnSite).unwrap_err().reason(), "CERTIFICATE_EXPIRED");
    assert_eq!(begin(VisitOutcome::Done).unwrap_err().reason(), "CERTIFICATE_EXPIRED");
    assert!(begin(VisitOutcome::Failed).is_ok(), "that nobody came can be said");
}

/// Every state × every thing that can be done: `x` it is refused, otherwise the state afterwards.
#[test]
fn the_table_of_transitions_is_this_one() {
    let two = technician("T-2", date(2027, 10, 13));
    let letter = |visit: &Visit, found: Result<Vec<Event>, Refusal>| match found {
        Ok(events) if events.is_empty() => '=',
        Ok(events) => match after(visit, &events).state {
            VisitState::Requested => 'r',
            VisitState::Proposed => 'p',
            VisitState::Appointed => 'a',
            VisitState::OnSite => 'o',
            VisitState::Done => 'd',
            VisitState::Failed => 'f',
            VisitState::Cancelled => 'c',
        },
        Err(_) => 'x',
    };
    let rows = STATES.map(|state| {
        let visit = in_state(state);
        let reported = |outcome| report(&visit, Some(&two), &said(outcome), now(), &rules());
        let found = [
            Ok(arrange(Some(&visit), &wanted(), &rules())),
            propose(&visit, vec![appointment("T-2", "2026-10-14T09:00:00Z")]),
            appointing(&visit, &two, "2026-10-15T09:00:00Z"),
            reported(VisitOutcome::OnSite),
            reported(VisitOutcome::Done),
            reported(VisitOutcome::Failed),
            cancel(&visit, "no part"),
            Ok(call_off(Some(&visit))),
        ];
        format!("{state:?} {}", found.map(|found| letter(&visit, found)).iter().collect::<String>())
    });
    assert_eq!(
        rows,
        [
            // arrange, propose, appoint, on_site, done, failed, cancel, call off
            "Requested =paxxxcc",
            "Proposed =paxxxcc",
            "Appointed =xaodfcc",
            "OnSite =xxxdfx=",
            "Done =xxxxxx=",
            "Failed =paxxxcc",
            "Cancelled =xxxxxx=",
        ]
    );
}

#[test]
fn what_is_called_off_before_it_was_wanted_never_takes_place() {
    let events = call_off(None);
    let remembered = evolve(Uuid::from_u128(1), job(), None, &events[0]);
    assert_eq!(remembered.state, VisitState::Cancelled);
    assert_eq!(arrange(Some(&remembered), &wanted(), &rules()), []);
}

#[test]
fn a_kind_that_the_pack_does_not_have_is_told() {
    let unknown = Wanted { kind: "dance".to_owned(), ..wanted() };
    let events = arrange(None, &unknown, &rules());
    assert_eq!(events.last(), Some(&Event::Cancelled("UNKNOWN_KIND".to_owned())));
}

#[test]
fn trips_have_an_end() {
    let two = technician("T-2", date(2027, 10, 13));
    let full = Visit { trips: TRIPS_MAX, ..in_state(VisitState::Failed) };
    assert_eq!(appointing(&full, &two, "2026-10-14T09:00:00Z"), Err(Refusal::TooManyTrips));
    assert!(cancel(&full, "enough").is_ok());
}

proptest! {
    /// Whatever is offered can be appointed, and no two offers of one technician overlap what is taken.
    #[test]
    fn what_is_offered_can_be_appointed(day in 0..300_i64, taken in 0..40_u16) {
        let two = technician("T-2", date(2030, 1, 1));
        let from = date(2026, 10, 13).saturating_add(jiff::Span::new().days(day));
        let zone = TimeZone::get("Europe/London").unwrap();
        let midnight = from.to_zoned(zone).unwrap().timestamp();
        let until = midnight.saturating_add(SignedDuration::from_mins(i64::from(taken) * 15)).unwrap();
        let is_busy = |appointment: &Appointment| appointment.slots().any(|slot| slot < until);
        let found = offers(&visit(), [&two].into_iter(), is_busy, (from, now()), &rules()).unwrap();
        prop_assert!(!found.is_empty());
        for offer in found {
            prop_assert!(!is_busy(&offer));
            prop_assert!(appoint(&visit(), Some(&two), &offer, false, now(), &rules()).is_ok(), "{:?}", offer);
        }
    }
}
