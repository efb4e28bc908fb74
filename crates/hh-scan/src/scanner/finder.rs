//! Finds keys in bytes.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};

use super::encoding::Encoding;
use super::form::{Form, STARTS};
use super::{base64, escapes, utf16};
use crate::detect::Detection;

/// A key at a byte of a text.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) offset: u64,
    pub(crate) encoding: Encoding,
    pub(crate) detection: Detection,
}

/// Finds keys in bytes.
pub(crate) struct Finder {
    starts: AhoCorasick,
}

impl Finder {
    /// Returns the finder, which all scanners share.
    pub(crate) fn get() -> Result<&'static Self, &'static BuildError> {
        static FINDER: LazyLock<Result<Finder, BuildError>> = LazyLock::new(|| {
            // This kind of match can use SIMD.
            let starts = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(STARTS.map(|(pattern, _)| pattern))?;
            Ok(Finder { starts })
        });
        FINDER.as_ref()
    }

    /// Returns all keys of a text.
    pub(crate) fn all(&self, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut from = 0;
        while let Some(hit) = self.next(text, from, text.len()) {
            let at = usize::try_from(hit.offset).unwrap_or(usize::MAX);
            from = (at + hit.detection.length).min(text.len());
            hits.push(hit);
        }
        hits
    }

    /// Returns the first key that starts between two bytes of a text.
    pub(super) fn next(&self, text: &[u8], from: usize, limit: usize) -> Option<Hit> {
        let mut from = from;
        while let Some(start) = self.starts.find(Input::new(text).range(from..)) {
            let at = start.start();
            if at >= limit {
                return None;
            }
            let form = STARTS[start.pattern().as_usize()].1;
            if let Some((encoding, detection)) = detect(text, at, form) {
                return Some(Hit {
                    offset: at as u64,
                    encoding,
                    detection,
                });
            }
            from = at + 1;
        }
        None
    }
}

/// Returns the key at a start, with its length in the encoded text.
fn detect(text: &[u8], at: usize, form: Form) -> Option<(Encoding, Detection)> {
    match form.resolve(&text[..at], &text[at..])? {
        Form::Text => escapes::detect(text, at),
        Form::Utf16 => utf16::detect(text, at).map(|found| (Encoding::Utf16, found)),
        Form::Base64(alignment) => {
            let found = base64::detect(text, at, alignment, false)?;
            Some((Encoding::Base64, found))
        }
        Form::WideBase64(alignment) => {
            let found = base64::detect(text, at, alignment, true)?;
            Some((Encoding::WideBase64, found))
        }
        Form::BreakAfterO | Form::BreakAfterGa => None,
    }
}
