//! The load bench: how many claims a second, at what latency, and for how many commits, messages and CPU.
//!
//! The goal is a ratio: claims per second of the whole product to B6, what naked PostgreSQL does for the durability of a
//! claim alone, measured before and after on the same server in the same run. The driver is an outside client: it
//! submits by gRPC, learns of shipments from the public stream, and reports the carrier's events by gRPC.
//!
//! - [`options`]: what is asked for. [`bench`]: one run of it. [`runs`]: several.
//! - [`stand`]: the running stack. [`shop`]: what was sold. [`driver`], [`public`], [`load`]: claims under way.
//! - [`b6`]: the baseline. [`counters`], [`processes`]: what a claim costs. [`point`]: one measured point.
//! - [`check`]: a fast wrong run is a failed run. [`growth`]: the same load when something grows or breaks.
//! - [`versus`]: another build and this one in turn, as a ratio.
//! - [`report`], [`plot`], [`profile`]: what comes out.

pub mod b6;
pub mod bench;
pub mod check;
pub mod counters;
pub mod driver;
pub mod growth;
pub mod load;
pub mod options;
pub mod plot;
pub mod point;
pub mod processes;
pub mod profile;
pub mod public;
pub mod report;
pub mod runs;
pub mod shop;
pub mod stand;
pub mod versus;
