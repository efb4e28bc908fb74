//! See `hh_fuzz::file_layer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::file_layer(data));
