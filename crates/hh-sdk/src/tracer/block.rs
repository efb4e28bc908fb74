//! Encoded telemetry: the unit of what waits, is dropped and is sent.

use std::time::Instant;

use super::wire::{SPAN, put_bytes, split_field, varint_len};

/// The most bytes of spans in one block; a larger span is a block alone.
pub(super) const MAX_BLOCK_BYTES: usize = 64 * 1024;

/// What a block needs besides its content, about.
const OVERHEAD: usize = size_of::<Block>() + 16;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Spans of OTLP, each as the field `spans` of a `ScopeSpans`: blocks can be joined by appending one to another.
    Spans,
    /// The start of a session, in JSON.
    SessionStart,
    /// A change of a session, in JSON.
    SessionChange,
}

/// Telemetry that is encoded, and redacted before that.
#[derive(Debug)]
pub(super) struct Block {
    content: Content,
    body: Vec<u8>,
    /// Where the first span starts that was not dropped.
    start: usize,
    count: usize,
    /// When the first of it was recorded.
    first: Instant,
    /// The number in the queue of the first of it; the others follow.
    number: u64,
    /// The memory that it uses.
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

    pub(super) fn content(&self) -> Content {
        self.content
    }

    pub(super) fn is_spans(&self) -> bool {
        self.content == Content::Spans
    }

    /// Returns what is sent.
    pub(super) fn body(&self) -> &[u8] {
        &self.body[self.start..]
    }

    /// Returns how many spans or changes of sessions it holds.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn first(&self) -> Instant {
        self.first
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn with_number(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Returns how much memory a block of one span takes.
    pub(super) fn cost_of(span: &[u8]) -> usize {
        OVERHEAD + length_in_block(span)
    }

    /// Returns whether a span with this number may follow in this block, of at most so many spans.
    pub(super) fn has_room_for(&self, span: &[u8], number: u64, max_spans: usize) -> bool {
        self.is_spans()
            && self.count < max_spans
            && self.body.len() + length_in_block(span) <= MAX_BLOCK_BYTES
            && self.number + self.count as u64 == number
    }

    /// Appends a span; returns how much memory it takes.
    pub(super) fn push(&mut self, span: &[u8]) -> usize {
        let cost = length_in_block(span);
        if self.body.capacity() - self.body.len() < cost {
            // A block of one span takes what it needs, and one of more is not copied again until it is full.
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

    /// Returns the memory that it uses.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.body.capacity()
    }

    /// Gives back memory that was reserved for more spans.
    pub(super) fn seal(&mut self) {
        self.body.shrink_to_fit();
    }

    /// Drops the oldest span; its memory is returned with that of the whole block.
    pub(super) fn drop_first(&mut self) {
        self.start += self.length_of(1);
        self.count = self.count.saturating_sub(1);
        self.number += 1;
    }

    /// Splits off what follows the first spans.
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

    /// Returns how many bytes the first spans take.
    fn length_of(&self, count: usize) -> usize {
        let mut rest = self.body();
        for _ in 0..count {
            rest = split_field(rest).map_or(&[][..], |(_, _, rest)| rest);
        }
        self.body().len() - rest.len()
    }
}

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
