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

/// A call and what it has used up.
pub(crate) struct Exchange<'a> {
    transport: &'a Shared,
    options: SendOptions<'a>,
    request: Request,
    /// The body as it goes out, if not plain.
    compressed: Option<Bytes>,
    host: Authority,
    timeout: Duration,
    deadline: Instant,
    /// How long was waited because somebody asked for it; the deadline moved on by as much.
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
            // No sum of times may overflow.
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

    /// Makes attempts until one is final.
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
            // Where our own time or limit ended this one, the one before says more of what is wrong.
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

    /// Returns the delay before another attempt, if there is to be one.
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
        // The budget is asked last: it is paid only for a repetition that is really made.
        self.transport.budget.take().then_some(wait)
    }

    /// Takes a wait that somebody asks for, which is not counted as time of the call; false if it is too much.
    fn allow_wait(&mut self, wait: Duration) -> bool {
        let waited = self.waited.saturating_add(wait);
        let accepted = waited <= self.transport.retry.max_wait;
        if accepted {
            self.waited = waited;
            self.deadline += wait;
        }
        accepted
    }

    /// Sends the request, and once more if the key was rejected and there is another by now, or if the server does not
    /// take compressed bodies.
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
            // Why there is no other key matters less than that this one was rejected.
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
        // Of a success only an observer hears: attempts before it end with the call.
        if result.is_err() || self.transport.observer.is_some() {
            self.record(&result, start);
        }
        result
    }

    /// Waits until the limits known here allow another request, and returns the time then.
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
            // The server may have said meanwhile that nothing is left.
            now = clock.now();
            wait = Ok(limiter.held_for(now));
        }
    }

    fn build_request(&mut self, authorization: Option<&HeaderValue>) -> Request {
        // Before the clone, whose headers have room for no other.
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

    /// Waits for `future` from `now` until the deadline; `None` when that came first.
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

    /// Says what an answer means.
    fn check_response(
        &self,
        response: Response,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, TransportError> {
        let headers = response.headers();
        let exhausted = exhausted_for(headers);
        // More than anybody here would wait is left to the server to say again.
        if let Some(wait) = exhausted.filter(|wait| *wait <= self.transport.retry.max_wait) {
            self.transport
                .limiter
                .hold(self.transport.clock.now(), wait);
        }
        if response.status().is_success() {
            if is_web_page(headers) && !is_web_page_wanted(self.request.headers()) {
                let why = "is a web page, not an answer of the API: something between may want you to log in, or the base URL is wrong";
                return Err(TransportError::invalid_response(self.host.as_str(), why));
            }
            return Ok(response);
        }
        let now = self.transport.clock.time_of_day();
        // The key itself, without the scheme before it.
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
    // Writing into memory cannot fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_or_else(|_| body.clone(), Bytes::from)
}

fn is_key_rejected(error: &TransportError) -> bool {
    // 404 too: HoneyHive hides from a key what it may not see. Who asks us to wait is not asked again at once.
    let is_rejected = matches!(
        error.status(),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    );
    is_rejected && error.retry_after().is_none()
}

/// A proxy or a captive portal answers a page with status 200.
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
