//! Figures of the process, and bodies that both memory tests send.

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::spans::{label, span};

pub(crate) const MIB: usize = 1024 * 1024;

/// A figure of the process in KiB: `VmRSS` is what it has in use, `VmHWM` the most that it ever had.
pub(crate) fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines().map(|line| line.split_whitespace());
    let mut line = lines
        .find(|line| line.clone().next() == Some(name))
        .unwrap();
    line.nth(1).unwrap().parse().unwrap()
}

/// Has the kernel forget the most that the process ever used.
#[expect(
    clippy::disallowed_methods,
    reason = "the kernel's switch, which is no file to keep"
)]
pub(crate) fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// A span whose attributes have dotted names of 32 parts.
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
