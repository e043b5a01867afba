//! See `fuzz::targets::claim_validation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::claim_validation(input));
