//! The replies of mail servers, in any slices.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfast_fuzz::readers;

fuzz_target!(|input: &[u8]| readers::smtp(input));
