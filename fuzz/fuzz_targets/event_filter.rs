//! See `hh_fuzz::event_filter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::event_filter(data));
