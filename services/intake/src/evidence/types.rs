//! The containers: one file each, which knows the structure and nothing of evidence.

pub(super) mod boxes;
pub(super) mod jpeg;
pub(super) mod pdf;
pub(super) mod png;
pub(super) mod webp;
