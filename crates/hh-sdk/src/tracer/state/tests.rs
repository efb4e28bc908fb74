use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::tracer::block::Content;

const LIMIT: usize = 100_000;

/// Returns a state whose blocks have at most this number of spans.
fn state_of_blocks(count: usize, block: usize) -> State {
    State::new(Limits {
        count,
        bytes: LIMIT,
        block,
    })
}

/// Returns a state whose blocks have one span each.
fn state(count: usize) -> State {
    state_of_blocks(count, 1)
}

fn span(bytes: usize) -> Vec<u8> {
    vec![b's'; bytes]
}

fn start() -> Block {
    Block::of_session(Content::SessionStart, vec![b's'; 10_000])
}

fn push_span(state: &mut State, bytes: usize) -> Vec<u64> {
    let dropped = state.push(Item::Span(&span(bytes), Instant::now()));
    dropped.iter().map(Block::number).collect()
}

fn push_start(state: &mut State) {
    drop(state.push(Item::Session(start())));
}

fn numbers(state: &State) -> Vec<u64> {
    state.blocks.iter().map(Block::number).collect()
}

fn held(state: &State) -> usize {
    let waiting = state.blocks.iter().map(Block::cost).sum::<usize>();
    waiting + state.sending.as_ref().map_or(0, |sending| sending.bytes)
}

#[test]
fn a_full_budget_drops_the_oldest_spans_and_reports_the_reason() {
    let mut state = state(1_000);
    for _ in 0..25 {
        push_span(&mut state, 10_000);
    }
    assert_eq!(numbers(&state), (16..25).collect::<Vec<_>>());
    assert_eq!(state.dropped, 16);
    assert_eq!(state.reason, "the queue was full (max_queue_bytes)");
    assert_eq!(push_span(&mut state, 50_000), [16, 17, 18, 19, 20]);
}

#[test]
fn a_span_larger_than_the_budget_is_dropped_itself() {
    let mut state = state(1_000);
    push_span(&mut state, 10);
    push_span(&mut state, LIMIT);
    assert_eq!(numbers(&state), [0]);
    assert_eq!(state.dropped, 1);
    assert!(state.reason.contains("max_queue_bytes"), "{}", state.reason);
}

#[test]
fn session_changes_are_dropped_only_when_there_is_no_span_left() {
    let mut state = state(1_000);
    for _ in 0..4 {
        push_start(&mut state);
        push_span(&mut state, 10_000);
    }
    // Each session change replaces the oldest span.
    for _ in 0..4 {
        push_start(&mut state);
    }
    assert_eq!(numbers(&state), [0, 2, 4, 6, 7, 8, 9, 10, 11]);
    push_start(&mut state);
    assert_eq!(numbers(&state), [0, 2, 4, 6, 8, 9, 10, 11, 12]);
    // A span replaces no session change, and a session change replaces the oldest one.
    let dropped = state.dropped;
    push_span(&mut state, 10_000);
    assert_eq!(numbers(&state), [0, 2, 4, 6, 8, 9, 10, 11, 12]);
    push_start(&mut state);
    assert_eq!(numbers(&state)[..2], [2, 4]);
    assert_eq!(state.dropped, dropped + 2);
}

#[test]
fn spans_in_flight_count_against_the_budget_and_are_not_dropped() {
    let mut state = state(1_000);
    for _ in 0..9 {
        push_span(&mut state, 10_000);
    }
    let batch = state.take(8, LIMIT);
    assert_eq!(batch.len(), 8);
    // A span that does not fit next to the batch in progress displaces no other span.
    push_span(&mut state, 50_000);
    assert_eq!(numbers(&state), [8]);
    push_span(&mut state, 10_000);
    assert_eq!(numbers(&state), [9]);
    let (due, dropped) = state.put_back(batch, "no answer");
    assert!(dropped.is_empty() && due.answers.is_empty());
    assert_eq!(numbers(&state), (0..8).chain([9]).collect::<Vec<_>>());
}

#[test]
fn spans_share_blocks_which_are_dropped_whole_when_memory_is_short() {
    let mut state = state_of_blocks(1_000, 4);
    for _ in 0..9 {
        push_span(&mut state, 10_000);
    }
    assert_eq!(numbers(&state), [0, 4, 8]);
    assert_eq!(push_span(&mut state, 10_000), [0]);
    assert_eq!((state.dropped, state.len()), (4, 6));
    // A session change ends a block.
    push_start(&mut state);
    push_span(&mut state, 10);
    assert_eq!(numbers(&state), [4, 8, 10, 11]);
}

