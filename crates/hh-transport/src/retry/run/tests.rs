use std::collections::VecDeque;
use std::sync::Mutex;

use http::StatusCode;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Time that passes only by sleeping, and chance that is always the same.
struct FakeClock {
    start: Instant,
    slept: Mutex<Vec<Duration>>,
    random: u64,
}

impl FakeClock {
    fn new(random: u64) -> Self {
        Self {
            start: Instant::now(),
            slept: Mutex::default(),
            random,
        }
    }

    fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Instant {
        self.start + self.slept.lock().unwrap().iter().sum::<Duration>()
    }

    async fn sleep(&self, delay: Duration) {
        self.slept.lock().unwrap().push(delay);
    }

    fn random(&self) -> u64 {
        self.random
    }
}

struct Script {
    ends: VecDeque<Result<Response, TransportError>>,
    attempts: usize,
}

impl Call for Script {
    async fn attempt(&mut self) -> Result<Response, TransportError> {
        self.attempts += 1;
        self.ends
            .pop_front()
            .unwrap_or_else(|| Err(TransportError::interrupted("h")))
    }
}

fn answer(status: u16, wait: Option<Duration>) -> TransportError {
    TransportError::answered("h", StatusCode::from_u16(status).unwrap(), None, wait)
}

struct Run {
    result: Result<Response, TransportError>,
    slept: Vec<Duration>,
    attempts: usize,
}

struct Setup {
    policy: RetryPolicy,
    budget: Budget,
    repeat: Idempotency,
    deadline: Option<Duration>,
    random: u64,
}

impl Setup {
    fn new(repeat: Idempotency) -> Self {
        let (policy, budget) = (RetryPolicy::new(), Budget::new());
        Self {
            policy,
            budget,
            repeat,
            deadline: None,
            random: u64::MAX,
        }
    }

    fn run(&self, ends: impl IntoIterator<Item = Result<Response, TransportError>>) -> Run {
        let clock = FakeClock::new(self.random);
        let mut script = Script {
            ends: ends.into_iter().collect(),
            attempts: 0,
        };
        let rules = Rules {
            policy: &self.policy,
            budget: &self.budget,
            repeat: &self.repeat,
            deadline: self.deadline.map(|deadline| clock.start + deadline),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let result = runtime.block_on(run(rules, &clock, &mut script));
        Run {
            result,
            slept: clock.slept(),
            attempts: script.attempts,
        }
    }
}

#[test]
fn retry_after_is_honoured() {
    let setup = Setup::new(Idempotency::Safe);
    let run = setup.run([
        Err(answer(429, Some(7 * SECOND))),
        Err(answer(503, Some(SECOND / 2))),
        Ok(Response::default()),
    ]);
    assert!(run.result.is_ok());
    assert_eq!(run.slept, [7 * SECOND, SECOND / 2]);
}

#[test]
fn a_wait_over_the_cap_ends_the_call_and_says_when() {
    let setup = Setup::new(Idempotency::Safe);
    let run = setup.run([Err(answer(429, Some(61 * SECOND)))]);
    assert_eq!(run.result.unwrap_err().retry_after(), Some(61 * SECOND));
    assert_eq!(run.slept, []);

    // The cap counts for the whole call.
    let run = setup.run([
        Err(answer(429, Some(40 * SECOND))),
        Err(answer(429, Some(40 * SECOND))),
    ]);
    assert_eq!(run.result.unwrap_err().retry_after(), Some(40 * SECOND));
    assert_eq!(run.slept, [40 * SECOND]);
}

#[test]
fn backs_off_until_the_attempts_are_spent() {
    let run = Setup::new(Idempotency::Safe).run([]);
    assert!(run.result.is_err());
    assert_eq!(run.attempts, 4);
    let rounded: Vec<f64> = run
        .slept
        .iter()
        .map(|delay| delay.as_secs_f64().round())
        .collect();
    assert_eq!(rounded, [1.0, 2.0, 4.0]);
}

#[test]
fn a_delay_that_passes_the_deadline_is_not_begun() {
    let mut setup = Setup::new(Idempotency::Safe);
    setup.deadline = Some(2 * SECOND);
    let run = setup.run([]);
    assert_eq!((run.attempts, run.slept.len()), (2, 1));

    setup.deadline = Some(Duration::ZERO);
    let run = setup.run([]);
    assert!(run.result.unwrap_err().is_certainly_unsent());
    assert_eq!(run.attempts, 0);
}

#[test]
fn an_outage_empties_the_budget() {
    let setup = Setup::new(Idempotency::Safe);
    let attempts: usize = (0..100).map(|_| setup.run([]).attempts).sum();
    assert_eq!(attempts, 120);
    for _ in 0..5 {
        setup.run([Ok(Response::default())]).result.unwrap();
    }
    assert_eq!(setup.run([]).attempts, 2);
}

#[test]
fn a_final_answer_costs_nothing() {
    let setup = Setup::new(Idempotency::Unsafe);
    for _ in 0..50 {
        assert_eq!(setup.run([]).attempts, 1);
    }
    assert!(setup.budget.take());
}

fn end() -> impl Strategy<Value = Result<Response, TransportError>> {
    let wait = proptest::option::of((0_u64..100_000).prop_map(Duration::from_millis));
    let status = proptest::sample::select(vec![
        302_u16, 401, 404, 408, 425, 429, 429, 429, 500, 503, 503,
    ]);
    (0..6, status, wait).prop_map(|(kind, status, wait)| match kind {
        0 => Err(TransportError::unreachable("h", "refused")),
        1 => Err(TransportError::interrupted("h")),
        2 => Err(TransportError::timeout("h")),
        _ => Err(answer(status, wait)),
    })
}

proptest! {
    // Property 1: the sleeps end before the deadline, and the attempts are at most those allowed.
    #[test]
    fn within_deadline_and_attempts(
        ends in proptest::collection::vec(end(), 0..12),
        deadline in proptest::option::of(0_u64..100_000),
        max in 0_u32..10,
        safe: bool,
        random: u64,
    ) {
        let mut setup = Setup::new(if safe { Idempotency::Safe } else { Idempotency::Unsafe });
        setup.policy = RetryPolicy::new().with_max_attempts(max);
        setup.deadline = deadline.map(Duration::from_millis);
        setup.random = random;
        let run = setup.run(ends);
        let slept: Duration = run.slept.iter().sum();
        prop_assert!(setup.deadline.is_none_or(|deadline| slept <= deadline));
        prop_assert!(run.attempts <= usize::try_from(max.max(1)).unwrap());
    }
}
