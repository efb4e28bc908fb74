//! Scans a file or blob in bounded memory.

use std::borrow::Cow;
use std::io::{self, Read};

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memchr_iter, memmem, memrchr};

use crate::detect::{self, Confidence, Detection};
use crate::dockerfile;

/// The comment that suppresses a finding, on its line or alone on the line above.
pub const IGNORE_MARK: &str = "hh-scan: ignore";

/// The size of the buffer in bytes.
const CHUNK: usize = 256 * 1024;
/// The context before and after a key, in bytes. It is larger than a key in any encoding, and limits the search for the
/// mark.
const AROUND: usize = 4 * 1024;
/// The limit of possible keys of one file, so that a file of random text does not hide all other findings.
const MAX_POSSIBLE: usize = 1_000;

/// The encoding of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Utf16,
    Base64,
}

/// A key and its position in a file, without its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The line, starting at 1.
    pub(crate) line: usize,
    /// The column in characters, starting at 1.
    pub(crate) column: usize,
    pub(crate) confidence: Confidence,
    pub(crate) kind: String,
    /// The redacted key, if there is one.
    pub(crate) redacted: Option<String>,
    pub(crate) encoding: Encoding,
}

/// The result of scanning one file.
#[derive(Debug, Default)]
pub(crate) struct ScanResult {
    pub(crate) matches: Vec<Match>,
    /// The number of possible keys that are not listed.
    pub(crate) omitted: usize,
}

/// The start of a key as plain text, in UTF-16 of both byte orders, and in base64 at each of the three alignments.
const STARTS: [&[u8]; 5] = [b"hh_", b"h\0h\0_", b"aGhf", b"hoX", b"oaF"];

/// Scans one file after another with the same buffer.
pub(crate) struct Scanner {
    starts: AhoCorasick,
    base64: GeneralPurpose,
    buffer: Vec<u8>,
}

impl Scanner {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let lenient = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        Ok(Self {
            // This kind of match can use SIMD.
            starts: AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(STARTS)?,
            base64: GeneralPurpose::new(&base64::alphabet::STANDARD, lenient),
            buffer: vec![0; CHUNK],
        })
    }

    /// Finds the keys in a reader.
    ///
    /// # Errors
    /// The [`io::Error`] of the reader.
    pub(crate) fn scan(
        &mut self,
        mut from: impl Read,
        is_dockerfile: bool,
    ) -> io::Result<ScanResult> {
        let mut found = ScanResult::default();
        let mut position = Position::default();
        let (mut filled, mut done) = (0, 0);
        loop {
            let read = fill(&mut from, &mut self.buffer[filled..])?;
            filled += read;
            let is_end = filled < self.buffer.len();
            let text = &self.buffer[..filled];
            if position.is_first {
                position.skip_byte_order_mark(text);
            }
            // Keys that start later are scanned with more context after the next read.
            let limit = if is_end { filled } else { filled - AROUND };
            done = self.scan_part(text, done, limit, &mut position, &mut found);
            // A Dockerfile fits into the first buffer.
            if is_dockerfile && position.is_first {
                add_instructions(text, &mut found);
            }
            if is_end {
                return Ok(found);
            }
            let kept = limit - AROUND;
            position.discard(text, kept);
            self.buffer.copy_within(kept.., 0);
            filled -= kept;
            done -= kept;
        }
    }

    /// Finds the keys that start before `limit`; returns where the next part starts.
    fn scan_part(
        &self,
        text: &[u8],
        from: usize,
        limit: usize,
        position: &mut Position,
        found: &mut ScanResult,
    ) -> usize {
        let mut from = from;
        while let Some(start) = self.starts.find(Input::new(text).range(from..)) {
            let at = start.start();
            if at >= limit {
                break;
            }
            from = at + 1;
            let (encoding, detection) = self.detect(text, at);
            let Some(met) = detection else { continue };
            from = at + met.length;
            if is_ignored(text, at, from) {
                continue;
            }
            let possible = met.confidence == Confidence::Possible;
            if possible && found.matches.len() >= MAX_POSSIBLE {
                found.omitted += 1;
                continue;
            }
            let (line, column) = position.locate(text, at, encoding);
            found.matches.push(Match {
                line,
                column,
                confidence: met.confidence,
                kind: format!("{} key", met.kind),
                redacted: Some(met.redacted),
                encoding,
            });
        }
        from.max(limit)
    }

    /// Returns the key at a start, with its length in the encoded text.
    fn detect(&self, text: &[u8], at: usize) -> (Encoding, Option<Detection>) {
        match &text[at..(at + 3).min(text.len())] {
            b"hh_" => {
                let most = text.len().min(at + detect::MAX_LENGTH + 1);
                (
                    Encoding::Plain,
                    detect::detect_at_start(&text[at..most], stands_alone(&text[..at])),
                )
            }
            b"h\0h" => {
                let letters =
                    ascii_of_utf16(&text[at..text.len().min(at + 2 * detect::MAX_LENGTH + 2)]);
                let met = detect::detect_at_start(&letters, true);
                let wide = |met: Detection| Detection {
                    length: 2 * met.length,
                    ..met
                };
                (Encoding::Utf16, met.map(wide))
            }
            b"aGh" => (Encoding::Base64, self.decode(text, at, 0)),
            b"hoX" => (
                Encoding::Base64,
                at.checked_sub(2)
                    .and_then(|from| self.decode(text, from, 1)),
            ),
            _ => (
                Encoding::Base64,
                at.checked_sub(3)
                    .and_then(|from| self.decode(text, from, 2)),
            ),
        }
    }

    /// Decodes base64 from a position, and returns the key after `skipped` other bytes.
    fn decode(&self, text: &[u8], from: usize, skipped: usize) -> Option<Detection> {
        let most = text.len().min(from + (detect::MAX_LENGTH + 4) / 3 * 4);
        let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        let run = text[from..most].iter().take_while(is_digit);
        let mut digits: Vec<u8> = run
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                other => *other,
            })
            .collect();
        // A single digit encodes no byte.
        if digits.len() % 4 == 1 {
            digits.pop();
        }
        let bytes = self.base64.decode(&digits).ok()?;
        let met = detect::detect_at_start(bytes.get(skipped..)?, true)?;
        Some(Detection {
            length: met.length * 4 / 3,
            ..met
        })
    }
}

