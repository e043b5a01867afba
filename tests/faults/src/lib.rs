//! Breaks everything around Redress, under load, and lets the checker judge.
//!
//! - [`fault`]: the matrix, and how each fault is done.
//! - [`log`]: what the workload and the rig write down.
//! - [`proxy`]: a link that can be made bad.
//! - [`random`]: the same seed, the same faults.
//! - [`rig`]: Redress to be broken.
//! - [`run`]: one fault after the other, each judged by the checker.
//! - [`workload`]: claims of all kinds, from outside.

pub mod bugs;
pub mod fault;
pub mod log;
pub mod proxy;
pub mod random;
pub mod rig;
pub mod run;
pub mod spoiled;
pub mod workload;
