//! Breaks everything around Redress, under load, and lets the checker judge.
//!
//! - [`log`]: what the workload and the rig write down.

pub mod log;
