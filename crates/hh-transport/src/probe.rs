//! Runs the stages of a request separately, for diagnosis: name resolution, connection, proxy, TLS and one response.
//!
//! Each stage follows the rules of real requests: the same proxy, the same trusted certificates and the same addresses
//! of `localhost`.

mod certificate;
mod tunnel;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::header::{CONTENT_TYPE, DATE, LOCATION};
use http::uri::Authority;
use http::{HeaderName, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::clean::clean;
use crate::error::{TimeoutStage, TransportError};
use crate::proxy::Rules;
use crate::runtime::check_runtime;
use crate::service::{HttpService as _, Request, Response, ResponseCap};
use crate::target::{self, is_loopback};
use crate::tls::{self, CertificateProblem, RecordingVerifier, Roots};
use crate::{ReqwestOptions, ReqwestService};
pub use certificate::Certificate;

/// The maximum number of addresses of a name that are tried.
const MAX_ADDRESSES: usize = 32;

/// The time that other addresses have after the first connection. Real requests use the first connection as well.
const GRACE: Duration = Duration::from_millis(250);

/// The limit of a response body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// A probe that runs the stages of a request to one server separately, for diagnosis.
///
/// The stages use the same proxy and the same trusted certificates as real requests, and never send an API key. Each
/// stage fails after the connect timeout of the options, and with [`Other`](crate::TransportErrorKind::Other) outside
/// of a [usable runtime](crate::check_runtime()).
///
/// ```no_run
/// # async fn example() -> Result<(), hh_transport::TransportError> {
/// use hh_transport::{Probe, ReqwestOptions};
///
/// let probe = Probe::new(&ReqwestOptions::new(), &"https://api.honeyhive.ai".parse().unwrap())?;
/// let addresses = probe.resolve().await?;
/// for (address, connected) in probe.connect(&addresses).await {
///     let handshake = probe.handshake(probe.tunnel(connected?).await?).await?;
///     println!("{address}: {:?}", handshake.certificate);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Probe {
    uri: Uri,
    authority: Authority,
    is_tls: bool,
    limit: Duration,
    proxy: Option<Rules>,
    options: ReqwestOptions,
    /// The service of [`get`](Self::get), which [`connect`](Self::connect) limits to reachable addresses.
    service: Mutex<ReqwestService>,
}

/// A connection that one stage of a [`Probe`] returns and the next stage uses.
pub struct Connection {
    stream: Box<dyn Stream>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The result of a TLS handshake.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The certificate of the server, if one was received and could be parsed.
    pub certificate: Option<Certificate>,
    /// The trusted certificates that the certificate was checked against.
    pub roots: Roots,
    /// The version of TLS, `TLS 1.2` or `TLS 1.3`, if the handshake succeeded.
    pub version: Option<&'static str>,
    /// The error, if the handshake failed.
    pub error: Option<TransportError>,
    /// The problem of the certificate, if the certificate caused the error.
    pub problem: Option<CertificateProblem>,
}

