//! Work items: what waits for a person, the same in every service that has a work list.
//!
//! - [`Item`] and its [`Change`]s: the states that an item goes through. [`Rules`]: who may take, assign, hand over and decide
//!   it, and whom it is raised to when nobody has decided in time. Pure.
//! - [`rows`]: the shape of the tables. A service has a view `work_list` with the columns of [`rows::COLUMNS`] over its own rows,
//!   and the table `work_change`, which is in every database.
//! - [`Calls`]: `WorkService` over the list of a service, which says with [`List`] what an item shows and which command
//!   changes it.
//!
//! What a decision means, and who may not decide because they have a hand in it, is the service's own. An item that somebody
//! has is decided by that person and nobody else; whatever changes hands or ends moves the version.

mod calls;
mod item;
pub mod rows;
mod rules;

#[cfg(test)]
mod tests;

pub use calls::{Calls, List, Shown};
pub use item::{Act, Change, Ended, Item, ItemState, Labels, about};
pub use rules::{Asked, CHANGES_MAX, Refusal, Rules, What};
