use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{StatusCode, Uri};
use proptest::prelude::*;

use super::*;
use crate::authorize::{Authorizer, Epoch};
use crate::error::TransportErrorKind;
use crate::idempotency::IdempotencyKey;
use crate::service::BoxFuture;
use crate::testing::ScriptedService;

mod simulated;

const SECRET: &str = "hh_rw_0123456789abcdef";

/// An authorizer that returns `SECRET` with an epoch, and the next epoch on renewal, up to the last.
#[derive(Debug)]
struct Keys {
    epoch: Mutex<u64>,
    last: u64,
    ready: bool,
}

impl Keys {
    fn new(last: u64) -> Self {
        Self {
            epoch: Mutex::new(1),
            last,
            ready: true,
        }
    }

    fn current(&self) -> (HeaderValue, Epoch) {
        let epoch = *self.epoch.lock().unwrap();
        (
            HeaderValue::try_from(format!("Bearer {SECRET}{epoch}")).unwrap(),
            Epoch::new(epoch),
        )
    }
}

impl Authorizer for Keys {
    fn ready(&self, _: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        self.ready.then(|| Ok(self.current()))
    }

    fn renew<'a>(
        &'a self,
        _: &'a Uri,
        stale: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        let mut epoch = self.epoch.lock().unwrap();
        if stale == Some(Epoch::new(*epoch)) && *epoch < self.last {
            *epoch += 1;
        }
        drop(epoch);
        Box::pin(async { Ok(self.current()) })
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

fn get(uri: &str) -> Request {
    http::Request::get(uri).body(Bytes::new()).unwrap()
}

fn transport(service: &ScriptedService) -> Transport {
    let retry = RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO);
    Transport::builder(Arc::new(service.clone()))
        .with_retry(retry)
        .build()
}

fn answers(statuses: &[u16]) -> ScriptedService {
    statuses
        .iter()
        .fold(ScriptedService::new(), |service, status| {
            service.with_answer(StatusCode::from_u16(*status).unwrap(), "")
        })
}

fn sent_keys(service: &ScriptedService) -> Vec<String> {
    let key = |request: &Request| {
        let header = &request.headers()[AUTHORIZATION];
        assert!(header.is_sensitive());
        header
            .to_str()
            .unwrap()
            .trim_start_matches("Bearer ")
            .trim_start_matches(SECRET)
            .to_owned()
    };
    service.requests().iter().map(key).collect()
}

#[test]
fn a_call_may_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let (transport, keys) = (transport(&answers(&[])), Keys::new(1));
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
    is_send(&transport.send(get("https://h/"), options));
}

#[test]
fn plain_http_leaves_this_machine_never() {
    let refused = [
        "http://example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://128.0.0.1/",
        "http://127.1/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::2]/",
        "http://localhost./",
    ];
    for uri in refused {
        let service = answers(&[200]);
        let error = run(transport(&service).send(get(uri), SendOptions::new(Idempotency::Safe)))
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Insecure, "{uri}");
        assert_eq!(
            (service.requests().len(), error.attempts().len()),
            (0, 0),
            "{uri}"
        );
    }
    for uri in [
        "http://127.0.0.1:1/",
        "http://127.9.9.9/",
        "http://[::1]:1/",
        "http://LocalHost/",
        "https://example.com/",
    ] {
        let sent =
            run(transport(&answers(&[200])).send(get(uri), SendOptions::new(Idempotency::Safe)));
        assert!(sent.is_ok(), "{uri}");
    }
}

#[test]
fn a_uri_that_cannot_be_sent_to_is_refused() {
    let uris = [
        "/path",
        "ftp://localhost/",
        "https://user:hh_secret_word@example.com/",
        "http://user@127.0.0.1/",
        "https://@example.com/",
        "http://[::1]evil.example/",
        "https://[::1]evil.example/",
    ];
    for uri in uris {
        let service = answers(&[200]);
        let error = run(transport(&service).send(get(uri), SendOptions::new(Idempotency::Safe)))
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::InvalidRequest, "{uri}");
        assert_eq!(service.requests().len(), 0, "{uri}");
        assert!(!format!("{error} {error:?}").contains("hh_secret_word"));
    }
}

