//! A server of a test, in plain HTTP or behind TLS, that answers by the path.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a HoneyHive server says of its health.
pub(super) const WELL: &str =
    "200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\": \"ok\"}";
/// A page of a server that does not tell who a key is for, and takes it.
const NO_EVENTS: &str = "200 OK\r\nContent-Type: application/json\r\n\r\n{\"events\": [], \"totalEvents\": 0, \"count\": 0}";
const ABSENT: &str = "404 Not Found\r\n\r\n";

/// It runs until the test ends.
pub(super) struct Site {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Answers each path; an answer is a status line with header lines, and a body behind a blank line.
    pub(super) fn new(route: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(None, route)
    }

    /// A server that is well.
    pub(super) fn well() -> Self {
        Self::with_health(WELL)
    }

    /// A server that takes every key and says this of its health.
    pub(super) fn with_health(health: &str) -> Self {
        let health = health.to_owned();
        Self::new(move |path| route(path, &health))
    }

    /// A server that answers this to every request with a key.
    pub(super) fn with_keys(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::new(move |path| match path {
            "/api/v1/health" => WELL.to_owned(),
            _ => answer.clone(),
        })
    }

    /// A server that is well, behind TLS.
    pub(super) fn tls(config: Arc<ServerConfig>) -> Self {
        Self::start(Some(config), |path| route(path, WELL))
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        route: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self {
            address: listener.local_addr().unwrap(),
            scheme: if tls.is_some() { "https" } else { "http" },
            requests: Arc::default(),
        };
        let (route, requests) = (Arc::new(route), Arc::clone(&site.requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tls, route, requests) = (tls.clone(), Arc::clone(&route), requests.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    match tls {
                        Some(tls) => {
                            let connection = ServerConnection::new(tls).unwrap();
                            serve(StreamOwned::new(connection, stream), &*route, &requests);
                        }
                        None => serve(stream, &*route, &requests),
                    }
                });
            }
        });
        site
    }

    /// The host and port, by the name that its certificates are for.
    pub(super) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.host())
    }

    /// The heads of the requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn route(path: &str, health: &str) -> String {
    match path {
        "/api/v1/health" => health.to_owned(),
        "/v1/events/export" => NO_EVENTS.to_owned(),
        _ => ABSENT.to_owned(),
    }
}

fn serve(stream: impl Read + Write, route: &dyn Fn(&str) -> String, requests: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    // The connections of single steps carry no request.
    while reader.read_line(&mut head).is_ok_and(|count| count > 0) {
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body).unwrap();
        let answer = route(head.split(' ').nth(1).unwrap_or_default());
        requests.lock().unwrap().push(head.clone());
        let (top, body) = answer.split_once("\r\n\r\n").unwrap();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {top}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        drop(reader.get_mut().write_all(answer.as_bytes()));
        drop(reader.get_mut().flush());
        return;
    }
}

/// A port that nobody listens on.
pub(super) fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A port whose connections get no answer at all, as behind a firewall that drops them.
pub(super) struct FilteredPort {
    pub(super) address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl FilteredPort {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        // The one place of the queue is taken, and then all further ones are dropped.
        let short = std::time::Duration::from_millis(200);
        let connect = || TcpStream::connect_timeout(&address, short).ok();
        let waiting = std::iter::from_fn(connect).take(16).collect();
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

/// An authority of a test.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self {
            issuer: issuer.unwrap(),
        }
    }

    /// Its own certificate, to be trusted.
    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server of this name, whose certificate is changed before it is signed.
    pub(super) fn server(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.unwrap())
    }
}
