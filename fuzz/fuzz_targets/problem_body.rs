//! See `hh_fuzz::problem_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::problem_body(data));
