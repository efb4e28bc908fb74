//! Creates the HTTP client of the client and the tracer from settings: certificates, proxy and limits.

use std::sync::Arc;
use std::time::Duration;

use hh_config::{Env, LoadError, Provenance, SettingName, Source, Stack, names};
use hh_text::Diagnostic;
use hh_transport::{
    Event, NoProxy, Probe, ProxyOptions, ReqwestOptions, ReqwestService, RetryPolicy, Transport,
    TransportError, TransportErrorKind,
};
use http::Uri;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::layers::{Resolved, resolve_path};
use crate::error::diagnostic;
use crate::{Error, ErrorKind, Options, report};

/// The settings of requests.
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
    all_proxy: Option<String>,
    no_proxy: Option<Vec<String>>,
    proxy_username: Option<String>,
    insecure_http_hosts: Option<Vec<String>>,
}

/// The defaults of the rate limit if only one of its two settings is set: requests, and seconds.
const DEFAULT_LIMIT: (u32, f64) = (100, 60.0);

/// The limit of the delay between attempts; a longer `retry_delay` takes precedence.
const MAX_DELAY: Duration = Duration::from_secs(30);

/// The limit of a CA bundle, in bytes: four times the size of a bundle of all public authorities.
const MAX_CA_BUNDLE: u64 = 1024 * 1024;

/// A function that receives the attempts of requests.
pub(crate) type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Creates the transport; sends nothing.
pub(super) fn transport(
    options: &Options,
    resolved: &Resolved,
    observer: Option<Observer>,
) -> Result<Transport, Error> {
    let settings = &resolved.settings;
    let requests: RequestSettings = resolved.stack.extract()?;
    let connection = connection_settings(options, resolved, &requests)?;
    if report::shows_warnings(settings)
        && let Some(warning) = &connection.warning
    {
        options.reporter().warn(warning);
    }
    let delay = Duration::from_secs_f64(requests.retry_delay);
    let retry = RetryPolicy::new()
        .with_max_attempts(requests.max_retries + 1)
        .with_backoff(delay, delay.max(MAX_DELAY))
        .with_max_wait(options.max_wait());
    let service =
        ReqwestService::new(&connection.http).map_err(|error| connection.explain(error))?;
    let mut builder = Transport::builder(Arc::new(service))
        .with_retry(retry)
        .with_timeout(settings.timeout.value)
        .with_insecure_http_hosts(requests.insecure_http_hosts.unwrap_or_default());
    if requests.rate_limit_calls.is_some() || requests.rate_limit_window.is_some() {
        let calls = requests.rate_limit_calls.unwrap_or(DEFAULT_LIMIT.0);
        let window = requests.rate_limit_window.unwrap_or(DEFAULT_LIMIT.1);
        builder = builder.with_rate_limit(calls, Duration::from_secs_f64(window));
    }
    let debug = report::shows_debug(settings).then(|| -> Observer {
        let reporter = options.reporter();
        Arc::new(move |event| report::event(&reporter, event))
    });
    let observer = match (observer, debug) {
        (Some(observer), Some(debug)) => Some(Arc::new(move |event: &Event| {
            observer(event);
            debug(event);
        }) as Observer),
        (observer, debug) => observer.or(debug),
    };
    if let Some(observer) = observer {
        builder = builder.with_observer(observer);
    }
    Ok(builder.build())
}

/// The certificates and the proxy of requests.
struct ConnectionSettings {
    http: ReqwestOptions,
    bundle: Option<CaBundle>,
    /// The target of requests.
    base: Uri,
    /// A warning about the hosts that are reached without the proxy.
    warning: Option<String>,
}

