//! Any datagram as the answer to a DNS_CHECK, and any name as its question.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfast_fuzz::readers;

fuzz_target!(|input: &[u8]| readers::dns(input));
