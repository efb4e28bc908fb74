//! The way of a request, step by step, to find out where it ends: name, connection, proxy, TLS, and one answer.
//!
//! Each step follows the rules of real requests: the same proxy, the same trust, the same names of this machine.

mod certificate;
mod tunnel;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use http::header::{CONTENT_TYPE, DATE, LOCATION};
use http::uri::Authority;
use http::{HeaderName, Uri};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use crate::clean::clean;
use crate::error::{TimeoutStage, TransportError};
use crate::proxy::Rules;
use crate::service::{HttpService as _, Request, Response, ResponseCap};
use crate::target::{self, is_loopback};
use crate::tls::{self, CertificateProblem, RecordingVerifier, Roots};
use crate::{ReqwestOptions, ReqwestService};
pub use certificate::Certificate;

/// So many addresses of one name are tried.
const MAX_ADDRESSES: usize = 8;

/// So much of an answer is read.
const MAX_BODY: usize = 64 * 1024;

/// Takes the way of requests to one server apart. No step has a key or sends one.
///
/// Each step takes at most the connect timeout of the options, whatever the network does.
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
    service: ReqwestService,
}

/// A connection that a step has left for the next.
pub struct Connection {
    stream: Box<dyn Stream>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What came of a TLS handshake.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The certificate of the server, if one came that can be read.
    pub certificate: Option<Certificate>,
    /// Whose word was taken for it.
    pub roots: Roots,
    /// The version of TLS, such as `TLS 1.3`, when the handshake came to its end.
    pub version: Option<&'static str>,
    /// Why it did not.
    pub error: Option<TransportError>,
    /// What is wrong with the certificate, if that is why.
    pub problem: Option<CertificateProblem>,
}

