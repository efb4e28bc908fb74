//! Proxies of the environment, the hosts that are reached without them, and plain HTTP to named hosts.

use std::sync::{Arc, Mutex};

use hh_sdk::config::{Env, names};
use hh_sdk::{Error, ErrorKind, HoneyHive, HoneyHiveTracer, Options, SpanKind};
use hh_testing::{HttpServer, IdleListener, Request, write};

use super::{KEY, LONG, accepted};

/// A host that no name server knows.
const HOST: &str = "https://api.corp.invalid";

fn env(variables: &[(&str, &str)]) -> Env {
    Env::from_pairs(variables.iter().copied())
}

/// Creates a client and a tracer, which fail with the same error, and returns the lines that both report.
fn create(url: &str, variables: &[(&str, &str)]) -> (Result<HoneyHive, Error>, Vec<String>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let options = Options::new()
        .with_env(env(variables))
        .with(names::BASE_URL, url.to_owned())
        .with(names::API_KEY, KEY)
        .with_reporter(move |line| seen.lock().unwrap().push(line.to_owned()));
    let client = HoneyHive::builder().with_options(options).build();
    let tracer = HoneyHiveTracer::builder()
        .with_env(env(variables))
        .with_base_url(url)
        .with_api_key(KEY)
        .build();
    let outcome = |error: &Error| (error.kind(), error.to_line());
    assert_eq!(
        client.as_ref().err().map(outcome),
        tracer.as_ref().err().map(outcome)
    );
    drop(tracer);
    let lines = std::mem::take(&mut *lines.lock().unwrap());
    (client, lines)
}

/// Proxies that cannot be used, and why.
const UNUSABLE: [(&str, &str, &str); 7] = [
    (
        "socks5://127.0.0.1:1080",
        "socks5://127.0.0.1:1080",
        "SOCKS proxies are not supported",
    ),
    (
        "socks5h://user:hidden-word@proxy.corp:1080",
        "socks5h://proxy.corp:1080",
        "SOCKS proxies are not supported",
    ),
    (
        "SOCKS4://127.0.0.1:1080",
        "SOCKS4://127.0.0.1:1080",
        "SOCKS proxies are not supported",
    ),
    (
        "http://",
        "http://",
        "invalid proxy URL: expected an http or https URL with a host",
    ),
    (
        "ftp://proxy.corp",
        "ftp://proxy.corp",
        "invalid proxy URL: expected an http or https URL with a host",
    ),
    (
        "http://user:hidden-word@proxy.corp:port",
        "***",
        "invalid proxy URL: expected an http or https URL with a host",
    ),
    (
        "PROXY proxy.corp:3128; DIRECT",
        "PROXY proxy.corp:3128; DIRECT",
        "invalid proxy URL: expected an http or https URL with a host",
    ),
];

#[test]
fn an_unusable_proxy_that_requests_would_use_is_an_error_that_names_its_variable() {
    for (proxy, shown, why) in UNUSABLE {
        for (variable, setting) in [
            ("HTTPS_PROXY", "https_proxy"),
            ("https_proxy", "https_proxy"),
            ("ALL_PROXY", "all_proxy"),
            ("all_proxy", "all_proxy"),
        ] {
            let (client, _) = create(HOST, &[(variable, proxy)]);
            let error = client.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
            assert_eq!(
                error.to_string(),
                format!(
                    "cannot use the proxy {shown} from {setting} ({variable} (environment)): {why}"
                )
            );
            assert_eq!(
                error.hint(),
                Some(
                    "set HH_PROXY_URL to the URL of an HTTP proxy, or add api.corp.invalid to NO_PROXY to connect without a proxy"
                )
            );
        }
    }
}