/// Reads until the buffer is full or the reader ends.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Returns whether a word starts after these bytes.
fn stands_alone(before: &[u8]) -> bool {
    match before {
        // Escape sequences: `\n`, `%3D`.
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_',
    }
}

/// Returns the ASCII text of UTF-16 in either byte order: every second byte, as long as those between are zero.
fn ascii_of_utf16(text: &[u8]) -> Vec<u8> {
    let rest = text[1..].chunks(2).take_while(|pair| pair[0] == 0);
    let rest = rest.filter_map(|pair| pair.get(1).copied());
    std::iter::once(text[0]).chain(rest).collect()
}

/// Returns whether the mark is on the line, or alone on the line above.
fn is_ignored(text: &[u8], from: usize, to: usize) -> bool {
    let first = from.saturating_sub(AROUND);
    let last = text.len().min(to + AROUND);
    let start = memrchr(b'\n', &text[first..from]).map_or(first, |at| first + at + 1);
    let end = memchr(b'\n', &text[to.min(last)..last]).map_or(last, |at| to + at);
    let has_mark = |line: &[u8]| memmem::find(line, IGNORE_MARK.as_bytes());
    if has_mark(&without_zeros(&text[start..end])).is_some() {
        return true;
    }
    if start == first {
        return false;
    }
    let above = memrchr(b'\n', &text[first..start - 1]).map_or(first, |at| first + at + 1);
    let above = without_zeros(&text[above..start - 1]);
    has_mark(&above).is_some_and(|at| {
        let rest = [&above[..at], &above[at + IGNORE_MARK.len()..]].concat();
        !rest.iter().any(u8::is_ascii_alphanumeric)
    })
}

/// Removes zero bytes, so that UTF-16 can be compared with ASCII.
fn without_zeros(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0, line).is_some() {
        Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect())
    } else {
        Cow::Borrowed(line)
    }
}

/// Adds the instructions of a Dockerfile that contain a key, unless the key itself was found.
fn add_instructions(text: &[u8], found: &mut ScanResult) {
    let mut position = Position::default();
    for instruction in dockerfile::instructions(text) {
        let (from, to) = (instruction.offset, instruction.offset + instruction.length);
        let (line, column) = position.locate(text, from, Encoding::Plain);
        let value = column..column + instruction.length;
        let is_known = found
            .matches
            .iter()
            .any(|hit| hit.line == line && value.contains(&hit.column));
        if !is_known && !is_ignored(text, from, to) {
            found.matches.push(Match {
                line,
                column,
                confidence: Confidence::Possible,
                kind: instruction.kind.to_owned(),
                redacted: instruction.redacted,
                encoding: Encoding::Plain,
            });
        }
    }
    found.matches.sort_by_key(|hit| (hit.line, hit.column));
}

/// The line and column of a byte, counted incrementally.
struct Position {
    is_first: bool,
    /// The number of bytes that are already counted.
    at: usize,
    lines: usize,
    /// The number of characters since the start of the line.
    characters: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            is_first: true,
            at: 0,
            lines: 0,
            characters: 0,
        }
    }
}

impl Position {
    fn skip_byte_order_mark(&mut self, text: &[u8]) {
        for mark in [&b"\xef\xbb\xbf"[..], b"\xff\xfe", b"\xfe\xff"] {
            if text.starts_with(mark) {
                self.at = mark.len();
            }
        }
    }

    fn advance(&mut self, text: &[u8], to: usize) {
        let Some(part) = text.get(self.at..to) else {
            return;
        };
        let line = match memrchr(b'\n', part) {
            Some(last) => {
                self.lines += memchr_iter(b'\n', part).count();
                self.characters = 0;
                &part[last + 1..]
            }
            None => part,
        };
        // Every byte except UTF-8 continuation bytes.
        self.characters += line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.at = to;
    }

    fn locate(&mut self, text: &[u8], at: usize, encoding: Encoding) -> (usize, usize) {
        self.advance(text, at);
        let column = match encoding {
            Encoding::Plain | Encoding::Base64 => self.characters,
            Encoding::Utf16 => self.characters / 2,
        };
        (self.lines + 1, column + 1)
    }

    /// Counts the bytes that are dropped from the start of the text.
    fn discard(&mut self, text: &[u8], dropped: usize) {
        self.advance(text, dropped);
        self.at -= dropped;
        self.is_first = false;
    }
}

#[cfg(test)]
mod tests;