#[test]
fn the_header_is_requested_before_each_attempt() {
    let service = answers(&[503, 503, 200]);
    let keys = Arc::new(Keys::new(1));
    let rotating = Arc::clone(&keys);
    // Another task renews the key while this call is between two attempts.
    let observer = Arc::new(move |event: &Event| {
        if matches!(event, Event::Attempt(_)) {
            *rotating.epoch.lock().unwrap() += 1;
        }
    });
    let retry = RetryPolicy::new().with_backoff(Duration::ZERO, Duration::ZERO);
    let transport = Transport::builder(Arc::new(service.clone()))
        .with_retry(retry)
        .with_observer(observer)
        .build();
    run(transport.send(
        get("https://h/"),
        SendOptions::new(Idempotency::Safe).with_authorizer(&*keys),
    ))
    .unwrap();
    assert_eq!(sent_keys(&service), ["1", "2", "3"]);
}

#[test]
fn a_rejected_key_is_renewed_once() {
    for status in [401, 403, 404] {
        let (service, keys) = (answers(&[status, 200]), Keys::new(9));
        let options = SendOptions::new(Idempotency::Unsafe).with_authorizer(&keys);
        run(transport(&service).send(get("https://h/"), options)).unwrap();
        assert_eq!(sent_keys(&service), ["1", "2"]);
    }
    let (service, keys) = (answers(&[401, 401, 200]), Keys::new(9));
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
    let error = run(transport(&service).send(get("https://h/"), options)).unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unauthenticated);
    assert_eq!((service.requests().len(), error.attempts().len()), (2, 2));
}

#[test]
fn the_same_key_is_not_sent_again() {
    let (service, keys) = (answers(&[401, 200]), Keys::new(1));
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
    let error = run(transport(&service).send(get("https://h/"), options)).unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_key_that_is_not_at_hand_is_fetched() {
    let (service, keys) = (
        answers(&[200]),
        Keys {
            ready: false,
            ..Keys::new(1)
        },
    );
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
    run(transport(&service).send(get("https://h/"), options)).unwrap();
    assert_eq!(sent_keys(&service), ["1"]);
}

#[test]
fn the_deadline_cuts_off_an_attempt() {
    #[derive(Debug)]
    struct NeverResponds;
    impl HttpService for NeverResponds {
        fn call(&self, _: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
            Box::pin(std::future::pending())
        }
    }
    let transport = Transport::builder(Arc::new(NeverResponds)).build();
    let options = SendOptions::new(Idempotency::Safe).with_timeout(Duration::from_millis(5));
    let error = run(transport.send(get("https://h/"), options)).unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts().len()),
        (TransportErrorKind::Timeout, 1)
    );
    assert!(!error.is_certainly_unsent());
}

#[test]
fn the_user_agent_names_us_unless_the_request_does() {
    let service = answers(&[200, 200]);
    let transport = transport(&service);
    let mut named = get("https://h/");
    named
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static("mine"));
    for request in [get("https://h/"), named] {
        run(transport.send(request, SendOptions::new(Idempotency::Safe))).unwrap();
    }
    let agents: Vec<_> = service
        .requests()
        .iter()
        .map(|request| request.headers()[USER_AGENT].clone())
        .collect();
    assert_eq!(
        agents,
        [
            concat!("honeyhive-rust/", env!("CARGO_PKG_VERSION")),
            "mine"
        ]
    );
}

