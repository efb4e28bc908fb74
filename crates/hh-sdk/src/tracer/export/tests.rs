//! Tests of the export thread with a scripted transport.

use std::collections::VecDeque;
use std::fmt;
use std::io::Read as _;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hh_auth::{ApiKey, AuthError, Credential, CredentialProvider, Credentials};
use hh_config::{Env, Origin, Provenance, Source};
use hh_transport::{
    BoxFuture, Clock, HttpService, Request, Response, RetryPolicy, Transport, TransportError,
};
use http::StatusCode;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as Wire;
use prost::Message as _;

use super::*;
use crate::resolve::{Sender, resolve};
use crate::tracer::exporter::HttpExporter;
use crate::tracer::last_failure::LastFailure;
use crate::tracer::queue::{Queue, Task};
use crate::tracer::state::Item;
use crate::{ErrorKind, Options, report};

const LONG: Duration = Duration::from_mins(1);
const KEY: &str = "hh_1234567890abcdef1234567890abcdef";

/// The response to a request.
type Answer = Box<dyn Fn(&[String]) -> Result<u16, Panics> + Send + Sync>;

/// The point where a call to the service panics.
#[derive(Clone, Copy)]
enum Panics {
    AtOnce,
    Later,
    WithBomb,
}

/// The payload of a panic that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the payload of a panic");
    }
}

/// A service that stores the names of the spans of each request.
struct Service {
    answer: Answer,
    requests: Mutex<Vec<Vec<String>>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Service")
    }
}

impl HttpService for Service {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let names = names(&request);
        let answer = (self.answer)(&names);
        self.requests.lock().unwrap().push(names);
        match answer {
            Ok(status) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
                Box::pin(std::future::ready(Ok(response)))
            }
            Err(Panics::AtOnce) => panic!("in the call"),
            Err(Panics::Later) => Box::pin(async { panic!("in the future") }),
            Err(Panics::WithBomb) => panic_any(Bomb),
        }
    }
}

/// Returns the names of the spans of an export; none for another request.
fn names(request: &Request) -> Vec<String> {
    let mut body = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&request.body()[..]);
    if decoder.read_to_end(&mut body).is_err() {
        return Vec::new();
    }
    let export = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let resources = export.resource_spans.into_iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    spans.map(|span| span.name).collect()
}

/// Returns a queue that retries without a delay.
fn queue(transport: Transport, variables: &[(&str, &str)]) -> Queue {
    queue_of(variables, |sender| sender.with_transport(transport))
}

fn queue_of(variables: &[(&str, &str)], change: impl FnOnce(Sender) -> Sender) -> Queue {
    let key = [("HH_API_KEY", KEY), ("HH_BASE_URL", "http://127.0.0.1:9")];
    let options = Options::new()
        .with_env(Env::from_pairs(key.iter().chain(variables).copied()))
        .without_store();
    let mut resolved = resolve(&options).unwrap();
    resolved.settings.retry_delay.value = Duration::ZERO;
    let sender = Sender::new(&options, &resolved).unwrap();
    let exporter = HttpExporter::new(change(sender), LastFailure::default());
    Queue::new(Box::new(exporter), &resolved.settings, options.reporter())
}

fn builder(service: &Arc<Service>) -> hh_transport::TransportBuilder {
    let service: Arc<dyn HttpService> = Arc::<Service>::clone(service);
    Transport::builder(service).with_retry(RetryPolicy::new().with_max_attempts(1))
}

fn service(
    answer: impl Fn(&[String]) -> Result<u16, Panics> + Send + Sync + 'static,
) -> Arc<Service> {
    Arc::new(Service {
        answer: Box::new(answer),
        requests: Mutex::default(),
    })
}

fn push(queue: &Queue, name: &str) {
    let span = Wire {
        name: name.to_owned(),
        ..Wire::default()
    };
    queue.push(Item::Span(&span.encode_to_vec(), Instant::now()));
}

