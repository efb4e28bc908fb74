//! Delays between attempts: their length, and the delays that are not started.

use super::*;
use crate::error::TimeoutStage;

/// Sends one safe call with the defaults, and returns its result and its time, in milliseconds from the start.
async fn call(world: &World) -> (Result<Response, TransportError>, u128) {
    call_within(world, 30 * SECOND).await
}

async fn call_within(world: &World, timeout: Duration) -> (Result<Response, TransportError>, u128) {
    let transport = world.transport(|builder| builder.with_timeout(timeout));
    let result = send_safe(&transport).await;
    (result, world.clock.start.elapsed().as_millis())
}

#[test]
fn retry_after_is_honored() {
    simulate(async {
        let world = World::new([
            busy(429, "7"),
            busy(503, "0.5"),
            // For this status `Retry-After` is unusual, but it is honored too.
            busy(500, "3"),
            ServerTurn::from(End::Status(200)),
        ]);
        call(&world).await.0.unwrap();
        assert_eq!(world.sent_at(), [0, 7_000, 7_500, 10_500]);
        let asked = [(7 * SECOND, true), (SECOND / 2, true), (3 * SECOND, true)];
        assert_eq!(world.waits(), asked);
    });
}

#[test]
fn a_wait_over_the_cap_fails_the_call_with_the_wait() {
    simulate(async {
        let world = World::new([busy(429, "61")]);
        let (result, end) = call(&world).await;
        assert_eq!(result.unwrap_err().retry_after(), Some(61 * SECOND));
        assert_eq!((world.sent_at(), end), (vec![0], 0));

        // The cap applies to the whole call.
        let world = World::new([busy(429, "40"), busy(429, "40")]);
        let (result, end) = call(&world).await;
        assert_eq!(result.unwrap_err().retry_after(), Some(40 * SECOND));
        assert_eq!((world.sent_at(), end), (vec![0, 40_000], 40_000));

        // The cap itself is allowed.
        let turns = [busy(429, "40"), busy(429, "20"), End::Status(200).into()];
        let world = World::new(turns);
        call(&world).await.0.unwrap();
        assert_eq!(world.sent_at(), [0, 40_000, 60_000]);
    });
}

#[test]
fn a_requested_wait_does_not_count_against_the_timeout() {
    simulate(async {
        let slow = ServerTurn::from(End::Status(200)).taking(SECOND);
        let world = World::new([busy(429, "50").taking(SECOND), slow]);
        let (result, end) = call_within(&world, 2 * SECOND).await;
        result.unwrap();
        assert_eq!((world.sent_at(), end), (vec![0, 51_000], 52_000));
    });
}

#[test]
fn backs_off_until_the_attempts_are_spent() {
    simulate(async {
        for (random, sent_at) in [
            (u64::MAX, [0, 1_000, 3_000, 7_000]),
            (u64::MAX / 2, [0, 500, 1_500, 3_500]),
            (0, [0; 4]),
        ] {
            let world = World::always(End::Lost).with_random(random);
            let (result, end) = call(&world).await;
            assert_eq!(result.unwrap_err().attempts().len(), 4);
            assert_eq!((world.sent_at(), end), (sent_at.to_vec(), sent_at[3]));
        }
        let world = World::always(End::Lost).with_random(u64::MAX);
        let retry = RetryPolicy::new().with_backoff(SECOND, SECOND * 3 / 2);
        let transport = world.transport(|builder| builder.with_retry(retry.with_max_attempts(5)));
        send_safe(&transport).await.unwrap_err();
        assert_eq!(world.sent_at(), [0, 1_000, 2_500, 4_000, 5_500]);
    });
}

