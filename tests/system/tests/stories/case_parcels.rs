//! What carriers really report.
