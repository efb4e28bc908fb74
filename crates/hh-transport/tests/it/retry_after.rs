//! The effect of `Retry-After` headers on a call.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use hh_testing::{HttpServer, Reply, response};
use hh_transport::{
    Event, Idempotency, ReqwestOptions, ReqwestService, RetryPolicy, SendOptions, Transport,
    TransportErrorKind,
};

use crate::{get, service};

const MAX_WAIT: Duration = Duration::from_millis(200);
const DAY: u64 = 24 * 60 * 60;

/// The reaction of a call to a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It waits this number of milliseconds and retries.
    Waits(u64),
    /// It returns an error immediately, with this number of seconds as the wait.
    Ends(u64),
    /// It retries after its own delay.
    Ignores,
}

use Outcome::{Ends, Ignores, Waits};

/// Header lines and their effect. The clock of the machine is far from these dates.
const SHAPES: [(&[u8], Outcome); 52] = [
    // Seconds.
    (b"retry-after: 1", Ends(1)),
    (b"retry-after: 120", Ends(120)),
    (b"Retry-After: 007", Ends(7)),
    (b"RETRY-AFTER:3", Ends(3)),
    (b"retry-after: \t 9 \t ", Ends(9)),
    (b"retry-after: 0", Ignores),
    (b"retry-after: 000", Ignores),
    // Fractions.
    (b"retry-after: 0.05", Waits(50)),
    (b"retry-after: 0.1", Waits(100)),
    (b"retry-after: .02", Waits(20)),
    (b"retry-after: 00.03", Waits(30)),
    (b"retry-after: 0.2", Waits(200)),
    (b"retry-after: 0.0001", Waits(1)),
    (b"retry-after: 2.", Ends(2)),
    (b"retry-after: 4.0", Ends(4)),
    (b"retry-after: 0.0", Ignores),
    // Out of range.
    (b"retry-after: 86399", Ends(DAY - 1)),
    (b"retry-after: 86401", Ends(DAY)),
    (b"retry-after: 99999999999999999999999999", Ends(DAY)),
    (b"retry-after: 18446744073709551616", Ends(DAY)),
    // Dates in three forms, with the clock of the server.
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:39 GMT",
        Ends(2),
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sunday, 06-Nov-94 08:49:40 GMT",
        Ends(3),
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun Nov  6 08:49:41 1994",
        Ends(4),
    ),
    (
        b"date: Sun Nov  6 08:49:37 1994\r\nretry-after: Sun, 06 Nov 1994 08:49:42 GMT",
        Ends(5),
    ),
    (
        b"retry-after: Sun, 06 Nov 1994 08:49:43 GMT\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT",
        Ends(6),
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sat, 06 Nov 2094 08:49:37 GMT",
        Ends(DAY),
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT",
        Ignores,
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:36 GMT",
        Ignores,
    ),
    // Dates with the clock of the client.
    (b"retry-after: Sun, 06 Nov 1994 08:49:37 GMT", Ignores),
    (
        b"date: yesterday\r\nretry-after: Sun, 06 Nov 1994 08:49:39 GMT",
        Ignores,
    ),
    (b"retry-after: Fri, 31 Dec 9999 23:59:59 GMT", Ends(DAY)),
    // Malformed.
    (b"retry-after:", Ignores),
    (b"retry-after:    ", Ignores),
    (b"retry-after: soon", Ignores),
    (b"retry-after: -1", Ignores),
    (b"retry-after: +1", Ignores),
    (b"retry-after: 1e3", Ignores),
    (b"retry-after: 0x10", Ignores),
    (b"retry-after: 1.2.3", Ignores),
    (b"retry-after: 1,5", Ignores),
    (b"retry-after: 5s", Ignores),
    (b"retry-after: \"5\"", Ignores),
    (b"retry-after: NaN", Ignores),
    (b"retry-after: \xd9\xa3", Ignores),
    (b"retry-after: \xff\xfe5", Ignores),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Wed, 31 Feb 2094 08:49:37 GMT",
        Ignores,
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Mon, 06 Nov 2094 08:49:37 GMT",
        Ignores,
    ),
    (
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: 2094-11-06T08:49:37Z",
        Ignores,
    ),
    // Several values: the longest valid one counts.
    (b"retry-after: 0.05\r\nretry-after: 0.1", Waits(100)),
    (b"retry-after: 7\r\nretry-after: 0", Ends(7)),
    (b"retry-after: soon\r\nretry-after: 8", Ends(8)),
    (b"retry-after: 0\r\nretry-after: soon", Ignores),
];

