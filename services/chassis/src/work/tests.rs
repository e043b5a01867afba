//! Who has a work item, and who decides it.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proto::claim::words::Role;
use proto::policy::Pack;
use proto::work::ChangeKind;
use uuid::Uuid;

use super::{Asked, CHANGES_MAX, Change, Ended, Item, ItemState, Refusal, Rules, What};
use crate::{Actor, Meta, etag};

fn rules() -> Rules {
    Rules::new(&Pack::load(None).unwrap())
}

fn start() -> Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn item(role: Role) -> Item {
    let due = start() + SignedDuration::from_hours(4);
    Item::open(Uuid::from_u128(1), role, "REFUSED", start(), due)
}

fn meta(who: &str, roles: &[&str]) -> Meta {
    Meta::new(start() + SignedDuration::from_mins(1), Actor::new(who, roles), Uuid::from_u128(2))
}

fn asked(item: &Item, what: What) -> Asked {
    Asked { item: item.id, etag: etag(item.version), what, note: "seen".to_owned() }
}

/// Does what is asked, if it may be done.
fn act(item: &mut Item, who: &str, roles: &[&str], what: What) -> Result<Option<Change>, Refusal> {
    let change = rules().change(item, &meta(who, roles), &asked(item, what))?;
    change.iter().for_each(|change| item.apply(change));
    Ok(change)
}

fn to(name: &str) -> What {
    What::HandOver(name.to_owned())
}

#[test]
fn who_may_decide_takes_it_and_nobody_else_decides_it_then() {
    let mut item = item(Role::Logistics);
    let wrong = act(&mut item, "fay", &["finance"], What::Take);
    assert_eq!(wrong, Err(Refusal::WrongRole(Role::Logistics)));
    let taken = act(&mut item, "leo", &["logistics"], What::Take).unwrap().unwrap();
    assert_eq!((taken.version, taken.by.as_str(), taken.to.as_str()), (2, "leo", "leo"));
    assert_eq!(act(&mut item, "leo", &["logistics"], What::Take), Ok(None), "it is with leo already");
    let assigned = Refusal::Assigned("leo".to_owned());
    assert_eq!(act(&mut item, "lea", &["logistics"], What::Take), Err(assigned.clone()));
    assert_eq!(rules().may_decide(&item, &Actor::new("lea", &["logistics"])), Err(assigned.clone()));
    assert_eq!(rules().may_decide(&item, &Actor::new("max", &["management"])), Err(assigned));
    assert_eq!(rules().may_decide(&item, &Actor::new("leo", &["logistics"])), Ok(()));
}

#[test]
fn whoever_has_it_hands_it_over_and_those_who_assign_may_take_it_from_anybody() {
    let mut item = item(Role::Logistics);
    assert_eq!(act(&mut item, "sue", &["supervisor"], to("leo")), Err(Refusal::NotAssigned));
    let mine = act(&mut item, "leo", &["logistics"], What::Assign("lea".to_owned()));
    assert_eq!(mine, Err(Refusal::WrongRole(Role::Supervisor)), "a role that assigns is named");
    act(&mut item, "sue", &["supervisor"], What::Assign("leo".to_owned())).unwrap();
    assert_eq!(act(&mut item, "lea", &["logistics"], to("lea")), Err(Refusal::Assigned("leo".to_owned())));
    act(&mut item, "leo", &["logistics"], to("lea")).unwrap();
    assert_eq!((item.assigned_to.as_str(), item.version), ("lea", 3));
    act(&mut item, "sue", &["supervisor"], to("")).unwrap();
    assert_eq!((item.assigned_to.as_str(), item.version), ("", 4));
    act(&mut item, "leo", &["logistics"], What::Take).unwrap();
    // A person who was given it needs the role all the same.
    act(&mut item, "sue", &["supervisor"], What::Assign("fay".to_owned())).unwrap();
    let fay = Actor::new("fay", &["finance"]);
    assert_eq!(rules().may_decide(&item, &fay), Err(Refusal::WrongRole(Role::Logistics)));
}

#[test]
fn a_stale_version_and_an_item_that_has_ended_are_refused() {
    let mut item = item(Role::Specialist);
    let stale = asked(&item, What::Take);
    act(&mut item, "ann", &["specialist"], What::Take).unwrap();
    let sue = meta("sue", &["supervisor"]);
    assert_eq!(rules().change(&item, &sue, &stale), Err(Refusal::EtagMismatch));
    item.end(ItemState::Decided, Ended { by: "ann".to_owned(), note: String::new(), at: start() });
    for what in [What::Take, What::Assign("ben".to_owned()), to("")] {
        assert_eq!(act(&mut item, "sue", &["supervisor"], what), Err(Refusal::Closed(item.id)));
    }
}

#[test]
fn the_pack_says_who_stands_in_and_an_overdue_item_may_be_decided_by_whom_it_was_raised_to() {
    let (rules, sue) = (rules(), Actor::new("sue", &["supervisor"]));
    assert_eq!(rules.may_decide(&item(Role::Specialist), &sue), Ok(()), "a supervisor stands in for specialists");
    let mut late = item(Role::Logistics);
    assert_eq!(rules.may_decide(&late, &sue), Err(Refusal::WrongRole(Role::Logistics)));
    let role = rules.raise(&late).unwrap();
    assert_eq!(role, Role::Supervisor);
    late.raised = Some((role, start()));
    assert_eq!(rules.may_decide(&late, &sue), Ok(()));
    assert_eq!(rules.raise(&late), None, "once");
    assert_eq!((late.version, rules.raise(&item(Role::Supervisor))), (1, Some(Role::Management)));
    let absent = "absent_roles = [\"supervisor\"]";
    let small = proto::policy::SUPPLY_CHAIN.replacen("absent_roles = []", absent, 1);
    let small = Rules::new(&Pack::parse("pack.toml", &small).unwrap());
    assert_eq!(small.raise(&item(Role::Logistics)), Some(Role::Management), "nobody is a supervisor there");
}

