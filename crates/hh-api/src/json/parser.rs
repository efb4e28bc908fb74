//! A tolerant JSON parser that reads a body from start to end without building values.
//!
//! It accepts what strict parsers reject: lone surrogates, invalid UTF-8 and control characters in text, and the numbers
//! `NaN` and `Infinity`. The number of open lists and objects is not limited by the stack when they are skipped.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::Value;

use super::value;

/// The reason why a part of the body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The body is not JSON.
    Syntax,
    /// The current part of the body is JSON, but cannot be stored.
    Refused(&'static str),
}

/// A value that is not read further.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// The text of a number, which may be invalid.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// The bytes of a list or an object.
    Other(&'a [u8]),
}

impl<'a> Scalar<'a> {
    /// Returns a value, with numbers and texts read as the type of the member requires. Lists and objects, which no
    /// member allows here, become their text.
    pub(crate) fn into_value(
        self,
        number: impl FnOnce(&'a str) -> Value,
        text: impl FnOnce(Cow<'a, str>) -> Value,
    ) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(digits) => number(digits),
            Self::Text(quoted) => text(quoted),
            Self::Other(bytes) => Value::String(value::text(bytes)),
        }
    }
}

/// A position in a body.
pub(crate) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    /// Creates a parser. A byte order mark is ignored.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mark = "\u{feff}".as_bytes();
        Self {
            bytes,
            at: if bytes.starts_with(mark) {
                mark.len()
            } else {
                0
            },
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Returns the line and the column of the position, starting at 1.
    pub(crate) fn place(&self) -> (usize, usize) {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let mut lines = before.split(|byte| *byte == b'\n');
        let column = lines.next_back().map_or(0, <[u8]>::len) + 1;
        (lines.count() + 1, column)
    }

    /// Returns the next byte after white space, which stays unread.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8, Stop> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Stop::Syntax)
    }

    /// Checks that only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Stop> {
        match self.peek() {
            Ok(_) => Err(Stop::Syntax),
            Err(_) => Ok(()),
        }
    }

    /// Reads a byte after white space, such as the bracket that opens a list.
    #[inline]
    pub(crate) fn expect(&mut self, expected: u8) -> Result<(), Stop> {
        if self.peek()? != expected {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads null, if it is the next value.
    #[inline]
    pub(crate) fn null(&mut self) -> Result<bool, Stop> {
        Ok(self.peek()? == b'n' && self.word("null"))
    }

    fn word(&mut self, word: &str) -> bool {
        let is_next = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    /// Reads an object. `member` must read the value of the member.
    pub(crate) fn object<E: From<Stop>>(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.peek()?;
            let key = self.string()?;
            self.expect(b':')?;
            member(self, &key)?;
            if self.is_closed(b'}')? {
                return Ok(());
            }
        }
    }

    /// Reads a list. `item` must read one item.
    pub(crate) fn list<E: From<Stop>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            if self.is_closed(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads a comma or the end of a list or an object.
    #[inline]
    pub(crate) fn is_closed(&mut self, end: u8) -> Result<bool, Stop> {
        let byte = self.peek()?;
        if byte != b',' && byte != end {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        Ok(byte == end)
    }

    /// Reads any value; lists and objects are skipped.
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'a>, Stop> {
        Ok(match self.peek()? {
            b'"' => Scalar::Text(self.string()?),
            b'{' | b'[' => {
                let start = self.at;
                self.skip()?;
                Scalar::Other(&self.bytes[start..self.at])
            }
            b'n' if self.word("null") => Scalar::Null,
            b't' if self.word("true") => Scalar::Bool(true),
            b'f' if self.word("false") => Scalar::Bool(false),
            _ => Scalar::Number(self.number()?),
        })
    }

    /// Reads the text of a number, or of a value that is not a number.
    fn number(&mut self) -> Result<&'a str, Stop> {
        let rest = &self.bytes[self.at..];
        let is_part =
            |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let mut length = rest.iter().take_while(|byte| is_part(byte)).count();
        let word = &rest[length..];
        if length <= 1
            && let Some(name) = ["NaN", "Infinity"]
                .iter()
                .find(|name| word.starts_with(name.as_bytes()))
        {
            length += name.len();
        }
        let text = str::from_utf8(&rest[..length]).unwrap_or_default();
        if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Stop::Syntax);
        }
        self.at += length;
        Ok(text)
    }

    /// Skips a value without recursion.
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        let mut open = Vec::new();
        loop {
            match self.peek()? {
                bracket @ (b'{' | b'[') => {
                    self.at += 1;
                    // The brackets that close them have the next code but one.
                    let end = bracket + 2;
                    if self.peek()? == end {
                        self.at += 1;
                    } else {
                        open.push(end);
                        if end == b'}' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.skip_string()?,
                _ => drop(self.scalar()?),
            }
            loop {
                let Some(end) = open.last().copied() else {
                    return Ok(());
                };
                if !self.is_closed(end)? {
                    if end == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                open.pop();
            }
        }
    }

    /// Skips the value at a position, after it was read in part.
    pub(crate) fn skip_from(&mut self, position: usize) -> Result<(), Stop> {
        self.at = position;
        self.skip()
    }

    fn skip_key(&mut self) -> Result<(), Stop> {
        self.peek()?;
        self.skip_string()?;
        self.expect(b':')
    }

    fn skip_string(&mut self) -> Result<(), Stop> {
        self.string_end().map(drop)
    }

    /// Reads a quoted text up to its end; returns its bytes and whether it contains escapes.
    fn string_end(&mut self) -> Result<(&'a [u8], bool), Stop> {
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(Stop::Syntax);
        }
        let start = self.at + 1;
        let mut at = start;
        let mut is_escaped = false;
        loop {
            let found = memchr2(b'"', b'\\', self.bytes.get(at..).unwrap_or_default());
            at += found.ok_or(Stop::Syntax)?;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok((&self.bytes[start..at], is_escaped));
            }
            is_escaped = true;
            at += 2;
        }
    }

    /// Reads a quoted text.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Stop> {
        let (bytes, is_escaped) = self.string_end()?;
        if is_escaped {
            return Ok(Cow::Owned(unescape(bytes)));
        }
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Ok(String::from_utf8_lossy(bytes)),
        }
    }
}

