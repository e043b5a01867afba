//! S35: whatever reads bytes of strangers takes any bytes: it may refuse them, it never panics.
//!
//! - [`targets`]: the readers, each as a function of bytes.
//! - [`corpus`]: good inputs to begin with. [`mutate`]: what is made of them, by a seed.
//!
//! `tests/bounded.rs` drives each for a fixed number of inputs in every test run; `just fuzz TARGET` looks for new ones
//! with cargo-fuzz, whose targets are in `cargo-fuzz/`.

pub mod corpus;
pub mod mutate;
pub mod targets;
