//! See `hh_fuzz::otlp_pb`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hh_fuzz::otlp_pb(data));