#[test]
fn a_full_queue_drops_single_spans_of_a_block() {
    let mut state = state_of_blocks(10, 4);
    for _ in 0..13 {
        push_span(&mut state, 100);
    }
    assert_eq!(numbers(&state), [3, 4, 8, 12]);
    assert_eq!((state.dropped, state.len()), (3, 10));
    assert_eq!(state.reason, "the queue was full");
}

#[test]
fn a_batch_has_whole_blocks_and_a_block_is_split_for_a_smaller_batch() {
    let mut state = state_of_blocks(1_000, 4);
    for _ in 0..12 {
        push_span(&mut state, 100);
    }
    let counts = |batch: &[Block]| batch.iter().map(Block::count).collect::<Vec<_>>();
    let batch = state.take(10, LIMIT);
    assert_eq!(counts(&batch), [4, 4]);
    drop(state.put_back(batch, "no").0.answers);
    let batch = state.take(3, LIMIT);
    assert_eq!(counts(&batch), [3]);
    drop(state.put_back(batch, "no").0.answers);
    assert_eq!(numbers(&state), [0, 3, 4, 8]);
    // A batch has at least one block of any size.
    assert_eq!(counts(&state.take(10, 1)), [3]);
}

#[test]
fn a_block_costs_at_least_the_memory_that_it_uses() {
    for bytes in [0, 1, 100, 3_000] {
        let mut state = state_of_blocks(1_000, 100);
        for _ in 0..5 {
            push_span(&mut state, bytes);
            push_span(&mut state, bytes);
            push_start(&mut state);
        }
        for block in &state.blocks {
            assert!(block.cost() >= block.memory(), "{block:?}");
        }
        assert!(held(&state) >= 10 * bytes);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Span(usize),
    Start,
    Take(usize),
    Finish(Option<u64>),
    PutBack,
    Abandon,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..40_000_usize).prop_map(Step::Span),
        1 => Just(Step::Span(2 * LIMIT)),
        2 => Just(Step::Start),
        4 => (0..12_usize).prop_map(Step::Take),
        2 => prop::option::of(any::<u64>()).prop_map(Step::Finish),
        3 => Just(Step::PutBack),
        1 => Just(Step::Abandon),
    ]
}

proptest! {
    #[test]
    fn the_budget_holds_and_the_order_is_kept(
        steps in prop::collection::vec(step(), 0..120),
        spans_in_block in 1..6_usize,
    ) {
        let mut state = state_of_blocks(10, spans_in_block);
        let mut sending: Option<Vec<Block>> = None;
        let later = Instant::now() + Duration::from_mins(1);
        let answer = Answer::Thread(std::sync::mpsc::channel().0);
        drop(state.wait(later, false, answer).answers);
        for step in steps {
            match step {
                Step::Span(bytes) => drop(push_span(&mut state, bytes)),
                Step::Start => push_start(&mut state),
                Step::Take(limit) if sending.is_none() => {
                    let batch = state.take(limit, LIMIT / 4);
                    prop_assert!(batch.len() <= 1 || batch.iter().all(Block::is_spans));
                    prop_assert!(batch.iter().map(Block::count).sum::<usize>() <= limit.max(1));
                    sending = (!batch.is_empty()).then_some(batch);
                }
                Step::Finish(lost) if sending.take().is_some() => {
                    drop(state.finish(lost.map(|count| Loss::new(count, "no".to_owned()))).answers);
                }
                Step::PutBack => {
                    if let Some(batch) = sending.take() {
                        drop(state.put_back(batch, "no").0.answers);
                    }
                }
                Step::Abandon => {
                    sending = None;
                    drop(state.abandon("no").answers);
                }
                Step::Take(_) | Step::Finish(_) => {}
            }
            prop_assert!(held(&state) <= LIMIT && state.len() <= 10);
            prop_assert_eq!(state.len(), state.blocks.iter().map(Block::count).sum::<usize>());
            prop_assert!(!state.budget.has_room_for(LIMIT - held(&state) + 1));
            prop_assert!(state.budget.has_room_for(LIMIT - held(&state)));
            let next_of = |block: &Block| block.number() + block.count() as u64;
            prop_assert!(state.blocks.iter().is_sorted_by(|a, b| next_of(a) <= b.number()));
            prop_assert!(state.blocks.iter().all(|block| next_of(block) <= state.next));
            prop_assert!(state.told <= state.dropped || state.told == 0);
        }
    }
}
