//! Tests the decoding of text with byte order marks and of other encodings.

use hh_text::{decode, without_bom};

#[test]
fn byte_order_marks_at_the_start_are_removed() {
    for text in ["docs", "\u{feff}docs", "\u{feff}\u{feff}docs"] {
        assert_eq!(decode(text.as_bytes()).unwrap(), "docs");
        assert_eq!(without_bom(text), "docs");
    }
    assert_eq!(without_bom("do\u{feff}cs"), "do\u{feff}cs");
    assert_eq!(decode(b"").unwrap(), "");
}

#[test]
fn other_encodings_are_named() {
    for (bytes, message) in [
        (&b"\xff\xfed\0"[..], "is UTF-16 text (little-endian)"),
        (b"\xfe\xff\0d", "is UTF-16 text (big-endian)"),
        (b"\xff\xfe\0\0d\0\0\0", "is UTF-32 text (little-endian)"),
        (b"\0\0\xfe\xff\0\0\0d", "is UTF-32 text (big-endian)"),
        (b"\xff\xfe", "is UTF-16 text (little-endian)"),
    ] {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error.message(), message);
        assert!(error.hint().unwrap().contains("iconv"));
    }
    let error = decode(b"one\ntwo\ncaf\xe9\n").unwrap_err();
    assert_eq!(
        (error.message(), error.hint()),
        ("is not UTF-8 text (line 3)", None)
    );
}
