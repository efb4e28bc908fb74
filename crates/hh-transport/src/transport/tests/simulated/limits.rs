//! Rate limits: the limit of the client, and the remaining requests that the server reports.

use tokio::task::JoinSet;

use super::*;

#[test]
fn calls_wait_for_their_places() {
    simulate(async {
        let world = World::always(End::Status(200));
        let transport = world.transport(|builder| builder.with_rate_limit(2, SECOND));
        for _ in 0..8 {
            send_safe(&transport).await.unwrap();
        }
        let paced = [0, 0, 500, 1_000, 1_500, 2_000, 2_500, 3_000];
        assert_eq!(world.sent_at(), paced);
        assert_eq!(world.waited(), 3 * SECOND);
    });
}

#[test]
fn clones_share_the_limit() {
    simulate(async {
        let world = World::always(End::Status(200));
        let transport = world.transport(|builder| builder.with_rate_limit(2, SECOND));
        let clones = std::iter::repeat_with(|| transport.clone()).take(8);
        let calls: JoinSet<_> = clones
            .map(|transport| async move { send_safe(&transport).await.map(|_| ()) })
            .collect();
        for result in calls.join_all().await {
            result.unwrap();
        }
        let paced = [0, 0, 500, 1_000, 1_500, 2_000, 2_500, 3_000];
        assert_eq!(world.sent_at(), paced);
    });
}

#[test]
fn repetitions_take_places_too() {
    simulate(async {
        let turns = [End::Lost, End::Lost, End::Lost, End::Status(200)];
        let world = World::new(turns).with_random(0);
        let transport = world.transport(|builder| builder.with_rate_limit(1, SECOND));
        send_safe(&transport).await.unwrap();
        assert_eq!(world.sent_at(), [0, 1_000, 2_000, 3_000]);
    });
}

#[test]
fn a_slot_that_is_too_far_away_fails_the_call_with_the_wait() {
    simulate(async {
        let retry = RetryPolicy::new().with_max_wait(SECOND);
        let set = |builder: TransportBuilder| {
            builder
                .with_retry(retry.clone())
                .with_rate_limit(1, 5 * SECOND)
        };
        let world = World::always(End::Status(200));
        let transport = world.transport(set);
        send_safe(&transport).await.unwrap();
        for _ in 0..3 {
            let error = send_safe(&transport).await.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::RateLimited);
            assert_eq!(error.retry_after(), Some(5 * SECOND));
            assert_eq!(error.status(), None);
            assert!(error.is_certainly_unsent() && error.attempts().is_empty());
        }
        assert_eq!((world.sent_at(), world.waits()), (vec![0], vec![]));
        // A call at that time finds a free slot.
        tokio::time::sleep(5 * SECOND).await;
        send_safe(&transport).await.unwrap();
        assert_eq!(world.sent_at(), [0, 5_000]);
    });
}

#[test]
fn a_limit_in_the_middle_of_a_call_keeps_what_came_before() {
    simulate(async {
        let retry = RetryPolicy::new().with_max_wait(SECOND);
        let world = World::always(End::Lost);
        let transport =
            world.transport(|builder| builder.with_retry(retry).with_rate_limit(1, 10 * SECOND));
        let error = send_safe(&transport).await.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Interrupted);
        assert!(error.retry_after() > Some(9 * SECOND));
        assert!(!error.is_certainly_unsent());
        let first = &error.attempts()[0];
        assert_eq!(first.error(), Some(TransportErrorKind::Interrupted));
        assert_eq!(error.attempts().len(), 1);
    });
}

#[test]
fn the_cap_of_waits_counts_for_limits_and_retry_after_together() {
    simulate(async {
        let turns = [busy(429, "40"), busy(429, "20"), End::Status(200).into()];
        for (window, sent_at, rest) in [
            // At 50 s a slot is free, and the cap is 60 s.
            (50, vec![0, 50_000], 20),
            (90, vec![0], 50),
        ] {
            let world = World::new(turns.clone());
            let window = SECOND * window;
            let transport = world.transport(|builder| builder.with_rate_limit(1, window));
            let error = send_safe(&transport).await.unwrap_err();
            assert_eq!(error.retry_after(), Some(SECOND * rest));
            assert_eq!(world.sent_at(), sent_at);
        }
    });
}

#[test]
fn what_the_server_has_left_holds_the_next_call() {
    simulate(async {
        for (field, status) in [
            ("\"default\";r=0;t=5", 200),
            ("limit=9, remaining=0, reset=5", 200),
            ("\"default\";r=0;t=5", 404),
        ] {
            let turn = ServerTurn::from(End::Status(status)).with_header("ratelimit", field);
            let world = World::new([turn.taking(SECOND), End::Status(200).into()]);
            let transport = world.transport(|builder| builder);
            let first = send_safe(&transport).await;
            assert_eq!(first.is_ok(), status == 200);
            // Clones share the exhausted limit of the server.
            send_safe(&transport.clone()).await.unwrap();
            assert_eq!(world.sent_at(), [0, 6_000], "{field}");
            assert_eq!(world.waits(), [(5 * SECOND, true)]);
        }
    });
}

#[test]
fn the_hold_is_over_when_it_has_passed() {
    simulate(async {
        let turn = ServerTurn::from(End::Status(200)).with_header("ratelimit", "\"a\";r=0;t=5");
        let world = World::new([turn, End::Status(200).into()]);
        let transport = world.transport(|builder| builder);
        send_safe(&transport).await.unwrap();
        tokio::time::sleep(3 * SECOND).await;
        send_safe(&transport).await.unwrap();
        assert_eq!(world.sent_at(), [0, 5_000]);
    });
}

#[test]
fn the_longest_of_several_holds_counts() {
    simulate(async {
        for seconds in [[5, 9], [9, 5]] {
            let turns = seconds.map(|seconds| {
                let field = format!("\"default\";r=0;t={seconds}");
                let turn = ServerTurn::from(End::Status(200)).with_header("ratelimit", &field);
                turn.taking(SECOND)
            });
            let world = World::new(turns);
            let transport = world.transport(|builder| builder);
            let (first, second) = tokio::join!(send_safe(&transport), send_safe(&transport));
            assert!(first.is_ok() && second.is_ok());
            world.end_all_with(End::Status(200));
            send_safe(&transport).await.unwrap();
            assert_eq!(world.sent_at(), [0, 0, 10_000]);
        }
    });
}

#[test]
fn a_hold_beyond_the_limit_delays_nothing() {
    simulate(async {
        let answer = |seconds| {
            let field = format!("\"default\";r=0;t={seconds}");
            ServerTurn::from(End::Status(200)).with_header("ratelimit", &field)
        };
        let world = World::new([answer(61), answer(u64::MAX), answer(60), answer(0)]);
        let transport = world.transport(|builder| builder);
        for _ in 0..4 {
            send_safe(&transport).await.unwrap();
        }
        assert_eq!(world.sent_at(), [0, 0, 0, 60_000]);
    });
}

#[test]
fn one_response_causes_one_wait() {
    simulate(async {
        let turn = busy(429, "7").with_header("ratelimit", "\"default\";r=0;t=7");
        let world = World::new([turn, End::Status(200).into()]);
        let transport = world.transport(|builder| builder);
        send_safe(&transport).await.unwrap();
        assert_eq!(world.sent_at(), [0, 7_000]);
        assert_eq!(world.waits(), [(7 * SECOND, true)]);
    });
}