#[test]
fn what_changes_hands_without_end_is_only_decided() {
    let mut item = item(Role::Specialist);
    item.version = CHANGES_MAX;
    assert_eq!(act(&mut item, "ann", &["specialist"], What::Take), Err(Refusal::TooOften));
    assert_eq!(rules().may_decide(&item, &Actor::new("ann", &["specialist"])), Ok(()));
}

#[test]
fn the_history_says_who_when_and_why() {
    let mut late = item(Role::Specialist);
    let taken = act(&mut late, "ann", &["specialist"], What::Take).unwrap().unwrap();
    late.raised = Some((Role::Supervisor, start() + SignedDuration::from_hours(4)));
    let ended = start() + SignedDuration::from_hours(5);
    late.end(ItemState::Decided, Ended { by: "ann".to_owned(), note: "it was so".to_owned(), at: ended });
    let told = late.history(&[taken]);
    let kinds: Vec<_> = told.iter().map(|step| (step.kind(), step.by.as_str(), step.to.as_str())).collect();
    let expected = [
        (ChangeKind::Opened, "", "specialist"),
        (ChangeKind::Taken, "ann", "ann"),
        (ChangeKind::Raised, "", "supervisor"),
        (ChangeKind::Decided, "ann", ""),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((told[1].note.as_str(), told[3].note.as_str()), ("seen", "it was so"));
}

/// What somebody tries: who, what, and how old the version is that they have read.
#[derive(Clone, Debug)]
enum Try {
    Take,
    Assign(usize),
    HandOver(usize),
    GiveBack,
    Decide,
    Raise,
}

const PEOPLE: [(&str, &[&str]); 5] = [
    ("ann", &["logistics"]),
    ("ben", &["logistics"]),
    ("sue", &["supervisor"]),
    ("max", &["management", "logistics"]),
    ("fay", &["finance"]),
];

fn tries() -> impl Strategy<Value = Vec<(usize, Try, bool)>> {
    let person = 0..PEOPLE.len();
    let what = prop_oneof![
        3 => Just(Try::Take),
        2 => person.clone().prop_map(Try::Assign),
        2 => person.clone().prop_map(Try::HandOver),
        1 => Just(Try::GiveBack),
        2 => Just(Try::Decide),
        1 => Just(Try::Raise),
    ];
    prop::collection::vec((person, what, prop::bool::weighted(0.8)), 0..30)
}

proptest! {
    /// Whoever tries whatever: one decides at most, who had it if somebody had it; the version moves with every change and
    /// with nothing else; who has read an older version changes nothing.
    #[test]
    fn an_item_is_decided_once_by_who_has_it_and_every_change_moves_the_version(tries in tries()) {
        let rules = rules();
        let mut item = item(Role::Logistics);
        let mut deciders = Vec::new();
        let mut versions = vec![item.version];
        for (who, what, fresh) in tries {
            let (name, roles) = PEOPLE[who];
            let person = |at: usize| PEOPLE[at].0.to_owned();
            let before = item.clone();
            let read = etag(if fresh { item.version } else { item.version - 1 });
            let meta = meta(name, roles);
            let change = |what| {
                let asked = Asked { item: before.id, etag: read.clone(), what, note: String::new() };
                rules.change(&before, &meta, &asked)
            };
            let changed = match what {
                Try::Take => change(What::Take),
                Try::Assign(to) => change(What::Assign(person(to))),
                Try::HandOver(to) => change(What::HandOver(person(to))),
                Try::GiveBack => change(What::HandOver(String::new())),
                Try::Decide => {
                    let may = rules.is_current(&item, &read).and_then(|()| rules.may_decide(&item, &meta.actor));
                    if may.is_ok() {
                        prop_assert!(before.assigned_to.is_empty() || before.assigned_to == name);
                        deciders.push(name);
                        let ended = Ended { by: name.to_owned(), note: String::new(), at: meta.now };
                        item.end(ItemState::Decided, ended);
                    }
                    may.map(|()| None)
                }
                Try::Raise => {
                    item.raised = rules.raise(&item).map(|role| (role, meta.now)).or(item.raised);
                    prop_assert_eq!(item.version, before.version);
                    Ok(None)
                }
            };
            if let Ok(Some(change)) = &changed {
                item.apply(change);
                prop_assert!(change.to != before.assigned_to && change.version == before.version + 1);
            }
            let moved = item.assigned_to != before.assigned_to || item.state != before.state;
            prop_assert_eq!(item.version, before.version + i64::from(moved));
            prop_assert!(fresh || !moved, "an older version was read");
            prop_assert!(before.is_open() || !moved, "it had ended");
            versions.extend(moved.then_some(item.version));
        }
        prop_assert!(deciders.len() <= 1);
        prop_assert!(versions.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    }
}
