//! Stories: a claim from the first report to its end, told through the public contract only.

mod approvals;
mod clocks;
mod goods;
mod money;
mod repeats;
mod withdrawals;
