use std::time::Duration;

use hh_api::types::StartSession;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use proptest::prelude::*;

use super::*;
use crate::tracer::budget::memory_of;

const LIMIT: usize = 100_000;

fn span(bytes: usize) -> Job {
    Job::Span(Box::new(Wire {
        name: "s".repeat(bytes),
        ..Wire::default()
    }))
}

fn start() -> Job {
    Job::Start(Box::new(StartSession {
        session_name: Some("s".repeat(10_000)),
        ..StartSession::default()
    }))
}

fn push(state: &mut State, job: Job) -> Vec<u64> {
    let bytes = memory_of(&job);
    let dropped = state.push(job, bytes);
    dropped.iter().map(|entry| entry.number).collect()
}

fn numbers(state: &State) -> Vec<u64> {
    state.entries.iter().map(|entry| entry.number).collect()
}

fn held(state: &State) -> usize {
    let waiting = state.entries.iter().map(|entry| entry.bytes).sum::<usize>();
    waiting + state.sending.as_ref().map_or(0, |sending| sending.bytes)
}

#[test]
fn a_full_budget_drops_the_oldest_spans_and_says_why() {
    let mut state = State::new(1_000, LIMIT);
    for _ in 0..25 {
        push(&mut state, span(10_000));
    }
    assert_eq!(numbers(&state), (16..25).collect::<Vec<_>>());
    assert_eq!(state.dropped, 16);
    assert_eq!(state.reason, "the queue was full (max_queue_bytes)");
    assert_eq!(push(&mut state, span(50_000)), [16, 17, 18, 19, 20]);
}

#[test]
fn a_span_larger_than_the_budget_is_dropped_itself() {
    let mut state = State::new(1_000, LIMIT);
    push(&mut state, span(10));
    push(&mut state, span(LIMIT));
    assert_eq!(numbers(&state), [0]);
    assert_eq!(state.dropped, 1);
    assert!(state.reason.contains("max_queue_bytes"), "{}", state.reason);
}

#[test]
fn session_changes_are_dropped_only_when_there_is_no_span_left() {
    let mut state = State::new(1_000, LIMIT);
    for _ in 0..4 {
        push(&mut state, start());
        push(&mut state, span(10_000));
    }
    // Each change takes the place of the oldest span.
    for _ in 0..4 {
        push(&mut state, start());
    }
    assert_eq!(numbers(&state), [0, 2, 4, 6, 7, 8, 9, 10, 11]);
    push(&mut state, start());
    assert_eq!(numbers(&state), [0, 2, 4, 6, 8, 9, 10, 11, 12]);
    // A span takes the place of none, and a change that of the oldest.
    let dropped = state.dropped;
    push(&mut state, span(10_000));
    assert_eq!(numbers(&state), [0, 2, 4, 6, 8, 9, 10, 11, 12]);
    push(&mut state, start());
    assert_eq!(numbers(&state)[..2], [2, 4]);
    assert_eq!(state.dropped, dropped + 2);
}

#[test]
fn what_is_being_sent_counts_and_makes_no_room() {
    let mut state = State::new(1_000, LIMIT);
    for _ in 0..9 {
        push(&mut state, span(10_000));
    }
    let batch = state.take(8, LIMIT);
    assert_eq!(batch.len(), 8);
    // A span that cannot fit beside the batch costs no other one.
    push(&mut state, span(50_000));
    assert_eq!(numbers(&state), [8]);
    push(&mut state, span(10_000));
    assert_eq!(numbers(&state), [9]);
    let (due, dropped) = state.put_back(batch, "no answer");
    assert!(dropped.is_empty() && due.answers.is_empty());
    assert_eq!(numbers(&state), (0..8).chain([9]).collect::<Vec<_>>());
}

#[test]
fn the_memory_of_small_values_counts_and_not_only_their_encoding() {
    let numbers = serde_json::to_value(vec![1; 1_000]).unwrap();
    let start = Job::Start(Box::new(StartSession {
        inputs: [("list".to_owned(), numbers)].into_iter().collect(),
        ..StartSession::default()
    }));
    assert!(memory_of(&start) >= 1_000 * size_of::<serde_json::Value>());
    assert!(memory_of(&span(0)) >= size_of::<Wire>());
    // An object with one member still takes a whole node of its map, of 11 places.
    let objects = serde_json::to_value(vec![serde_json::json!({"a": 1}); 1_000]).unwrap();
    let start = Job::Start(Box::new(StartSession {
        inputs: [("list".to_owned(), objects)].into_iter().collect(),
        ..StartSession::default()
    }));
    let place = size_of::<String>() + size_of::<serde_json::Value>();
    assert!(memory_of(&start) >= 1_000 * 11 * place);
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
    fn the_budget_holds_and_the_order_is_kept(steps in prop::collection::vec(step(), 0..120)) {
        let mut state = State::new(10, LIMIT);
        let mut sending: Option<Vec<Entry>> = None;
        let later = Instant::now() + Duration::from_mins(1);
        drop(state.wait(later, Box::new(|_| true)).answers);
        for step in steps {
            match step {
                Step::Span(bytes) => drop(push(&mut state, span(bytes))),
                Step::Start => drop(push(&mut state, start())),
                Step::Take(limit) if sending.is_none() => {
                    let batch = state.take(limit, LIMIT / 4);
                    prop_assert!(batch.len() <= 1 || batch.iter().all(Entry::is_span));
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
            prop_assert!(held(&state) <= LIMIT && state.entries.len() <= 10);
            prop_assert!(!state.budget.has_room_for(LIMIT - held(&state) + 1));
            prop_assert!(state.budget.has_room_for(LIMIT - held(&state)));
            prop_assert!(numbers(&state).is_sorted_by(|a, b| a < b));
            prop_assert!(state.told <= state.dropped || state.told == 0);
        }
    }
}
