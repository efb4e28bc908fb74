//! Measures the memory of the process, and provides bodies for both memory tests.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::spans::{label, span};

pub(crate) const MIB: usize = 1024 * 1024;

/// Returns a memory value of the process, in KiB: `VmRSS` is the current memory, `VmHWM` the peak.
pub(crate) fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines().map(|line| line.split_whitespace());
    let mut line = lines
        .find(|line| line.clone().next() == Some(name))
        .unwrap();
    line.nth(1).unwrap().parse().unwrap()
}

/// Resets the peak memory of the process in the kernel.
#[expect(
    clippy::disallowed_methods,
    reason = "a control file of the kernel, which needs no safe write"
)]
pub(crate) fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Returns a span whose attributes have dotted names of 32 parts.
pub(crate) fn dotted_names(prefix: &str, count: usize) -> Span {
    let tail = ".a".repeat(31);
    let names = (0..count).map(|at| label(&format!("{prefix}{at}{tail}"), "v"));
    span(1, None, names.collect())
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
