//! Walks every past of a claim: every order of everything that correct services, people and clocks may say, late,
//! repeated and crossed; and checks in each what is promised.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it looks at; the process names everything")]

mod mistakes;
mod parcels;
mod promises;
mod returns;
mod stories;
mod table;
mod walk;
mod world;

use super::leg::{parcel, receipt, reservation};
use super::{Count, Progress, RunState};

const HELD_PARTLY: RunState = RunState::Working(Progress::Stock(reservation::Progress::HeldPartly));
const HELD: RunState = RunState::Working(Progress::Stock(reservation::Progress::Held));
const CONSUMING: RunState = RunState::Working(Progress::Stock(reservation::Progress::Consuming));
const BOOKED: RunState = RunState::Working(Progress::Parcel(parcel::Progress::Booked));
const HANDED_OVER: RunState = RunState::Working(Progress::Parcel(parcel::Progress::HandedOver));
const COUNTED_PARTLY: RunState = RunState::Working(Progress::Return(receipt::Progress::CountedPartly));

/// What is counted: so many units count for the claim, so many others came and nobody need decide about them.
fn counted(accepted: u32, other: u32) -> Count {
    Count { accepted, other, ..Count::default() }
}

/// So many count, and about so many others of the same article a person decides.
fn unclear(accepted: u32, unclear: u32) -> Count {
    Count { accepted, other: unclear, unclear, ..Count::default() }
}

/// So many count, and about so many of another article a person decides.
fn wrong(accepted: u32, wrong_item: u32) -> Count {
    Count { accepted, other: wrong_item, wrong_item, ..Count::default() }
}
