//! See `hh_fuzz::credentials_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::credentials_file(data));
