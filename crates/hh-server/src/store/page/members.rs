//! Splits the JSON of a stored body into its members, without decoding their values.
//!
//! The body was written by `serde_json`, so it is valid and has no white space between its members. A parser that checks
//! all of it again uses a quarter of the CPU time of a large page.

/// The members of an object, as names and JSON values.
pub(super) struct Members<'a> {
    /// The object after the last member that was read.
    rest: &'a str,
    is_first: bool,
}

/// An object that does not end, or that `serde_json` has not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAnObject;

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a str) -> Self {
        Self {
            rest: object,
            is_first: true,
        }
    }

    /// Reads the next member; returns `None` at the end of the object.
    pub(super) fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, NotAnObject> {
        let end = if self.is_first { "{}" } else { "}" };
        if self.rest == end {
            return Ok(None);
        }
        self.read().map(Some).ok_or(NotAnObject)
    }

    fn read(&mut self) -> Option<(&'a str, &'a str)> {
        let separator = if self.is_first { '{' } else { ',' };
        let member = self.rest.strip_prefix(separator)?;
        let (name, value) = member.split_at_checked(string_end(member.as_bytes(), 0)?)?;
        let value = value.strip_prefix(':')?;
        let (value, rest) = value.split_at_checked(value_end(value.as_bytes())?)?;
        *self = Self {
            rest,
            is_first: false,
        };
        Some((name.strip_prefix('"')?.strip_suffix('"')?, value))
    }
}

/// Returns the index after the value at the beginning of a text that follows the name of a member.
fn value_end(text: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match *text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b'}' | b',' if depth == 0 => return Some(at),
            _ => at += 1,
        }
    }
}

/// Returns the index after the string that begins at an index.
fn string_end(text: &[u8], begin: usize) -> Option<usize> {
    if text.get(begin) != Some(&b'"') {
        return None;
    }
    let mut at = begin + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            // The character after a backslash does not end the string.
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::super::tests::object;
    use super::*;

    fn members(object: &str) -> Result<Vec<(String, String)>, NotAnObject> {
        let mut members = Members::of(object);
        let mut all = Vec::new();
        while let Some((name, value)) = members.next()? {
            all.push((name.to_owned(), value.to_owned()));
        }
        Ok(all)
    }

    proptest! {
        #[test]
        fn an_object_that_serde_json_has_written_is_split_as_serde_json_does(
            values in prop::collection::vec(object(), 0..4),
            text: String,
        ) {
            let mut object = serde_json::Map::new();
            for (number, value) in values.into_iter().enumerate() {
                object.insert(format!("member_{number}"), value.into());
            }
            object.insert("text".to_owned(), text.into());
            object.insert("number".to_owned(), 1.5.into());
            let json = serde_json::to_string(&object).unwrap();
            let expected: Vec<(String, Box<RawValue>)> = {
                let map: std::collections::BTreeMap<_, _> = serde_json::from_str(&json).unwrap();
                map.into_iter().collect()
            };
            let mut found = members(&json).unwrap();
            found.sort();
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(name, value)| (name, value.get().to_owned()))
                .collect();
            prop_assert_eq!(found, expected);
            // No part of an object is a whole object.
            for end in (0..json.len()).filter(|end| json.is_char_boundary(*end)) {
                prop_assert_eq!(members(&json[..end]), Err(NotAnObject));
            }
        }

        #[test]
        fn no_text_causes_a_panic(text in r#"[{}\[\]",:\\a1 é]{0,20}"#) {
            drop(members(&text));
        }
    }

    #[test]
    fn an_empty_object_has_no_members_and_other_texts_are_refused() {
        assert_eq!(members("{}"), Ok(Vec::new()));
        for text in [
            "",
            "null",
            "[]",
            "{",
            "}",
            "{}}",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
        ] {
            assert_eq!(members(text), Err(NotAnObject), "{text}");
        }
    }
}
