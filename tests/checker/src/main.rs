//! Judges a run of Redress from outside.
fn main() {}