#[tokio::test]
async fn every_shape() {
    let service = service(&ReqwestOptions::new());
    for (lines, outcome) in SHAPES {
        check(&service, lines, outcome).await;
    }
}

/// A wrong clock of the server has no effect if the response contains its time.
#[tokio::test]
async fn a_server_whose_clock_is_off_by_an_hour() {
    let service = service(&ReqwestOptions::new());
    let hour = Duration::from_hours(1);
    let now = SystemTime::now();
    for clock in [now - hour, now + hour] {
        let until = httpdate::fmt_http_date(clock + Duration::from_secs(5));
        let lines = format!(
            "date: {}\r\nretry-after: {until}",
            httpdate::fmt_http_date(clock)
        );
        check(&service, lines.as_bytes(), Ends(5)).await;
    }
}

#[tokio::test]
async fn several_waits_count_together() {
    let wait = response("429 Too Many Requests", "retry-after: 0.15\r\n", "");
    let server = HttpServer::start([wait]);
    let (transport, _) = transport(&service(&ReqwestOptions::new()));
    let sent = transport.send(get(server.url()), SendOptions::new(Idempotency::Safe));
    let error = sent.await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(150)));
    assert_eq!(server.requests().len(), 2);
}

/// Responds with 429 and these lines once, and then with 200.
async fn check(service: &ReqwestService, lines: &[u8], outcome: Outcome) {
    let shown = String::from_utf8_lossy(lines);
    let mut busy = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n".to_vec();
    busy.extend_from_slice(lines);
    busy.extend_from_slice(b"\r\n\r\n");
    let server = HttpServer::start([Reply::Bytes(busy), response("200 OK", "", "")]);
    let (transport, waits) = transport(service);
    let start = Instant::now();
    let sent = transport.send(get(server.url()), SendOptions::new(Idempotency::Unsafe));
    let sent = sent.await;
    let elapsed = start.elapsed();
    let waits = waits.lock().unwrap().clone();
    match outcome {
        Waits(millis) => {
            let wait = Duration::from_millis(millis);
            assert!(sent.is_ok(), "{shown}: {sent:?}");
            assert_eq!(waits, [(wait, true)], "{shown}");
            assert!(elapsed >= wait, "{shown}: {elapsed:?}");
        }
        Ends(seconds) => {
            assert!(sent.is_err(), "{shown}: {sent:?}");
            let error = sent.unwrap_err();
            assert_eq!(error.kind(), TransportErrorKind::RateLimited, "{shown}");
            let wait = Duration::from_secs(seconds);
            assert_eq!(error.retry_after(), Some(wait), "{shown}");
            assert_eq!(waits, [], "{shown}");
        }
        Ignores => {
            assert!(sent.is_ok(), "{shown}: {sent:?}");
            assert_eq!(waits, [(Duration::ZERO, false)], "{shown}");
        }
    }
    let expected = if matches!(outcome, Ends(_)) { 1 } else { 2 };
    assert_eq!(server.requests().len(), expected, "{shown}");
}

type Seen = Arc<Mutex<Vec<(Duration, bool)>>>;

/// Returns a transport and its delays, each with whether it was required.
fn transport(service: &ReqwestService) -> (Transport, Seen) {
    let waits = Seen::default();
    let seen = Arc::clone(&waits);
    let retry = RetryPolicy::new()
        .with_max_wait(MAX_WAIT)
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let transport = Transport::builder(Arc::new(service.clone()))
        .with_retry(retry)
        .with_observer(Arc::new(move |event| {
            if let Event::Wait { delay, asked } = event {
                seen.lock().unwrap().push((*delay, *asked));
            }
        }))
        .build();
    (transport, waits)
}
