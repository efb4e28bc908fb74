//! The state of the queue: what waits or is being sent, what was lost, and who waits for it.

mod flush;
mod waiter;

use std::collections::VecDeque;
use std::time::Instant;

use super::block::Block;
use super::budget::ByteBudget;
use super::pace::Pause;
use crate::{Error, ErrorKind};
use waiter::Waiter;
pub(super) use waiter::{Answer, Replies, Watch, no_response};

/// What was lost, and why.
pub(super) struct Loss {
    count: u64,
    reason: String,
}

impl Loss {
    pub(super) fn new(count: u64, reason: String) -> Self {
        Self { count, reason }
    }
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Spans and changes of sessions.
    pub(super) count: usize,
    /// Bytes of memory.
    pub(super) bytes: usize,
    /// Spans in one block.
    pub(super) block: usize,
}

/// What is recorded.
pub(super) enum Item<'a> {
    /// A span that has just ended, encoded.
    Span(&'a [u8], Instant),
    /// A change of a session.
    Session(Block),
}

pub(super) struct State {
    /// What waits, in order.
    blocks: VecDeque<Block>,
    /// How many spans and changes of sessions wait.
    len: usize,
    limits: Limits,
    /// The bytes of what waits and of what is being sent right now.
    budget: ByteBudget,
    sending: Option<InFlight>,
    closing: Option<Closing>,
    /// A flush or the end has come since something was last sent.
    is_asked: bool,
    /// The number of the next job.
    next: u64,
    dropped: u64,
    /// How many of the dropped jobs were reported to a flush.
    told: u64,
    /// The last reason for a loss.
    reason: String,
    /// Why what waits has not arrived yet.
    failure: Option<String>,
    waiters: Vec<Waiter>,
    /// A watchdog looks at the deadlines of flushes.
    is_watched: bool,
}

/// What is being sent right now.
struct InFlight {
    /// The number of the first job.
    first: u64,
    count: usize,
    bytes: usize,
}

/// The tracer was closed.
#[derive(Clone, Copy)]
pub(super) struct Closing {
    /// Nothing is tried again after this.
    pub(super) until: Instant,
    /// A request under way is cut off as well.
    pub(super) is_hard: bool,
}

/// What the export thread does next.
pub(super) enum NextStep {
    Send,
    /// Wait, at most until then.
    Wait(Option<Instant>),
    /// The time to try again is over.
    GiveUp,
    /// Everything is dealt with, and no more will come.
    End,
}

impl State {
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
            failure: None,
            waiters: Vec::new(),
            is_watched: false,
        }
    }

    /// Returns whether anything waits or is being sent.
    pub(super) fn is_busy(&self) -> bool {
        self.sending.is_some() || !self.blocks.is_empty()
    }

    /// Returns how many spans and changes of sessions wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns when the first of what waits was recorded.
    pub(super) fn first(&self) -> Option<Instant> {
        self.blocks.front().map(Block::first)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns how many of the dropped jobs were reported to a flush.
    pub(super) fn reported(&self) -> u64 {
        self.told
    }

    pub(super) fn set_reported(&mut self, told: u64) {
        self.told = told;
    }

    /// Adds what was recorded; returns what had to be dropped for it, to be freed with the lock released.
    pub(super) fn push(&mut self, item: Item<'_>) -> Vec<Block> {
        let mut dropped = Vec::new();
        let (is_span, cost) = match &item {
            Item::Span(span, _) => (true, Block::cost_of(span)),
            Item::Session(block) => (false, block.cost()),
        };
        let refused = if self.closing.is_some() {
            Some("the tracer was shut down before")
        } else if cost > self.budget.limit() {
            Some("it is larger than the queue may be (max_queue_bytes)")
        } else if cost > self.budget.limit().saturating_sub(self.sending_bytes()) {
            // All that waits would be dropped for nothing.
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

    /// Adds what there is room for.
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

    fn sending_bytes(&self) -> usize {
        self.sending.as_ref().map_or(0, |sending| sending.bytes)
    }

    /// Drops the oldest spans until there is room; the reason why there cannot be any.
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
            // What happens to a session is worth more than any span of it.
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

    /// Drops the first of a block, or all of it; memory is freed only with all of it. Returns how many were dropped.
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

    /// Takes what goes into the next request: one session change, or spans that come first, up to both limits.
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
        });
        batch
    }

    /// Marks what was taken as dealt with, and what of it was lost.
    pub(super) fn finish(&mut self, loss: Option<Loss>) -> Replies {
        if let Some(sending) = self.sending.take() {
            self.budget.release(sending.bytes);
        }
        self.failure = None;
        if let Some(Loss { count, reason }) = loss {
            self.record_loss(count, &reason);
        }
        self.complete_flushes()
    }

    /// Puts what was taken back to the head of the queue, as far as there is room; returns what was dropped.
    pub(super) fn put_back(&mut self, batch: Vec<Block>, failure: &str) -> (Replies, Vec<Block>) {
        self.sending = None;
        self.failure = Some(failure.to_owned());
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

    /// Closes the queue, unless it was closed before.
    pub(super) fn close(&mut self, closing: Closing) {
        self.closing.get_or_insert(closing);
        self.is_asked = true;
    }

    /// Decides what comes next. What waits is `due` at some time, or as soon as `is_full` says so, and not in a pause.
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
            // A flush is worth one attempt.
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

    /// Gives up on everything, for the reason of the last failure if there is one.
    pub(super) fn abandon_late(&mut self) -> Replies {
        let mut reason = "the tracer was shut down before they could be sent".to_owned();
        if let Some(failure) = &self.failure {
            reason = format!("{reason}: {failure}");
        }
        self.abandon(&reason)
    }

    /// Gives up on everything; nothing will be sent any more.
    pub(super) fn abandon(&mut self, reason: &str) -> Replies {
        self.closing.get_or_insert(Closing {
            until: Instant::now(),
            is_hard: true,
        });
        let sending = self.sending.take().map_or(0, |sending| sending.count);
        let count = self.len.saturating_add(sending);
        self.blocks.clear();
        self.len = 0;
        self.budget = ByteBudget::new(self.budget.limit());
        if count > 0 {
            self.record_loss(u64::try_from(count).unwrap_or(u64::MAX), reason);
        }
        self.complete_flushes()
    }

    /// Finds the flushes for which all is dealt with; each is told what nobody was told yet.
    pub(super) fn complete_flushes(&mut self) -> Replies {
        let first_waiting = self.blocks.front().map_or(self.next, Block::number);
        let oldest = self.sending.as_ref().map_or(first_waiting, |s| s.first);
        let ready: Vec<_> = self
            .waiters
            .extract_if(.., |waiter| waiter.target <= oldest)
            .collect();
        let answers = ready
            .into_iter()
            .map(|waiter| (waiter.answer, self.outcome()));
        Replies {
            answers: answers.collect(),
            dropped: self.dropped,
        }
    }

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

    fn record_loss(&mut self, count: u64, reason: &str) {
        self.dropped = self.dropped.saturating_add(count);
        reason.clone_into(&mut self.reason);
    }
}

#[cfg(test)]
mod tests;
