//! See `fuzz::targets::page_token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::page_token(input));
