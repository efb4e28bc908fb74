//! The client: checks where a request goes, gives it its headers, and repeats it as the policy says.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, StatusCode, Uri};

use crate::attempt::{Attempt, AttemptRecord};
use crate::authorize::{Authorizer, Epoch};
use crate::error::TransportError;
use crate::idempotency::Idempotency;
use crate::problem::Problem;
use crate::retry::RetryPolicy;
use crate::retry::budget::Budget;
use crate::retry::retry_after;
use crate::retry::run::{Call, Rules, SystemClock, run};
use crate::service::{HttpService, Request, Response};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends requests through a service; clones are cheap and share its budget of retries.
#[derive(Clone, Debug)]
pub struct Transport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    service: Arc<dyn HttpService>,
    retry: RetryPolicy,
    user_agent: HeaderValue,
    observer: Option<Observer>,
    budget: Budget,
}

struct Observer(Arc<dyn Fn(&AttemptRecord) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Makes a [`Transport`].
#[derive(Debug)]
#[must_use]
pub struct TransportBuilder {
    service: Arc<dyn HttpService>,
    retry: RetryPolicy,
    user_agent: HeaderValue,
    observer: Option<Observer>,
}

impl TransportBuilder {
    /// Sets when requests are sent again.
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets the `user-agent` of requests that have none; by default `honeyhive-rust/` and the version of this crate.
    pub fn with_user_agent(mut self, user_agent: HeaderValue) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// Has `observer` called after each attempt, on the task that sends: it should be quick.
    pub fn with_observer(mut self, observer: Arc<dyn Fn(&AttemptRecord) + Send + Sync>) -> Self {
        self.observer = Some(Observer(observer));
        self
    }

    /// Makes the transport, with a full budget of retries.
    pub fn build(self) -> Transport {
        let Self {
            service,
            retry,
            user_agent,
            observer,
        } = self;
        Transport {
            inner: Arc::new(Inner {
                service,
                retry,
                user_agent,
                observer,
                budget: Budget::new(),
            }),
        }
    }
}

/// How one request is to be sent.
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct SendOptions<'a> {
    /// Gives the `authorization` header; without one the request goes as it is.
    pub authorizer: Option<&'a dyn Authorizer>,
    /// What sending it twice would do.
    pub repeat: Idempotency,
    /// When the whole call ends, delays included.
    pub deadline: Option<Instant>,
}

impl<'a> SendOptions<'a> {
    /// Makes options without an authorizer and without a deadline.
    pub const fn new(repeat: Idempotency) -> Self {
        Self {
            authorizer: None,
            repeat,
            deadline: None,
        }
    }

    /// Sets where the `authorization` header comes from.
    pub const fn with_authorizer(mut self, authorizer: &'a dyn Authorizer) -> Self {
        self.authorizer = Some(authorizer);
        self
    }

