//! See `hh_fuzz::substitute`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::substitute(data));
