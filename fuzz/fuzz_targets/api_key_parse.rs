//! See `hh_fuzz::api_key_parse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::api_key_parse(data));
