//! Certificates that are verified, trusted from a file, or not verified.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hh_sdk::config::{Env, names};
use hh_sdk::{ErrorKind, HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::{HttpServer, Reply, Request, SelfSigned, write};

use super::{KEY, LONG};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"projects\":[]}";

/// A host that only the proxy of the test can resolve.
const PROXIED: &str = "api.test.invalid";

/// Returns a proxy that connects every client to one server, for any requested host.
fn proxy(server: &HttpServer) -> HttpServer {
    let connected = b"HTTP/1.1 200 OK\r\n\r\n";
    HttpServer::start([Reply::Tunnel(connected.to_vec(), server.address())])
}

/// Calls and exports use the proxy, which receives its own credentials and no API key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_exports_go_through_the_proxy() {
    let (target, pem) = self_signed();
    let home = tempfile::tempdir().unwrap();
    let bundle = home.path().join("ca.pem");
    write(&bundle, pem);
    let server = proxy(&target);
    let proxy = server.host();
    let bundle = bundle.to_string_lossy().into_owned();
    // dXNlcjpwYXNzLXdvcmQ= is user:pass-word
    for variables in [
        vec![
            ("HH_PROXY_URL", proxy.to_owned()),
            ("HH_PROXY_USERNAME", "user".to_owned()),
            ("HH_PROXY_PASSWORD", "pass-word".to_owned()),
        ],
        vec![
            ("HTTPS_PROXY", format!("http://user@{proxy}")),
            ("HH_PROXY_PASSWORD", "pass-word".to_owned()),
        ],
    ] {
        let mut variables = variables;
        variables.push(("HH_CA_BUNDLE", bundle.clone()));
        let env = Env::from_pairs(
            variables
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let url = format!("https://{PROXIED}");
        let client = HoneyHive::builder()
            .with_env(env.clone())
            .with_base_url(&url)
            .with_api_key(KEY)
            .build()
            .unwrap();
        assert!(client.list_projects().await.unwrap().is_empty());
        let tracer = HoneyHiveTracer::builder()
            .with_env(env)
            .with_base_url(&url)
            .with_api_key(KEY)
            .build()
            .unwrap();
        tracer.span("s", SpanKind::Tool).start().end();
        // This server returns projects for every request, which is not a valid response to an export.
        drop(tracer.flush(LONG).await);
        let asked = server.take_requests();
        assert!(asked.len() >= 2, "{asked:?}");
        for head in asked.iter().map(Request::head) {
            assert!(
                head.starts_with(&format!("CONNECT {PROXIED}:443 ")),
                "{head}"
            );
            assert!(head.contains("Basic dXNlcjpwYXNzLXdvcmQ="), "{head}");
            assert!(
                !head.contains(&KEY[8..]) && !head.to_lowercase().contains("\r\nauthorization"),
                "{head}"
            );
        }
    }
}

/// A server whose certificate no authority has signed, and the certificate.
fn self_signed() -> (HttpServer, String) {
    let certificate = SelfSigned::new(&["localhost", PROXIED]);
    let server = HttpServer::start_tls(certificate.config, [Reply::Keep(ANSWER.to_vec())]);
    (server, certificate.pem)
}

// Feature S60.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_checked_unless_verification_is_disabled() {
    let (server, pem) = self_signed();
    let url = server.url();
    let home = tempfile::tempdir().unwrap();
    let bundle = home.path().join("ca.pem");
    write(&bundle, pem);
    let bundle = bundle.to_string_lossy().into_owned();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let options = |variables: &[(&str, &str)]| {
        let seen = Arc::clone(&lines);
        Options::new()
            .with_env(Env::from_pairs(variables.iter().copied()))
            .with(names::BASE_URL, url.to_owned())
            .with(names::API_KEY, KEY)
            .with_reporter(move |line| seen.lock().unwrap().push(line.to_owned()))
    };
    let client = |variables: &[(&str, &str)]| {
        let options = options(variables);
        HoneyHive::builder().with_options(options).build().unwrap()
    };

    let error = client(&[]).list_projects().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(
        error
            .to_string()
            .contains("signed by an untrusted authority"),
        "{error}"
    );
    assert!(lines.lock().unwrap().is_empty());

    for name in ["HH_CA_BUNDLE", "HH_SSL_CERT_PATH"] {
        let projects = client(&[(name, &bundle)]).list_projects().await.unwrap();
        assert!(projects.is_empty());
        assert!(lines.lock().unwrap().is_empty(), "{name}");
    }

    let unchecked = [("HH_VERIFY_SSL", "false")];
    client(&unchecked).list_projects().await.unwrap();
    let told = std::mem::take(&mut *lines.lock().unwrap());
    assert_eq!(
        told,
        [format!(
            "warning: TLS certificates are not verified (verify_ssl from HH_VERIFY_SSL (environment)): an attacker between this machine and {url} can read the API key"
        )]
    );

    // Exports of the tracer use the same settings.
    let tracer = |variables: &[(&str, &str)]| {
        let tracer = HoneyHiveTracer::builder()
            .with_env(Env::from_pairs(variables.iter().copied()))
            .with_base_url(url)
            .with_api_key(KEY.to_owned())
            .build()
            .unwrap();
        tracer.span("s", SpanKind::Tool).start().end();
        tracer
    };
    tracer(&[("HH_CA_BUNDLE", &bundle)])
        .flush(LONG)
        .await
        .unwrap();
    let late = tracer(&[]);
    let says_why = |error: hh_sdk::Error| {
        error
            .to_string()
            .contains("signed by an untrusted authority")
    };
    while !late
        .flush(Duration::from_millis(50))
        .await
        .is_err_and(says_why)
    {}
    assert_eq!(late.dropped(), 0);
}

#[test]
fn an_invalid_certificate_file_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ca.pem");
    write(&file, "no certificate");
    let file = file.to_string_lossy().into_owned();
    for (path, what) in [
        (
            file.as_str(),
            ": cannot use the file of trusted certificates: it contains no certificate in PEM (-----BEGIN CERTIFICATE-----)",
        ),
        ("missing.pem", ", which does not exist"),
        ("/", ", which is a directory"),
        ("/dev/zero", ", which is not a regular file"),
    ] {
        let built = HoneyHive::builder()
            .with_env(Env::from_pairs([("HH_CA_BUNDLE", path)]))
            .with_api_key(KEY.to_owned())
            .build();
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let expected = format!("ca_bundle (HH_CA_BUNDLE (environment)) names {path}{what}");
        assert_eq!(error.to_string(), expected);
    }
}
