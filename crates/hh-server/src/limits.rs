//! Measures the depth and the number of values of a body without decoding it.
//!
//! Decoders recurse and allocate memory for each value; these scans do not.

/// The depth of nesting and the number of values of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyShape {
    pub(crate) depth: usize,
    pub(crate) elements: usize,
    /// The number of objects among the values of a JSON text.
    pub(crate) objects: usize,
}

/// Measures a JSON text.
pub(crate) fn json(text: &[u8]) -> BodyShape {
    let mut shape = BodyShape::default();
    let (mut depth, mut quoted) = (0_usize, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if quoted => drop(bytes.next()),
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                shape.depth = shape.depth.max(depth);
                shape.elements += 1;
                shape.objects += usize::from(*byte == b'{');
            }
            b',' if !quoted => shape.elements += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    shape
}

/// The kinds of messages in an OTLP trace export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtlpMessage {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    /// An event of a span. Events and links have their attributes in different fields.
    SpanEvent,
    SpanLink,
    KeyValue,
    AnyValue,
    /// A list of values.
    Array,
    /// A list of keys with values.
    Pairs,
    /// A reference to an entity, which contains lists of texts.
    EntityRef,
    /// Text, bytes, and messages that contain no other messages.
    Leaf,
}

impl OtlpMessage {
    /// Returns the kind of a field of this message, by its number in `trace.proto` and `common.proto`.
    fn below(self, field: u64) -> Self {
        match (self, field) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 11) => Self::SpanEvent,
            (Self::Span, 13) => Self::SpanLink,
            (Self::Resource | Self::Pairs, 1)
            | (Self::Scope | Self::SpanEvent, 3)
            | (Self::SpanLink, 4)
            | (Self::Span, 9) => Self::KeyValue,
            (Self::KeyValue, 2) | (Self::Array, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::Array,
            (Self::AnyValue, 6) => Self::Pairs,
            (Self::Resource, 3) => Self::EntityRef,
            _ => Self::Leaf,
        }
    }
}

/// The depth at which the decoder stops, so that deeper levels need not be counted. A level of a value, of which 64 are
/// decoded, has up to three messages.
const MAX_LEVELS: usize = 256;

/// Measures an OTLP trace export in protobuf. Each field counts as one value, including text and bytes of any content.
pub(crate) fn protobuf(request: &[u8]) -> BodyShape {
    // The end and the kind of each open message, the innermost last.
    let mut open = vec![(request.len(), OtlpMessage::Request)];
    let mut shape = BodyShape::default();
    let mut at = 0;
    while let Some(&(end, message)) = open.last() {
        if at >= end {
            open.pop();
            continue;
        }
        shape.depth = shape.depth.max(open.len());
        shape.elements += 1;
        // The decoder rejects bytes that are not a field.
        let Some((number, head, length)) = field(&request[at..end]) else {
            at = end;
            continue;
        };
        at += head;
        // Bytes become base64, which is longer.
        if message == OtlpMessage::AnyValue && number == 7 {
            shape.elements += length / 128;
        }
        let below = message.below(number);
        if below == OtlpMessage::Leaf || length == 0 || open.len() >= MAX_LEVELS {
            at += length;
        } else {
            open.push((at + length, below));
        }
    }
    shape
}

/// Returns the number of the first field of a message, the size of its tag and length, and the size of its value.
fn field(bytes: &[u8]) -> Option<(u64, usize, usize)> {
    let (tag, head) = varint(bytes)?;
    let rest = &bytes[head..];
    let (head, length) = match tag & 7 {
        0 => (head, varint(rest)?.1),
        1 => (head, 8),
        5 => (head, 4),
        // The start or the end of a group. The decoder skips the fields in between; here they count.
        3 | 4 => (head, 0),
        2 => {
            let (length, size) = varint(rest)?;
            (head + size, usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    (length <= bytes.len() - head).then_some((tag >> 3, head, length))
}

/// Decodes a varint; returns its value and its size in bytes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_counts_values_and_levels_outside_strings() {
        let shape = json(br#"{"a": [1, "[{,\\\"", {}], "b": null}"#);
        assert_eq!((shape.depth, shape.elements, shape.objects), (3, 6, 2));
    }

    fn wrap(field: u8, value: &[u8]) -> Vec<u8> {
        let mut bytes = vec![field << 3 | 2];
        let mut length = value.len();
        while length > 127 {
            bytes.push(length.to_le_bytes()[0] & 0x7f | 0x80);
            length >>= 7;
        }
        bytes.push(length.to_le_bytes()[0]);
        bytes.extend_from_slice(value);
        bytes
    }

    /// Returns an export with one attribute that has this value.
    fn export(any: &[u8]) -> Vec<u8> {
        let attribute = [wrap(1, b"key"), wrap(2, any)].concat();
        let span = wrap(9, &attribute);
        wrap(1, &wrap(2, &wrap(2, &span)))
    }

    #[test]
    fn text_is_one_value_whatever_it_looks_like() {
        let plain = protobuf(&export(&wrap(1, b"text"))).elements;
        for letter in [' ', '0', 'x', '(', '\n', '\u{1}', '\0'] {
            let text = String::from(letter).repeat(500_000);
            assert_eq!(
                protobuf(&export(&wrap(1, text.as_bytes()))).elements,
                plain,
                "{letter:?}"
            );
        }
    }

    #[test]
    fn values_are_counted_at_every_level() {
        // Empty values in a list, in a list in a list, and so on.
        let mut any = wrap(5, &[0x0a, 0].repeat(1000));
        for level in 0..30 {
            let shape = protobuf(&export(&any));
            assert!(shape.elements >= 1000 + 2 * level, "{level}: {shape:?}");
            any = wrap(5, &wrap(1, &any));
        }
        assert_eq!(protobuf(&[0x0a, 0].repeat(1000)).elements, 1000);
    }

    #[test]
    fn a_group_does_not_hide_what_follows() {
        // Field 100 begins and ends a group, which every decoder of protobuf skips.
        let group = [0xa3, 6, 0x08, 1, 0x12, 1, 7, 0xa4, 6];
        let hidden = [&group[..], &[0x0a, 0].repeat(1000)].concat();
        assert!(protobuf(&hidden).elements >= 1000);
        assert!(protobuf(&wrap(1, &hidden)).elements >= 1000);
    }

    #[test]
    fn names_in_references_to_entities_are_counted() {
        let request = wrap(1, &wrap(1, &wrap(3, &[0x1a, 0].repeat(1000))));
        assert!(protobuf(&request).elements >= 1000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(protobuf(&bytes).elements <= bytes.len());
            prop_assert!(json(&bytes).elements <= bytes.len());
        }
    }
}
