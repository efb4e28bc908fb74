//! Measures the CPU time of a stored span, and compares the encodings of OTLP.

use anyhow::Result;

use super::super::cpu_time::ROUNDS;
use super::super::data_dir::Server;
use super::super::limits::Limits;
use super::super::load::Load;
use super::super::otlp;

/// Number of exports in a round.
pub(super) const EXPORTS: u32 = 400;
/// Number of spans that [`measure`] stores in each encoding.
pub(super) const STORED: usize = ROUNDS * EXPORTS as usize * otlp::SPANS as usize;
const CONNECTIONS: usize = 8;
/// The limit of the ratio of JSON to protobuf.
const LIMIT: f64 = 1.6;

/// An encoding of OTLP.
pub(super) struct Encoding {
    pub(super) name: &'static str,
    content_type: &'static str,
    encode: fn(usize) -> Vec<u8>,
}

pub(super) const PROTOBUF: Encoding = Encoding {
    name: "protobuf",
    content_type: "application/x-protobuf",
    encode: otlp::protobuf,
};

pub(super) const JSON: Encoding = Encoding {
    name: "JSON",
    content_type: "application/json",
    encode: otlp::json,
};

/// Prints the CPU time of a stored span in both encodings, which new servers receive in turn. Returns that of protobuf,
/// in microseconds.
pub(super) fn measure(protobuf: &Server, json: &Server, limits: &mut Limits) -> Result<f64> {
    let (mut of_protobuf, mut of_json) = (f64::MAX, f64::MAX);
    for round in 0..ROUNDS {
        of_protobuf = of_protobuf.min(micros(protobuf, &PROTOBUF, round, EXPORTS)?);
        of_json = of_json.min(micros(json, &JSON, round, EXPORTS)?);
    }
    limits.compare(
        &format!(
            "a stored span in JSON, {} spans in each request, {CONNECTIONS} connections",
            otlp::SPANS
        ),
        of_json,
        ("in protobuf", of_protobuf),
        Some(LIMIT),
    );
    Ok(of_protobuf)
}

/// Returns the CPU time of a stored span in one round, in microseconds.
pub(super) fn micros(
    server: &Server,
    encoding: &Encoding,
    round: usize,
    exports: u32,
) -> Result<f64> {
    let batches = (0..exports as usize).map(|number| otlp::batch(encoding.name, round, number));
    let load = Load {
        head: format!(
            "POST /opentelemetry/v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\nauthorization: Bearer {}\r\n",
            encoding.content_type, server.key
        ),
        bodies: batches.map(encoding.encode).collect(),
        connections: CONNECTIONS,
    };
    Ok(load.micros(&server.program, exports)? / f64::from(otlp::SPANS))
}
