//! Creates exports of generated spans with five attributes each, in both encodings.

/// The number of spans in one export.
pub(super) const SPANS: u32 = 100;
/// The number of spans in one session.
const SESSION: u64 = 25;
const START: u64 = 1_795_461_676_880_265_471;

/// The number of the next export, so that no span of a run occurs twice.
pub(super) fn batch(encoding: &str, round: usize, number: usize) -> usize {
    (encoding.len() * 100 + round) * 100_000 + number
}

/// The ids of the trace, the span and the session of one span of a batch.
fn ids(batch: usize, span: u32) -> (u128, u64, String) {
    // The ids are spread over the whole range, like random ids.
    let mix = |value: u64| {
        value
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(31)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let number = batch as u64 * u64::from(SPANS) + u64::from(span);
    let group = number / SESSION;
    let trace = (u128::from(mix(group)) << 64) | u128::from(mix(!group));
    let session = format!("{:08x}-0000-4000-8000-{:012x}", mix(group) >> 32, group);
    (trace, mix(number) | 1, session)
}

/// Name, text value.
fn attributes(session: &str) -> [(&'static str, String); 5] {
    [
        ("honeyhive.session_id", session.to_owned()),
        ("honeyhive_event_type", "tool".to_owned()),
        (
            "honeyhive_inputs.question",
            "Where does login keep my key, and who can read it?".to_owned(),
        ),
        (
            "honeyhive_outputs.answer",
            "In a file that only its owner can read".to_owned(),
        ),
        ("honeyhive_metadata.model", "none".to_owned()),
    ]
}

pub(super) fn json(batch: usize) -> Vec<u8> {
    let mut spans = Vec::new();
    for span in 0..SPANS {
        let (trace, id, session) = ids(batch, span);
        let mut pairs = Vec::new();
        for (key, value) in attributes(&session) {
            pairs.push(format!(
                r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#
            ));
        }
        let start = START + u64::from(span) * 1000;
        spans.push(format!(
            r#"{{"traceId":"{trace:032x}","spanId":"{id:016x}","name":"step","startTimeUnixNano":"{start}","endTimeUnixNano":"{}","attributes":[{}]}}"#,
            start + 5000,
            pairs.join(",")
        ));
    }
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    text.into_bytes()
}

pub(super) fn protobuf(batch: usize) -> Vec<u8> {
    let mut scope = Vec::new();
    for span in 0..SPANS {
        let (trace, id, session) = ids(batch, span);
        let start = START + u64::from(span) * 1000;
        let mut wire = Vec::new();
        bytes(&mut wire, 1, &trace.to_be_bytes());
        bytes(&mut wire, 2, &id.to_be_bytes());
        bytes(&mut wire, 5, b"step");
        fixed(&mut wire, 7, start);
        fixed(&mut wire, 8, start + 5000);
        for (key, value) in attributes(&session) {
            let (mut any, mut pair) = (Vec::new(), Vec::new());
            bytes(&mut any, 1, value.as_bytes());
            bytes(&mut pair, 1, key.as_bytes());
            bytes(&mut pair, 2, &any);
            bytes(&mut wire, 9, &pair);
        }
        bytes(&mut scope, 2, &wire);
    }
    let (mut resource, mut request) = (Vec::new(), Vec::new());
    bytes(&mut resource, 2, &scope);
    bytes(&mut request, 1, &resource);
    request
}

/// Appends a protobuf field of wire type 2: a length and this number of bytes.
fn bytes(into: &mut Vec<u8>, field: u8, value: &[u8]) {
    into.push(field << 3 | 2);
    let mut length = value.len();
    loop {
        // A varint has seven bits per byte, the lowest first. The highest bit of a byte is set if more bytes follow.
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        into.push(low & 0x7f | if length > 0 { 0x80 } else { 0 });
        if length == 0 {
            break;
        }
    }
    into.extend_from_slice(value);
}

/// Appends a protobuf field of wire type 1: eight bytes.
fn fixed(into: &mut Vec<u8>, field: u8, value: u64) {
    into.push(field << 3 | 1);
    into.extend_from_slice(&value.to_le_bytes());
}
