//! What is promised is what the clocks watch; silence ends; who may decide.
