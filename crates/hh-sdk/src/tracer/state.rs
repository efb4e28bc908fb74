//! The state of the queue: the blocks that wait to be exported, the export in progress, lost telemetry, and the
//! flushes that wait for an export.

mod flush;
mod waiter;

use std::collections::VecDeque;
use std::time::Instant;

use super::block::Block;
use super::budget::ByteBudget;
use super::last_failure::LastFailure;
use super::pace::Pause;
use crate::{Error, ErrorKind};
pub(super) use waiter::{Answer, Replies, Watch, no_response};
use waiter::{ShutdownResult, Waiter};

/// A number of lost spans or session changes, with the reason.
pub(super) struct Loss {
    count: u64,
    reason: String,
}

impl Loss {
    /// Creates a loss of `count` spans or session changes.
    pub(super) fn new(count: u64, reason: String) -> Self {
        Self { count, reason }
    }
}

/// The limits of the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The maximum number of waiting spans and session changes.
    pub(super) count: usize,
    /// The maximum memory, in bytes.
    pub(super) bytes: usize,
    /// The maximum number of spans in one block.
    pub(super) block: usize,
}

/// A recorded item.
pub(super) enum Item<'a> {
    /// An encoded span, and the time when it ended.
    Span(&'a [u8], Instant),
    /// A session change.
    Session(Block),
}

/// The state of the queue.
pub(super) struct State {
    /// The waiting blocks, in order.
    blocks: VecDeque<Block>,
    /// The number of waiting spans and session changes.
    len: usize,
    limits: Limits,
    /// The memory of the waiting blocks and of the export in progress.
    budget: ByteBudget,
    sending: Option<InFlight>,
    closing: Option<Closing>,
    /// Whether a flush or a shutdown was requested since the last export.
    is_asked: bool,
    /// The sequence number of the next span or session change.
    next: u64,
    /// The number of lost spans and session changes.
    dropped: u64,
    /// The number of lost spans and session changes that were reported to a flush.
    told: u64,
    /// The reason of the last loss.
    reason: String,
    /// Why the telemetry at the head of the queue has not arrived.
    failure: LastFailure,
    waiters: Vec<Waiter>,
    /// The result of the shutdown, if it has completed.
    shutdown: Option<ShutdownResult>,
    /// Whether a watchdog is running, which checks the deadlines of flushes.
    is_watched: bool,
}

/// The export in progress.
struct InFlight {
    /// The sequence number of the first span or session change.
    first: u64,
    count: usize,
    /// The memory of the blocks, in bytes.
    bytes: usize,
    /// The encoded telemetry, in bytes.
    encoded: usize,
}

/// The shutdown of the tracer.
#[derive(Clone, Copy)]
pub(super) struct Closing {
    /// The time when retries stop.
    pub(super) until: Instant,
    /// Whether to abort a request that is still in progress at that time.
    pub(super) is_hard: bool,
}

/// The next step of the export thread.
pub(super) enum NextStep {
    /// Send the next batch.
    Send,
    /// Wait, at most until this time.
    Wait(Option<Instant>),
    /// Give up: the time for retries is over.
    GiveUp,
    /// Exit: the queue is empty and closed.
    End,
}

