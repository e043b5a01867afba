//! What comes back: two answers, and everything that is not as announced.
