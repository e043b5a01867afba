//! Stock that is promised to a job: available = on hand - reserved, never negative (domain rule 4). What is missing is
//! back-ordered, and filled oldest first as soon as there is stock of a batch that may go out.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
pub use proto::Job;
pub use proto::claim::words::BatchRule;
pub use proto::inventory::words::ReservationState;

use super::fill::{Pick, is_known, pick};
use crate::domain::{self, State, Terms, known};
use crate::refusal::Refusal;
use crate::stock::domain::{MovementKind, Place, moved};

/// What a reservation wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub sku: String,
    /// Batch that is complained about; may be empty.
    pub batch: String,
    /// Which batch goes out.
    pub rule: BatchRule,
    /// Units.
    pub quantity: u32,
    /// The version of the policy pack that the claim goes by; 0: the oldest.
    pub policy_version: u32,
}

/// Stock for one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// SKU; empty: it was released before it was asked for.
    pub sku: String,
    /// Batch that is complained about; may be empty.
    pub batch: String,
    /// Which batch goes out.
    pub rule: BatchRule,
    /// Units wanted.
    pub wanted: u32,
    /// The version of the policy pack that its claim goes by; 0: the oldest.
    pub policy_version: u32,
    /// Promise it as soon as all is held.
    pub commit: bool,
    pub state: ReservationState,
    /// Units held, by place.
    pub allocations: BTreeMap<Place, u32>,
    /// Its place in the queue.
    pub queued_at: Timestamp,
    /// When the hold runs out.
    pub expires_at: Option<Timestamp>,
    /// Day on which missing units are expected.
    pub expected_on: Option<Date>,
    /// Counts its changes.
    pub version: i64,
}

impl Reservation {
    /// Units held.
    pub fn held(&self) -> u32 {
        self.allocations.values().sum()
    }

    /// What it wants in all.
    pub fn asked(&self) -> Wanted {
        let (quantity, policy_version) = (self.wanted, self.policy_version);
        Wanted { sku: self.sku.clone(), batch: self.batch.clone(), rule: self.rule, quantity, policy_version }
    }

    /// Units missing, if it waits for stock.
    pub fn short(&self) -> u32 {
        match self.state {
            ReservationState::HeldPartly => self.wanted - self.held(),
            ReservationState::Held
            | ReservationState::Committed
            | ReservationState::Consumed
            | ReservationState::Released
            | ReservationState::Expired
            | ReservationState::Failed
            | ReservationState::BatchUnknown => 0,
        }
    }
}

/// What can be asked about reservations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hold stock for a job.
    Reserve {
        job: Job,
        /// What is wanted.
        wanted: Wanted,
        /// Promise it as soon as all is held.
        commit: bool,
    },
    /// The goods of a job have left.
    Consume(Job),
    /// Give the stock of a job back.
    Release(Job),
    /// The hold of a job ran out at the given time.
    Expire(Job, Timestamp),
}

/// What has happened to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A reservation was opened; nothing is held yet.
    ReservationOpened {
        job: Job,
        /// What is wanted.
        wanted: Wanted,
        /// Promise it as soon as all is held.
        commit: bool,
        /// Its place in the queue for scarce stock.
        queued_at: Timestamp,
        /// When a hold that is not committed runs out.
        expires_at: Timestamp,
        /// Day on which missing units are expected.
        expected_on: Date,
    },
    /// Units were held for it.
    Held {
        job: Job,
        /// Units by place.
        taken: Vec<(Place, u32)>,
        /// In place of what it held: another batch has enough for all.
        instead: bool,
        /// When it runs out, if it is not committed by now.
        expires_at: Timestamp,
    },
    /// It is promised as soon as all is held.
    Promised(Job),
    /// It cannot be held at all.
    ReservationFailed {
        job: Job,
        /// What was wanted.
        wanted: Wanted,
        /// The state that says why.
        state: ReservationState,
        /// When it was asked for.
        at: Timestamp,
    },
    /// Its goods have left.
    Consumed(Job),
    /// Its stock was given back, or it is remembered that it never will be held.
    Released(Job, Timestamp),
    /// Its hold ran out.
    Expired(Job),
}

impl Command {
    /// The job that it is about.
    pub fn job(&self) -> &Job {
        match self {
            Self::Reserve { job, .. } | Self::Consume(job) | Self::Release(job) | Self::Expire(job, _) => job,
        }
    }
}