    /// Sets when the whole call ends: the attempt in flight is cut off, and no delay is begun that would pass it.
    pub const fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl Transport {
    /// Begins a transport over `service`.
    pub fn builder(service: Arc<dyn HttpService>) -> TransportBuilder {
        TransportBuilder {
            service,
            retry: RetryPolicy::new(),
            user_agent: HeaderValue::from_static(concat!(
                "honeyhive-rust/",
                env!("CARGO_PKG_VERSION")
            )),
            observer: None,
        }
    }

    /// Sends `request` until an answer is final, and returns it if its status is a success (2xx).
    ///
    /// It needs a tokio runtime with its timer on. A key that the server rejects (401, 403, or 404 with a key) is
    /// renewed once, and the request sent once more if that gave another key, whatever `repeat` says.
    ///
    /// # Errors
    ///
    /// [`Insecure`](crate::TransportErrorKind::Insecure) for plain http to another machine and
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for a URI that is not absolute or names a user,
    /// both before the service is called; otherwise how the last attempt ended, of any
    /// [kind](crate::TransportErrorKind), with all attempts.
    pub async fn send(
        &self,
        mut request: Request,
        options: SendOptions<'_>,
    ) -> Result<Response, TransportError> {
        let host = check_target(request.uri())?.to_string();
        request
            .headers_mut()
            .entry(USER_AGENT)
            .or_insert_with(|| self.inner.user_agent.clone());
        if let Idempotency::Keyed(key) = &options.repeat {
            request.headers_mut().insert(IDEMPOTENCY_KEY, key.header());
        }
        let rules = Rules {
            policy: &self.inner.retry,
            budget: &self.inner.budget,
            repeat: &options.repeat,
            deadline: options.deadline,
        };
        let mut exchange = Exchange {
            transport: &self.inner,
            authorizer: options.authorizer,
            deadline: options.deadline,
            request,
            host,
            attempts: Vec::new(),
            renewed: false,
        };
        let result = run(rules, &SystemClock, &mut exchange).await;
        result.map_err(|error| error.with_attempts(exchange.attempts))
    }
}

/// Returns the host and port of an absolute URI that may be sent to. A key or a session must not cross a network in
/// the clear, so plain http stays on this machine.
fn check_target(uri: &Uri) -> Result<&Authority, TransportError> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(TransportError::invalid_request("the URI is not absolute"));
    };
    // Before anything is said about the host: the part before the at sign may be a password.
    if authority.as_str().contains('@') {
        return Err(TransportError::invalid_request(
            "the URI names a user: keys go into a header",
        ));
    }
    if authority.host().is_empty() {
        return Err(TransportError::invalid_request("the URI has no host"));
    }
    if *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback(authority.host())) {
        Ok(authority)
    } else if *scheme == Scheme::HTTP {
        Err(TransportError::insecure(authority.host()))
    } else {
        Err(TransportError::invalid_request(
            "the URI is neither https nor http",
        ))
    }
}

/// Only what is loopback without asking a name server: the name `localhost` and the literals. Short forms such as
/// `127.1` are names here.
fn is_loopback(host: &str) -> bool {
    let literal = || {
        host.parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
    };
    host.eq_ignore_ascii_case("localhost") || host == "[::1]" || literal()
}

/// One call in progress.
struct Exchange<'a> {
    transport: &'a Inner,
    authorizer: Option<&'a dyn Authorizer>,
    deadline: Option<Instant>,
    request: Request,
    host: String,
    attempts: Vec<Attempt>,
    renewed: bool,
}

impl Call for Exchange<'_> {
    async fn attempt(&mut self) -> Result<Response, TransportError> {
        let Some(authorizer) = self.authorizer else {
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
}

fn is_key_rejected(error: &TransportError) -> bool {
    // 404 too: HoneyHive hides from a key what it may not see.
    matches!(
        error.status(),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    )
}

impl Exchange<'_> {
    async fn renew(
        &self,
        authorizer: &dyn Authorizer,
        stale: Option<Epoch>,
    ) -> Result<(HeaderValue, Epoch), TransportError> {
        let renewal = authorizer.renew(self.request.uri(), stale);
        before(self.deadline, renewal)
            .await
            .unwrap_or_else(|| Err(TransportError::deadline_before_sending()))
    }

    async fn send_once(
        &mut self,
        authorization: Option<HeaderValue>,
    ) -> Result<Response, TransportError> {
        let mut request = self.request.clone();
        if let Some(mut header) = authorization {
            header.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, header);
        }
        let start = Instant::now();
        let answer = before(self.deadline, self.transport.service.call(request)).await;
        let result = match answer {
            Some(Ok(response)) => judge(&self.host, response),
            Some(Err(error)) => Err(error),
            None => Err(TransportError::timeout(&self.host)),
        };
        self.record(&result, start);
        result
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
            elapsed: start.elapsed(),
        };
        if let Some(Observer(observer)) = &self.transport.observer {
            observer(&AttemptRecord {
                method: self.request.method().clone(),
                host: self.host.clone(),
                path: self.request.uri().path().to_owned(),
                attempt: attempt.clone(),
            });
        }
        self.attempts.push(attempt);
    }
}

/// Waits for `future` until the deadline; `None` when that came first.
async fn before<T>(deadline: Option<Instant>, future: impl Future<Output = T> + Send) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), future).await.ok(),
        None => Some(future.await),
    }
}

fn judge(host: &str, response: Response) -> Result<Response, TransportError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let wait = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after::parse(value.as_bytes(), SystemTime::now()));
    Err(TransportError::answered(
        host,
        response.status(),
        Problem::read(response.body()),
        wait,
    ))
}

#[cfg(test)]
mod tests;
