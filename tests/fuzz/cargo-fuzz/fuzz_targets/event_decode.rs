//! See `fuzz::targets::event_decode`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::event_decode(input));
