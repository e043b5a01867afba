//! The right goods go out.
