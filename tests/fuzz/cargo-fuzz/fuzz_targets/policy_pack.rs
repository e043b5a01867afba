//! See `fuzz::targets::policy_pack`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::targets::policy_pack(input));