/// Pushes a span that is lost, and then another one that arrives.
fn survives(queue: &Queue) {
    push(queue, "lost");
    let error = queue.flush_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
    assert!(error.to_string().contains("panicked"), "{error}");
    push(queue, "arrives");
    queue.flush_blocking(LONG).unwrap();
    assert_eq!(queue.dropped(), 1);
}

#[test]
fn a_panic_of_the_http_service_loses_its_batch_and_nothing_else() {
    for panics in [Panics::AtOnce, Panics::Later, Panics::WithBomb] {
        let service = service(move |names| match names {
            [name] if name == "lost" => Err(panics),
            _ => Ok(200),
        });
        survives(&queue(builder(&service).build(), &[]));
    }
}

/// A clock that panics once.
#[derive(Debug, Default)]
struct PanicsOnce(AtomicUsize);

impl Clock for PanicsOnce {
    fn now(&self) -> Instant {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the clock");
        Instant::now()
    }

    fn time_of_day(&self) -> std::time::SystemTime {
        std::time::SystemTime::now()
    }

    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(delay))
    }

    fn random(&self) -> u64 {
        0
    }
}

#[test]
fn a_panic_of_the_clock_or_the_observer_loses_its_batch_and_nothing_else() {
    let clock = builder(&service(|_| Ok(200))).with_clock(Arc::new(PanicsOnce::default()));
    survives(&queue(clock.build(), &[]));
    let calls = AtomicUsize::new(0);
    let observer = move |_: &hh_transport::Event| {
        assert!(calls.fetch_add(1, Ordering::Relaxed) > 0, "the observer");
    };
    let transport = builder(&service(|_| Ok(200))).with_observer(Arc::new(observer));
    survives(&queue(transport.build(), &[]));
}

/// A provider that panics on the first call that loads the key or checks it for changes.
#[derive(Debug)]
struct Provider {
    loads: AtomicUsize,
    looks: AtomicUsize,
    panics_in_load: bool,
}

impl CredentialProvider for Provider {
    fn name(&self) -> &'static str {
        "the test"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        let is_first = self.loads.fetch_add(1, Ordering::Relaxed) == 0;
        assert!(!(is_first && self.panics_in_load), "the provider");
        let origin = Origin::parse("http://127.0.0.1:9").unwrap();
        let provenance = Provenance::new(Source::Default, None);
        let key = ApiKey::parse(KEY).unwrap();
        Ok(Some(Credential::new(key, origin, provenance)))
    }

    fn may_have_changed(&self) -> bool {
        let is_first = self.looks.fetch_add(1, Ordering::Relaxed) == 0;
        assert!(!is_first || self.panics_in_load, "the provider");
        false
    }
}

#[test]
fn a_panic_of_the_credential_provider_stops_nothing() {
    let queue_with = |panics_in_load| {
        let provider = Provider {
            loads: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            panics_in_load,
        };
        let credentials = Credentials::new(vec![Box::new(provider)]);
        queue_of(&[], |sender| {
            let sender = sender.with_credentials(credentials);
            sender.with_transport(builder(&service(|_| Ok(200))).build())
        })
    };
    survives(&queue_with(false));
    // A panic of the provider has the effect of a missing key, which loses nothing.
    let queue = queue_with(true);
    push(&queue, "arrives");
    let error = queue.flush_blocking(LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    queue.flush_blocking(LONG).unwrap();
    assert_eq!(queue.dropped(), 0);
}

#[test]
fn a_panic_of_the_reporter_loses_only_its_line() {
    let options = Options::new().with_lines(|_, line| panic!("{line}"));
    let reporter = options.reporter();
    let observer = move |event: &hh_transport::Event| report::event(&reporter, event);
    let service = service(|_| Ok(200));
    let queue = queue(
        builder(&service).with_observer(Arc::new(observer)).build(),
        &[],
    );
    push(&queue, "arrives");
    queue.flush_blocking(LONG).unwrap();
    assert_eq!(*service.requests.lock().unwrap(), [["arrives"]]);
}

#[test]
fn a_server_that_always_causes_a_panic_hangs_no_flush() {
    let queue = queue(builder(&service(|_| Err(Panics::Later))).build(), &[]);
    for round in 1..=3 {
        for number in 0..250 {
            push(&queue, &number.to_string());
        }
        let error = queue.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped);
        assert_eq!(queue.dropped(), round * 250);
    }
    queue.close(Some(LONG));
    queue.flush_blocking(LONG).unwrap();
}

