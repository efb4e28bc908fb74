//! Compares the CPU time of the calling thread for a call through the transport and for the same call with reqwest
//! alone. `cargo xtask bench transport` prints the result. With `--ratio` the program prints only the ratio.

use std::error::Error;
use std::hint::black_box;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hh_transport::{
    Authorizer, BoxFuture, Epoch, Idempotency, ReqwestOptions, ReqwestService, SendOptions,
    Transport, TransportError,
};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use reqwest::Client;
use rustix::time::{ClockId, clock_gettime};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// The number of pairs of measurements. A pair measures both clients in direct succession, so that other work on the
/// machine affects both equally. The median of the ratios of the pairs is the result.
const PAIRS: usize = 151;
const CALLS: u32 = 150;
const LIMIT: f64 = 1.1;

const BODY: &str = r#"{"id":"0192f3a4-5b6c-7d8e-9f01-23456789abcd","name":"docs","type":"completions","created_at":"2026-01-01T00:00:00Z","count":1}"#;

/// The default `User-Agent` of the transport.
const AGENT: &str = concat!("honeyhive-rust/", env!("CARGO_PKG_VERSION"));

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}/v1/projects?name=docs", server.local_addr()?);
    std::thread::spawn(move || serve(&server));
    let mut key = HeaderValue::from_static("Bearer hh_1234567890abcdef1234567890abcdef");
    key.set_sensitive(true);

    let service = ReqwestService::new(&ReqwestOptions::new())?;
    let transport = Transport::builder(Arc::new(service)).build();
    let authorizer = Cached(key.clone());
    let through = async || through_transport(&transport, &url, &authorizer).await;
    let client = client()?;
    let bare = async || by_reqwest(&client, &url, &key).await;

    // The clients and their connections share one thread, so that its CPU time includes all their work and no work of
    // the server.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        micros(&bare).await?;
        micros(&through).await?;
        let mut pairs = Vec::with_capacity(PAIRS);
        for _ in 0..PAIRS {
            pairs.push((micros(&bare).await?, micros(&through).await?));
        }
        let middle = |of: fn(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = pairs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[PAIRS / 2]
        };
        let (alone, whole) = (middle(|pair| pair.0), middle(|pair| pair.1));
        let ratio = middle(|(alone, whole)| whole / alone);
        if std::env::args().nth(1).as_deref() == Some("--ratio") {
            writeln!(io::stdout(), "{ratio}")?;
            return Ok(());
        }
        writeln!(
            io::stdout(),
            "call through the transport: {whole:.2} us CPU; bare reqwest: {alone:.2} us; ratio {ratio:.3}, limit {LIMIT}"
        )?;
        if ratio > LIMIT {
            return Err("over the limit".into());
        }
        Ok(())
    })
}

async fn through_transport(
    transport: &Transport,
    url: &str,
    authorizer: &Cached,
) -> Outcome<Bytes> {
    let request = Request::get(url)
        .header(ACCEPT, "application/json")
        .body(Bytes::new())?;
    let options = SendOptions::new(Idempotency::Safe).with_authorizer(authorizer);
    Ok(transport.send(request, options).await?.into_body())
}

/// Sends a request with the same bytes through reqwest alone.
async fn by_reqwest(client: &Client, url: &str, key: &HeaderValue) -> Outcome<Bytes> {
    let request = client
        .get(url)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, HeaderValue::from_static(AGENT))
        .header(AUTHORIZATION, key)
        .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))
        .build()?;
    Ok(client.execute(request).await?.bytes().await?)
}

/// Creates a client with the options of `ReqwestService`, except for those that do not affect a call over an existing
/// connection.
fn client() -> Outcome<Client> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false);
    Ok(client.build()?)
}

/// Returns the CPU time of one call, in microseconds.
async fn micros(call: &impl AsyncFn() -> Outcome<Bytes>) -> Outcome<f64> {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let start = now();
    for _ in 0..CALLS {
        black_box(call().await?);
    }
    Ok(now().saturating_sub(start).as_secs_f64() * 1e6 / f64::from(CALLS))
}

/// An authorizer that always returns the same key.
struct Cached(HeaderValue);

impl Authorizer for Cached {
    fn ready(&self, _: &Uri) -> Option<Result<(HeaderValue, Epoch), TransportError>> {
        Some(Ok((self.0.clone(), Epoch::new(0))))
    }

    fn renew<'a>(
        &'a self,
        _: &'a Uri,
        _: Option<Epoch>,
    ) -> BoxFuture<'a, Result<(HeaderValue, Epoch), TransportError>> {
        Box::pin(async { Ok((self.0.clone(), Epoch::new(0))) })
    }
}

/// Serves every connection on its own thread.
fn serve(server: &TcpListener) {
    for connection in server.incoming().flatten() {
        std::thread::spawn(|| answer(connection));
    }
}

/// Sends the same response to each request. The requests have no body, so an empty line ends them.
fn answer(mut connection: TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    connection.set_nodelay(true)?;
    let mut request = [0; 1024];
    let mut length = 0;
    loop {
        let read = connection.read(&mut request[length..])?;
        if read == 0 {
            return Ok(());
        }
        length += read;
        if request[..length].ends_with(b"\r\n\r\n") {
            connection.write_all(answer.as_bytes())?;
            length = 0;
        }
    }
}
