//! The state that all clones of a transport share and every call uses.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::HeaderValue;

use crate::attempt::Event;
use crate::clock::Clock;
use crate::limiter::Limiter;
use crate::retry::RetryPolicy;
use crate::retry::budget::Budget;
use crate::service::HttpService;

/// The state that all clones of a [`Transport`](crate::Transport) share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) service: Arc<dyn HttpService>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeout: Duration,
    pub(crate) observer: Option<Observer>,
    pub(crate) budget: Budget,
    pub(crate) limiter: Limiter,
    /// Whether the server has rejected a compressed body.
    pub(crate) plain_only: AtomicBool,
    /// The hosts that plain HTTP is allowed for, besides loopback addresses.
    pub(super) insecure_http_hosts: Vec<String>,
    pub(super) user_agent: HeaderValue,
}

/// The function that is called after each attempt and before each wait.
pub(crate) struct Observer(pub(super) Arc<dyn Fn(&Event) + Send + Sync>);

impl Observer {
    pub(crate) fn notify(&self, event: &Event) {
        (self.0)(event);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
