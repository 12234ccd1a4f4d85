//! See `checks::round_trip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_fuzz::checks::round_trip(bytes));
