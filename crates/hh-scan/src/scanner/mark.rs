//! Finds the comment that suppresses a finding.

use std::borrow::Cow;

use memchr::{memchr, memmem, memrchr};

/// The comment that suppresses a finding, on its line or alone on the line above.
pub const IGNORE_MARK: &str = "hh-scan: ignore";

/// The context before and after a key, in bytes. It is larger than a key in any encoding, and limits the search for the
/// mark.
pub(super) const AROUND: usize = 4 * 1024;

/// Returns whether the mark is on the line, or alone on the line above.
pub(super) fn is_ignored(text: &[u8], from: usize, to: usize) -> bool {
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
