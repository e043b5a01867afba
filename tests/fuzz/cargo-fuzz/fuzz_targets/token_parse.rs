//! See `fuzz::targets::token_parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::token_parse(input));
