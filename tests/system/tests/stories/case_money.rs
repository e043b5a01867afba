//! Money follows what was paid and what was allowed.