/// What can be told from the answer to a request without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeResponse {
    /// The status.
    pub status: u16,
    /// The time of day on the server.
    pub date: Option<SystemTime>,
    /// It is a web page.
    pub is_html: bool,
    /// Where a redirect leads, [cleaned](crate::clean()).
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
    /// Prepares the way to the server of `uri`, whose path does not matter; nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Insecure`](crate::TransportErrorKind::Insecure) and
    /// [`InvalidRequest`](crate::TransportErrorKind::InvalidRequest) when no request may go there, and the errors of
    /// [`ReqwestService::new`].
    pub fn new(options: &ReqwestOptions, uri: &Uri) -> Result<Self, TransportError> {
        let authority = target::check(uri)?.clone();
        let rules = options.proxy.as_ref().map(Rules::new);
        Ok(Self {
            is_tls: uri.scheme_str() == Some("https"),
            limit: options.connect_timeout,
            proxy: rules.filter(|rules| rules.redacted_for(uri).is_some()),
            service: ReqwestService::new(options)?,
            options: options.clone(),
            uri: uri.clone(),
            authority,
        })
    }

    /// Returns the host and port of the proxy that requests go through, without its credentials.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_ref()?.redacted_for(&self.uri)
    }

    /// Tells whether requests are encrypted.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Tells whether the server is on this machine, which no proxy is asked for.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.authority.host())
    }

    /// Returns the host that is connected to first, the proxy or the server, and its port.
    pub fn first_host(&self) -> (&str, u16) {
        match &self.proxy {
            Some(rules) => {
                let (_, host, port) = rules.place();
                (host, port)
            }
            None => (self.authority.host(), self.port()),
        }
    }

    /// Finds the addresses of that host, at most 8.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](crate::TransportErrorKind::Unreachable) or [`Proxy`](crate::TransportErrorKind::Proxy) when its
    /// name does not resolve, or no name server answers in time.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, TransportError> {
        let (host, port) = self.first_host();
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        // As for every request, without asking anybody.
        if host.eq_ignore_ascii_case("localhost") {
            return Ok(vec![
                (Ipv4Addr::LOCALHOST, port).into(),
                (Ipv6Addr::LOCALHOST, port).into(),
            ]);
        }
        let why = match tokio::time::timeout(self.limit, lookup_host((host, port))).await {
            Err(_) => format!("no name server answered within {} s", self.limit.as_secs()),
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
                TransportError::proxy(proxy, self.host(), format!("is not found: {why}"), false)
            }
            None => TransportError::unreachable(self.host(), why),
        })
    }

    /// Connects to all these addresses at once; what comes of each.
    pub async fn connect(
        &self,
        addresses: &[SocketAddr],
    ) -> Vec<(SocketAddr, Result<Connection, TransportError>)> {
        let connect = |address: &SocketAddr| {
            let address = *address;
            async move {
                let connected = self.within(TcpStream::connect(address)).await;
                let connected = connected.map(|stream| Connection {
                    stream: Box::new(stream),
                });
                (address, connected)
            }
        };
        join_all(addresses.iter().map(connect)).await
    }

    /// Asks the proxy to connect on, if there is one.
    ///
    /// # Errors
    ///
    /// [`Proxy`](crate::TransportErrorKind::Proxy) when it does not.
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
        let asked = tunnel::ask(&mut connection.stream, &host, authorization.as_ref());
        let status = self.within(asked).await?;
        let refused = |why: fmt::Arguments<'_>, permanent| {
            let proxy = self.proxy().unwrap_or_default();
            TransportError::proxy(proxy, self.host(), why, permanent)
        };
        match status {
            Some(200..=299) => Ok(connection),
            Some(407) if authorization.is_some() => {
                let refused = refused(format_args!("refuses its user or password (407)"), true);
                Err(refused.with_hint("correct proxy_username and proxy_password"))
            }
            Some(407) => {
                let refused = refused(format_args!("wants a user and a password (407)"), true);
                Err(refused.with_hint("set proxy_username and proxy_password"))
            }
            Some(status) => Err(refused(
                format_args!("refuses to connect there (it answered {status})"),
                false,
            )),
            None => Err(refused(
                format_args!("does not answer as a proxy does"),
                false,
            )),
        }
    }

    /// Greets the server in TLS, and sends nothing further.
    ///
    /// # Errors
    ///
    /// The errors of [`ReqwestService::new`]; why a handshake fails is in its result.
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
        let invalid_trust = |why: String| TransportError::invalid_trust(&why);
        let (verifier, roots) = tls::verifier(&self.options.trust).map_err(invalid_trust)?;
        let witness = Arc::new(RecordingVerifier::new(verifier));
        let mut config = tls::client(witness.clone()).map_err(|e| invalid_trust(e.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            TransportError::invalid_request("the host has a name that no certificate can have")
        })?;
        let greeted = TlsConnector::from(Arc::new(config)).connect(name, connection.stream);
        let mut handshake = Handshake {
            certificate: None,
            roots,
            version: None,
            error: None,
            problem: None,
        };
        let mut connection = None;
        match tokio::time::timeout(self.limit, greeted).await {
            Ok(Ok(stream)) => {
                let version = stream.get_ref().1.protocol_version();
                // No other version is spoken here.
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
        let seen = witness.seen();
        handshake.certificate = seen.and_then(|der| Certificate::read(&der));
        Ok((handshake, connection))
    }

    /// Sends one GET of this path, by the service that all requests go by, and takes any answer.
    ///
    /// # Errors
    ///
    /// As every request without an answer, and [`Timeout`](crate::TransportErrorKind::Timeout).
    pub async fn get(&self, path: &str) -> Result<ProbeResponse, TransportError> {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = path.parse().ok();
        let uri = Uri::from_parts(parts)
            .map_err(|_| TransportError::invalid_request("the path is none"))?;
        let mut request = Request::default();
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ResponseCap(MAX_BODY));
        let sent = tokio::time::timeout(self.limit, self.service.call(request));
        let late = |_| TransportError::timeout(self.host(), TimeoutStage::FirstByte, self.limit);
        Ok(answer(&sent.await.map_err(late)??))
    }

    async fn within<T>(
        &self,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<T, TransportError> {
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