impl Command {
    /// The version of the policy pack that it goes by; 0: the oldest.
    pub fn policy_version(&self) -> u32 {
        match self {
            Self::Reserve { wanted, .. } => wanted.policy_version,
            Self::Consume(_) | Self::Release(_) | Self::Expire(..) => 0,
        }
    }
}

impl Event {
    /// The job that it is about.
    pub fn job(&self) -> &Job {
        match self {
            Self::ReservationOpened { job, .. } | Self::Held { job, .. } | Self::Promised(job) => job,
            Self::ReservationFailed { job, .. } | Self::Consumed(job) | Self::Released(job, _) => job,
            Self::Expired(job) => job,
        }
    }
}

/// Decides a command. Nothing happens until its events are evolved.
pub fn decide(state: &State, terms: &Terms, now: Timestamp, command: &Command) -> Result<Vec<domain::Event>, Refusal> {
    let of = |events: Vec<Event>| events.into_iter().map(domain::Event::Reservation).collect();
    match command {
        Command::Reserve { job, wanted, commit } => reserve(state, terms, now, *job, wanted, *commit).map(of),
        Command::Consume(job) => consume(state, job),
        Command::Release(job) => Ok(of(release(state, job, now))),
        Command::Expire(job, due_at) => Ok(of(expire(state, job, *due_at))),
    }
}

fn reserve(
    state: &State,
    terms: &Terms,
    now: Timestamp,
    job: Job,
    wanted: &Wanted,
    commit: bool,
) -> Result<Vec<Event>, Refusal> {
    if let Some(known) = state.reservations.get(&job) {
        let remembered_only = known.sku.is_empty();
        let asked = Wanted { policy_version: wanted.policy_version, ..known.asked() };
        if !remembered_only && asked != *wanted {
            return Err(Refusal::Broken("a job that was reserved is asked for again with other goods"));
        }
        let open = matches!(known.state, ReservationState::HeldPartly | ReservationState::Held);
        return Ok(if open && commit && !known.commit { vec![Event::Promised(job)] } else { Vec::new() });
    }
    let failed = |state| vec![Event::ReservationFailed { job, wanted: wanted.clone(), state, at: now }];
    if !state.skus.contains(&wanted.sku) {
        return Ok(failed(ReservationState::Failed));
    }
    // Nobody waits without end for what was never there: a slip of the pen, or goods of somebody else.
    if wanted.rule == BatchRule::Same && !is_known(state, wanted) {
        return Ok(failed(ReservationState::BatchUnknown));
    }
    let expires_at = now + terms.hold;
    let mut events = vec![Event::ReservationOpened {
        job,
        wanted: wanted.clone(),
        commit,
        queued_at: queued_since(state, &job, &wanted.sku).unwrap_or(now),
        expires_at,
        // A day is added to a day; the calendar ends in the year 9999.
        expected_on: terms.zone.to_datetime(now).date().saturating_add(i64::from(terms.lead_time_days).days()),
    }];
    let Pick { taken, instead } = pick(state, terms, wanted, None);
    if !taken.is_empty() {
        events.push(Event::Held { job, taken, instead, expires_at });
    }
    Ok(events)
}

/// A job that is asked for again after its hold ran out keeps its place in the queue: else those who wait longest
/// would wait for ever.
fn queued_since(state: &State, job: &Job, sku: &str) -> Option<Timestamp> {
    let first = Job { attempt: 0, ..*job };
    let earlier = state.reservations.range(first..*job).map(|(_, earlier)| earlier);
    earlier
        .filter(|earlier| earlier.state == ReservationState::Expired && earlier.sku == sku)
        .map(|earlier| earlier.queued_at)
        .min()
}

fn consume(state: &State, job: &Job) -> Result<Vec<domain::Event>, Refusal> {
    let Some(reservation) = state.reservations.get(job) else {
        return Err(Refusal::Broken("goods have left for a job that was never reserved"));
    };
    match reservation.state {
        ReservationState::Held | ReservationState::Committed => {
            let document = job.claim.to_string();
            let left = |(place, units): (&Place, &u32)| {
                moved(place, MovementKind::Consumed, -i64::from(*units), &document).into()
            };
            let moves = reservation.allocations.iter().map(left);
            Ok(std::iter::once(Event::Consumed(*job).into()).chain(moves).collect())
        }
        ReservationState::HeldPartly => Err(Refusal::Broken("goods have left for a job that is held only partly")),
        ReservationState::Consumed
        | ReservationState::Released
        | ReservationState::Expired
        | ReservationState::Failed
        | ReservationState::BatchUnknown => Ok(Vec::new()),
    }
}

