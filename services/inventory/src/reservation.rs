//! Stock that is promised to a job.

pub mod calls;
pub mod domain;
pub mod events;
pub mod fill;
pub mod store;
