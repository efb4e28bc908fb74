//! One call in progress: its attempts, the delays between them, and its time.

use std::future::poll_fn;
use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::attempt::{Attempt, AttemptRecord, Event};
use crate::authorize::{Authorizer, Epoch};
use crate::error::{TimeoutStage, TransportError};
use crate::limiter::exhausted_for;
use crate::problem::Problem;
use crate::retry::backoff;
use crate::retry::classify::{Decision, classify, decide};
use crate::retry::retry_after;
use crate::service::{BoxFuture, Request, Response};
use crate::transport::{SendOptions, Shared};

/// A call and its consumed time and attempts.
pub(crate) struct Exchange<'a> {
    transport: &'a Shared,
    options: SendOptions<'a>,
    request: Request,
    /// The compressed body, if the body is sent compressed.
    compressed: Option<Bytes>,
    host: Authority,
    timeout: Duration,
    deadline: Instant,
    /// The total of the waits that the server or a rate limit required. The deadline was extended by the same amount.
    waited: Duration,
    attempts: Vec<Attempt>,
    renewed: bool,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        transport: &'a Shared,
        options: SendOptions<'a>,
        request: Request,
        host: Authority,
    ) -> Self {
        let timeout = options.timeout.unwrap_or(transport.timeout);
        let is_plain = !options.gzip || transport.plain_only.load(Ordering::Relaxed);
        Self {
            compressed: (!is_plain).then(|| compress(request.body())),
            // The bound prevents an overflow of sums of times.
            deadline: transport.clock.now() + timeout.min(Duration::from_hours(24 * 365)),
            transport,
            options,
            request,
            host,
            timeout,
            waited: Duration::ZERO,
            attempts: Vec::new(),
            renewed: false,
        }
    }

    /// Attempts the request until a result is final.
    pub(crate) async fn run(&mut self) -> Result<Response, TransportError> {
        if self.timeout.is_zero() {
            return Err(TransportError::deadline_before_sending());
        }
        let mut attempts = 0;
        let mut last: Option<TransportError> = None;
        loop {
            let error = match self.attempt().await {
                Ok(response) => {
                    self.transport.budget.refund(attempts > 0);
                    return Ok(response);
                }
                Err(error) => error,
            };
            // If the client's own deadline or rate limit ended this attempt, the previous error is more informative.
            if let Some(last) = last.take_if(|last| error.is_less_informative_than(last)) {
                return Err(self.finish_error(last.with_wait_of(&error)));
            }
            attempts += 1;
            let Some(wait) = self.before_next(attempts, &error) else {
                return Err(self.finish_error(error));
            };
            last = Some(error);
            self.notify(wait);
            self.transport.clock.sleep(wait.delay).await;
        }
    }

    fn finish_error(&mut self, error: TransportError) -> TransportError {
        error.with_attempts(std::mem::take(&mut self.attempts))
    }

    /// Returns the delay before another attempt, if another attempt is allowed.
    fn before_next(&mut self, attempts: u32, error: &TransportError) -> Option<Wait> {
        if decide(classify(error), &self.options.repeat) == Decision::Fatal {
            return None;
        }
        let policy = &self.transport.retry;
        if attempts >= policy.max_attempts || self.time_left().is_zero() {
            return None;
        }
        let wait = if let Some(delay) = error.retry_after() {
            if !self.allow_wait(delay) {
                return None;
            }
            Wait { delay, asked: true }
        } else {
            let random = self.transport.clock.random();
            let delay = backoff::delay(policy.base, policy.cap, attempts, random);
            if self.time_left() <= delay {
                return None;
            }
            Wait {
                delay,
                asked: false,
            }
        };
        // The budget is checked last, so that only real retries are charged.
        self.transport.budget.take().then_some(wait)
    }

    /// Accepts a required wait, which does not count as time of the call. Returns false if it exceeds the limit.
    fn allow_wait(&mut self, wait: Duration) -> bool {
        let waited = self.waited.saturating_add(wait);
        let accepted = waited <= self.transport.retry.max_wait;
        if accepted {
            self.waited = waited;
            self.deadline += wait;
        }
        accepted
    }

    /// Sends the request, and once more if the key was rejected and another key exists, or if the server rejects
    /// compressed bodies.
    async fn attempt(&mut self) -> Result<Response, TransportError> {
        let result = self.send_authorized().await;
        let is_refused = |result: &Result<Response, TransportError>| {
            result.as_ref().is_err_and(|error| {
                error.status() == Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                    && error.retry_after().is_none()
            })
        };
        if self.compressed.is_none() || !is_refused(&result) {
            return result;
        }
        self.compressed = None;
        let again = self.send_authorized().await;
        if !is_refused(&again) {
            self.transport.plain_only.store(true, Ordering::Relaxed);
        }
        again
    }

    async fn send_authorized(&mut self) -> Result<Response, TransportError> {
        let Some(authorizer) = self.options.authorizer else {
            return self.send_once(None).await;
        };
        let (header, epoch) = match authorizer.ready(self.request.uri()) {
            Some(ready) => ready?,
            None => self.renew(authorizer, None).await?,
        };
        let result = self.send_once(Some(header)).await;
        if self.renewed || !result.as_ref().is_err_and(is_key_rejected) {
            return result;
        }
        self.renewed = true;
        match self.renew(authorizer, Some(epoch)).await {
            Ok((header, fresh)) if fresh != epoch => self.send_once(Some(header)).await,
            // The rejection of this key matters more than the reason why no other key exists.
            Ok(_) | Err(_) => result,
        }
    }

    async fn renew(
        &self,
        authorizer: &dyn Authorizer,
        stale: Option<Epoch>,
    ) -> Result<(HeaderValue, Epoch), TransportError> {
        let renewal = authorizer.renew(self.request.uri(), stale);
        self.before_deadline(self.transport.clock.now(), renewal)
            .await
            .unwrap_or_else(|| Err(TransportError::deadline_before_sending()))
    }

    async fn send_once(
        &mut self,
        authorization: Option<HeaderValue>,
    ) -> Result<Response, TransportError> {
        let start = self.wait_for_slot().await?;
        let request = self.build_request(authorization.as_ref());
        let answer = self
            .before_deadline(start, self.transport.service.call(request))
            .await;
        let result = match answer {
            Some(Ok(response)) => self.check_response(response, authorization.as_ref()),
            Some(Err(error)) => Err(error),
            None => Err(TransportError::timeout(
                self.host.as_str(),
                TimeoutStage::Total,
                self.timeout,
            )),
        };
        // A successful attempt is recorded only for an observer: its record would be dropped with the call.
        if result.is_err() || self.transport.observer.is_some() {
            self.record(&result, start);
        }
        result
    }

    /// Waits until the rate limits allow another request, and returns the time at that moment.
    async fn wait_for_slot(&mut self) -> Result<Instant, TransportError> {
        let Shared { limiter, clock, .. } = self.transport;
        let longest = self.transport.retry.max_wait.saturating_sub(self.waited);
        let mut now = clock.now();
        let mut wait = limiter.reserve(now, longest);
        loop {
            let delay = wait.map_err(|wait| TransportError::limited(self.host.as_str(), wait))?;
            if delay.is_zero() {
                return Ok(now);
            }
            if !self.allow_wait(delay) {
                return Err(TransportError::limited(self.host.as_str(), delay));
            }
            self.notify(Wait { delay, asked: true });
            clock.sleep(delay).await;
            // The server may have reported an exhausted limit in the meantime.
            now = clock.now();
            wait = Ok(limiter.held_for(now));
        }
    }

    fn build_request(&mut self, authorization: Option<&HeaderValue>) -> Request {
        // Inserted before the clone, because the cloned headers have no spare capacity.
        if let Some(header) = authorization {
            let mut header = header.clone();
            header.set_sensitive(true);
            self.request.headers_mut().insert(AUTHORIZATION, header);
        }
        let mut request = self.request.clone();
        if let Some(body) = &self.compressed {
            request.body_mut().clone_from(body);
            let gzip = HeaderValue::from_static("gzip");
            request.headers_mut().insert(CONTENT_ENCODING, gzip);
        }
        request
    }

    /// Waits for `future` from `now` until the deadline; returns `None` at the deadline.
    fn before_deadline<'f, T: 'f>(
        &self,
        now: Instant,
        mut future: BoxFuture<'f, T>,
    ) -> impl Future<Output = Option<T>> + use<'f, T> {
        let left = self.deadline.saturating_duration_since(now);
        let mut over = self.transport.clock.sleep(left);
        poll_fn(move |context| match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => over.as_mut().poll(context).map(|()| None),
        })
    }

    fn time_left(&self) -> Duration {
        let now = self.transport.clock.now();
        self.deadline.saturating_duration_since(now)
    }

    /// Checks the status and the headers of a response.
    fn check_response(
        &self,
        response: Response,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, TransportError> {
        let headers = response.headers();
        let exhausted = exhausted_for(headers);
        // A longer wait is ignored here; the server reports it again with the next response.
        if let Some(wait) = exhausted.filter(|wait| *wait <= self.transport.retry.max_wait) {
            self.transport
                .limiter
                .hold(self.transport.clock.now(), wait);
        }
        if response.status().is_success() {
            if is_web_page(headers) && !is_web_page_wanted(self.request.headers()) {
                let why = "is a web page, not an API response";
                let error = TransportError::invalid_response(self.host.as_str(), why);
                return Err(
                    error.with_hint("check the base URL, and whether the network requires a login")
                );
            }
            return Ok(response);
        }
        let now = self.transport.clock.time_of_day();
        // The key alone, without the scheme.
        let sent = authorization.and_then(|header| header.to_str().ok());
        let own = sent.and_then(|header| header.rsplit(' ').next());
        Err(TransportError::answered(
            self.host.as_str(),
            response.status(),
            Problem::read(response.body(), own),
            retry_after::read(headers, now),
        ))
    }

    fn record(&mut self, result: &Result<Response, TransportError>, start: Instant) {
        let (status, error, unsent) = match result {
            Ok(response) => (Some(response.status()), None, false),
            Err(error) => (
                error.status(),
                Some(error.kind()),
                error.is_certainly_unsent(),
            ),
        };
        let number = u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let attempt = Attempt {
            number,
            status,
            error,
            unsent,
            elapsed: self.transport.clock.now().saturating_duration_since(start),
        };
        if let Some(observer) = &self.transport.observer {
            observer.notify(&Event::Attempt(AttemptRecord {
                method: self.request.method().clone(),
                host: self.host.to_string(),
                path: self.request.uri().path().to_owned(),
                attempt: attempt.clone(),
                message: result.as_ref().err().map(ToString::to_string),
            }));
        }
        self.attempts.push(attempt);
    }

    fn notify(&self, wait: Wait) {
        if let Some(observer) = &self.transport.observer {
            let Wait { delay, asked } = wait;
            observer.notify(&Event::Wait { delay, asked });
        }
    }
}

#[derive(Clone, Copy)]
struct Wait {
    delay: Duration,
    asked: bool,
}

fn compress(body: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_or_else(|_| body.clone(), Bytes::from)
}

fn is_key_rejected(error: &TransportError) -> bool {
    // The status 404 is included, because HoneyHive hides inaccessible resources from a key. An error with a required
    // wait is excluded, because the retry would be immediate.
    let is_rejected = matches!(
        error.status(),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    );
    is_rejected && error.retry_after().is_none()
}

/// Returns whether a response is a web page, which proxies and captive portals send with status 200.
fn is_web_page(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
    })
}

fn is_web_page_wanted(headers: &HeaderMap) -> bool {
    let wanted = headers.get(ACCEPT).and_then(|wanted| wanted.to_str().ok());
    wanted.is_some_and(|wanted| wanted.contains("html"))
}
