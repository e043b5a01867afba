//! Promises that hold after any sequence of commands, and the cases that a person would ask about.

mod cases;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use proto::{ClaimId, ids};

use super::*;

pub(super) fn terms() -> Terms {
    Terms { hold: SignedDuration::from_hours(72), lead_time_days: 14 }
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
    let receipt = (places(), 0_u32..4, 0_u32..3, 0_u32..3, any::<bool>());
    prop_oneof![
        3 => (places(), prop::collection::vec(lines(), 1..3)).prop_map(|((warehouse, zone), lines)| {
            Command::ReceiveGoods { warehouse, zone, document: "PO-1".to_owned(), lines }
        }),
        2 => (places(), lines(), -6_i64..6).prop_map(|((warehouse, zone), line, delta)| {
            let place = Place { sku: line.sku, batch: line.batch, warehouse, zone };
            Command::AdjustStock { place, delta: if delta == 0 { 6 } else { delta }, reason: "count".to_owned() }
        }),
        6 => (jobs(), lines(), any::<bool>()).prop_map(|(job, wanted, commit)| Command::Reserve { job, wanted, commit }),
        2 => jobs().prop_map(Command::Consume),
        2 => jobs().prop_map(Command::Release),
        2 => (jobs(), 0_i64..4).prop_map(|(job, days)| Command::Expire(job, start() + SignedDuration::from_hours(72 + 24 * days))),
        3 => (jobs(), lines()).prop_map(|(job, announced)| Command::ExpectReturn { job, announced }),
        1 => jobs().prop_map(Command::CancelReturn),
        3 => (jobs(), receipt).prop_map(|(job, ((warehouse, _), accepted, damaged, wrong_item, last))| {
            let last = last || accepted + damaged + wrong_item == 0;
            Command::ReceiveReturn { job, version: None, receipt: Receipt { warehouse, accepted, damaged, wrong_item, last } }
        }),
        2 => (jobs(), 1_u32..4, 0..3_usize).prop_map(|(job, quantity, at)| {
            let disposition = [Disposition::Restock, Disposition::Scrap, Disposition::SupplierReturn][at];
            Command::DisposeReturn { job, quantity, disposition }
        }),
    ]
}

/// What was seen on the way, beside the state.
#[derive(Default)]
struct Seen {
    ledger: BTreeMap<Place, i64>,
    counted: BTreeMap<Job, [u32; 3]>,
    disposed: BTreeMap<Job, u32>,
}

impl Seen {
    #[allow(clippy::wildcard_enum_match_arm, reason = "it looks for three kinds only")]
    fn note(&mut self, event: &Event) {
        match event {
            Event::Moved { place, quantity, .. } => *self.ledger.entry(place.clone()).or_default() += quantity,
            Event::ReturnCounted { job, receipt } => {
                let sums = self.counted.entry(*job).or_default();
                for (sum, units) in sums.iter_mut().zip([receipt.accepted, receipt.damaged, receipt.wrong_item]) {
                    *sum += units;
                }
            }
            Event::ReturnDisposed { job, damaged, wrong_item, .. } => {
                *self.disposed.entry(*job).or_default() += damaged + wrong_item;
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
                assert!(reservation.batch.is_empty() || reservation.batch == place.batch);
                *allocated.entry(place).or_default() += i64::from(*units);
            }
        }
        for (place, stock) in &state.stock {
            assert!(0 <= stock.reserved && stock.reserved <= stock.on_hand, "{place:?} {stock:?}");
            assert_eq!(stock.reserved, allocated.get(place).copied().unwrap_or(0), "allocations of {place:?}");
            assert_eq!(stock.on_hand, self.ledger.get(place).copied().unwrap_or(0), "movements of {place:?}");
        }
        for (job, known) in &state.returns {
            let [accepted, damaged, wrong_item] = self.counted.get(job).copied().unwrap_or_default();
            assert_eq!((known.accepted, known.damaged, known.wrong_item), (accepted, damaged, wrong_item));
            if known.state.is_complete() {
                assert_eq!(known.announced + known.excess(), known.came() + known.missing());
            }
            assert_eq!(known.missing() > 0, known.state == ReturnState::ClosedShort);
            assert_eq!(known.waiting() + self.disposed.get(job).copied().unwrap_or(0), damaged + wrong_item);
        }
    }
}

fn check_reservation(reservation: &Reservation) {
    use ReservationState as S;
    match reservation.state {
        S::HeldPartly => assert!(reservation.held() < reservation.wanted),
        S::Held | S::Committed => assert_eq!(reservation.held(), reservation.wanted),
        S::Consumed | S::Released | S::Expired | S::Failed => assert_eq!(reservation.held(), 0),
    }
    assert_eq!(reservation.expires_at.is_some(), matches!(reservation.state, S::HeldPartly | S::Held));
    assert_eq!(reservation.expected_on.is_some(), reservation.state == S::HeldPartly);
    assert!(!(reservation.commit && reservation.state == S::Held), "a promised whole is committed");
}

/// Nobody waits for stock that is free, and nobody was served before an older one.
fn check_queue(state: &State, events: &[Event], command: &Command) {
    let suits = |waits: &Reservation, place: &Place| {
        let batch = waits.batch.is_empty() || waits.batch == place.batch;
        waits.state == ReservationState::HeldPartly && waits.sku == place.sku && batch
    };
    for (place, stock) in state.stock.iter().filter(|(place, _)| place.zone == Zone::Qualified) {
        let waits = state.reservations.values().any(|reservation| suits(reservation, place));
        assert!(!waits || stock.free() == 0, "{place:?} is free while somebody waits");
    }
    let asks = matches!(command, Command::Reserve { .. });
    for event in events.iter().filter(|_| !asks) {
        let Event::Held { job, taken, .. } = event else { continue };
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
        Command::Reserve { .. }
        | Command::Consume(_)
        | Command::Release(_)
        | Command::Expire(..)
        | Command::ExpectReturn { .. }
        | Command::CancelReturn(_) => true,
        Command::RegisterSkus(_)
        | Command::RegisterWarehouse(_)
        | Command::ReceiveGoods { .. }
        | Command::AdjustStock { .. }
        | Command::ReceiveReturn { .. }
        | Command::DisposeReturn { .. } => false,
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
    fn what_is_given_back_is_available_again(units in 1_u32..9, wanted in 1_u32..9, commit in any::<bool>()) {
        let mut state = opened();
        let mut run = |command| execute(&mut state, &terms(), start(), &command).unwrap();
        let (warehouse, document) = ("N".to_owned(), String::new());
        run(Command::ReceiveGoods { warehouse, zone: Zone::Qualified, document, lines: vec![goods("A", "", units)] });
        run(Command::Reserve { job: job(1, 1), wanted: goods("A", "", wanted), commit });
        run(Command::Release(job(1, 1)));
        run(Command::Release(job(1, 1)));
        let free: i64 = state.stock.values().map(Stock::free).sum();
        prop_assert_eq!(free, i64::from(units));
    }
}
