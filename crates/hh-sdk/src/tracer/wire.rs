//! Protobuf, written straight into a buffer and read by field. The numbers are those of OTLP's `trace.proto` and
//! `common.proto`.
//!
//! The setters of spans are generic and so compiled with the program, where only what is marked can be inlined.

/// A field with a length: text, bytes or a message.
const LENGTH_DELIMITED: u8 = 2;

/// Returns the tag of a field with a length.
pub(super) const fn delimited(field: u8) -> u8 {
    field << 3 | LENGTH_DELIMITED
}

/// Returns the tag of a number of variable length.
pub(super) const fn variable(field: u8) -> u8 {
    field << 3
}

/// Returns the tag of 8 bytes.
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

/// Writes a number of variable length.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Returns how many bytes a length takes.
#[inline]
pub(super) fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Writes text, bytes or a whole message.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes 8 bytes.
#[inline]
pub(super) fn put_fixed(out: &mut Vec<u8>, tag: u8, value: [u8; 8]) {
    out.push(tag);
    out.extend_from_slice(&value);
}

/// Starts a message or a text whose length is not known yet; returns where its content starts.
#[inline]
pub(super) fn open(out: &mut Vec<u8>, tag: u8) -> usize {
    out.push(tag);
    // Most lengths fit in one byte.
    out.push(0);
    out.len()
}

/// Ends what [`open`] started at this place.
#[inline]
pub(super) fn close(out: &mut Vec<u8>, start: usize) {
    match u8::try_from(out.len() - start) {
        Ok(length) if length < 0x80 => out[start - 1] = length,
        _ => close_long(out, start),
    }
}

/// Makes room for a length of several bytes.
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

/// Splits the first field off a message that consists of fields with a length; returns its tag, its content and the
/// rest. `None` at the end.
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
