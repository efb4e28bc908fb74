//! From settings to the HTTP client: certificates, proxy, limits. The client and the tracer use the same.

use std::sync::Arc;
use std::time::Duration;

use hh_config::{Env, LoadError, Provenance, SettingName, Source, Stack, names};
use hh_transport::{
    Event, Probe, ProxyOptions, ReqwestOptions, ReqwestService, RetryPolicy, Transport,
    TransportError, TransportErrorKind,
};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::layers::{Resolved, resolve_path};
use crate::error::diagnostic;
use crate::{Error, ErrorKind, Options, report};

/// The settings that only requests need.
#[derive(Deserialize)]
struct RequestSettings {
    retry_delay: f64,
    max_retries: u32,
    rate_limit_calls: Option<u32>,
    rate_limit_window: Option<f64>,
    verify_ssl: bool,
    ca_bundle: Option<String>,
    ssl_cert_path: Option<String>,
    ssl_key_path: Option<String>,
    proxy_url: Option<String>,
    https_proxy: Option<String>,
    no_proxy: Option<Vec<String>>,
    proxy_username: Option<String>,
}

/// The limit that holds when only one of its two settings is there: requests, and seconds.
const DEFAULT_LIMIT: (u32, f64) = (100, 60.0);

/// The delays between attempts end here, unless they begin higher.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// A file of all public authorities has a quarter of this.
const MAX_CA_BUNDLE: u64 = 1024 * 1024;

/// Makes what moves requests; nothing is sent.
pub(super) fn transport(options: &Options, resolved: &Resolved) -> Result<Transport, Error> {
    let settings = &resolved.settings;
    let requests: RequestSettings = resolved.stack.extract()?;
    let way = connection_settings(options, &resolved.stack, &requests)?;
    let delay = Duration::from_secs_f64(requests.retry_delay);
    let retry = RetryPolicy::new()
        .with_max_attempts(requests.max_retries + 1)
        .with_backoff(delay, delay.max(MAX_DELAY))
        .with_max_wait(options.max_wait());
    let service = ReqwestService::new(&way.http).map_err(|error| way.explain(error))?;
    let mut builder = Transport::builder(Arc::new(service))
        .with_retry(retry)
        .with_timeout(settings.timeout.value);
    if requests.rate_limit_calls.is_some() || requests.rate_limit_window.is_some() {
        let calls = requests.rate_limit_calls.unwrap_or(DEFAULT_LIMIT.0);
        let window = requests.rate_limit_window.unwrap_or(DEFAULT_LIMIT.1);
        builder = builder.with_rate_limit(calls, Duration::from_secs_f64(window));
    }
    if report::shows_debug(settings) {
        let reporter = options.reporter();
        let observer = move |event: &Event| report::event(&reporter, event);
        builder = builder.with_observer(Arc::new(observer));
    }
    Ok(builder.build())
}

/// The certificates and the proxy of requests.
struct ConnectionSettings {
    http: ReqwestOptions,
    bundle: Option<CaBundle>,
}

impl ConnectionSettings {
    /// Says which file of certificates cannot be used, if that is what is wrong.
    fn explain(&self, error: TransportError) -> Error {
        match &self.bundle {
            Some(bundle) if error.kind() == TransportErrorKind::Tls => {
                let what = diagnostic(&format_args!("{}: {error}", bundle.place), error.hint());
                Error::new(ErrorKind::Config, what)
            }
            Some(_) | None => Error::from(error),
        }
    }
}

fn connection_settings(
    options: &Options,
    stack: &Stack,
    requests: &RequestSettings,
) -> Result<ConnectionSettings, Error> {
    let mut http = ReqwestOptions::new();
    let bundle = ca_bundle(&options.env(), stack, requests)?;
    if !requests.verify_ssl {
        http = http.without_verification();
    } else if let Some(bundle) = &bundle {
        http = http.with_ca_bundle(bundle.pem.as_bytes());
    }
    if let Some(proxy) = proxy(stack, requests)? {
        http = http.with_proxy(proxy);
    }
    Ok(ConnectionSettings { http, bundle })
}

/// Prepares the way that requests with these settings take, to go it step by step with so much time for each; nothing is
/// sent, and no key is looked for.
///
/// # Errors
/// `Config` for settings that cannot be used, and `Tls` for plain `http` to another machine.
pub fn probe(options: &Options, resolved: &Resolved, limit: Duration) -> Result<Probe, Error> {
    let way = connection_settings(options, &resolved.stack, &resolved.stack.extract()?)?;
    let uri = resolved.settings.base_url.value.as_str().parse();
    let uri =
        uri.map_err(|_| Error::new(ErrorKind::Config, "the base URL makes no valid address"))?;
    let http = way.http.clone().with_connect_timeout(limit);
    Probe::new(&http, &uri).map_err(|error| way.explain(error))
}

/// A file of certificates to trust.
struct CaBundle {
    pem: Zeroizing<String>,
    /// What names it, as the beginning of a message.
    place: String,
}

/// Reads the file of certificates to trust, if one is named.
fn ca_bundle(
    env: &Env,
    stack: &Stack,
    requests: &RequestSettings,
) -> Result<Option<CaBundle>, Error> {
    let (name, path) = match (&requests.ca_bundle, &requests.ssl_cert_path) {
        (Some(path), _) => (names::CA_BUNDLE, path),
        (None, Some(path)) if requests.ssl_key_path.is_none() => (names::SSL_CERT_PATH, path),
        (None, _) => return Ok(None),
    };
    let provenance = provenance(stack, name)?;
    let file = resolve_path(env, path.as_ref(), &provenance);
    let place = format!("{name} ({provenance}) names {path}");
    match hh_config::read_text(&file, MAX_CA_BUNDLE) {
        Ok(pem) => Ok(Some(CaBundle { pem, place })),
        Err(what) => Err(Error::new(
            ErrorKind::Config,
            format!("{place}, which {what}"),
        )),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the password of the proxy goes into what connects to it, and shows nowhere"
)]
fn proxy(stack: &Stack, requests: &RequestSettings) -> Result<Option<ProxyOptions>, Error> {
    let (name, url) = match (&requests.proxy_url, &requests.https_proxy) {
        (Some(url), _) => (names::PROXY_URL, url),
        (None, Some(url)) => (names::HTTPS_PROXY, url),
        (None, None) => return Ok(None),
    };
    let provenance = provenance(stack, name)?;
    let mut proxy = ProxyOptions::parse(url).map_err(|error| {
        Error::new(ErrorKind::Config, format!("{name} ({provenance}): {error}"))
    })?;
    let password = stack.secret(names::PROXY_PASSWORD)?;
    let password = password.as_ref().map(|found| found.value.expose_secret());
    proxy = proxy.with_credentials(requests.proxy_username.as_deref(), password);
    let hosts = requests.no_proxy.as_deref().unwrap_or_default();
    Ok(Some(proxy.with_no_proxy(&hosts.join(","))))
}

fn provenance(stack: &Stack, name: SettingName) -> Result<Provenance, LoadError> {
    let found = stack.text(name)?;
    Ok(found.map_or_else(
        || Provenance::new(Source::Default, None),
        |found| found.provenance,
    ))
}
