//! The shape of a body, found without decoding it: decoders recurse and allocate, these scans do neither.

/// How deep a body is nested, and how many values it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) depth: usize,
    pub(crate) elements: usize,
}

/// Scans a JSON text.
pub(crate) fn json(text: &[u8]) -> Shape {
    let mut shape = Shape::default();
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
            }
            b',' if !quoted => shape.elements += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    shape
}

/// Messages of OTLP below one another, lists in lists aside, which prost bounds at 100.
const MAX_LEVELS: usize = 16;

/// Scans a protobuf message of any type: what could be a message in it is taken for one.
pub(crate) fn protobuf(message: &[u8]) -> Shape {
    // The end of each message that is open, the innermost last.
    let mut open = vec![message.len()];
    let mut shape = Shape::default();
    let mut at = 0;
    while let Some(&end) = open.last() {
        if at >= end {
            open.pop();
            continue;
        }
        shape.depth = shape.depth.max(open.len());
        shape.elements += 1;
        match field(&message[at..end]) {
            Some(Field {
                head, length: 0, ..
            }) => at += head,
            Some(Field {
                head,
                length,
                nests,
            }) => {
                at += head;
                let inner = &message[at..at + length];
                if nests && open.len() < MAX_LEVELS && field(inner).is_some() {
                    open.push(at + length);
                } else {
                    at += length;
                }
            }
            // Not a message after all: the rest of it is one value.
            None => at = end,
        }
    }
    shape
}

/// One field at the start of a message.
struct Field {
    /// The bytes of its tag and length.
    head: usize,
    /// The bytes of its value.
    length: usize,
    /// Whether the value may be a message.
    nests: bool,
}

fn field(bytes: &[u8]) -> Option<Field> {
    let (tag, head) = varint(bytes)?;
    let rest = &bytes[head..];
    let (head, length, nests) = match tag & 7 {
        0 => (head, varint(rest)?.1, false),
        1 => (head, 8, false),
        5 => (head, 4, false),
        2 => {
            let (length, size) = varint(rest)?;
            (head + size, usize::try_from(length).ok()?, true)
        }
        _ => return None,
    };
    let whole = tag >> 3 != 0 && length <= bytes.len() - head;
    whole.then_some(Field {
        head,
        length,
        nests,
    })
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
        assert_eq!((shape.depth, shape.elements), (3, 6));
    }

    #[test]
    fn protobuf_counts_fields_at_every_level() {
        // Three empty messages in a message, and a text that is none.
        let shape = protobuf(&[
            0x0a, 6, 0x0a, 0, 0x0a, 0, 0x0a, 0, 0x12, 3, b'a', b'b', b'c',
        ]);
        assert_eq!((shape.depth, shape.elements), (2, 5));
        assert_eq!(protobuf(&[0x0a, 0].repeat(1000)).elements, 1000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned_to_the_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(protobuf(&bytes).elements <= bytes.len());
            prop_assert!(json(&bytes).elements <= bytes.len());
        }
    }
}