fn release(state: &State, job: &Job, now: Timestamp) -> Vec<Event> {
    match state.reservations.get(job).map(|reservation| reservation.state) {
        // Never seen: remembered, so that a reserve that comes late holds nothing.
        None
        | Some(
            ReservationState::HeldPartly
            | ReservationState::Held
            | ReservationState::Committed
            | ReservationState::Expired
            | ReservationState::Failed
            | ReservationState::BatchUnknown,
        ) => vec![Event::Released(*job, now)],
        Some(ReservationState::Consumed | ReservationState::Released) => Vec::new(),
    }
}

fn expire(state: &State, job: &Job, due_at: Timestamp) -> Vec<Event> {
    match state.reservations.get(job) {
        Some(reservation) if reservation.expires_at == Some(due_at) => vec![Event::Expired(*job)],
        // Committed, ended or renewed meanwhile.
        Some(_) | None => Vec::new(),
    }
}

/// Lets an event happen.
pub fn evolve(state: &mut State, event: &Event) {
    match event {
        Event::ReservationOpened { job, wanted, commit, queued_at, expires_at, expected_on } => {
            let opened = Reservation {
                commit: *commit,
                expires_at: Some(*expires_at),
                expected_on: Some(*expected_on),
                ..reservation(wanted, ReservationState::HeldPartly, *queued_at)
            };
            state.reservations.insert(*job, opened);
        }
        Event::Held { job, taken, instead, expires_at } => {
            if *instead {
                let_go(state, job);
            }
            hold(state, job, taken, *expires_at);
        }
        Event::Promised(job) => {
            let reservation = known(&mut state.reservations, job);
            reservation.commit = true;
            settle(reservation);
        }
        Event::ReservationFailed { job, wanted, state: why, at } => {
            state.reservations.insert(*job, reservation(wanted, *why, *at));
        }
        Event::Consumed(job) => end(state, job, ReservationState::Consumed),
        Event::Released(job, at) => {
            let (sku, batch) = (String::new(), String::new());
            let never = Wanted { sku, batch, rule: BatchRule::Any, quantity: 0, policy_version: 0 };
            let remembered = || Reservation { version: 0, ..reservation(&never, ReservationState::Released, *at) };
            state.reservations.entry(*job).or_insert_with(remembered);
            end(state, job, ReservationState::Released);
        }
        Event::Expired(job) => end(state, job, ReservationState::Expired),
    }
}

fn reservation(wanted: &Wanted, state: ReservationState, queued_at: Timestamp) -> Reservation {
    Reservation {
        sku: wanted.sku.clone(),
        batch: wanted.batch.clone(),
        rule: wanted.rule,
        wanted: wanted.quantity,
        policy_version: wanted.policy_version,
        commit: false,
        state,
        allocations: BTreeMap::new(),
        queued_at,
        expires_at: None,
        expected_on: None,
        version: 1,
    }
}

fn hold(state: &mut State, job: &Job, taken: &[(Place, u32)], expires_at: Timestamp) {
    let reservation = known(&mut state.reservations, job);
    for (place, units) in taken {
        *reservation.allocations.entry(place.clone()).or_default() += units;
        state.stock.entry(place.clone()).or_default().reserved += i64::from(*units);
    }
    reservation.expires_at = Some(expires_at);
    settle(reservation);
}

/// The state of an open reservation follows from what it holds and whether it is promised.
fn settle(reservation: &mut Reservation) {
    reservation.version += 1;
    if reservation.held() < reservation.wanted {
        return;
    }
    reservation.expected_on = None;
    if reservation.commit {
        reservation.state = ReservationState::Committed;
        reservation.expires_at = None;
    } else {
        reservation.state = ReservationState::Held;
    }
}

/// What it holds is free again.
fn let_go(state: &mut State, job: &Job) {
    let reservation = known(&mut state.reservations, job);
    for (place, units) in std::mem::take(&mut reservation.allocations) {
        state.stock.entry(place).or_default().reserved -= i64::from(units);
    }
}

fn end(state: &mut State, job: &Job, to: ReservationState) {
    let_go(state, job);
    let reservation = known(&mut state.reservations, job);
    reservation.state = to;
    reservation.expires_at = None;
    reservation.expected_on = None;
    reservation.version += 1;
}
