//! What holds for any script of answers: a call keeps its time, and what must not be done twice is not.

use proptest::collection::vec;
use proptest::option;

use super::*;

/// How a call is sent.
#[derive(Clone, Debug)]
struct Setup {
    timeout: Duration,
    max_attempts: u32,
    /// Calls in a window, if there is a limit.
    limit: Option<(u32, Duration)>,
    max_wait: Duration,
    /// The last key there is; the first is 1.
    last_key: u64,
    is_key_ready: bool,
    /// How long another key takes.
    renewal: Duration,
    gzip: bool,
    random: u64,
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(Duration::from_millis)
}

prop_compose! {
    fn setup()(
        timeout in millis(0..8_000),
        max_attempts in 0_u32..7,
        limit in option::of((1_u32..4, millis(1..4_000))),
        max_wait in prop_oneof![Just(Duration::from_mins(1)), millis(0..9_000)],
        last_key in 1_u64..4,
        is_key_ready: bool,
        renewal in millis(0..3_000),
        gzip: bool,
        random: u64,
    ) -> Setup {
        Setup { timeout, max_attempts, limit, max_wait, last_key, is_key_ready, renewal, gzip, random }
    }
}

prop_compose! {
    fn turn()(
        end in prop_oneof![
            1 => Just(End::Unsent),
            1 => Just(End::Lost),
            4 => proptest::sample::select(vec![
                200_u16, 302, 400, 401, 403, 404, 408, 409, 415, 425, 429, 429, 429, 500, 502, 503, 504,
            ]).prop_map(End::Status),
        ],
        takes in prop_oneof![Just(Duration::ZERO), millis(0..3_000)],
        retry_after in option::of(0_u32..30_000),
        reset in option::weighted(0.2, 0_u8..20),
    ) -> ServerTurn {
        let mut turn = ServerTurn::from(end).taking(takes);
        if let Some(millis) = retry_after {
            turn = turn.with_header("retry-after", &format!("{}.{:03}", millis / 1_000, millis % 1_000));
        }
        if let Some(reset) = reset {
            turn = turn.with_header("ratelimit", &format!("\"default\";r=0;t={reset}"));
        }
        turn
    }
}

impl Setup {
    fn transport(&self, world: &World) -> Transport {
        let retry = RetryPolicy::new()
            .with_max_attempts(self.max_attempts)
            .with_max_wait(self.max_wait);
        world.transport(|builder| {
            let builder = builder.with_retry(retry).with_timeout(self.timeout);
            match self.limit {
                Some((calls, window)) => builder.with_rate_limit(calls, window),
                None => builder,
            }
        })
    }

    fn keys(&self) -> SlowKeys {
        let keys = Keys {
            ready: self.is_key_ready,
            ..Keys::new(self.last_key)
        };
        let takes = self.renewal;
        SlowKeys { keys, takes }
    }

    /// Over any time no more requests went than a burst and the pace allow.
    fn keeps_the_limit(&self, world: &World) -> Result<(), TestCaseError> {
        let Some((calls, window)) = self.limit else {
            return Ok(());
        };
        let sent = world.sent();
        for (index, from) in sent.iter().enumerate() {
            for (count, to) in (1_u32..).zip(&sent[index..]) {
                let span = to.at.duration_since(from.at) + MILLISECOND;
                let windows = 1.0 + span.as_secs_f64() / window.as_secs_f64();
                prop_assert!(f64::from(count) <= f64::from(calls) * windows);
            }
        }
        Ok(())
    }

    /// Returns how many requests a call may make: one more for another key, and one for a body that must be plain.
    fn most(&self) -> usize {
        let attempts = usize::try_from(self.max_attempts.max(1)).unwrap();
        attempts + 1 + usize::from(self.gzip)
    }
}

/// A time that passed, rounded to the millisecond of the simulated clock at each of its steps.
const TOLERANCE: Duration = Duration::from_millis(10);

