//! The search through one file or blob, in bounded memory.

use std::borrow::Cow;
use std::io::{self, Read};

use aho_corasick::{AhoCorasick, BuildError, Input, MatchKind};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::docker;
use super::keys::{self, Certainty, Met};

/// What keeps a finding quiet.
pub(super) const MARK: &str = "hh-scan: ignore";

/// How much is looked at together.
const CHUNK: usize = 256 * 1024;
/// How much before and after a key is looked at: more than a key has in any spelling, and where the mark may stand.
const AROUND: usize = 4 * 1024;
/// Findings that are only possible, of one file: a file of random text must not bury all others.
const MOST_POSSIBLE: usize = 1_000;

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    Utf16,
    Base64,
}

/// A key at its place in a file, without its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// From 1.
    pub(super) line: usize,
    /// In characters, from 1.
    pub(super) column: usize,
    pub(super) certainty: Certainty,
    pub(super) kind: String,
    /// The key as it may be shown, if there is one.
    pub(super) shown: Option<String>,
    pub(super) spelling: Spelling,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    /// Possible keys beyond those that are listed.
    pub(super) left_out: usize,
}

/// What a key begins with: itself, in UTF-16 of either order, and in base64 with 0, 1 or 2 bytes of something else before
/// it in its group of three.
const STARTS: [&[u8]; 5] = [b"hh_", b"h\0h\0_", b"aGhf", b"hoX", b"oaF"];

/// Searches one thing after the other, with the same memory.
pub(super) struct Searcher {
    starts: AhoCorasick,
    base64: GeneralPurpose,
    buffer: Vec<u8>,
}

impl Searcher {
    pub(super) fn new() -> Result<Self, BuildError> {
        let lenient = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        Ok(Self {
            // Of this kind it searches with vectors.
            starts: AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(STARTS)?,
            base64: GeneralPurpose::new(&base64::alphabet::STANDARD, lenient),
            buffer: vec![0; CHUNK],
        })
    }

    /// Finds the keys in what is read, up to its end.
    pub(super) fn search(&mut self, mut from: impl Read, is_dockerfile: bool) -> io::Result<Found> {
        let mut found = Found::default();
        let mut place = Place::default();
        let (mut filled, mut done) = (0, 0);
        loop {
            let read = fill(&mut from, &mut self.buffer[filled..])?;
            filled += read;
            let is_end = filled < self.buffer.len();
            let text = &self.buffer[..filled];
            if place.is_first {
                place.skip_byte_order_mark(text);
            }
            // What begins later is looked at with more behind it.
            let limit = if is_end { filled } else { filled - AROUND };
            done = self.search_part(text, done, limit, &mut place, &mut found);
            // A Dockerfile is small.
            if is_dockerfile && place.is_first {
                add_instructions(text, &mut found);
            }
            if is_end {
                return Ok(found);
            }
            let keep = limit - AROUND;
            place.leave(text, keep);
            self.buffer.copy_within(keep.., 0);
            filled -= keep;
            done -= keep;
        }
    }

    /// Looks at all that begins in a part of the text; returns where the next part begins.
    fn search_part(
        &self,
        text: &[u8],
        from: usize,
        limit: usize,
        place: &mut Place,
        found: &mut Found,
    ) -> usize {
        let mut from = from;
        while let Some(start) = self.starts.find(Input::new(text).range(from..)) {
            let at = start.start();
            if at >= limit {
                break;
            }
            from = at + 1;
            let (spelling, met) = self.look_at(text, at);
            let Some(met) = met else { continue };
            from = at + met.length;
            if is_ignored(text, at, from) {
                continue;
            }
            let possible = met.certainty == Certainty::Possible;
            if possible && found.hits.len() >= MOST_POSSIBLE {
                found.left_out += 1;
                continue;
            }
            let (line, column) = place.of(text, at, spelling);
            found.hits.push(Hit {
                line,
                column,
                certainty: met.certainty,
                kind: format!("{} key", met.kind),
                shown: Some(met.shown),
                spelling,
            });
        }
        from.max(limit)
    }

    /// The key at a start, its length in bytes of the text.
    fn look_at(&self, text: &[u8], at: usize) -> (Spelling, Option<Met>) {
        match &text[at..(at + 3).min(text.len())] {
            b"hh_" => {
                let most = text.len().min(at + keys::MAX_LENGTH + 1);
                (
                    Spelling::Plain,
                    keys::at_start(&text[at..most], stands_alone(&text[..at])),
                )
            }
            b"h\0h" => {
                let letters = narrow(&text[at..text.len().min(at + 2 * keys::MAX_LENGTH + 2)]);
                let met = keys::at_start(&letters, true);
                let wide = |met: Met| Met {
                    length: 2 * met.length,
                    ..met
                };
                (Spelling::Utf16, met.map(wide))
            }
            b"aGh" => (Spelling::Base64, self.decode(text, at, 0)),
            b"hoX" => (
                Spelling::Base64,
                at.checked_sub(2)
                    .and_then(|from| self.decode(text, from, 1)),
            ),
            _ => (
                Spelling::Base64,
                at.checked_sub(3)
                    .and_then(|from| self.decode(text, from, 2)),
            ),
        }
    }

