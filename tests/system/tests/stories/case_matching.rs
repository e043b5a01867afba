//! Which purchase a line is about, and who has reported it before.
