//! The shape of a body, found without decoding it: decoders recurse and allocate, these scans do neither.

/// How deeply a body is nested, and how many values it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyShape {
    pub(crate) depth: usize,
    pub(crate) elements: usize,
    /// The objects among the values of a JSON text.
    pub(crate) objects: usize,
}

/// Scans a JSON text.
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

/// The messages of an OTLP trace export that hold others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtlpMessage {
    Request,
    ResourceSpans,
    Resource,
    ScopeSpans,
    Scope,
    Span,
    /// A span's event or link: both keep their attributes in fields of their own.
    SpanEvent,
    SpanLink,
    KeyValue,
    AnyValue,
    /// A list of values, or of pairs.
    Array,
    Pairs,
    /// A reference to an entity, which has lists of texts.
    EntityRef,
    /// Text, bytes, and messages that hold no others.
    Leaf,
}

impl OtlpMessage {
    /// What a field of this message holds, by the numbers of `trace.proto` and `common.proto`.
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

/// Where the decoder stops by itself, so that deeper levels need no count.
const MAX_LEVELS: usize = 100;

/// Scans an OTLP trace export in protobuf: every field is a value, text and bytes one whatever they hold.
pub(crate) fn protobuf(request: &[u8]) -> BodyShape {
    // The end and the kind of each message that is open, the innermost last.
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
        // What is no field is for the decoder to refuse.
        let Some((number, head, length)) = field(&request[at..end]) else {
            at = end;
            continue;
        };
        at += head;
        // Bytes become text, and each one that is no UTF-8 takes three bytes.
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

/// The number of the field at the start of a message, the bytes of its tag and length, and those of its value.
fn field(bytes: &[u8]) -> Option<(u64, usize, usize)> {
    let (tag, head) = varint(bytes)?;
    let rest = &bytes[head..];
    let (head, length) = match tag & 7 {
        0 => (head, varint(rest)?.1),
        1 => (head, 8),
        5 => (head, 4),
        // The begin or the end of a group: the decoder skips what is between, which counts as fields here.
        3 | 4 => (head, 0),
        2 => {
            let (length, size) = varint(rest)?;
            (head + size, usize::try_from(length).ok()?)
        }
        _ => return None,
    };
    (length <= bytes.len() - head).then_some((tag >> 3, head, length))
}

/// A varint and how many bytes it takes.
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

    /// An export with one attribute of this value.
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
