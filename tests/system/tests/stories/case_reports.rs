//! What is reported, by whom it waits, and where goods cannot go.