#[test]
fn an_unusable_proxy_that_no_request_uses_has_no_effect() {
    let (socks, _, _) = UNUSABLE[1];
    for variable in ["HTTPS_PROXY", "all_proxy"] {
        for (url, more) in [
            // This machine.
            ("http://127.0.0.1:8642", None),
            ("https://localhost:8642", None),
            ("http://[::1]:8642", None),
            // Plain HTTP never uses a proxy.
            ("http://0.0.0.0:8642", None),
            // Hosts that are reached without a proxy.
            (HOST, Some(("NO_PROXY", "*.corp.invalid"))),
            (HOST, Some(("no_proxy", "localhost api.corp.invalid:443"))),
            // A proxy with a higher precedence.
            (HOST, Some(("HH_PROXY_URL", "http://127.0.0.1:3128"))),
            (HOST, Some(("HH_HTTPS_PROXY", "http://127.0.0.1:3128"))),
        ] {
            let mut variables = vec![(variable, socks)];
            variables.extend(more);
            let (client, lines) = create(url, &variables);
            assert!(client.is_ok(), "{variables:?} {url}: {client:?}");
            assert!(lines.is_empty(), "{lines:?}");
        }
    }
    for (proxy, ..) in UNUSABLE {
        let (client, _) = create(HOST, &[("HTTP_PROXY", proxy)]);
        assert!(client.is_ok(), "{proxy}: {client:?}");
    }
}

#[test]
fn our_own_proxy_settings_are_always_checked() {
    for (variable, setting) in [
        ("HH_PROXY_URL", "proxy_url"),
        ("HH_HTTPS_PROXY", "https_proxy"),
        ("HH_HTTP_PROXY", "http_proxy"),
    ] {
        let variables = [(variable, "socks5://user:hidden-word@127.0.0.1:1080")];
        let (client, _) = create("http://127.0.0.1:8642", &variables);
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "invalid value for {setting} ({variable}): expected a proxy URL such as http://proxy.example:3128"
            )
        );
    }
}

#[tokio::test]
async fn all_proxy_is_used_unless_a_more_specific_proxy_is_set() {
    let server = HttpServer::with(accepted);
    let other = IdleListener::new();
    let all = format!("http://{}", server.host());
    let unused = format!("http://{}", other.address());
    for (variables, is_used) in [
        (vec![("ALL_PROXY", all.as_str())], true),
        (vec![("all_proxy", &all)], true),
        (vec![("ALL_PROXY", &all), ("HTTP_PROXY", &unused)], true),
        (vec![("ALL_PROXY", &unused), ("HTTPS_PROXY", &all)], true),
        (
            vec![("ALL_PROXY", &all), ("NO_PROXY", "corp.invalid")],
            false,
        ),
    ] {
        let client = HoneyHive::builder()
            .with_env(env(&variables))
            .with_base_url(HOST)
            .with_api_key(KEY)
            .build()
            .unwrap();
        // The proxy accepts the request for a tunnel and then does not speak TLS.
        let error = client.list_projects().await.unwrap_err();
        let heads: Vec<_> = server.take_requests();
        let heads: Vec<_> = heads.iter().map(Request::head).collect();
        assert_eq!(!heads.is_empty(), is_used, "{variables:?}: {error}");
        let is_tunnel = |head: &String| head.starts_with("CONNECT api.corp.invalid:443 ");
        assert!(heads.iter().all(is_tunnel), "{heads:?}");
        assert!(other.is_untouched(), "{variables:?}");
    }
}