/// The parts of a response that matter for a diagnosis.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeResponse {
    /// The HTTP status.
    pub status: u16,
    /// The wall-clock time of the server, from the `date` header.
    pub date: Option<SystemTime>,
    /// Whether the response is a web page, according to its `content-type` or the start of its body.
    pub is_html: bool,
    /// The target of a redirect from the `location` header, [cleaned](crate::clean()).
    pub location: Option<String>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("host", &self.authority)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Probe {
    /// Creates a probe of the server in `uri`. The path of `uri` is ignored, and no connection is opened.
    ///
    /// # Errors
    ///
    /// Returns [`Insecure`](crate::TransportErrorKind::Insecure) or
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) if no request to `uri` is allowed, and
    /// [`Tls`](crate::TransportErrorKind::Tls) or [`Other`](crate::TransportErrorKind::Other) as
    /// [`ReqwestService::new`] does.
    pub fn new(options: &ReqwestOptions, uri: &Uri) -> Result<Self, TransportError> {
        Self::with_insecure_http_hosts(options, uri, &[])
    }

    /// Creates a probe like [`new`](Self::new), and allows plain HTTP to `hosts`, in the form of
    /// [`TransportBuilder::with_insecure_http_hosts`](crate::TransportBuilder::with_insecure_http_hosts).
    ///
    /// # Errors
    ///
    /// The errors of [`new`](Self::new).
    pub fn with_insecure_http_hosts(
        options: &ReqwestOptions,
        uri: &Uri,
        hosts: &[String],
    ) -> Result<Self, TransportError> {
        let authority = target::check(uri, hosts)?.clone();
        let rules = options.proxy.as_ref().map(Rules::new);
        Ok(Self {
            is_tls: uri.scheme_str() == Some("https"),
            limit: options.connect_timeout,
            proxy: rules.filter(|rules| rules.redacted_for(uri).is_some()),
            service: Mutex::new(ReqwestService::new(options)?),
            options: options.clone(),
            uri: uri.clone(),
            authority,
        })
    }

    /// Returns the host and port of the proxy that requests to the server use, if any, without its credentials.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref()?.redacted_for(&self.uri)
    }

    /// Returns whether requests to the server use TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Returns whether the host of the server is a loopback address, which is never reached through a proxy.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.authority.host())
    }

    /// Returns the host and port that requests connect to: those of the proxy, or of the server without a proxy.
    pub fn first_host(&self) -> (&str, u16) {
        match &self.proxy {
            Some(rules) => {
                let (_, host, port) = rules.place();
                (host, port)
            }
            None => (self.authority.host(), self.port()),
        }
    }

    /// Resolves the [first host](Self::first_host) to at most 32 addresses.
    ///
    /// # Errors
    ///
    /// Returns [`Unreachable`](crate::TransportErrorKind::Unreachable), or
    /// [`Proxy`](crate::TransportErrorKind::Proxy) for the host of a proxy, if the name does not resolve or no name
    /// server responds in time.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, TransportError> {
        let (host, port) = self.first_host();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        // Resolved without a name server, like in every request.
        if host.eq_ignore_ascii_case("localhost") {
            return Ok(vec![
                (Ipv4Addr::LOCALHOST, port).into(),
                (Ipv6Addr::LOCALHOST, port).into(),
            ]);
        }
        check_runtime()?;
        let why = match tokio::time::timeout(self.limit, lookup_host((host, port))).await {
            Err(_) => format!("no name server responded within {} s", self.limit.as_secs()),
            Ok(Err(_)) => "the name does not resolve".to_owned(),
            Ok(Ok(addresses)) => {
                let mut all: Vec<SocketAddr> = Vec::new();
                for address in addresses.filter(|a| a.port() == port) {
                    if !all.contains(&address) && all.len() < MAX_ADDRESSES {
                        all.push(address);
                    }
                }
                return Ok(all);
            }
        };
        Err(match self.proxy() {
            Some(proxy) => {
                TransportError::proxy(proxy, self.host(), format!("cannot be found: {why}"), false)
            }
            None => TransportError::unreachable(self.host(), why),
        })
    }

    /// Connects to all addresses at the same time, and returns one result per address, in the same order.
    ///
    /// An address that is not connected 250 ms after the first connection counts as timed out. If an address is
    /// unreachable, [`get`](Self::get) uses only the reachable ones from then on, because a real request would try the
    /// unreachable ones first, for a part of its own, longer timeout.
    ///
    /// The error of a failed connection has the kind [`Unreachable`](crate::TransportErrorKind::Unreachable),
    /// [`Timeout`](crate::TransportErrorKind::Timeout) or, for a proxy, [`Proxy`](crate::TransportErrorKind::Proxy).
    pub async fn connect(
        &self,
        addresses: &[SocketAddr],
    ) -> Vec<(SocketAddr, Result<Connection, TransportError>)> {
        let connect = |(at, address): (usize, &SocketAddr)| {
            let address = *address;
            async move {
                let connected = self.within(TcpStream::connect(address)).await;
                let connected = connected.map(|stream| Connection {
                    stream: Box::new(stream),
                });
                (at, connected)
            }
        };
        let mut connecting: FuturesUnordered<_> =
            addresses.iter().enumerate().map(connect).collect();
        let mut done: Vec<_> = addresses.iter().map(|_| None).collect();
        let mut until = None;
        loop {
            let next = connecting.next();
            let connected = match until {
                Some(until) => timeout_at(until, next).await.unwrap_or_default(),
                None => next.await,
            };
            let Some((at, connected)) = connected else {
                break;
            };
            if connected.is_ok() {
                until.get_or_insert_with(|| Instant::now() + GRACE);
            }
            done[at] = Some(connected);
        }
        let late =
            || TransportError::timeout(self.host(), TimeoutStage::Connect, GRACE.min(self.limit));
        let done = done
            .into_iter()
            .map(|one| one.unwrap_or_else(|| Err(late())));
        let done: Vec<_> = addresses.iter().copied().zip(done).collect();
        self.use_reachable(&done);
        done
    }

    /// Limits further requests to the reachable addresses, if there are others.
    fn use_reachable(&self, connected: &[(SocketAddr, Result<Connection, TransportError>)]) {
        let reachable = connected.iter().filter(|(_, connected)| connected.is_ok());
        let reachable: Vec<_> = reachable.map(|(address, _)| *address).collect();
        if reachable.is_empty() || reachable.len() == connected.len() {
            return;
        }
        let (host, _) = self.first_host();
        // The same options were valid before.
        if let Ok(service) = ReqwestService::with_addresses(&self.options, host, &reachable) {
            *self.service.lock().unwrap_or_else(PoisonError::into_inner) = service;
        }
    }

    /// Requests a tunnel to the server from the proxy. Without a proxy, returns `connection` unchanged.
    ///
    /// # Errors
    ///
    /// Returns [`Proxy`](crate::TransportErrorKind::Proxy) if the proxy is not trusted or does not connect to the
    /// server, and [`Timeout`](crate::TransportErrorKind::Timeout) if it does not respond in time. For a proxy with
    /// TLS, also returns the errors of [`handshake`](Self::handshake).
    pub async fn tunnel(&self, connection: Connection) -> Result<Connection, TransportError> {
        let Some(rules) = &self.proxy else {
            return Ok(connection);
        };
        let mut connection = connection;
        let (is_tls, host, _) = rules.place();
        if is_tls {
            let (handshake, inner) = self.tls_handshake(connection, host).await?;
            connection = match (handshake.error, inner) {
                (None, Some(connection)) => connection,
                (error, _) => {
                    let why = error.as_ref().and_then(TransportError::cause);
                    let why = why.unwrap_or_default();
                    let why = format_args!("cannot be trusted: {why}");
                    let proxy = self.proxy().unwrap_or_default();
                    return Err(TransportError::proxy(proxy, self.host(), why, true));
                }
            };
        }
        let host = format!("{}:{}", self.authority.host(), self.port());
        let authorization = rules.authorization();
        let response = tunnel::ask(&mut connection.stream, &host, authorization.as_ref());
        let status = self.within(response).await?;
        let refused = |why: fmt::Arguments<'_>, permanent| {
            let proxy = self.proxy().unwrap_or_default();
            TransportError::proxy(proxy, self.host(), why, permanent)
        };
        match status {
            Some(200..=299) => Ok(connection),
            Some(407) if authorization.is_some() => {
                let refused = refused(
                    format_args!("rejected the user name or password (407)"),
                    true,
                );
                Err(refused.with_hint("correct proxy_username and proxy_password"))
            }
            Some(407) => {
                let refused = refused(
                    format_args!("requires a user name and a password (407)"),
                    true,
                );
                Err(refused.with_hint("set proxy_username and proxy_password"))
            }
            Some(status) => Err(refused(
                format_args!("refused to connect to the server (status {status})"),
                false,
            )),
            None => Err(refused(format_args!("did not respond as a proxy"), false)),
        }
    }

    /// Performs a TLS handshake with the server. No request is sent.
    ///
    /// The error of a failed handshake is in [`Handshake::error`].
    ///
    /// # Errors
    ///
    /// Returns [`Tls`](crate::TransportErrorKind::Tls) if the trusted certificates cannot be used, and
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) if the host name is not valid in a certificate.
    pub async fn handshake(&self, connection: Connection) -> Result<Handshake, TransportError> {
        let (handshake, _) = self
            .tls_handshake(connection, self.authority.host())
            .await?;
        Ok(handshake)
    }

    async fn tls_handshake(
        &self,
        connection: Connection,
        name: &str,
    ) -> Result<(Handshake, Option<Connection>), TransportError> {
        let (verifier, roots) = tls::verifier(&self.options.trust)?;
        let recorder = Arc::new(RecordingVerifier::new(verifier));
        let mut config = tls::client(recorder.clone())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            TransportError::invalid_request("the host name is not valid in a certificate")
        })?;
        check_runtime()?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, connection.stream);
        let mut handshake = Handshake {
            certificate: None,
            roots,
            version: None,
            error: None,
            problem: None,
        };
        let mut connection = None;
        match tokio::time::timeout(self.limit, connecting).await {
            Ok(Ok(stream)) => {
                let version = stream.get_ref().1.protocol_version();
                // The client offers no other version.
                let is_newest = version == Some(rustls::ProtocolVersion::TLSv1_3);
                handshake.version = Some(if is_newest { "TLS 1.3" } else { "TLS 1.2" });
                connection = Some(Connection {
                    stream: Box::new(stream),
                });
            }
            Ok(Err(error)) => {
                let tls = error.get_ref().and_then(|e| e.downcast_ref());
                handshake.problem = tls.and_then(CertificateProblem::of);
                handshake.error = Some(match tls {
                    Some(tls) => tls::error(self.host(), tls),
                    None => self.io_error(error.kind()),
                });
            }
            Err(_) => handshake.error = Some(self.timed_out()),
        }
        let seen = recorder.seen();
        handshake.certificate = seen.and_then(|der| Certificate::read(&der));
        Ok((handshake, connection))
    }

    /// Sends one GET request for `path` with a [`ReqwestService`], and returns the response regardless of its status.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) for an invalid path,
    /// [`Timeout`](crate::TransportErrorKind::Timeout) if there is no complete response in time, and the other errors
    /// of an [`HttpService`](crate::HttpService::call).
    pub async fn get(&self, path: &str) -> Result<ProbeResponse, TransportError> {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = path.parse().ok();
        let uri =
            Uri::from_parts(parts).map_err(|_| TransportError::invalid_request("invalid path"))?;
        let mut request = Request::default();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ResponseCap(MAX_BODY));
        check_runtime()?;
        let service = {
            let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
            service.clone()
        };
        let sent = tokio::time::timeout(self.limit, service.call(request));
        let late = |_| TransportError::timeout(self.host(), TimeoutStage::FirstByte, self.limit);
        Ok(answer(&sent.await.map_err(late)??))
    }

    async fn within<T>(
        &self,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<T, TransportError> {
        check_runtime()?;
        match tokio::time::timeout(self.limit, step).await {
            Ok(done) => done.map_err(|error| self.io_error(error.kind())),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn io_error(&self, why: io::ErrorKind) -> TransportError {
        match self.proxy() {
            Some(proxy) => {
                let reached = format_args!("cannot be reached: {why}");
                TransportError::proxy(proxy, self.host(), reached, false).with_cause(&why)
            }
            None => TransportError::unreachable(self.host(), why),
        }
    }

    fn timed_out(&self) -> TransportError {
        TransportError::timeout(self.host(), TimeoutStage::Connect, self.limit)
    }

    fn host(&self) -> &str {
        self.authority.as_str()
    }

    fn port(&self) -> u16 {
        let usual = if self.is_tls { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(usual)
    }
}

fn answer(response: &Response) -> ProbeResponse {
    let text = |name: HeaderName| response.headers().get(name)?.to_str().ok();
    let body = response.body().trim_ascii_start();
    let is_page = |kind: &str| kind.to_ascii_lowercase().starts_with("text/html");
    ProbeResponse {
        status: response.status().as_u16(),
        date: text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()),
        is_html: text(CONTENT_TYPE).is_some_and(is_page) || body.starts_with(b"<"),
        location: text(LOCATION).map(|location| clean(location, &[])),
    }
}
