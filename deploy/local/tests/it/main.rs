//! The real programs, started and ended in every way we know.

mod launcher;
mod servers;
mod survival;