#[test]
fn secrets_stay_out_of_errors_and_records() {
    let body =
        format!(r#"{{"message": "Bearer {SECRET}1 or {SECRET} is bad", "errorCode": "{SECRET}"}}"#);
    let service = ScriptedService::new().with_answer(StatusCode::FORBIDDEN, body.clone());
    let records = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&records);
    let transport = Transport::builder(Arc::new(service.clone()))
        .with_observer(Arc::new(move |event: &Event| {
            if let Event::Attempt(record) = event {
                seen.lock().unwrap().push(record.clone());
            }
        }))
        .build();
    let (keys, request) = (Keys::new(1), get(&format!("https://h:8/path?key={SECRET}")));
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(&keys);
    let error = run(transport.send(request, options)).unwrap_err();

    // The secret was in the header, in the query and in the response.
    let sent = &service.requests()[0];
    assert!(
        sent.headers()[AUTHORIZATION]
            .to_str()
            .unwrap()
            .contains(SECRET)
    );
    assert!(sent.uri().query().unwrap().contains(SECRET));
    assert!(body.contains(SECRET));

    let records = records.lock().unwrap();
    assert_eq!(
        (
            records[0].host(),
            records[0].path(),
            records[0].attempt().number()
        ),
        ("h:8", "/path", 1)
    );
    assert_eq!(error.to_string(), "h:8 responded with 403 Forbidden");
    assert_eq!(
        error.problem().unwrap().message(),
        Some("[redacted] or [redacted] is bad")
    );
    let shown = format!(
        "{error} {error:#?} {records:#?} {transport:?} {:?}",
        sent.headers()
    );
    assert!(!shown.contains("0123456789"), "{shown}");
}

#[test]
fn unsent_means_in_every_attempt() {
    for (ends, unsent) in [
        ([End::Lost, End::Unsent], false),
        ([End::Unsent, End::Unsent], true),
    ] {
        let retry = RetryPolicy::new()
            .with_max_attempts(2)
            .with_backoff(Duration::ZERO, Duration::ZERO);
        let transport = Transport::builder(Arc::new(script(&ends)))
            .with_retry(retry)
            .build();
        let error = run(transport.send(get("https://h/"), SendOptions::new(Idempotency::Safe)))
            .unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Unreachable);
        assert_eq!(error.is_certainly_unsent(), unsent);
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Unsent,
    Lost,
    Status(u16),
}

impl End {
    fn result(self) -> Result<Response, TransportError> {
        match self {
            Self::Unsent => Err(TransportError::unreachable("h", "refused")),
            Self::Lost => Err(TransportError::interrupted("h")),
            Self::Status(status) => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Ok(response)
            }
        }
    }
}

fn ends() -> impl Strategy<Value = Vec<End>> {
    let status = proptest::sample::select(vec![
        200_u16, 302, 401, 403, 404, 408, 409, 425, 429, 500, 503,
    ]);
    let end = prop_oneof![
        Just(End::Unsent),
        Just(End::Lost),
        status.prop_map(End::Status)
    ];
    proptest::collection::vec(end, 1..8)
}

fn script(ends: &[End]) -> ScriptedService {
    ends.iter().fold(ScriptedService::new(), |service, end| {
        service.with_result(end.result())
    })
}

proptest! {
    // An unsafe request is retried only if nothing was sent, after a 429, or once for another key.
    #[test]
    fn unsafe_requests_are_not_retried_after_a_failure(ends in ends(), last in 1_u64..4) {
        let (service, keys) = (script(&ends), Keys::new(last));
        let options = SendOptions::new(Idempotency::Unsafe).with_authorizer(&keys);
        let result = run(transport(&service).send(get("https://h/"), options));
        let sent = service.requests().len();
        let mut renewals = 0;
        for end in ends.iter().take(sent - 1) {
            match end {
                End::Unsent | End::Status(429) => {}
                End::Status(401 | 403 | 404) if last > 1 => renewals += 1,
                End::Lost | End::Status(_) => prop_assert!(false, "retried after {:?}", end),
            }
        }
        prop_assert!(renewals <= 1);
        prop_assert!(sent <= 5);
        if let Err(error) = result {
            prop_assert_eq!(error.attempts().len(), sent);
        }
    }

    // The idempotency key is the same on every attempt.
    #[test]
    fn the_idempotency_key_is_constant(ends in ends()) {
        let (service, keys) = (script(&ends), Keys::new(2));
        let key = IdempotencyKey::random().unwrap();
        let options = SendOptions::new(Idempotency::Keyed(key.clone())).with_authorizer(&keys);
        let _result = run(transport(&service).send(get("https://h/"), options));
        for request in service.requests() {
            prop_assert_eq!(&request.headers()[IDEMPOTENCY_KEY], &key.header());
        }
    }
}