impl State {
    /// Creates an empty queue.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            blocks: VecDeque::new(),
            len: 0,
            limits,
            budget: ByteBudget::new(limits.bytes),
            sending: None,
            closing: None,
            is_asked: false,
            next: 0,
            dropped: 0,
            told: 0,
            reason: String::new(),
            failure: LastFailure::default(),
            waiters: Vec::new(),
            shutdown: None,
            is_watched: false,
        }
    }

    /// Shares the last failed attempt with the exporter.
    pub(super) fn with_failure(mut self, failure: LastFailure) -> Self {
        self.failure = failure;
        self
    }

    /// Returns whether a block waits or is being sent.
    pub(super) fn is_busy(&self) -> bool {
        self.sending.is_some() || !self.blocks.is_empty()
    }

    /// Returns the number of waiting spans and session changes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the time when the first waiting span or session change was recorded.
    pub(super) fn first(&self) -> Option<Instant> {
        self.blocks.front().map(Block::first)
    }

    /// Returns the number of lost spans and session changes.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the number of lost spans and session changes that were reported to a flush.
    pub(super) fn reported(&self) -> u64 {
        self.told
    }

    /// Sets the number of lost spans and session changes that were reported to a flush.
    pub(super) fn set_reported(&mut self, told: u64) {
        self.told = told;
    }

    /// Adds an item. Returns the blocks that were dropped, so that the caller can free them after releasing the lock.
    pub(super) fn push(&mut self, item: Item<'_>) -> Vec<Block> {
        let mut dropped = Vec::new();
        let (is_span, cost) = match &item {
            Item::Span(span, _) => (true, Block::cost_of(span)),
            Item::Session(block) => (false, block.cost()),
        };
        let refused = if self.closing.is_some() {
            Some("the tracer was already shut down")
        } else if cost > self.budget.limit() {
            Some("the record is larger than the queue (max_queue_bytes)")
        } else if cost > self.budget.limit().saturating_sub(self.sending_bytes()) {
            // The item would not fit even if all waiting blocks were dropped, so they are kept.
            Some("the queue was full (max_queue_bytes)")
        } else {
            self.make_room(is_span, cost, &mut dropped)
        };
        match (refused, item) {
            (None, item) => self.append(item),
            (Some(reason), item) => {
                self.record_loss(1, reason);
                if let Item::Session(block) = item {
                    dropped.push(block);
                }
            }
        }
        dropped
    }

    /// Appends an item that fits.
    fn append(&mut self, item: Item<'_>) {
        let (next, max_spans) = (self.next, self.limits.block);
        self.next = self.next.saturating_add(1);
        self.len += 1;
        let last = self.blocks.back_mut();
        let block = match (item, last) {
            (Item::Span(span, _), Some(last)) if last.has_room_for(span, next, max_spans) => {
                self.budget.take(last.push(span));
                return;
            }
            (Item::Span(span, ended), last) => {
                last.map(Block::seal);
                Block::of_span(span, ended)
            }
            (Item::Session(block), last) => {
                last.map(Block::seal);
                block
            }
        };
        self.budget.take(block.cost());
        self.blocks.push_back(block.with_number(next));
    }

    /// Returns the memory of the export in progress, in bytes.
    fn sending_bytes(&self) -> usize {
        self.sending.as_ref().map_or(0, |sending| sending.bytes)
    }

    /// Drops the oldest items, spans first, until a new item fits; returns the reason if it cannot fit.
    fn make_room(
        &mut self,
        for_span: bool,
        cost: usize,
        dropped: &mut Vec<Block>,
    ) -> Option<&'static str> {
        loop {
            let (reason, is_count) = if self.len >= self.limits.count {
                ("the queue was full", true)
            } else if !self.budget.has_room_for(cost) {
                ("the queue was full (max_queue_bytes)", false)
            } else {
                return None;
            };
            let oldest = self.blocks.iter().position(Block::is_spans);
            // A session change is more important than a span.
            let Some(victim) = oldest.or_else(|| (!for_span).then_some(0)) else {
                return Some(reason);
            };
            let count = self.drop_oldest(victim, is_count, dropped);
            if count == 0 {
                return Some(reason);
            }
            self.record_loss(count, reason);
        }
    }

    /// Drops the first span of a block if `is_one`, or else the whole block to free its memory; returns the number of
    /// dropped items.
    fn drop_oldest(&mut self, at: usize, is_one: bool, dropped: &mut Vec<Block>) -> u64 {
        let Some(block) = self.blocks.get_mut(at) else {
            return 0;
        };
        let count = if is_one && block.count() > 1 {
            block.drop_first();
            1
        } else {
            let count = block.count();
            self.budget.release(block.cost());
            dropped.extend(self.blocks.remove(at));
            count
        };
        self.len = self.len.saturating_sub(count);
        count as u64
    }

    /// Takes the blocks of the next request: one session change, or the oldest spans, at most `limit` spans and
    /// `max_bytes` (but at least one block).
    pub(super) fn take(&mut self, limit: usize, max_bytes: usize) -> Vec<Block> {
        self.is_asked = false;
        let limit = limit.max(1);
        let (mut batch, mut count, mut bytes) = (Vec::new(), 0_usize, 0_usize);
        while let Some(mut block) = self.blocks.pop_front() {
            let is_first = batch.is_empty();
            let fits = block.is_spans()
                && count.saturating_add(block.count()) <= limit
                && bytes.saturating_add(block.cost()) <= max_bytes;
            if !is_first && !fits {
                self.blocks.push_front(block);
                break;
            }
            if block.is_spans() && block.count() > limit {
                self.blocks.push_front(block.split_off(limit));
            }
            count += block.count();
            bytes = bytes.saturating_add(block.cost());
            let is_alone = !block.is_spans();
            batch.push(block);
            if is_alone {
                break;
            }
        }
        self.len = self.len.saturating_sub(count);
        self.sending = batch.first().map(|first| InFlight {
            first: first.number(),
            count,
            bytes,
            encoded: encoded_bytes(&batch),
        });
        batch
    }

    /// Completes the export in progress and counts its loss, if any.
    pub(super) fn finish(&mut self, loss: Option<Loss>) -> Replies {
        if let Some(sending) = self.sending.take() {
            self.budget.release(sending.bytes);
        }
        self.failure.clear();
        if let Some(Loss { count, reason }) = loss {
            self.record_loss(count, &reason);
        }
        self.complete_flushes()
    }

    /// Puts the blocks of a failed export back to the head of the queue; returns the blocks that do not fit.
    pub(super) fn put_back(&mut self, batch: Vec<Block>, failure: &str) -> (Replies, Vec<Block>) {
        self.sending = None;
        self.failure.set(failure);
        for block in batch.into_iter().rev() {
            self.len += block.count();
            self.blocks.push_front(block);
        }
        let mut dropped = Vec::new();
        while self.len > self.limits.count {
            let oldest = self.blocks.iter().position(Block::is_spans);
            let count = self.drop_oldest(oldest.unwrap_or(0), true, &mut dropped);
            if count == 0 {
                break;
            }
            self.record_loss(count, "the queue was full");
        }
        (self.complete_flushes(), dropped)
    }

    /// Closes the queue, unless it is already closed.
    pub(super) fn close(&mut self, closing: Closing) {
        self.closing.get_or_insert(closing);
        self.is_asked = true;
    }

    /// Decides the next step. A batch is sent at `due`, or immediately if `is_full`, if a flush waits or during a
    /// shutdown. A pause delays it.
    pub(super) fn next(
        &self,
        now: Instant,
        due: Instant,
        is_full: bool,
        pause: Option<Pause>,
    ) -> NextStep {
        match (self.blocks.is_empty(), self.closing) {
            (true, Some(_)) => return NextStep::End,
            (true, None) => return NextStep::Wait(None),
            (false, _) => {}
        }
        let ready = match pause {
            // A flush allows one attempt during the pause, unless the server requested the pause.
            Some(pause) if self.is_asked && !pause.is_asked => now,
            Some(pause)
                if self
                    .closing
                    .is_some_and(|closing| pause.until >= closing.until) =>
            {
                return NextStep::GiveUp;
            }
            Some(pause) => pause.until,
            None if is_full || self.closing.is_some() || !self.waiters.is_empty() => now,
            None => due,
        };
        if ready <= now {
            NextStep::Send
        } else {
            NextStep::Wait(Some(ready))
        }
    }

    /// Drops everything when the time of a shutdown is over. The reason includes the error of the last attempt.
    pub(super) fn abandon_late(&mut self) -> Replies {
        let bytes = self.unsent_bytes();
        let mut reason =
            format!("the tracer was shut down before they could be sent ({bytes} bytes)");
        if let Some(failure) = self.failure.describe(self.sending.is_some()) {
            reason = format!("{reason}: {failure}");
        }
        self.abandon(&reason)
    }

    /// Returns the number of session changes and spans that have not arrived.
    pub(super) fn unsent(&self) -> usize {
        let sending = self.sending.as_ref().map_or(0, |sending| sending.count);
        self.len.saturating_add(sending)
    }

    /// Returns the size of the encoded telemetry that has not arrived, in bytes.
    pub(super) fn unsent_bytes(&self) -> usize {
        let sending = self.sending.as_ref().map_or(0, |sending| sending.encoded);
        encoded_bytes(&self.blocks).saturating_add(sending)
    }

    /// Returns the message about losses that were not reported to a flush, if the tracer was dropped without a
    /// shutdown.
    pub(super) fn loss_after_drop(&self) -> Option<String> {
        let is_dropped = self.closing.is_some_and(|closing| !closing.is_hard);
        let loss = self.outcome().err().filter(|_| is_dropped);
        loss.map(|loss| loss.to_line())
    }

    /// Drops everything and closes the queue.
    pub(super) fn abandon(&mut self, reason: &str) -> Replies {
        self.closing.get_or_insert(Closing {
            until: Instant::now(),
            is_hard: true,
        });
        let count = self.unsent();
        self.sending = None;
        self.blocks.clear();
        self.len = 0;
        self.budget = ByteBudget::new(self.budget.limit());
        if count > 0 {
            self.record_loss(u64::try_from(count).unwrap_or(u64::MAX), reason);
        }
        self.complete_flushes()
    }

    /// Removes the flushes that are complete; their results include losses that were not reported yet.
    pub(super) fn complete_flushes(&mut self) -> Replies {
        let first_waiting = self.blocks.front().map_or(self.next, Block::number);
        let oldest = self.sending.as_ref().map_or(first_waiting, |s| s.first);
        let ready: Vec<_> = self
            .waiters
            .extract_if(.., |waiter| waiter.target <= oldest)
            .collect();
        let mut answers = Vec::with_capacity(ready.len());
        for waiter in ready {
            let outcome = self.outcome();
            if waiter.is_shutdown {
                let result = || ShutdownResult::new(&outcome, self.dropped);
                self.shutdown.get_or_insert_with(result);
            }
            answers.push((waiter.answer, outcome));
        }
        Replies {
            answers,
            dropped: self.dropped,
        }
    }

    /// Returns the result of a flush that is complete now.
    fn outcome(&self) -> Result<(), Error> {
        match self.dropped.saturating_sub(self.told) {
            0 => Ok(()),
            lost => Err(Error::new(
                ErrorKind::Dropped,
                format!(
                    "{lost} of the recorded sessions and spans were lost: {}",
                    self.reason
                ),
            )),
        }
    }

    /// Counts a loss.
    fn record_loss(&mut self, count: u64, reason: &str) {
        self.dropped = self.dropped.saturating_add(count);
        reason.clone_into(&mut self.reason);
    }
}

/// Returns the size of the encoded telemetry of blocks, in bytes.
fn encoded_bytes<'a>(blocks: impl IntoIterator<Item = &'a Block>) -> usize {
    blocks.into_iter().map(|block| block.body().len()).sum()
}

#[cfg(test)]
mod tests;