/// A waker that panics, with a payload that panics when it is dropped.
struct PanickingWaker;

impl std::task::Wake for PanickingWaker {
    fn wake(self: Arc<Self>) {
        panic_any(Bomb);
    }
}

#[test]
fn a_waker_that_panics_disturbs_no_other_flush() {
    let (release, released) = std::sync::mpsc::channel();
    let released = Mutex::new(released);
    let service = service(move |_| {
        released.lock().unwrap().recv().unwrap();
        Ok(200)
    });
    let queue = queue(builder(&service).build(), &[]);
    push(&queue, "span");
    let waker = std::task::Waker::from(Arc::new(PanickingWaker));
    let mut flushes: VecDeque<_> = (0..3).map(|_| Box::pin(queue.flush(LONG))).collect();
    for flush in &mut flushes {
        let mut context = std::task::Context::from_waker(&waker);
        assert!(flush.as_mut().poll(&mut context).is_pending());
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(|| queue.flush_blocking(LONG));
        release.send(()).unwrap();
        other.join().unwrap().unwrap();
    });
    // Each flush has a result, and the thread still works.
    for flush in flushes {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut flush = flush;
        // The other flush may have started late and may complete before these.
        let deadline = Instant::now() + LONG;
        while flush.as_mut().poll(&mut context).is_pending() {
            assert!(Instant::now() < deadline, "a flush has no result");
            std::thread::yield_now();
        }
    }
    push(&queue, "another");
    release.send(()).unwrap();
    queue.flush_blocking(LONG).unwrap();
}

