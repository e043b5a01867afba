//! Promises that hold after any sequence of commands, and the cases that a person would ask about.

mod batches;
mod cases;
mod goods_back;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::Date;
use proptest::prelude::*;
use proto::{ClaimId, ids};

use super::*;
use crate::reservation::domain::{Command as OfReservation, Event as ReservationEvent};
use crate::returns::domain::{Command as OfReturn, Event as ReturnEvent};
use crate::stock::domain::{Command as OfStock, Event as StockEvent};

pub(super) fn terms() -> Dated<Terms> {
    let zone = jiff::tz::TimeZone::get("Europe/London").expect("it is built in");
    let terms =
        Terms { hold: SignedDuration::from_hours(72), lead_time_days: 14, zone: zone.clone(), mix_batches: false };
    Dated::of("acme", zone, [(1, Date::MIN, terms)])
}

pub(super) fn start() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub(super) fn job(claim: u8, attempt: u32) -> Job {
    Job { claim: ClaimId(ids::v7(start(), [claim; 10])), round: 1, line: 1, attempt }
}

pub(super) fn goods(sku: &str, batch: &str, quantity: u32) -> GoodsLine {
    GoodsLine { sku: sku.to_owned(), batch: batch.to_owned(), quantity }
}

/// Any batch of a SKU.
pub(super) fn any(sku: &str, quantity: u32) -> Wanted {
    Wanted { sku: sku.to_owned(), batch: String::new(), rule: BatchRule::Any, quantity, policy_version: 0 }
}

/// A state with two SKUs and two warehouses, one of them without a custodian.
pub(super) fn opened() -> State {
    let warehouses = [("N".to_owned(), "anna".to_owned()), ("S".to_owned(), String::new())];
    State { skus: ["A".to_owned(), "B".to_owned()].into(), warehouses: warehouses.into(), ..State::default() }
}

fn jobs() -> impl Strategy<Value = Job> {
    (0_u8..4, 1_u32..3).prop_map(|(claim, attempt)| job(claim, attempt))
}

fn lines() -> impl Strategy<Value = GoodsLine> {
    let sku = prop_oneof![8 => Just("A"), 2 => Just("B"), 1 => Just("X")];
    (sku, prop_oneof![2 => Just(""), 1 => Just("b")], 1_u32..8).prop_map(|(sku, batch, units)| goods(sku, batch, units))
}

fn wants() -> impl Strategy<Value = Wanted> {
    let rule = prop::sample::select(BatchRule::ALL);
    (lines(), prop_oneof![Just("b"), Just(" B"), Just("c")], rule).prop_map(|(line, batch, rule)| Wanted {
        sku: line.sku,
        batch: batch.to_owned(),
        rule,
        quantity: line.quantity,
        policy_version: 0,
    })
}

fn reasons() -> impl Strategy<Value = Option<ReturnReason>> {
    prop::option::of(prop::sample::select(ReturnReason::ALL))
}

fn places() -> impl Strategy<Value = (String, Zone)> {
    let zone = prop_oneof![
        4 => Just(Zone::Qualified),
        1 => Just(Zone::Unqualified),
        1 => Just(Zone::PendingInspection),
        1 => Just(Zone::Valuables),
    ];
    (prop_oneof![4 => Just("N"), 4 => Just("S"), 1 => Just("?")].prop_map(str::to_owned), zone)
}

fn commands() -> impl Strategy<Value = Command> {
    let receipt = (places(), 0_u32..4, 0_u32..3, 0_u32..3, 0_u32..2, 0_u32..2, proptest::bool::ANY);
    prop_oneof![
        3 => (places(), prop::collection::vec(lines(), 1..3)).prop_map(|((warehouse, zone), lines)| {
            OfStock::ReceiveGoods { warehouse, zone, document: String::new(), lines }.into()
        }),
        1 => (places(), lines()).prop_map(|((warehouse, zone), line)| {
            OfStock::ReceiveGoods { warehouse, zone, document: "PO-1".to_owned(), lines: vec![line] }.into()
        }),
        2 => (places(), places(), lines()).prop_map(|((warehouse, zone), (_, to), line)| {
            let from = Place { sku: line.sku, batch: line.batch, warehouse, zone };
            let to = if to == zone { Zone::Unqualified } else { to };
            OfStock::MoveStock { from, to, quantity: line.quantity, reason: "looked at".to_owned() }.into()
        }),
        2 => (places(), lines(), -6_i64..6).prop_map(|((warehouse, zone), line, delta)| {
            let place = Place { sku: line.sku, batch: line.batch, warehouse, zone };
            OfStock::AdjustStock { place, delta: if delta == 0 { 6 } else { delta }, reason: "count".to_owned() }.into()
        }),
        6 => (jobs(), wants(), proptest::bool::ANY).prop_map(|(job, wanted, commit)| OfReservation::Reserve { job, wanted, commit }.into()),
        2 => jobs().prop_map(|job| OfReservation::Consume(job).into()),
        2 => jobs().prop_map(|job| OfReservation::Release(job).into()),
        2 => (jobs(), 0_i64..4).prop_map(|(job, days)| OfReservation::Expire(job, start() + SignedDuration::from_hours(72 + 24 * days)).into()),
        3 => (jobs(), lines(), reasons()).prop_map(|(job, announced, reason)| OfReturn::ExpectReturn { job, announced, reason }.into()),
        1 => jobs().prop_map(|job| OfReturn::CancelReturn(job).into()),
        3 => (jobs(), receipt).prop_map(|(job, ((warehouse, _), accepted, damaged, wrong_item, unsalable, not_as_claimed, last))| {
            let other_sku = String::new();
            let mut receipt = Receipt { warehouse, accepted, damaged, wrong_item, unsalable, not_as_claimed, other_sku, last };
            receipt.last |= receipt.units() == 0;
            OfReturn::ReceiveReturn { job, version: None, receipt }.into()
        }),
        2 => (jobs(), 1_u32..4, 0..5_usize).prop_map(|(job, quantity, at)| {
            use Disposition as D;
            let (disposition, other) =
                [(D::Restock, ""), (D::Restock, "B"), (D::Scrap, ""), (D::SupplierReturn, ""), (D::SendBack, "")][at];
            OfReturn::DisposeReturn { job, quantity, disposition, other_sku: other.to_owned() }.into()
        }),
    ]
}

