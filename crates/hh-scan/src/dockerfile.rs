//! Finds keys in a Dockerfile: the value of an `ARG` or `ENV` stays in the image and its history, in every format.

use std::path::Path;

use hh_auth::redact;
use hh_config::{SettingName, names};

/// The settings whose variables contain an API key.
const KEYS: [SettingName; 4] = [
    names::API_KEY,
    names::INGESTION_API_KEY,
    names::DATA_PLANE_API_KEY,
    names::CONTROL_PLANE_API_KEY,
];

/// An instruction that puts a key into an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// The number of bytes before the name of the variable.
    pub(crate) offset: usize,
    /// The number of bytes of the name and the value.
    pub(crate) length: usize,
    pub(crate) kind: &'static str,
    /// The redacted value, if there is one.
    pub(crate) redacted: Option<String>,
}

/// Returns whether a file is a Dockerfile, by its name.
pub(crate) fn is_dockerfile(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let is_named = |stem: &str| {
        let rest = name.strip_prefix(stem);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    is_named("dockerfile") || is_named("containerfile") || name.ends_with(".dockerfile")
}

/// Returns the instructions of a Dockerfile that set a variable for keys, in order.
pub(crate) fn instructions(text: &[u8]) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut offset = 0;
    let mut open = None;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let words = Words { line, at: 0 };
        let mut words = words
            .filter(|(_, word)| !word.eq_ignore_ascii_case(b"ONBUILD"))
            .peekable();
        let first = words.peek().map_or(&b""[..], |(_, word)| word);
        // Comments are allowed between the lines of an instruction.
        if !first.starts_with(b"#") {
            if open.is_none() {
                open = keyword(first);
                words.next();
            }
            if let Some(kind) = open {
                let words: Vec<_> = words.collect();
                for (index, (at, word)) in words.iter().enumerate() {
                    // The legacy form `ENV NAME value` sets a single variable.
                    let old_value = (index == 0 && kind == IMAGE)
                        .then(|| words.get(1))
                        .flatten();
                    if let Some((redacted, length)) =
                        setting(word, kind, old_value.map(|(_, word)| *word))
                    {
                        found.push(Instruction {
                            offset: offset + at,
                            length,
                            kind,
                            redacted,
                        });
                    }
                }
            }
            let end = line.trim_ascii_end();
            if !end.ends_with(b"\\") && !end.ends_with(b"`") && !end.is_empty() {
                open = None;
            }
        }
        offset += line.len();
    }
    found
}

pub(crate) const BUILD: &str = "key in a build argument";
pub(crate) const IMAGE: &str = "key in a variable of an image";

fn keyword(word: &[u8]) -> Option<&'static str> {
    if word.eq_ignore_ascii_case(b"ARG") {
        Some(BUILD)
    } else if word.eq_ignore_ascii_case(b"ENV") {
        Some(IMAGE)
    } else {
        None
    }
}

/// Returns the redacted value of `NAME`, `NAME=value` or `NAME value`, and the length.
fn setting(word: &[u8], kind: &str, old_value: Option<&[u8]>) -> Option<(Option<String>, usize)> {
    let word = std::str::from_utf8(word).ok()?;
    let (name, value) = word
        .split_once('=')
        .map_or((word, None), |(name, value)| (name, Some(value)));
    let is_key = |key: &SettingName| key.spec().variables.contains(&name);
    if !KEYS.iter().any(is_key) {
        return None;
    }
    let value = match value {
        Some(value) => value.trim_matches(['"', '\'']),
        None if kind == IMAGE => std::str::from_utf8(old_value?).ok()?,
        None => "",
    };
    // An empty `ENV` contains no key, but an `ARG` receives its value at build time.
    let is_empty = ["", "\\"].contains(&value);
    if is_empty && kind == IMAGE {
        return None;
    }
    let length = word.len() + old_value.map_or(0, |value| 1 + value.len());
    Some(((!is_empty).then(|| redact(value)), length))
}

/// An iterator over the words of a line and their byte offsets.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.line[self.at..];
        let start = self.at + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = &self.line[start..];
        let length = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        self.at = start + length;
        Some((start, &rest[..length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, &'static str, String)> {
        let found = instructions(text.as_bytes()).into_iter();
        let shown = |one: Instruction| one.redacted.unwrap_or_else(|| "-".to_owned());
        found
            .map(|one| (one.offset, one.kind, shown(one)))
            .collect()
    }

    #[test]
    fn arguments_and_variables_of_an_image() {
        for (text, offset, kind, shown) in [
            ("ARG HH_API_KEY\n", 4, BUILD, "-"),
            ("arg HH_API_KEY=\n", 4, BUILD, "-"),
            ("FROM a\n  ARG\tHONEYHIVE_API_KEY=abc\n", 13, BUILD, "***"),
            ("ENV HH_API_KEY=literal", 4, IMAGE, "***"),
            ("ENV HH_API_KEY literal", 4, IMAGE, "***"),
            ("ENV HH_API_KEY=\"$HH_API_KEY\"", 4, IMAGE, "***"),
            (
                "ENV HH_API_KEY=hh_1234567890abcdef",
                4,
                IMAGE,
                "hh_12345***",
            ),
            ("ENV A=1 HH_API_KEY=x B=2", 8, IMAGE, "***"),
            ("ENV A=1 \\\n # why\n\n  HH_API_KEY=x\n", 20, IMAGE, "***"),
            ("ONBUILD ENV HH_API_KEY=x", 12, IMAGE, "***"),
        ] {
            assert_eq!(found(text), [(offset, kind, shown.to_owned())], "{text}");
        }
    }

    #[test]
    fn other_instructions() {
        for text in [
            "# ARG HH_API_KEY\n",
            "ENV HH_API_KEY=\n",
            "ENV HH_API_KEY=\"\"\n",
            "ENV HH_API_KEY_FILE=/run/secrets/key\n",
            "ENV MY_HH_API_KEY=x\n",
            "ENV NAME HH_API_KEY\n",
            "ARG VERSION=1\nRUN --mount=type=secret,id=key HH_API_KEY=$(cat /run/secrets/key) ./build\n",
            "RUN echo HH_API_KEY \\\n HH_API_KEY=x\n",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn names_of_files() {
        for name in [
            "Dockerfile",
            "a/dockerfile",
            "Dockerfile.dev",
            "api.Dockerfile",
            "Containerfile",
        ] {
            assert!(is_dockerfile(Path::new(name)), "{name}");
        }
        for name in [
            "Dockerfiles",
            "Dockerfile/a",
            "docker-compose.yaml",
            ".dockerignore",
        ] {
            assert!(!is_dockerfile(Path::new(name)), "{name}");
        }
    }
}