#[test]
fn only_the_span_that_makes_the_server_fail_is_lost() {
    for status in [500, 501, 408, 413] {
        let service = service(move |names| {
            let is_poisoned = names.iter().any(|name| name == "13");
            Ok(if is_poisoned { status } else { 200 })
        });
        let queue = queue(builder(&service).build(), &[("HH_BATCH_SIZE", "10")]);
        for number in 0..40 {
            push(&queue, &number.to_string());
        }
        let error = queue.flush_blocking(LONG).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Dropped, "{status}: {error}");
        assert!(error.to_string().starts_with("1 of "), "{status}: {error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        let requests = service.requests.lock().unwrap();
        let arrived = requests
            .iter()
            .filter(|names| !names.contains(&"13".to_owned()));
        let arrived: Vec<_> = arrived.flatten().cloned().collect();
        let expected = (0..40).filter(|number| *number != 13);
        assert_eq!(arrived, expected.map(|n| n.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn an_overflow_during_an_outage_drops_the_oldest_spans_of_the_batch_that_failed() {
    let service = service(|names| match names {
        [first, ..] if first.starts_with("old") => Ok(503),
        _ => Ok(200),
    });
    let queue = queue(
        builder(&service).build(),
        &[("HH_BATCH_SIZE", "50"), ("HH_MAX_QUEUE_SIZE", "100")],
    );
    for number in 0..50 {
        push(&queue, &format!("old {number}"));
    }
    while service.requests.lock().unwrap().len() < 2 {
        std::thread::yield_now();
    }
    for number in 0..100 {
        push(&queue, &number.to_string());
    }
    let error = queue.flush_blocking(LONG).unwrap_err();
    assert!(error.to_string().starts_with("50 of "), "{error}");
    let requests = service.requests.lock().unwrap();
    let arrived = requests.iter().filter(|names| !names[0].starts_with("old"));
    let arrived: Vec<_> = arrived.flatten().cloned().collect();
    assert_eq!(arrived, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// Returns a queue that starts its threads by `spawn`.
fn queue_with(
    service: &Arc<Service>,
    spawn: impl Fn(&str, Task) -> std::io::Result<()> + Send + Sync + 'static,
) -> Queue {
    queue(builder(service).build(), &[]).with_spawn(spawn)
}

fn spawn(task: Task) -> std::io::Result<()> {
    std::thread::Builder::new().spawn(task).map(drop)
}

fn no_thread() -> std::io::Result<()> {
    Err(std::io::ErrorKind::WouldBlock.into())
}

#[test]
fn a_thread_that_cannot_be_started_is_started_by_a_later_span_or_flush() {
    for failures in 1..4 {
        let service = service(|_| Ok(200));
        let left = AtomicUsize::new(failures);
        let queue = queue_with(&service, move |_, task| {
            let order = Ordering::Relaxed;
            match left.fetch_update(order, order, |left| left.checked_sub(1)) {
                Ok(_) => no_thread(),
                Err(_) => spawn(task),
            }
        });
        push(&queue, "first");
        push(&queue, "second");
        // Each span and each flush tries once.
        if failures == 3 {
            let error = queue.flush_blocking(LONG).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Other, "{error}");
            assert!(
                error.to_string().contains("could not be started"),
                "{error}"
            );
        }
        queue.flush_blocking(LONG).unwrap();
        assert_eq!(queue.dropped(), 0);
        let requests = service.requests.lock().unwrap();
        assert_eq!(requests.concat(), ["first", "second"], "{failures}");
    }
}

#[test]
fn a_shutdown_without_a_thread_reports_the_loss() {
    let queue = queue_with(&service(|_| Ok(200)), |_, _| no_thread());
    push(&queue, "lost");
    let error = poll_to_end(queue.flush(LONG)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other, "{error}");
    queue.close(Some(LONG));
    let error = poll_to_end(queue.flush(LONG)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Dropped, "{error}");
    assert!(
        error.to_string().contains("could not be started"),
        "{error}"
    );
    assert_eq!(queue.dropped(), 1);
}

/// Waits for a future without the timers of any runtime.
fn poll_to_end<T>(work: impl Future<Output = T>) -> T {
    struct Thread(std::thread::Thread);
    impl std::task::Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Thread(std::thread::current())));
    let mut work = std::pin::pin!(work);
    loop {
        let mut context = std::task::Context::from_waker(&waker);
        if let std::task::Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::park();
    }
}

#[test]
fn a_flush_keeps_its_time_while_the_export_thread_is_stuck() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    // The service blocks its thread instead of waiting.
    let service = service(move |_| {
        released.lock().unwrap().recv().ok();
        Ok(200)
    });
    let queue = queue(builder(&service).build(), &[]);
    push(&queue, "span");
    for _ in 0..2 {
        let error = poll_to_end(queue.flush(Duration::from_millis(10))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("does not respond"), "{error}");
    }
    let flushes = (0..8).map(|_| queue.flush(Duration::from_millis(10)));
    let flushes: Vec<_> = flushes.map(Box::pin).collect();
    for flush in flushes {
        assert_eq!(poll_to_end(flush).unwrap_err().kind(), ErrorKind::Timeout);
    }
    // A flush with a later deadline completes when the thread continues.
    std::thread::scope(|scope| {
        let patient = scope.spawn(|| poll_to_end(queue.flush(LONG)));
        release.send(()).unwrap();
        patient.join().unwrap().unwrap();
    });
    assert_eq!(queue.dropped(), 0);
}

#[test]
fn no_watchdog_is_left_once_no_flush_waits() {
    let running = Arc::new(AtomicUsize::new(0));
    let service = service(|_| Ok(200));
    let counted = Arc::clone(&running);
    let queue = queue_with(&service, move |name, task| {
        if name != "honeyhive-flush" {
            return spawn(task);
        }
        let counted = Arc::clone(&counted);
        counted.fetch_add(1, Ordering::SeqCst);
        spawn(Box::new(move || {
            task();
            counted.fetch_sub(1, Ordering::SeqCst);
        }))
    });
    for _ in 0..20 {
        push(&queue, "span");
        poll_to_end(queue.flush(Duration::MAX)).unwrap();
    }
    hh_testing::poll_until("no watchdog is left", || {
        running.load(Ordering::SeqCst) == 0
    });
}

/// A value that panics when it is dropped.
struct PanicsInDrop(Arc<Service>, std::sync::mpsc::Sender<()>);

impl fmt::Debug for PanicsInDrop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PanicsInDrop")
    }
}