impl ConnectionSettings {
    /// Adds the name of the CA bundle to an error that it caused.
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

/// Returns the certificates and the proxy of requests.
fn connection_settings(
    options: &Options,
    resolved: &Resolved,
    requests: &RequestSettings,
) -> Result<ConnectionSettings, Error> {
    let stack = &resolved.stack;
    let base = resolved.settings.base_url.value.as_str().parse();
    let base = base.map_err(|_| Error::new(ErrorKind::Config, "invalid base URL"))?;
    let mut http = ReqwestOptions::new();
    let bundle = ca_bundle(&options.env(), stack, requests)?;
    if !requests.verify_ssl {
        http = http.without_verification();
    } else if let Some(bundle) = &bundle {
        http = http.with_ca_bundle(bundle.pem.to_vec());
    }
    let mut warning = None;
    if let Some((proxy, no_proxy)) = proxy(stack, requests, &base)? {
        warning = ignored_hosts(stack, &no_proxy, &base)?;
        http = http.with_proxy(proxy.with_no_proxy(no_proxy));
    }
    Ok(ConnectionSettings {
        http,
        bundle,
        base,
        warning,
    })
}

/// Returns a probe that checks a connection to the base URL in stages, each with the time limit `limit`.
///
/// The function sends nothing and needs no API key.
///
/// # Errors
/// - `Config`: a setting or a file cannot be used.
/// - `Proxy`: the proxy that requests would use has no usable URL.
/// - `Tls`: the base URL is plain `http` to another machine that `insecure_http_hosts` does not name.
pub fn probe(options: &Options, resolved: &Resolved, limit: Duration) -> Result<Probe, Error> {
    let requests: RequestSettings = resolved.stack.extract()?;
    let connection = connection_settings(options, resolved, &requests)?;
    let http = connection.http.clone().with_connect_timeout(limit);
    let hosts = requests.insecure_http_hosts.unwrap_or_default();
    Probe::with_insecure_http_hosts(&http, &connection.base, &hosts)
        .map_err(|error| connection.explain(error))
}

/// A CA bundle: a file of certificates to trust.
struct CaBundle {
    pem: Zeroizing<Vec<u8>>,
    /// The setting, its provenance and the path, as the beginning of a message.
    place: String,
}

/// Reads the CA bundle, if a setting names one.
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
    match hh_config::read_bytes(&file, MAX_CA_BUNDLE) {
        Ok(pem) => Ok(Some(CaBundle { pem, place })),
        Err(what) => {
            let what = what.with_prefix(format_args!("{place}, which "));
            Err(Error::new(ErrorKind::Config, what))
        }
    }
}

/// Returns the proxy and the hosts that are reached without it, if a setting names a proxy. An unusable proxy is an
/// error only if requests to `base` would use it, because the variables are often meant for other programs.
#[expect(
    clippy::disallowed_methods,
    reason = "passes the password to the options of the proxy, which do not print it"
)]
fn proxy(
    stack: &Stack,
    requests: &RequestSettings,
    base: &Uri,
) -> Result<Option<(ProxyOptions, NoProxy)>, Error> {
    let settings = [
        (names::PROXY_URL, &requests.proxy_url),
        (names::HTTPS_PROXY, &requests.https_proxy),
        (names::ALL_PROXY, &requests.all_proxy),
    ];
    let mut set = settings.into_iter();
    let Some((name, url)) = set.find_map(|(name, url)| Some((name, url.as_deref()?))) else {
        return Ok(None);
    };
    let hosts = requests.no_proxy.as_deref().unwrap_or_default();
    let no_proxy = NoProxy::parse(&hosts.join(","));
    let mut proxy = match ProxyOptions::parse(url) {
        Ok(proxy) => proxy,
        Err(_) if no_proxy.is_direct(base) => return Ok(None),
        Err(why) => return Err(unusable_proxy(stack, name, &why, base)?),
    };
    let password = stack.secret(names::PROXY_PASSWORD)?;
    let password = password.as_ref().map(|found| found.value.expose_secret());
    proxy = proxy.with_credentials(requests.proxy_username.as_deref(), password);
    Ok(Some((proxy, no_proxy)))
}

/// Returns the error of a proxy that requests would use.
fn unusable_proxy(
    stack: &Stack,
    name: SettingName,
    why: &TransportError,
    base: &Uri,
) -> Result<Error, LoadError> {
    // The explanation contains no password.
    let shown = stack.explain_one(name).value.text(hh_auth::redact);
    let shown = shown.unwrap_or_default();
    let provenance = provenance(stack, name)?;
    let message = format!("cannot use the proxy {shown} from {name} ({provenance}): {why}");
    let host = base.host().unwrap_or_default();
    Ok(
        Error::new(ErrorKind::Proxy, Diagnostic::new(message).cleaned()).with_hint(format!(
            "set HH_PROXY_URL to the URL of an HTTP proxy, or add {host} to NO_PROXY to connect without a proxy"
        )),
    )
}

/// Returns a warning about entries of `no_proxy` that are not understood, if requests to `base` would use a proxy.
fn ignored_hosts(
    stack: &Stack,
    no_proxy: &NoProxy,
    base: &Uri,
) -> Result<Option<String>, LoadError> {
    if no_proxy.ignored().is_empty() || no_proxy.is_direct(base) {
        return Ok(None);
    }
    // A URL can contain a password.
    let shown = |entry: &String| {
        if entry.contains('@') {
            "***".to_owned()
        } else {
            hh_config::redact_keys(entry, hh_auth::redact)
        }
    };
    let entries: Vec<_> = no_proxy.ignored().iter().map(shown).collect();
    Ok(Some(format!(
        "no_proxy ({}) contains entries that are not a host, an address or a network, and are ignored: {}",
        provenance(stack, names::NO_PROXY)?,
        entries.join(", ")
    )))
}

/// Returns the provenance of a setting.
fn provenance(stack: &Stack, name: SettingName) -> Result<Provenance, LoadError> {
    let found = stack.text(name)?;
    Ok(found.map_or_else(
        || Provenance::new(Source::Default, None),
        |found| found.provenance,
    ))
}
