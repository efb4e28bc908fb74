//! Finds keys in the values of a SQLite database.
//!
//! The bytes of the file are scanned like those of any other file. That misses two kinds of keys: a possible key that
//! touches the value of another column, and a key in a long value that is split over several pages. This module reads
//! the [pages](https://www.sqlite.org/fileformat.html) and scans each value alone. It ignores damaged pages.

use std::collections::HashSet;
use std::io;

use super::finder::{Finder, Hit};
use crate::detect::SHORTEST_KEY;

/// Reads bytes at an offset of a file.
pub(super) type ReadAt<'a> = &'a dyn Fn(u64, &mut [u8]) -> io::Result<()>;

/// The first bytes of a database.
pub(super) const HEADER: &[u8; 16] = b"SQLite format 3\0";
/// The maximum length of a record that is scanned, in bytes.
const MAX_RECORD: usize = 16 * 1024 * 1024;

/// The types of pages that contain records.
const INTERIOR_INDEX: u8 = 2;
const LEAF_INDEX: u8 = 10;
const LEAF_TABLE: u8 = 13;

/// Returns the keys in all values, ordered by their offset in the file.
pub(super) fn hits(finder: &Finder, read_at: ReadAt<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    let Some(mut database) = Database::open(read_at) else {
        return hits;
    };
    let mut page = vec![0; database.page_size];
    for number in 0.. {
        let offset = number * database.page_size as u64;
        if read_at(offset, &mut page).is_err() {
            break;
        }
        let mut scanned = 0;
        for cell in cells(&page, offset) {
            let Some(record) = database.record(&page, offset, &cell) else {
                continue;
            };
            // The records of a valid page do not overlap, so their bytes in the page are at most the page.
            scanned += record.local;
            if scanned > page.len() {
                break;
            }
            for (from, to) in record.values().unwrap_or_default() {
                let found = finder.all(&record.bytes[from..to]);
                hits.extend(found.into_iter().filter_map(|hit| {
                    let from = from + usize::try_from(hit.offset).ok()?;
                    record.locate(from, hit)
                }));
            }
        }
    }
    hits.sort_by_key(|hit| hit.offset);
    hits
}

struct Database<'a> {
    read_at: ReadAt<'a>,
    page_size: usize,
    /// The size of a page without the bytes that are reserved for extensions.
    usable: usize,
    /// The pages of long records that were read, so that a page of a damaged file is read once.
    read: HashSet<u32>,
}

/// The place of a record in a page.
struct Cell {
    /// The type of the page.
    kind: u8,
    at: usize,
}

/// The bytes of a record, and the parts of the file that contain them.
struct Record {
    bytes: Vec<u8>,
    /// The number of bytes in the page of the record.
    local: usize,
    /// The offset in the record and in the file of each part.
    parts: Vec<(usize, u64)>,
}

impl<'a> Database<'a> {
    fn open(read_at: ReadAt<'a>) -> Option<Self> {
        let mut header = [0; 100];
        read_at(0, &mut header).ok()?;
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => usize::from(size),
        };
        let usable = page_size.checked_sub(usize::from(header[20]))?;
        (page_size >= 512 && usable >= 480).then(|| Self {
            read_at,
            page_size,
            usable,
            read: HashSet::new(),
        })
    }

    /// Returns a record of a page at an offset of the file.
    fn record(&mut self, page: &[u8], offset: u64, cell: &Cell) -> Option<Record> {
        let kind = cell.kind;
        let mut at = cell.at + if kind == INTERIOR_INDEX { 4 } else { 0 };
        let length = usize::try_from(varint(page, &mut at)?).ok()?;
        if kind == LEAF_TABLE {
            // The id of the row.
            varint(page, &mut at)?;
        }
        let local = self.local(length, kind);
        let mut record = Record {
            bytes: page.get(at..at.checked_add(local)?)?.to_vec(),
            local,
            parts: vec![(0, offset + at as u64)],
        };
        if local < length {
            let next = page.get(at + local..at + local + 4)?;
            let next = u32::from_be_bytes(next.try_into().ok()?);
            self.read_rest(&mut record, length.min(MAX_RECORD), next);
        }
        Some(record)
    }

    /// Returns the number of bytes of a record that are in the page itself.
    fn local(&self, length: usize, kind: u8) -> usize {
        let most = match kind {
            LEAF_TABLE => self.usable - 35,
            _ => (self.usable - 12) * 64 / 255 - 23,
        };
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let local = least + (length - least) % (self.usable - 4);
        if local <= most { local } else { least }
    }

    /// Reads the other pages of a long record.
    fn read_rest(&mut self, record: &mut Record, length: usize, first: u32) {
        let mut next = first;
        let mut page = vec![0; self.usable];
        while record.bytes.len() < length && next > 0 && self.read.insert(next) {
            let offset = u64::from(next - 1) * self.page_size as u64;
            if (self.read_at)(offset, &mut page).is_err() {
                return;
            }
            let (number, content) = page.split_at(4);
            next = number.try_into().map_or(0, u32::from_be_bytes);
            record.parts.push((record.bytes.len(), offset + 4));
            let most = content.len().min(length - record.bytes.len());
            record.bytes.extend_from_slice(&content[..most]);
        }
    }
}

/// Returns the cells of a page at an offset of the file.
fn cells(page: &[u8], offset: u64) -> impl Iterator<Item = Cell> {
    let header = if offset == 0 { 100 } else { 0 };
    let kind = page[header];
    let has_records = [INTERIOR_INDEX, LEAF_INDEX, LEAF_TABLE].contains(&kind);
    let count = u16::from_be_bytes([page[header + 3], page[header + 4]]);
    let count = if has_records { usize::from(count) } else { 0 };
    let first = header + if kind == INTERIOR_INDEX { 12 } else { 8 };
    let cells = page[first..].chunks_exact(2).take(count);
    cells.map(move |cell| Cell {
        kind,
        at: usize::from(u16::from_be_bytes([cell[0], cell[1]])),
    })
}

impl Record {
    /// Returns the start and the end of each value that is long enough for a key.
    fn values(&self) -> Option<Vec<(usize, usize)>> {
        let mut at = 0;
        let mut from = usize::try_from(varint(&self.bytes, &mut at)?).ok()?;
        let end = from;
        let mut values = Vec::new();
        while at < end && from < self.bytes.len() {
            let kind = usize::try_from(varint(&self.bytes, &mut at)?).ok()?;
            let length = match kind {
                1..=4 => kind,
                5 => 6,
                6 | 7 => 8,
                // NULL, 0, 1 and unused types have no content.
                _ => kind.saturating_sub(12) / 2,
            };
            let to = from.checked_add(length)?;
            if length >= SHORTEST_KEY {
                values.push((from, to.min(self.bytes.len())));
            }
            from = to;
        }
        Some(values)
    }

    /// Moves a key from the record to the file; its length ends with its first part.
    fn locate(&self, from: usize, mut hit: Hit) -> Option<Hit> {
        let part = self.parts.partition_point(|(start, _)| *start <= from);
        let (start, offset) = *self.parts.get(part.checked_sub(1)?)?;
        hit.offset = offset + (from - start) as u64;
        if let Some((next, _)) = self.parts.get(part) {
            hit.detection.length = hit.detection.length.min(next - from);
        }
        Some(hit)
    }
}

/// Reads an integer of 1 to 9 bytes, and moves the position behind it.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for count in 1..=9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if count == 9 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(value)
}