#[test]
fn delays_differ_and_keep_their_bounds() {
    simulate(async {
        let world = World::always(End::Unsent);
        let retry = RetryPolicy::new().with_max_attempts(4);
        for _ in 0..300 {
            let transport = world.transport(|builder| builder.with_retry(retry.clone()));
            send_safe(&transport).await.unwrap_err();
        }
        let waits = world.waits();
        assert_eq!(waits.len(), 900);
        for (index, bound) in [(0, SECOND), (1, 2 * SECOND), (2, 4 * SECOND)] {
            let delays = waits.iter().skip(index).step_by(3).map(|(delay, _)| *delay);
            let delays: Vec<Duration> = delays.collect();
            let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
            assert!(*most < bound && *most > bound * 9 / 10, "{most:?}");
            assert!(*least < bound / 10, "{least:?}");
            let mean = delays.iter().sum::<Duration>() / 300;
            assert!(mean > bound * 4 / 10 && mean < bound * 6 / 10, "{mean:?}");
        }
    });
}

#[test]
fn a_delay_that_passes_the_deadline_is_not_begun() {
    simulate(async {
        let world = World::always(End::Lost).with_random(u64::MAX);
        let (result, end) = call_within(&world, 2 * SECOND).await;
        assert_eq!(result.unwrap_err().kind(), TransportErrorKind::Interrupted);
        assert_eq!((world.sent_at(), end), (vec![0, 1_000], 1_000));
    });
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    simulate(async {
        let world = World::always(End::Status(200));
        let (result, end) = call_within(&world, Duration::ZERO).await;
        let error = result.unwrap_err();
        assert!(error.is_certainly_unsent());
        assert_eq!(error.kind(), TransportErrorKind::Timeout);
        assert_eq!((world.count(), end), (0, 0));
    });
}

#[test]
fn an_attempt_that_lasts_too_long_is_cut_off() {
    simulate(async {
        let slow = ServerTurn::from(End::Status(200)).taking(HOUR);
        let world = World::new([ServerTurn::from(End::Unsent).taking(SECOND), slow]).with_random(0);
        let (result, end) = call_within(&world, 5 * SECOND).await;
        let error = result.unwrap_err();
        assert_eq!(error.timeout_stage(), Some(TimeoutStage::Total));
        let elapsed = error.attempts().iter().map(crate::Attempt::elapsed);
        assert_eq!(elapsed.collect::<Vec<_>>(), [SECOND, 4 * SECOND]);
        assert_eq!((world.sent_at(), end), (vec![0, 1_000], 5_000));
        assert!(!world.sent()[1].is_over);
    });
}

#[test]
fn keys_that_never_come_are_waited_for_until_the_deadline() {
    simulate(async {
        let keys = SlowKeys {
            keys: Keys {
                ready: false,
                ..Keys::new(1)
            },
            takes: HOUR,
        };
        let world = World::always(End::Status(200));
        let transport = world.transport(|builder| builder);
        let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
        let error = send(&transport, options).await.unwrap_err();
        assert!(error.is_certainly_unsent());
        assert_eq!(world.count(), 0);
        assert_eq!(world.clock.start.elapsed(), 30 * SECOND);

        // A rejection is the more informative response.
        let (keys, world) = (
            SlowKeys {
                keys: Keys::new(2),
                takes: HOUR,
            },
            World::always(End::Status(401)),
        );
        let transport = world.transport(|builder| builder);
        let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
        let error = send(&transport, options).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
        assert_eq!(world.clock.start.elapsed(), 30 * SECOND);
    });
}

#[test]
fn a_wrong_wall_clock_changes_no_wait() {
    let times = [-3_600, 0, 3_600].map(|seconds| {
        simulate(async {
            // The clock of the server, which is correct.
            let at = |seconds| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + MORNING + seconds);
            let until = |seconds: u32, status| {
                let now = at(5 * SECOND);
                busy(status, &at((5 + seconds) * SECOND)).with_header("date", &now)
            };
            let world = World::new([
                until(20, 429),
                End::Status(502).into(),
                until(9, 503),
                End::Status(200).into(),
            ])
            .with_wrong_clock(seconds);
            call(&world).await.0.unwrap();
            assert_eq!(world.waits()[0], (20 * SECOND, true));
            assert_eq!(world.waits()[2], (9 * SECOND, true));
            world.sent_at()
        })
    });
    assert_eq!(times[0], times[1]);
    assert_eq!(times[2], times[1]);
}
