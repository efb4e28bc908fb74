//! Searches all output for a key, in every form in which a program might write it.

use std::fmt::Write as _;
use std::path::Path;

use super::{RunOutput, STORE, TestEnv};

pub(crate) const KEY: &str = "hh_C4N4RY0123456789abcdefghijklmnopqrstuv";

/// The length of a leak: this many consecutive characters of a form. A part of a key is as serious as the whole key.
const PART: usize = 12;

/// Returns the redacted part of the key: unchanged, in base64 at each offset, in hex, and URL-encoded.
fn forms() -> Vec<(&'static str, String)> {
    let hidden = &KEY[8..];
    let each = |what: fn(u8) -> String| hidden.bytes().map(what).collect::<String>();
    vec![
        ("plain", hidden.to_owned()),
        ("base64", base64(hidden.as_bytes())),
        ("base64, one byte on", base64(&hidden.as_bytes()[2..])),
        ("base64, two bytes on", base64(&hidden.as_bytes()[1..])),
        ("hex", each(|byte| format!("{byte:02x}"))),
        ("HEX", each(|byte| format!("{byte:02X}"))),
        ("URL", each(|byte| format!("%{byte:02x}"))),
        ("URL in capitals", each(|byte| format!("%{byte:02X}"))),
    ]
}

/// Encodes without the last characters, which depend on the following bytes. For a key, the URL alphabet is the same.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks_exact(3) {
        let bits = three
            .iter()
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[bits >> shift & 63]));
        }
    }
    text
}

/// Returns the form of the key, or of a part of it, that these bytes contain.
pub(crate) fn find(bytes: &[u8]) -> Option<&'static str> {
    let is_there = |part: &[u8]| bytes.windows(part.len()).any(|at| at == part);
    let found = forms().into_iter().find(|(_, form)| {
        let parts = form.as_bytes().windows(PART * form.len() / KEY[8..].len());
        parts.step_by(PART / 4).any(is_there)
    });
    found.map(|(name, _)| name)
}

#[track_caller]
pub(crate) fn assert_hidden(what: &str, done: &RunOutput) {
    for text in [&done.stdout, &done.stderr] {
        let found = find(text.as_bytes());
        assert_eq!(found, None, "{what}: {done:?}");
    }
}

/// Searches every file of a home except the store.
#[track_caller]
pub(crate) fn assert_in_no_file(env: &TestEnv) {
    let mut folders = vec![env.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != env.path(STORE) {
                assert_eq!(find_in(&path), None, "{}", path.display());
            }
        }
    }
}

fn find_in(path: &Path) -> Option<&'static str> {
    find(&std::fs::read(path).unwrap())
}

#[test]
fn every_form_is_found() {
    for (name, form) in forms() {
        // The smallest part of each form that must be found, at any offset.
        let size = (PART + PART / 4) * form.len() / KEY[8..].len();
        for at in [0, 5, form.len() - size] {
            let text = format!("x{}x", &form[at..at + size]);
            assert!(find(text.as_bytes()).is_some(), "{name} at {at}");
        }
    }
    // The encodings of the whole key by other programs.
    for (command, expected) in [
        ("printf %s \"$0\" | base64 -w0", true),
        ("printf %s \"a$0\" | base64 -w0", true),
        ("printf %s \"ab$0\" | base64 -w0", true),
        ("printf %s \"$0\" | od -An -tx1 | tr -d ' \\n'", true),
        ("printf %s \"$0\" | cut -c 1-15", false),
    ] {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", command, KEY]).output().unwrap().stdout;
        let text = String::from_utf8(output).unwrap();
        assert_eq!(
            find(text.as_bytes()).is_some(),
            expected,
            "{command}: {text}"
        );
    }
    let mut whole = String::new();
    for character in KEY.chars() {
        write!(whole, "%{:02X}", character as u32).unwrap();
    }
    assert!(find(whole.as_bytes()).is_some());
    let masked = hh_sdk::auth::redact(KEY);
    assert_eq!(find(masked.as_bytes()), None);
}
