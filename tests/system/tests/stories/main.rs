//! Stories: a claim from the first report to its end, told through the public contract only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approvals;
mod audit;
mod canary;
mod clocks;
mod collector;
mod contract;
mod deploy;
mod follow_up;
mod goods;
mod money;
mod privacy;
mod repeats;
mod withdrawals;
