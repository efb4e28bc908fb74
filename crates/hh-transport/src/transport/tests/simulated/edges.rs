//! Tests edge cases that earlier versions handled incorrectly.

use tokio::task::JoinSet;

use super::*;

#[test]
fn a_call_without_time_left_does_not_wait_and_send_once_more() {
    simulate(async {
        let world = World::new([busy(429, "10").taking(SECOND), End::Status(200).into()]);
        world.server.0.lock().unwrap().turns[1].takes = MILLISECOND;
        let transport = world.transport(|builder| builder.with_timeout(SECOND));
        let options = SendOptions::new(Idempotency::Unsafe);
        let error = send(&transport, options).await.unwrap_err();
        // An earlier version waited 10 s, sent the second request, canceled it immediately, and lost the status and
        // `retry_after`.
        assert_eq!(world.sent_at(), [0], "{error:?}");
    });
}

#[test]
fn a_call_that_waits_for_its_slot_observes_a_hold() {
    simulate(async {
        let hold = ServerTurn::from(End::Status(200)).with_header("ratelimit", "\"a\";r=0;t=10");
        let world = World::new([hold.taking(SECOND / 2)]);
        world.end_all_with(End::Status(200));
        let transport = world.transport(|builder| builder.with_rate_limit(1, SECOND));
        let calls: JoinSet<_> = std::iter::repeat_with(|| transport.clone())
            .take(3)
            .map(|transport| async move { send_safe(&transport).await.map(|_| ()) })
            .collect();
        calls.join_all().await;
        // An earlier version sent the requests at 0, 1 s and 2 s.
        assert!(world.sent_at()[1] >= 10_500, "{:?}", world.sent_at());
    });
}

#[test]
fn a_gzip_refusal_is_remembered_when_the_plain_request_is_retried() {
    simulate(async {
        let world = World::new([415, 503, 200, 200].map(End::Status));
        let transport = world.transport(|builder| builder);
        for _ in 0..2 {
            let options = SendOptions::new(Idempotency::Safe).with_gzip();
            send(&transport, options).await.unwrap();
        }
        let last = &world.sent()[3].request;
        assert!(!last.headers().contains_key("content-encoding"));
    });
}

#[test]
fn no_sum_of_times_overflows() {
    simulate(async {
        let world = World::always(End::Status(200));
        let transport = world.transport(|builder| builder.with_rate_limit(1, Duration::MAX));
        let call = tokio::spawn(async move { send_safe(&transport).await.map(|_| ()) });
        assert!(
            call.await.is_ok(),
            "with_rate_limit(1, Duration::MAX) panics"
        );
    });
}

#[test]
fn no_server_response_overflows_a_sum() {
    simulate(async {
        let reset = i64::MAX - 20_000_000;
        let field = format!("\"a\";r=0;t={reset}");
        let world =
            World::new([ServerTurn::from(End::Status(200)).with_header("ratelimit", &field)]);
        let retry = RetryPolicy::new().with_max_wait(Duration::MAX);
        let transport =
            world.transport(|builder| builder.with_retry(retry).with_timeout(Duration::MAX));
        send_safe(&transport).await.unwrap();
        let call = tokio::spawn(async move {
            tokio::time::timeout(SECOND, send_safe(&transport))
                .await
                .map(|_| ())
        });
        assert!(
            !call.await.is_err_and(|error| error.is_panic()),
            "deadline += wait panics"
        );
    });
}
