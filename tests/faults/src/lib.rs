//! Breaks everything around Redress, under load, and lets the checker judge.
//!
//! - [`log`]: what the workload and the rig write down.
//! - [`proxy`]: a link that can be made bad.
//! - [`random`]: the same seed, the same faults.

pub mod log;
pub mod proxy;
pub mod random;