/// What was seen on the way, beside the state.
#[derive(Default)]
struct Seen {
    ledger: BTreeMap<Place, i64>,
    counted: BTreeMap<Job, Receipt>,
    qualified: BTreeMap<Job, u32>,
    disposed: BTreeMap<Job, u32>,
}

impl Seen {
    #[allow(clippy::wildcard_enum_match_arm, reason = "it looks for three kinds only")]
    fn note(&mut self, event: &Event) {
        match event {
            Event::Stock(StockEvent::Moved { place, quantity, .. }) => {
                *self.ledger.entry(place.clone()).or_default() += quantity
            }
            Event::Return(ReturnEvent::ReturnCounted { job, receipt, qualified, .. }) => {
                let sums = self.counted.entry(*job).or_default();
                sums.accepted += receipt.accepted;
                sums.damaged += receipt.damaged;
                sums.wrong_item += receipt.wrong_item;
                sums.unsalable += receipt.unsalable;
                sums.not_as_claimed += receipt.not_as_claimed;
                *self.qualified.entry(*job).or_default() += qualified;
            }
            Event::Return(ReturnEvent::ReturnDisposed { job, own, wrong_item, .. }) => {
                *self.disposed.entry(*job).or_default() += own + wrong_item;
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) {
        let mut allocated: BTreeMap<&Place, i64> = BTreeMap::new();
        for reservation in state.reservations.values() {
            check_reservation(reservation);
            for (place, units) in &reservation.allocations {
                assert!(place.zone == Zone::Qualified && place.sku == reservation.sku && *units > 0);
                assert!(may_go_out(reservation, place), "{reservation:?}");
                *allocated.entry(place).or_default() += i64::from(*units);
            }
        }
        for (place, stock) in &state.stock {
            assert!(0 <= stock.reserved && stock.reserved <= stock.on_hand, "{place:?} {stock:?}");
            assert_eq!(stock.reserved, allocated.get(place).copied().unwrap_or(0), "allocations of {place:?}");
            assert_eq!(stock.on_hand, self.ledger.get(place).copied().unwrap_or(0), "movements of {place:?}");
        }
        for (job, known) in &state.returns {
            let sums = self.counted.get(job).cloned().unwrap_or_default();
            assert_eq!(
                (known.accepted, known.damaged, known.wrong_item),
                (sums.accepted, sums.damaged, sums.wrong_item)
            );
            assert_eq!((known.unsalable, known.not_as_claimed), (sums.unsalable, sums.not_as_claimed));
            if is_complete(known.state) {
                assert_eq!(known.announced + known.excess(), known.came() + known.missing());
            }
            assert_eq!(known.missing() > 0, known.state == ReturnState::ClosedShort);
            // Each unit is in one place: sold again, waiting, or done away with.
            let qualified = self.qualified.get(job).copied().unwrap_or(0);
            assert_eq!(qualified, known.resalable());
            assert!(qualified <= known.counting().min(known.announced), "{known:?}");
            assert!(known.reason != Some(ReturnReason::Faulty) || qualified == 0, "faulty goods are not sold again");
            let disposed = self.disposed.get(job).copied().unwrap_or(0);
            assert_eq!(known.waiting() + disposed + qualified, known.came(), "{known:?}");
        }
    }
}

/// The batch rule, told anew.
fn may_go_out(reservation: &Reservation, place: &Place) -> bool {
    let complained = place.batch.trim().eq_ignore_ascii_case(reservation.batch.trim());
    match reservation.rule {
        BatchRule::Any | BatchRule::Single => true,
        BatchRule::Other => !complained,
        BatchRule::Same => complained,
    }
}

fn check_reservation(reservation: &Reservation) {
    use ReservationState as S;
    let batches: std::collections::BTreeSet<&str> =
        reservation.allocations.keys().map(|place| place.batch.as_str()).collect();
    assert!(batches.len() <= 1, "batches are mixed: {reservation:?}");
    match reservation.state {
        S::HeldPartly => assert!(reservation.held() < reservation.wanted),
        S::Held | S::Committed => assert_eq!(reservation.held(), reservation.wanted),
        S::Consumed | S::Released | S::Expired | S::Failed | S::BatchUnknown => assert_eq!(reservation.held(), 0),
    }
    assert_eq!(reservation.expires_at.is_some(), matches!(reservation.state, S::HeldPartly | S::Held));
    assert_eq!(reservation.expected_on.is_some(), reservation.state == S::HeldPartly);
    assert!(!(reservation.commit && reservation.state == S::Held), "a promised whole is committed");
}

/// Nobody waits for stock that is free and of a batch that may go out with what is held, and nobody was served before an
/// older one that it would have suited.
fn check_queue(state: &State, events: &[Event], command: &Command) {
    let suits = |waits: &Reservation, place: &Place| {
        let together = waits.allocations.keys().all(|held| held.batch == place.batch);
        let batch = may_go_out(waits, place) && together;
        waits.state == ReservationState::HeldPartly && waits.sku == place.sku && batch
    };
    for (place, stock) in state.stock.iter().filter(|(place, _)| place.zone == Zone::Qualified) {
        let waits = state.reservations.values().any(|reservation| suits(reservation, place));
        assert!(!waits || stock.free() == 0, "{place:?} is free while somebody waits");
    }
    for waits in state.reservations.values().filter(|it| it.state == ReservationState::HeldPartly) {
        let mut free: BTreeMap<&str, i64> = BTreeMap::new();
        for (place, stock) in &state.stock {
            if place.sku == waits.sku && place.zone == Zone::Qualified && may_go_out(waits, place) {
                *free.entry(&place.batch).or_default() += stock.free();
            }
        }
        let whole = free.values().any(|units| *units >= i64::from(waits.wanted));
        assert!(!whole, "one batch has enough while somebody waits: {waits:?}");
    }
    let asks = matches!(command, Command::Reservation(OfReservation::Reserve { .. }));
    for event in events.iter().filter(|_| !asks) {
        let Event::Reservation(ReservationEvent::Held { job, taken, .. }) = event else { continue };
        let served = (state.reservations[job].queued_at, *job);
        for (older, waits) in state.reservations.iter().filter(|(job, waits)| (waits.queued_at, **job) < served) {
            let passed_over = taken.iter().any(|(place, _)| suits(waits, place));
            assert!(!passed_over, "{job:?} was served before {older:?}");
        }
    }
}

/// Whoever says it again changes nothing by it.
fn is_repeatable(command: &Command) -> bool {
    match command {
        Command::Reservation(_) => true,
        Command::Return(command) => matches!(command, OfReturn::ExpectReturn { .. } | OfReturn::CancelReturn(_)),
        Command::Stock(OfStock::ReceiveGoods { document, .. }) => !document.is_empty(),
        Command::Stock(_) => false,
    }
}

/// A job that was undone before or after it was done holds nothing ever again.
fn check_undone(before: &State, state: &State) {
    for (job, was) in &before.reservations {
        if was.state == ReservationState::Released {
            assert_eq!(&state.reservations[job], was);
        }
    }
    for (job, was) in &before.returns {
        let now = &state.returns[job];
        assert!(was.state != ReturnState::Cancelled || (now.state == was.state && now.came() == was.came()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn stock_is_never_negative_and_never_promised_twice(steps in prop::collection::vec((commands(), 0_i64..30), 1..60)) {
        let (mut state, mut seen, mut now) = (opened(), Seen::default(), start());
        for (command, hours) in steps {
            now += SignedDuration::from_hours(hours);
            let before = state.clone();
            let Ok(events) = execute(&mut state, &terms(), now, &command) else {
                prop_assert_eq!(&state, &before, "a refusal changes nothing");
                continue;
            };
            events.iter().for_each(|event| seen.note(event));
            seen.check(&state);
            check_queue(&state, &events, &command);
            check_undone(&before, &state);
            if is_repeatable(&command) {
                let stands = state.clone();
                prop_assert_eq!(execute(&mut state, &terms(), now, &command), Ok(Vec::new()));
                prop_assert_eq!(&state, &stands);
            }
        }
    }

    #[test]
    fn what_is_given_back_is_available_again(units in 1_u32..9, wanted in 1_u32..9, commit in proptest::bool::ANY) {
        let mut state = opened();
        let mut run = |command: Command| drop(execute(&mut state, &terms(), start(), &command).unwrap());
        let (warehouse, document) = ("N".to_owned(), String::new());
        run(OfStock::ReceiveGoods { warehouse, zone: Zone::Qualified, document, lines: vec![goods("A", "", units)] }.into());
        run(OfReservation::Reserve { job: job(1, 1), wanted: any("A", wanted), commit }.into());
        run(OfReservation::Release(job(1, 1)).into());
        run(OfReservation::Release(job(1, 1)).into());
        let free: i64 = state.stock.values().map(Stock::free).sum();
        prop_assert_eq!(free, i64::from(units));
    }
}
