//! Checks substitution: it does not panic, limits its output, reverses `escape`, and expands nothing twice.

use std::ffi::OsString;

use hh_config::{Env, SubstituteError, Substituted};

/// The maximum size of the output, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Checks a text with variables. The lines up to the first empty line are variables, `NAME=value`. The text follows.
///
/// Without an empty line, the whole input is the text. A value can be any bytes.
///
/// # Panics
/// Panics if a property does not hold.
pub fn substitute(data: &[u8]) {
    let (head, text) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (&[][..], data),
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let variables = head.split(|byte| *byte == b'\n').filter_map(variable);
    let variables: Vec<_> = variables.collect();
    let env = Env::from_pairs(variables.iter().cloned());

    let done = hh_config::substitute(text, &env);
    let plain = hh_config::substitute(&hh_config::escape(text), &env);
    if text.len() > MAX_BYTES {
        assert_eq!(plain.err(), Some(SubstituteError::TooLong));
    } else {
        let plain = plain.expect("an escaped text needs no variable");
        assert_eq!(*plain.text, text, "substitution does not reverse escape");
        assert_eq!(plain.variables, [""; 0], "an escaped text uses variables");
    }
    if let Ok(done) = done {
        assert!(done.text.len() <= MAX_BYTES, "{} bytes", done.text.len());
        if !text.contains('$') {
            assert_eq!(*done.text, text, "a text without variables changed");
        }
        for name in &done.variables {
            assert!(text.contains(name.as_str()), "{name} is not in the text");
        }
        is_expanded_once(text, &variables, &done);
    }
}

fn variable(line: &[u8]) -> Option<(String, OsString)> {
    let at = line.iter().position(|byte| *byte == b'=')?;
    let name = std::str::from_utf8(&line[..at]).ok()?;
    Some((name.to_owned(), os_string(&line[at + 1..])?))
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "on other systems, some sequences of bytes are not valid values"
)]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    Some(OsString::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> Option<OsString> {
    Some(std::str::from_utf8(bytes).ok()?.into())
}

/// Checks that the result is the same with marks as values, except for the marks. The content of a value then has no
/// effect.
fn is_expanded_once(text: &str, variables: &[(String, OsString)], done: &Substituted) {
    const MARKS: [char; 2] = ['\u{f0000}', '\u{f0001}'];
    let is_marked = |text: &str| text.contains(MARKS);
    let values = variables.iter().map(|(_, value)| value.to_str());
    if is_marked(text) || values.flatten().any(is_marked) {
        return;
    }
    let mark = |at: usize| format!("{}{at}{}", MARKS[0], MARKS[1]);
    let marked = variables.iter().enumerate().map(|(at, (name, value))| {
        let is_set = value.to_str().is_some_and(|value| !value.trim().is_empty());
        let value = if is_set {
            mark(at).into()
        } else {
            value.clone()
        };
        (name.clone(), value)
    });
    let Ok(marked) = hh_config::substitute(text, &Env::from_pairs(marked)) else {
        // The marks can be longer than the values.
        let longest = done.text.len() + text.len() * mark(variables.len()).len();
        assert!(
            longest > MAX_BYTES,
            "the content of a value decides the result"
        );
        return;
    };
    let mut expected = String::new();
    let mut rest = marked.text.as_str();
    while let Some((before, after)) = rest.split_once(MARKS[0]) {
        let (at, after) = after.split_once(MARKS[1]).expect("marks come in pairs");
        let at: usize = at.parse().expect("a mark contains a number");
        let value = variables[at].1.to_str().expect("only texts are marked");
        expected.extend([before, value.trim()]);
        rest = after;
    }
    expected.push_str(rest);
    assert_eq!(*done.text, expected, "a value was expanded");
}
