//! Spellings of hosts that resemble or lead to this machine. Plain HTTP is sent to none of them.

use hh_testing::{HttpServer, IdleListener, response};
use hh_transport::{Idempotency, ReqwestOptions, SendOptions, Transport, TransportErrorKind};

use crate::canary::{Canary, KEY, all_text};
use crate::{get, post, service, transport_of};

/// Hosts that are names, or addresses that are not loopback in this spelling.
const INSECURE: [&str; 30] = [
    "127.0.0.1.nip.invalid",
    "localhost.evil.invalid",
    "evil-localhost",
    "localhost4",
    "LOCALHOST.",
    "localhost.",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127",
    "0",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.0.0.01",
    "2130706433",
    "017700000001",
    "127.0.0.1;evil.invalid",
    "localhost,evil.invalid",
    "[::1%25lo]",
    "[v1.a]",
    "0.0.0.0",
    "169.254.169.254",
    "10.0.0.1",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[fe80::1]",
    "[::2]",
];

/// User parts of a URI, before a valid or invalid host.
const WITH_USER: [&str; 7] = [
    "127.0.0.1@evil.invalid",
    "hidden-name:hidden-word@127.0.0.1",
    "hidden-name@localhost",
    "@127.0.0.1",
    ":@127.0.0.1",
    "localhost:80@evil.invalid",
    "hidden-name:hidden-word@[::1]",
];

/// Invalid URIs that begin like a URI of this machine.
const MALFORMED: [&str; 6] = [
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:+PORT/",
    "http://localhost:x/",
    "http://[::1]evil.invalid/",
    "http://[::1].evil.invalid:PORT/",
    "http://:PORT/",
];

/// Texts that cannot be parsed as a URI, so that no request exists.
const NO_URI: [&str; 14] = [
    "http://127.0.0.1:PORT\\@evil.invalid/",
    "http://127.0.0.1:PORT evil.invalid/",
    "http://127.0.0.1:PORT\tevil.invalid/",
    "http://127.0.0.1:PORT\r\nhost: evil.invalid/",
    "http://127.0.0.1\0.evil.invalid:PORT/",
    "http://127。0。0。1:PORT/",
    "http://ⓛocalhost:PORT/",
    "http://[::1:PORT/",
    "http://[::1]]:PORT/",
    "http://127.0.0.1%2eevil.invalid:PORT/",
    "http://local%68ost:PORT/",
    "http://localhost:PORT:PORT/",
    "http:///127.0.0.1:PORT/",
    "http:127.0.0.1:PORT/",
];

/// One port of all addresses, of version 6 too where this machine has them.
struct Traps(IdleListener, Option<IdleListener>);

impl Traps {
    fn new() -> Self {
        let v4 = IdleListener::bind("0.0.0.0:0").unwrap();
        let v6 = IdleListener::bind(&format!("[::1]:{}", v4.address().port())).ok();
        Self(v4, v6)
    }

    fn are_untouched(&self) -> bool {
        self.0.is_untouched() && self.1.as_ref().is_none_or(IdleListener::is_untouched)
    }
}

/// Sends the key to a URL, in which `PORT` stands for the port of the traps.
async fn refused(transport: &Transport, url: &str, expected: TransportErrorKind) {
    let traps = Traps::new();
    let url = url.replace("PORT", &traps.0.address().port().to_string());
    for request in [get(&url), post(&url, "{}")] {
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let error = transport.send(request, how).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{url}: {error}");
        assert!(error.is_certainly_unsent() && error.attempts().len() < 2);
        let text = all_text(&error);
        // The user part may be a misplaced key or password.
        assert!(!text.contains(KEY) && !text.contains("hidden"), "{text}");
        assert!(traps.are_untouched(), "{url}");
    }
}

#[tokio::test]
async fn what_only_looks_like_this_machine_is_refused() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    for host in INSECURE {
        refused(
            &transport,
            &format!("http://{host}:PORT/"),
            TransportErrorKind::Insecure,
        )
        .await;
    }
}

#[tokio::test]
async fn a_user_in_the_url_is_refused() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    for host in WITH_USER {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:PORT/");
            refused(&transport, &url, TransportErrorKind::InvalidRequest).await;
        }
    }
}

#[tokio::test]
async fn other_schemes_are_refused() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    for scheme in ["ftp", "ws", "httpx", "file", "unix", "socks5"] {
        let url = format!("{scheme}://127.0.0.1:PORT/");
        refused(&transport, &url, TransportErrorKind::InvalidRequest).await;
    }
}

#[tokio::test]
async fn a_url_that_is_malformed_is_refused() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    for url in MALFORMED {
        refused(&transport, url, TransportErrorKind::InvalidRequest).await;
    }
}

#[test]
fn invalid_uris_send_no_request() {
    for url in NO_URI {
        let url = url.replace("PORT", "80");
        assert!(url.parse::<http::Uri>().is_err(), "{url:?}");
    }
}

/// The hosts above are rejected only because of their spelling: these lead to the same server.
#[tokio::test]
async fn this_machine_is_reached_by_its_plain_names() {
    let server = HttpServer::start([response("200 OK", "", "hello")]);
    let port = server.address().port();
    let transport = transport_of(service(&ReqwestOptions::new()), 1);
    for host in ["127.0.0.1", "localhost", "LocalHost", "LOCALHOST"] {
        let url = format!("http://{host}:{port}/");
        let sent = transport.send(get(&url), SendOptions::new(Idempotency::Safe));
        assert_eq!(sent.await.unwrap().body(), "hello", "{host}");
    }
}
