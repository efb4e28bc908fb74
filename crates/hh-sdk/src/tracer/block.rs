//! Blocks of encoded telemetry, the unit of queuing, dropping and sending.

use std::time::Instant;

use super::wire::{SPAN, put_bytes, split_field, varint_len};

/// The limit of the spans in one block, in bytes; a larger span gets its own block.
pub(super) const MAX_BLOCK_BYTES: usize = 64 * 1024;

/// The approximate memory of a block without its content, in bytes.
const OVERHEAD: usize = size_of::<Block>() + 16;

/// The content of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// OTLP spans, each as the field `spans` of a `ScopeSpans`, so that blocks can be concatenated.
    Spans,
    /// The start of a session, in JSON.
    SessionStart,
    /// A change of a session, in JSON.
    SessionChange,
}

/// A block of telemetry, which was redacted and then encoded.
#[derive(Debug)]
pub(super) struct Block {
    content: Content,
    body: Vec<u8>,
    /// The offset of the first span that was not dropped.
    start: usize,
    /// The number of spans or session changes.
    count: usize,
    /// The time when the first of them was recorded.
    first: Instant,
    /// The number of the first of them in the queue; the others have the next numbers.
    number: u64,
    /// The memory of the block, in bytes.
    cost: usize,
}

impl Block {
    /// Returns a block of one change of a session.
    pub(super) fn of_session(content: Content, mut body: Vec<u8>) -> Self {
        body.shrink_to_fit();
        Self {
            content,
            start: 0,
            count: 1,
            first: Instant::now(),
            number: 0,
            cost: body.len() + OVERHEAD,
            body,
        }
    }

    /// Returns a block of one span that has just ended.
    pub(super) fn of_span(span: &[u8], ended: Instant) -> Self {
        let mut block = Self {
            content: Content::Spans,
            body: Vec::new(),
            start: 0,
            count: 0,
            first: ended,
            number: 0,
            cost: OVERHEAD,
        };
        block.push(span);
        block
    }

    /// Returns the content.
    pub(super) fn content(&self) -> Content {
        self.content
    }

    /// Returns whether the block contains spans.
    pub(super) fn is_spans(&self) -> bool {
        self.content == Content::Spans
    }

    /// Returns the bytes to send.
    pub(super) fn body(&self) -> &[u8] {
        &self.body[self.start..]
    }

    /// Returns the number of spans or session changes.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the time when the first span or session change was recorded.
    pub(super) fn first(&self) -> Instant {
        self.first
    }

    /// Returns the number of the first span or session change in the queue.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Sets the number of the first span or session change in the queue.
    pub(super) fn with_number(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// Returns the memory of the block, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Returns the memory of a block with this one span, in bytes.
    pub(super) fn cost_of(span: &[u8]) -> usize {
        OVERHEAD + length_in_block(span)
    }

    /// Returns whether the block can take a span with this number, if a block has at most `max_spans` spans.
    pub(super) fn has_room_for(&self, span: &[u8], number: u64, max_spans: usize) -> bool {
        self.is_spans()
            && self.count < max_spans
            && self.body.len() + length_in_block(span) <= MAX_BLOCK_BYTES
            && self.number + self.count as u64 == number
    }

    /// Appends a span and returns its memory, in bytes.
    pub(super) fn push(&mut self, span: &[u8]) -> usize {
        let cost = length_in_block(span);
        if self.body.capacity() - self.body.len() < cost {
            // A block of one span allocates its exact size. The second span allocates a full block, to avoid later
            // copies.
            let rest = MAX_BLOCK_BYTES.saturating_sub(self.body.len());
            let more = if self.body.is_empty() {
                cost
            } else {
                cost.max(rest)
            };
            self.body.reserve_exact(more);
        }
        put_bytes(&mut self.body, SPAN, span);
        self.count += 1;
        self.cost += cost;
        cost
    }

    /// Returns the allocated memory, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.body.capacity()
    }

    /// Frees the memory that is reserved for more spans.
    pub(super) fn seal(&mut self) {
        self.body.shrink_to_fit();
    }

    /// Drops the oldest span; its memory is freed with the block.
    pub(super) fn drop_first(&mut self) {
        self.start += self.length_of(1);
        self.count = self.count.saturating_sub(1);
        self.number += 1;
    }

    /// Splits off the spans after the first `count` spans.
    pub(super) fn split_off(&mut self, count: usize) -> Self {
        let body = self.body.split_off(self.start + self.length_of(count));
        let rest = Self {
            content: self.content,
            start: 0,
            count: self.count.saturating_sub(count),
            first: self.first,
            number: self.number + count as u64,
            cost: body.len(),
            body,
        };
        self.count = self.count.min(count);
        self.cost = self.cost.saturating_sub(rest.cost);
        rest
    }

    /// Returns the length of the first `count` spans, in bytes.
    fn length_of(&self, count: usize) -> usize {
        let mut rest = self.body();
        for _ in 0..count {
            rest = split_field(rest).map_or(&[][..], |(_, _, rest)| rest);
        }
        self.body().len() - rest.len()
    }
}

/// Returns the length of a span in a block, in bytes.
fn length_in_block(span: &[u8]) -> usize {
    1 + varint_len(span.len()) + span.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(block: &Block) -> Vec<Vec<u8>> {
        let mut rest = block.body();
        std::iter::from_fn(|| {
            let (tag, span, after) = split_field(rest)?;
            assert_eq!(tag, SPAN);
            rest = after;
            Some(span.to_vec())
        })
        .collect()
    }

    #[test]
    fn a_block_is_split_and_shortened_between_spans() {
        let all: Vec<_> = (0..10_u8)
            .map(|number| vec![number; usize::from(number) * 40])
            .collect();
        let mut block = Block::of_span(&all[0], Instant::now()).with_number(7);
        for span in &all[1..] {
            block.push(span);
        }
        let cost = block.cost();
        block.drop_first();
        block.drop_first();
        let rest = block.split_off(3);
        assert_eq!(spans(&block), all[2..5]);
        assert_eq!(spans(&rest), all[5..]);
        assert_eq!((block.number(), block.count()), (9, 3));
        assert_eq!((rest.number(), rest.count()), (12, 5));
        assert_eq!(block.cost() + rest.cost(), cost);
    }

    #[test]
    fn only_spans_that_follow_each_other_share_a_block() {
        let span = &[0; 100][..];
        let mut block = Block::of_span(span, Instant::now()).with_number(7);
        assert!(block.has_room_for(span, 8, 2));
        assert!(!block.has_room_for(span, 8, 1));
        assert!(!block.has_room_for(span, 9, 2));
        let rest = MAX_BLOCK_BYTES - block.body().len() - 4;
        assert!(block.has_room_for(&vec![0; rest], 8, 2));
        assert!(!block.has_room_for(&vec![0; rest + 1], 8, 2));
        assert_eq!(block.push(span), 102);
        assert!(block.has_room_for(span, 9, 3));
        let session = Block::of_session(Content::SessionStart, Vec::new()).with_number(7);
        assert!(!session.has_room_for(span, 8, 9));
    }
}