    /// The key in base64 whose groups begin at a place, behind so many other bytes.
    fn decode(&self, text: &[u8], from: usize, skipped: usize) -> Option<Met> {
        let most = text.len().min(from + (keys::MAX_LENGTH + 4) / 3 * 4);
        let is_digit = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        let run = text[from..most].iter().take_while(is_digit);
        let mut digits: Vec<u8> = run
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                other => *other,
            })
            .collect();
        // A single digit more says nothing.
        if digits.len() % 4 == 1 {
            digits.pop();
        }
        let bytes = self.base64.decode(&digits).ok()?;
        let met = keys::at_start(bytes.get(skipped..)?, true)?;
        Some(Met {
            length: met.length * 4 / 3,
            ..met
        })
    }
}

/// Reads until the buffer is full or all is read.
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

/// Whether what follows is no part of a longer word.
fn stands_alone(before: &[u8]) -> bool {
    match before {
        // Escapes within a text: `\n`, `%3D`.
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => true,
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_',
    }
}

/// UTF-16 of ASCII letters, of either order, as bytes: every second one, while those between are zero.
fn narrow(text: &[u8]) -> Vec<u8> {
    let rest = text[1..].chunks(2).take_while(|pair| pair[0] == 0);
    let rest = rest.filter_map(|pair| pair.get(1).copied());
    std::iter::once(text[0]).chain(rest).collect()
}

/// Whether the mark is in the line, or by itself in the line above.
fn is_ignored(text: &[u8], from: usize, to: usize) -> bool {
    let first = from.saturating_sub(AROUND);
    let last = text.len().min(to + AROUND);
    let start = memrchr(b'\n', &text[first..from]).map_or(first, |at| first + at + 1);
    let end = memchr(b'\n', &text[to.min(last)..last]).map_or(last, |at| to + at);
    let has_mark = |line: &[u8]| memmem::find(line, MARK.as_bytes());
    if has_mark(&without_zeros(&text[start..end])).is_some() {
        return true;
    }
    if start == first {
        return false;
    }
    let above = memrchr(b'\n', &text[first..start - 1]).map_or(first, |at| first + at + 1);
    let above = without_zeros(&text[above..start - 1]);
    has_mark(&above).is_some_and(|at| {
        let rest = [&above[..at], &above[at + MARK.len()..]].concat();
        !rest.iter().any(u8::is_ascii_alphanumeric)
    })
}

/// So that UTF-16 can be compared with ASCII.
fn without_zeros(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr(0, line).is_some() {
        Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect())
    } else {
        Cow::Borrowed(line)
    }
}

/// Adds what a Dockerfile's instructions give away, unless it was found as a key already.
fn add_instructions(text: &[u8], found: &mut Found) {
    let mut place = Place::default();
    for instruction in docker::instructions(text) {
        let (from, to) = (instruction.offset, instruction.offset + instruction.length);
        let (line, column) = place.of(text, from, Spelling::Plain);
        let value = column..column + instruction.length;
        let is_known = found
            .hits
            .iter()
            .any(|hit| hit.line == line && value.contains(&hit.column));
        if !is_known && !is_ignored(text, from, to) {
            found.hits.push(Hit {
                line,
                column,
                certainty: Certainty::Possible,
                kind: instruction.kind.to_owned(),
                shown: instruction.shown,
                spelling: Spelling::Plain,
            });
        }
    }
    found.hits.sort_by_key(|hit| (hit.line, hit.column));
}

/// Lines and columns, counted only as far as somebody asks.
struct Place {
    is_first: bool,
    /// All before is counted.
    at: usize,
    lines: usize,
    /// Characters since the line's begin.
    characters: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            is_first: true,
            at: 0,
            lines: 0,
            characters: 0,
        }
    }
}

impl Place {
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
        // Every byte but those that continue a character.
        self.characters += line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.at = to;
    }

    fn of(&mut self, text: &[u8], at: usize, spelling: Spelling) -> (usize, usize) {
        self.advance(text, at);
        let column = match spelling {
            Spelling::Plain | Spelling::Base64 => self.characters,
            Spelling::Utf16 => self.characters / 2,
        };
        (self.lines + 1, column + 1)
    }

    /// Counts what is dropped from the text's begin.
    fn leave(&mut self, text: &[u8], dropped: usize) {
        self.advance(text, dropped);
        self.at -= dropped;
        self.is_first = false;
    }
}

#[cfg(test)]
mod tests;