#[test]
fn entries_of_no_proxy_that_are_not_understood_are_a_warning_if_a_proxy_is_used() {
    let proxy = ("HTTPS_PROXY", "http://127.0.0.1:3128");
    let no_proxy = (
        "NO_PROXY",
        "foo.*, localhost user:hidden-word@host 10.0.0.0/33",
    );
    let warning = "warning: no_proxy (NO_PROXY (environment)) contains entries that are not a host, an address or a network, and are ignored: foo.*, ***, 10.0.0.0/33";
    let (client, lines) = create(HOST, &[proxy, no_proxy]);
    assert!(client.is_ok(), "{client:?}");
    assert_eq!(lines, [warning]);
    for (url, variables) in [
        // No proxy, or none for this server.
        (HOST, vec![no_proxy]),
        ("https://127.0.0.1", vec![proxy, no_proxy]),
        (HOST, vec![proxy, ("NO_PROXY", "foo.*,corp.invalid")]),
        // All entries are understood.
        (
            HOST,
            vec![proxy, ("NO_PROXY", "[::1],localhost;10.0.0.0/8")],
        ),
        // The level excludes warnings.
        (HOST, vec![proxy, no_proxy, ("HH_LOG_LEVEL", "error")]),
    ] {
        let (client, lines) = create(url, &variables);
        assert!(client.is_ok(), "{client:?}");
        assert!(lines.is_empty(), "{variables:?}: {lines:?}");
    }
}

/// The address 0.0.0.0 belongs to this machine but does not count as loopback.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_reaches_hosts_that_the_settings_name() {
    let server = HttpServer::with(|request| match request.path() {
        super::TRACES => accepted(request),
        _ => ("200 OK", br#"{"projects": []}"#.to_vec()),
    });
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    for hosts in ["other.corp", "0.0.0.1,[fd00::1]", ""] {
        let (client, lines) = create(&url, &[("HH_INSECURE_HTTP_HOSTS", hosts)]);
        let error = client.unwrap().list_projects().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(
            error.hint().unwrap().contains("insecure_http_hosts"),
            "{error:?}"
        );
        assert!(lines.is_empty() && server.take_requests().is_empty());
    }
    let variables = [("HH_INSECURE_HTTP_HOSTS", "other.corp, 0.0.0.0")];
    let (client, lines) = create(&url, &variables);
    client.unwrap().list_projects().await.unwrap();
    assert_eq!(server.take_requests()[0].bearer(), Some(KEY));
    assert_eq!(
        lines,
        [format!(
            "warning: requests to {url} are not encrypted (insecure_http_hosts from HH_INSECURE_HTTP_HOSTS (environment)): anyone on the network can read the API key and all data"
        )]
    );
    let tracer = HoneyHiveTracer::builder()
        .with_env(env(&variables))
        .with_base_url(&url)
        .with_api_key(KEY)
        .build()
        .unwrap();
    tracer.span("s", SpanKind::Tool).start().end();
    tracer.flush(LONG).await.unwrap();
    // The setting allows plain HTTP, not another protocol, and has no effect on other servers.
    for other in ["http://127.0.0.1:1", "https://api.corp.invalid"] {
        let (client, lines) = create(other, &variables);
        assert!(client.is_ok() && lines.is_empty(), "{lines:?}");
    }
}

#[test]
fn hosts_of_plain_http_are_exact_names_and_addresses() {
    for hosts in [
        "*",
        "*.corp",
        "server.corp:8080",
        "http://server.corp",
        "10.0.0.0/8",
        "server.corp, user@other.corp",
    ] {
        let (client, _) = create(HOST, &[("HH_INSECURE_HTTP_HOSTS", hosts)]);
        let error = client.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{hosts}");
        assert!(error.to_string().contains("insecure_http_hosts"), "{error}");
    }
}

/// A file of trusted certificates in another format is named, with the command that converts it.
#[test]
fn a_certificate_file_in_another_format_is_named() {
    let home = tempfile::tempdir().unwrap();
    let binary = home.path().join("ca.der");
    let der = include_bytes!("../../../../hh-transport/tests/files/p256.der");
    write(&binary, der);
    let bundle = binary.to_string_lossy().into_owned();
    let (client, _) = create(HOST, &[("HH_CA_BUNDLE", &bundle)]);
    let error = client.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        format!(
            "ca_bundle (HH_CA_BUNDLE (environment)) names {bundle}: cannot use the file of trusted certificates: it is a certificate in DER, not PEM"
        )
    );
    assert_eq!(
        error.hint(),
        Some("run `openssl x509 -inform DER -in FILE -out ca.pem`, and use ca.pem instead of FILE")
    );
}
