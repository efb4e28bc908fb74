//! What happens in one call, one after the other.

use std::fmt::Write as _;
use std::io::Read as _;

use flate2::read::GzDecoder;
use http::header::CONTENT_ENCODING;

use super::*;

/// Returns a line for each event.
fn observed(world: &World) -> String {
    let mut lines = String::new();
    for event in world.events.lock().unwrap().iter() {
        match event {
            Event::Attempt(record) => {
                let attempt = record.attempt();
                let (number, elapsed) = (attempt.number(), attempt.elapsed());
                let (method, host, path) = (record.method(), record.host(), record.path());
                write!(lines, "attempt {number}: {method} {host}{path}, ").unwrap();
                let (status, error) = (attempt.status(), attempt.error());
                writeln!(lines, "{status:?}, {error:?}, {elapsed:?}").unwrap();
            }
            Event::Wait { delay, asked } => {
                writeln!(lines, "wait {delay:.1?}, asked: {asked}").unwrap();
            }
        }
    }
    lines
}

#[test]
fn an_observer_receives_all_events_in_order() {
    simulate(async {
        let world = World::new([
            ServerTurn::from(End::Status(503)).taking(20 * MILLISECOND),
            busy(429, "7").taking(30 * MILLISECOND),
            ServerTurn::from(End::Status(200)).taking(40 * MILLISECOND),
        ])
        .with_random(u64::MAX / 2);
        let transport = world.transport(|builder| builder.with_rate_limit(1, 2 * SECOND));
        let request = get("https://h:8/path?query=1");
        let options = SendOptions::new(Idempotency::Safe);
        transport.send(request, options).await.unwrap();
        insta::assert_snapshot!(observed(&world), @"
        attempt 1: GET h:8/path, Some(503), Some(Unavailable), 20ms
        wait 500.0ms, asked: false
        wait 1.5s, asked: true
        attempt 2: GET h:8/path, Some(429), Some(RateLimited), 30ms
        wait 7.0s, asked: true
        attempt 3: GET h:8/path, Some(200), None, 40ms
        ");
    });
}

#[test]
fn an_observer_receives_the_attempt_with_a_renewed_key() {
    simulate(async {
        let world = World::new([401, 200].map(End::Status));
        let transport = world.transport(|builder| builder);
        let keys = SlowKeys {
            keys: Keys::new(9),
            takes: SECOND,
        };
        let options = SendOptions::new(Idempotency::Unsafe).with_authorizer(&keys);
        send(&transport, options).await.unwrap();
        assert_eq!(world.sent_at(), [0, 1_000]);
        insta::assert_snapshot!(observed(&world), @"
        attempt 1: GET h/, Some(401), Some(Unauthenticated), 0ns
        attempt 2: GET h/, Some(200), None, 0ns
        ");
    });
}

#[test]
fn a_key_is_renewed_once_in_a_call_of_many_attempts() {
    simulate(async {
        let world = World::new([401, 503, 403, 200].map(End::Status));
        let transport = world.transport(|builder| builder);
        let keys = Keys::new(9);
        let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
        let error = send(&transport, options).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
        assert_eq!(*keys.epoch.lock().unwrap(), 2);
        assert_eq!((world.count(), error.attempts().len()), (3, 3));
    });
}

const BODY: &str = "some text that is compressed";

async fn post(transport: &Transport, repeat: Idempotency) -> Result<Response, TransportError> {
    let request = http::Request::post("https://h/").body(BODY.into()).unwrap();
    let options = SendOptions::new(repeat).with_gzip();
    transport.send(request, options).await
}

/// Returns for each request whether its body is compressed, having read it.
fn compressed(world: &World) -> Vec<bool> {
    let sent = world.sent();
    let bodies = sent.iter().map(|sent| {
        let encoding = sent.request.headers().get(CONTENT_ENCODING);
        let Some(encoding) = encoding else {
            assert_eq!(sent.request.body(), BODY);
            return false;
        };
        assert_eq!(encoding, "gzip");
        let mut text = String::new();
        let mut decoder = GzDecoder::new(&sent.request.body()[..]);
        decoder.read_to_string(&mut text).unwrap();
        assert_eq!(text, BODY);
        true
    });
    bodies.collect()
}

#[test]
fn a_compressed_body_stays_so() {
    simulate(async {
        let world = World::new([503, 503, 200, 200].map(End::Status));
        let transport = world.transport(|builder| builder);
        for _ in 0..2 {
            post(&transport, Idempotency::Safe).await.unwrap();
        }
        assert_eq!(compressed(&world), [true; 4]);
    });
}

#[test]
fn a_server_that_does_not_take_gzip_gets_the_body_plain() {
    simulate(async {
        let world = World::new([415, 200, 200].map(End::Status));
        let transport = world.transport(|builder| builder);
        // Even what must not go twice: the server has looked at the header alone.
        for _ in 0..2 {
            post(&transport.clone(), Idempotency::Unsafe).await.unwrap();
        }
        assert_eq!(compressed(&world), [true, false, false]);
        assert_eq!((world.sent_at(), world.waits()), (vec![0; 3], vec![]));
    });
}

#[test]
fn a_server_that_does_not_take_the_body_at_all_is_believed() {
    simulate(async {
        let world = World::always(End::Status(415));
        let transport = world.transport(|builder| builder);
        for _ in 0..2 {
            let error = post(&transport, Idempotency::Safe).await.unwrap_err();
            let status = error.status().unwrap();
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
            assert_eq!(error.attempts().len(), 2);
        }
        // It was not the compression: the next call tries it again.
        assert_eq!(compressed(&world), [true, false, true, false]);

        // Nothing is sent twice that was plain.
        send_safe(&transport).await.unwrap_err();
        assert_eq!(world.count(), 5);
    });
}