impl HttpService for PanicsInDrop {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.0.call(request)
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        self.1.send(()).ok();
        panic_any(Bomb);
    }
}

#[test]
fn a_service_that_panics_in_its_destructor_stops_the_thread_without_a_panic() {
    let (dropped, was_dropped) = std::sync::mpsc::channel();
    let service: Arc<dyn HttpService> = Arc::new(PanicsInDrop(service(|_| Ok(200)), dropped));
    let transport = Transport::builder(service);
    let (ended, has_ended) = std::sync::mpsc::channel();
    let queue = queue(transport.build(), &[]).with_spawn(move |_, task| {
        let ended = ended.clone();
        spawn(Box::new(move || {
            ended.send(catch(task).is_some()).unwrap();
        }))
    });
    push(&queue, "arrives");
    queue.flush_blocking(LONG).unwrap();
    queue.close(None);
    drop(queue);
    was_dropped.recv_timeout(LONG).unwrap();
    assert!(has_ended.recv_timeout(LONG).unwrap(), "the thread panicked");
}

#[test]
fn a_request_joins_blocks_and_nothing_is_encoded_again() {
    let service = service(|_| Ok(200));
    let queue = queue(
        builder(&service).build(),
        &[("HH_BATCH_SIZE", "1000"), ("HH_FLUSH_INTERVAL", "60")],
    );
    // Names of 10 KiB: six of them fill a block.
    let name = |number: usize| format!("{number:010240}");
    for number in 0..50 {
        push(&queue, &name(number));
    }
    queue.flush_blocking(LONG).unwrap();
    let requests = service.requests.lock().unwrap();
    let expected: Vec<_> = (0..50).map(name).collect();
    assert_eq!(*requests, [expected]);
}

/// A provider of a key with an unusual format.
#[derive(Debug)]
struct UnusualKey;

impl CredentialProvider for UnusualKey {
    fn name(&self) -> &'static str {
        "the test"
    }

    fn load(&self) -> Result<Option<Credential>, AuthError> {
        let origin = Origin::parse("http://127.0.0.1:9").unwrap();
        let provenance = Provenance::new(Source::Default, None);
        let key = ApiKey::parse("hh_a.key-of.mine").unwrap();
        Ok(Some(Credential::new(key, origin, provenance)))
    }
}

#[test]
fn a_key_that_was_not_known_when_a_span_was_recorded_does_not_leave_inside_it() {
    let service = service(|_| Ok(200));
    let credentials = Credentials::new(vec![Box::new(UnusualKey)]);
    let queue = queue_of(&[], |sender| {
        let sender = sender.with_credentials(credentials);
        sender.with_transport(builder(&service).build())
    });
    push(&queue, "before");
    queue.flush_blocking(LONG).unwrap();
    push(&queue, "it is hh_a.key-of.mine, so");
    queue.flush_blocking(LONG).unwrap();
    let requests = service.requests.lock().unwrap();
    assert_eq!(requests.concat(), ["before", "it is ****************, so"]);
}
