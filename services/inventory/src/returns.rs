//! Goods that come back.

pub mod calls;
pub mod domain;
pub mod events;
pub mod store;
pub mod wire;
