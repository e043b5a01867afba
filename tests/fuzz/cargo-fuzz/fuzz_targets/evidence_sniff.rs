//! See `fuzz::targets::evidence_sniff`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::evidence_sniff(input));
