//! Encodes the responses to exports in protobuf.

use http::StatusCode;

/// Encodes an `ExportTraceServiceResponse` with a partial success.
pub(crate) fn encode_partial_success(rejected: u32, message: &str) -> Vec<u8> {
    let mut partial = Vec::new();
    put_int(&mut partial, 1, u64::from(rejected));
    put_bytes(&mut partial, 2, message.as_bytes());
    let mut response = Vec::new();
    put_bytes(&mut response, 1, &partial);
    response
}

/// Encodes a `google.rpc.Status`, which OTLP requires in error responses.
pub(crate) fn encode_status(status: StatusCode, message: &str) -> Vec<u8> {
    // The numbers of `google.rpc.Code`.
    let code = match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::NOT_FOUND => 5,
        StatusCode::REQUEST_TIMEOUT => 4,
        StatusCode::CONFLICT => 6,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::METHOD_NOT_ALLOWED => 12,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        status if status.is_server_error() => 13,
        _ => 3,
    };
    let mut encoded = Vec::new();
    put_int(&mut encoded, 1, code);
    put_bytes(&mut encoded, 2, message.as_bytes());
    encoded
}

fn put_int(out: &mut Vec<u8>, field: u8, number: u64) {
    out.push(field << 3);
    put_varint(out, number);
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}
