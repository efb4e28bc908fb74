//! Strict encoding and decoding of hexadecimal text. `u8::from_str_radix` also accepts a sign.

/// Decodes pairs of hexadecimal digits in either case; returns `None` for any other text.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

/// Encodes bytes in lower case. The text never grows, so that no part of a secret remains in an old buffer.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    let digit = |nibble| char::from_digit(u32::from(nibble), 16);
    for byte in bytes {
        text.extend(digit(byte >> 4));
        text.extend(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_of_hexadecimal_digits_are_decoded() {
        assert_eq!(decode("00fFa9"), Some(vec![0, 0xff, 0xa9]));
        assert_eq!(decode(""), Some(Vec::new()));
        assert_eq!(encode(&[0, 0xff, 0xa9]), "00ffa9");
        for text in ["+f", "-0", "f", "fff", " f", "f ", "0x", "g0", "é", "٣٣"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