/// Replaces the escapes of a text. Escapes that JSON does not have stay as they are, and half of a surrogate pair becomes
/// U+FFFD.
fn unescape(mut bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    while let Some(at) = memchr::memchr(b'\\', bytes) {
        text.extend_from_slice(&bytes[..at]);
        let escape = &bytes[at + 1..];
        let plain = match escape.first() {
            Some(b'n') => Some(b'\n'),
            Some(b't') => Some(b'\t'),
            Some(b'r') => Some(b'\r'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(*byte),
            _ => None,
        };
        if let Some(byte) = plain {
            text.push(byte);
            bytes = &escape[1..];
        } else if let Some((character, length)) = unicode(escape) {
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            bytes = &escape[length..];
        } else {
            text.push(b'\\');
            bytes = escape;
        }
    }
    text.extend_from_slice(bytes);
    match String::from_utf8(text) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// Reads `u` and four digits, twice for a surrogate pair; returns the character and the number of bytes.
fn unicode(escape: &[u8]) -> Option<(char, usize)> {
    let unit = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(b"u")?.first_chunk::<4>()?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(escape)?;
    let second = escape[5..].strip_prefix(b"\\").and_then(unit);
    let pair = [first, second.unwrap_or_default()];
    match char::decode_utf16(pair).next()? {
        Ok(character) => Some((character, if character > '\u{ffff}' { 11 } else { 5 })),
        Err(_) => Some((char::REPLACEMENT_CHARACTER, 5)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(json: &str) -> String {
        match Parser::new(json.as_bytes()).scalar() {
            Ok(Scalar::Text(text)) => text.into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn escapes_that_are_invalid_cost_only_themselves() {
        for (json, expected) in [
            (r#""a\n\t\r\b\f\"\\\/b""#, "a\n\t\r\u{8}\u{c}\"\\/b"),
            (r#""\u00e9\ud83d\udc1d""#, "é\u{1f41d}"),
            (r#""hi \ud83d""#, "hi \u{fffd}"),
            (r#""\udc1d\ud83d!""#, "\u{fffd}\u{fffd}!"),
            (r#""\ud83d\ud83d\udc1d""#, "\u{fffd}\u{1f41d}"),
            (r#""\ud83dx\u0041""#, "\u{fffd}xA"),
            (r#""\x\u12\u+123""#, r"\x\u12\u+123"),
            ("\"a\nb\u{0}\"", "a\nb\u{0}"),
        ] {
            assert_eq!(texts(json), expected, "{json}");
        }
        let mut parser = Parser::new(b"\"a\xf0\x9f\xffb\"");
        assert_eq!(parser.string().unwrap(), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_million_open_lists_are_skipped_without_recursion() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let mut parser = Parser::new(deep.as_bytes());
        assert_eq!((parser.skip(), parser.end()), (Ok(()), Ok(())));
        let open = "{\"a\":[".repeat(1_000_000);
        assert_eq!(Parser::new(open.as_bytes()).skip(), Err(Stop::Syntax));
    }

    proptest! {
        #[test]
        fn what_a_strict_parser_accepts_is_read_to_its_end(value in json()) {
            let text = value.to_string();
            let mut parser = Parser::new(text.as_bytes());
            prop_assert_eq!((parser.skip(), parser.end()), (Ok(()), Ok(())));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(prop_oneof![
            any::<u8>(), prop::sample::select(b"[]{}\",:\\u0ndt".as_slice())], 0..64,
        )) {
            let mut parser = Parser::new(&bytes);
            let is_valid = parser.skip().and_then(|()| parser.end()).is_ok();
            if serde_json::from_slice::<Value>(&bytes).is_ok() {
                prop_assert!(is_valid);
            }
        }

        #[test]
        fn texts_are_read_like_a_strict_parser_reads_them(text in any::<String>()) {
            let json = Value::from(text.clone()).to_string();
            prop_assert_eq!(texts(&json), text);
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }
}
