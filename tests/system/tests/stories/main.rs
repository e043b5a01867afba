//! Stories: a claim from the first report to its end, told through the public contract only.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approvals;
mod audit;
mod canary;
mod case_batches;
mod case_currency;
mod case_dates;
mod case_matching;
mod case_money;
mod case_parcels;
mod case_promises;
mod case_purchases;
mod case_reports;
mod case_returns;
mod clocks;
mod collector;
mod contract;
mod deploy;
mod follow_up;
mod four_eyes;
mod goods;
mod money;
mod nobody_stops;
mod others_data;
mod packs;
mod persons;
mod privacy;
mod repeats;
mod samples;
mod sums;
mod upgrade;
mod visits;
mod withdrawals;
mod work;
