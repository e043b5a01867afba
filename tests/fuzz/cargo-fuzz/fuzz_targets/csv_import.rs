//! See `fuzz::targets::csv_import`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::csv_import(input));