proptest! {
    #[test]
    fn a_call_lasts_at_most_its_timeout_and_the_requested_waits(
        setup in setup(),
        turns in vec(turn(), 0..12),
        is_safe: bool,
    ) {
        simulate(async {
            let world = World::new(turns).with_random(setup.random);
            let (transport, keys) = (setup.transport(&world), setup.keys());
            // Later calls find what earlier ones left of the limits.
            for _ in 0..3 {
                let repeat = if is_safe { Idempotency::Safe } else { Idempotency::Unsafe };
                let mut options = SendOptions::new(repeat).with_authorizer(&keys);
                if setup.gzip {
                    options = options.with_gzip();
                }
                let (start, count, waited) = (Instant::now(), world.count(), world.waited());
                let result = send(&transport, options).await;
                let asked = world.waited().saturating_sub(waited);
                let sent = world.count() - count;
                let took = start.elapsed();
                prop_assert!(asked <= setup.max_wait, "asked to wait {:?}", asked);
                prop_assert!(took <= setup.timeout + asked + TOLERANCE, "took {:?}, of which {:?} asked for", took, asked);
                prop_assert!(sent <= setup.most(), "{} requests", sent);
                if let Err(error) = result {
                    prop_assert_eq!(error.attempts().len(), sent);
                }
            }
            setup.keeps_the_limit(&world)
        })?;
    }

    #[test]
    fn unsafe_requests_are_not_retried(
        mut setup in setup(),
        turns in vec(turn(), 1..12),
        // The attempts after which somebody else renews the key.
        renewed in 0_u16..1 << 12,
    ) {
        setup.gzip = false;
        simulate(async {
            let world = World::new(turns).with_random(setup.random);
            let (transport, keys) = (setup.transport(&world), setup.keys());
            let options = SendOptions::new(Idempotency::Unsafe).with_authorizer(&keys);
            let call = send(&transport, options);
            let rotation = async {
                for step in 0.. {
                    tokio::time::sleep(SECOND).await;
                    if renewed >> (step % 12) & 1 == 1 {
                        let mut epoch = keys.keys.epoch.lock().unwrap();
                        *epoch = setup.last_key.min(*epoch + 1);
                    }
                }
            };
            tokio::select! {
                biased;
                _result = call => {}
                () = rotation => {}
            }
            let key = |sent: &SentRequest| sent.request.headers()[AUTHORIZATION].clone();
            let mut rejections = 0;
            for pair in world.sent().windows(2) {
                let [before, after] = pair else { unreachable!() };
                prop_assert!(before.is_over, "sent again while the server was at it");
                match before.turn.end {
                    End::Unsent | End::Status(429) => {}
                    End::Status(401 | 403 | 404) => {
                        rejections += 1;
                        prop_assert_ne!(key(before), key(after));
                    }
                    End::Lost | End::Status(_) => prop_assert!(false, "sent again after {:?}", before.turn),
                }
            }
            prop_assert!(rejections <= 1);
            prop_assert!(world.count() <= setup.most());
            Ok(())
        })?;
    }

    #[test]
    fn no_repetition_comes_before_any_answer_allows_it(
        setup in setup(),
        turns in vec(turn(), 1..12),
    ) {
        simulate(async {
            let world = World::new(turns).with_random(setup.random);
            let transport = setup.transport(&world);
            let _ended = send_safe(&transport).await;
            for pair in world.sent().windows(2) {
                let [before, after] = pair else { unreachable!() };
                let headers = before.turn.result().map(|response| response.headers().clone());
                let headers = headers.unwrap_or_default();
                let says = |name| headers.get(name).and_then(|value| value.to_str().ok());
                let wait: f64 = says("retry-after").map_or(0.0, |wait| wait.parse().unwrap());
                let reset: f64 = says("ratelimit").map_or(0.0, |field| {
                    field.rsplit('=').next().unwrap().parse().unwrap()
                });
                // A server that wants more than we would wait for is asked again.
                let reset = if reset > setup.max_wait.as_secs_f64() { 0.0 } else { reset };
                let allowed = before.at + before.turn.takes + Duration::from_secs_f64(wait.max(reset));
                prop_assert!(after.at >= allowed, "{:?} is too early", allowed - after.at);
            }
            Ok(())
        })?;
    }
}
