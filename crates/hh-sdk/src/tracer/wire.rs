//! Writes and reads protobuf fields directly in a buffer. Field numbers are those of `trace.proto` and `common.proto`
//! of OTLP.
//!
//! The setters of spans are generic, so they are compiled in the crate of the program. Functions that they call need
//! `#[inline]` to be inlined there.

/// The wire type of a field with a length: text, bytes or a message.
const LENGTH_DELIMITED: u8 = 2;

/// Returns the tag of a field with a length.
pub(super) const fn delimited(field: u8) -> u8 {
    field << 3 | LENGTH_DELIMITED
}

/// Returns the tag of a varint field.
pub(super) const fn variable(field: u8) -> u8 {
    field << 3
}

/// Returns the tag of a field of 8 bytes.
pub(super) const fn fixed(field: u8) -> u8 {
    field << 3 | 1
}

/// `ScopeSpans.spans`.
pub(super) const SPAN: u8 = delimited(2);
/// `Span.attributes`.
pub(super) const ATTRIBUTE: u8 = delimited(9);
/// `KeyValue.key`.
pub(super) const KEY: u8 = delimited(1);
/// `KeyValue.value`.
pub(super) const VALUE: u8 = delimited(2);
/// `AnyValue.string_value`, which has the same tag as `KeyValue.key`.
pub(super) const STRING: u8 = delimited(1);

/// Appends a varint.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Returns the length of a varint, in bytes.
#[inline]
pub(super) fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Appends a field with text, bytes or a message.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field of 8 bytes.
#[inline]
pub(super) fn put_fixed(out: &mut Vec<u8>, tag: u8, value: [u8; 8]) {
    out.push(tag);
    out.extend_from_slice(&value);
}

/// Starts a message or text of unknown length and returns the offset of its content.
#[inline]
pub(super) fn open(out: &mut Vec<u8>, tag: u8) -> usize {
    out.push(tag);
    // Most lengths fit in one byte.
    out.push(0);
    out.len()
}

/// Ends the field whose content starts at `start`, and writes its length.
#[inline]
pub(super) fn close(out: &mut Vec<u8>, start: usize) {
    match u8::try_from(out.len() - start) {
        Ok(length) if length < 0x80 => out[start - 1] = length,
        _ => close_long(out, start),
    }
}

/// Ends a field whose length needs more than one byte.
fn close_long(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    let more = varint_len(length) - 1;
    out.resize(out.len() + more, 0);
    out.copy_within(start..start + length, start + more);
    let mut rest = length;
    for byte in &mut out[start - 1..start + more] {
        *byte = rest.to_le_bytes()[0] & 0x7f;
        rest >>= 7;
        if rest > 0 {
            *byte |= 0x80;
        }
    }
}

/// Splits the first field off a message whose fields all have a length; returns its tag, its content and the rest, or
/// `None` at the end.
#[inline]
pub(super) fn split_field(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let (mut length, mut shift) = (0_usize, 0_u32);
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_length_can_be_read_back() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_152] {
            let content = vec![b'x'; length];
            let mut out = vec![1, 2, 3];
            let start = open(&mut out, SPAN);
            out.extend_from_slice(&content);
            close(&mut out, start);
            let mut whole = vec![1, 2, 3];
            put_bytes(&mut whole, SPAN, &content);
            assert_eq!(out, whole);
            assert_eq!(out.len(), 3 + 1 + varint_len(length) + length);
            let (tag, read, rest) = split_field(&out[3..]).unwrap();
            assert_eq!((tag, read, rest), (SPAN, &content[..], &[][..]));
        }
        assert_eq!(split_field(&[]), None);
        assert_eq!(split_field(&[SPAN, 2, 0]), None);
        assert_eq!(
            split_field(&[[SPAN].as_slice(), &[0xff; 20]].concat()),
            None
        );
    }
}
