//! Scans a file or blob in bounded memory.

mod base64;
mod encoding;
mod escapes;
mod finder;
mod form;
mod mark;
mod position;
mod sqlite;
mod utf16;

use std::io::{self, Read};
use std::iter::Peekable;
use std::vec::IntoIter;

use aho_corasick::BuildError;

use self::mark::{AROUND, is_ignored};
use self::position::Position;
use self::sqlite::ReadAt;
use crate::detect::Confidence;
use crate::dockerfile;

pub(crate) use self::encoding::Encoding;
pub(crate) use self::finder::{Finder, Hit};
pub use self::mark::IGNORE_MARK;

/// The size of the buffer in bytes.
const CHUNK: usize = 256 * 1024;
/// The limit of possible keys of one file, so that a file of random text does not hide all other findings.
const MAX_POSSIBLE: usize = 1_000;
/// The maximum size of a database that is read from a pipe and searched page by page, in bytes.
const MAX_DATABASE: u64 = 64 * 1024 * 1024;

/// A key and its position in a file, without its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The line and the column in characters, both starting at 1, or `None` if the name of the file contains the key.
    pub(crate) position: Option<(usize, usize)>,
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

impl Hit {
    /// Returns the key as a match at a position.
    pub(crate) fn into_match(self, position: Option<(usize, usize)>) -> Match {
        Match {
            position,
            confidence: self.detection.confidence,
            kind: format!("{} key", self.detection.kind),
            redacted: Some(self.detection.redacted),
            encoding: self.encoding,
        }
    }
}

/// Scans one file after another with the same buffer.
pub(crate) struct Scanner {
    finder: &'static Finder,
    buffer: Vec<u8>,
}

impl Scanner {
    pub(crate) fn new() -> Result<Self, &'static BuildError> {
        Ok(Self {
            finder: Finder::get()?,
            buffer: vec![0; CHUNK],
        })
    }

    /// Finds the keys in a reader that can be read once.
    ///
    /// # Errors
    /// The [`io::Error`] of the reader.
    pub(crate) fn scan_stream(
        &mut self,
        mut from: impl Read,
        is_dockerfile: bool,
    ) -> io::Result<ScanResult> {
        let mut start = [0; sqlite::HEADER.len()];
        let read = fill(&mut from, &mut start)?;
        let start = &start[..read];
        if start != sqlite::HEADER {
            return self.scan(start.chain(from), is_dockerfile, None);
        }
        let mut database = start.to_vec();
        from.by_ref()
            .take(MAX_DATABASE)
            .read_to_end(&mut database)?;
        let read_at = |offset: u64, buffer: &mut [u8]| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let part = database.get(from..);
            let part = part.and_then(|rest| rest.get(..buffer.len()));
            buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        };
        self.scan(database.chain(from), is_dockerfile, Some(&read_at))
    }

    /// Finds the keys in a reader; `read_at` reads the same content at any offset.
    ///
    /// # Errors
    /// The [`io::Error`] of the reader.
    pub(crate) fn scan(
        &mut self,
        mut from: impl Read,
        is_dockerfile: bool,
        read_at: Option<ReadAt<'_>>,
    ) -> io::Result<ScanResult> {
        let mut scan = Scan::default();
        let (mut filled, mut done) = (0, 0);
        loop {
            let read = fill(&mut from, &mut self.buffer[filled..])?;
            filled += read;
            let is_end = filled < self.buffer.len();
            let text = &self.buffer[..filled];
            if scan.position.is_first {
                scan.position.skip_byte_order_mark(text);
                if let Some(read_at) = read_at
                    && text.starts_with(sqlite::HEADER)
                {
                    scan.values = sqlite::hits(self.finder, read_at).into_iter().peekable();
                }
            }
            // Keys that start later are scanned with more context after the next read.
            let limit = if is_end { filled } else { filled - AROUND };
            done = scan.part(self.finder, text, done, limit);
            // A Dockerfile fits into the first buffer.
            if is_dockerfile && scan.position.is_first {
                add_instructions(text, &mut scan.found);
            }
            if is_end {
                return Ok(scan.found);
            }
            let kept = limit - AROUND;
            scan.discard(text, kept);
            self.buffer.copy_within(kept.., 0);
            filled -= kept;
            done -= kept;
        }
    }
}

/// The state of the scan of one file.
struct Scan {
    position: Position,
    /// The offset of the buffer in the file.
    offset: u64,
    /// The keys in the values of a database, in order.
    values: Peekable<IntoIter<Hit>>,
    found: ScanResult,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            position: Position::default(),
            offset: 0,
            values: Vec::new().into_iter().peekable(),
            found: ScanResult::default(),
        }
    }
}

impl Scan {
    /// Finds the keys that start before `limit`; returns where the next part starts.
    fn part(&mut self, finder: &Finder, text: &[u8], from: usize, limit: usize) -> usize {
        let mut from = from;
        loop {
            let next = finder.next(text, from, limit);
            let end = next.as_ref().map_or(limit as u64, |hit| hit.offset + 1);
            // A value of a database contains the whole key, and no text around it.
            let Some(hit) = self.next_value(from as u64, end).or(next) else {
                return from.max(limit);
            };
            let at = usize::try_from(hit.offset).unwrap_or(usize::MAX);
            from = (at + hit.detection.length).min(text.len());
            self.add(text, at, from, hit);
        }
    }

    /// Returns the next key in a value that starts between two bytes of the buffer.
    fn next_value(&mut self, from: u64, to: u64) -> Option<Hit> {
        loop {
            let value = self
                .values
                .next_if(|value| value.offset < self.offset + to)?;
            if value.offset >= self.offset + from {
                return Some(Hit {
                    offset: value.offset - self.offset,
                    ..value
                });
            }
        }
    }

    fn add(&mut self, text: &[u8], at: usize, to: usize, hit: Hit) {
        if is_ignored(text, at, to) {
            return;
        }
        let is_possible = hit.detection.confidence == Confidence::Possible;
        if is_possible && self.found.matches.len() >= MAX_POSSIBLE {
            self.found.omitted += 1;
            return;
        }
        let position = self.position.locate(text, at, hit.encoding);
        self.found.matches.push(hit.into_match(Some(position)));
    }

    /// Counts the bytes that are dropped from the start of the buffer.
    fn discard(&mut self, text: &[u8], dropped: usize) {
        self.position.discard(text, dropped);
        self.offset += dropped as u64;
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

/// Adds the instructions of a Dockerfile that contain a key, unless the key itself was found.
fn add_instructions(text: &[u8], found: &mut ScanResult) {
    let mut position = Position::default();
    for instruction in dockerfile::instructions(text) {
        let (from, to) = (instruction.offset, instruction.offset + instruction.length);
        let (line, column) = position.locate(text, from, Encoding::Plain);
        let value = column..column + instruction.length;
        let is_known = found.matches.iter().any(|hit| {
            hit.position
                .is_some_and(|(other, start)| other == line && value.contains(&start))
        });
        if !is_known && !is_ignored(text, from, to) {
            found.matches.push(Match {
                position: Some((line, column)),
                confidence: Confidence::Possible,
                kind: instruction.kind.to_owned(),
                redacted: instruction.redacted,
                encoding: Encoding::Plain,
            });
        }
    }
    found.matches.sort_by_key(|hit| hit.position);
}

#[cfg(test)]
mod tests;
