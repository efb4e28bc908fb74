//! Redirects, which must not be followed, because a server could choose where the key is sent.

use hh_testing::{CertificateAuthority, HttpServer, IdleListener, Request, response};
use hh_transport::{Idempotency, ReqwestOptions, SendOptions, Transport, TransportErrorKind};

use crate::canary::{Canary, KEY, all_text};
use crate::{get, post, service, transport_of};

const STATUSES: [&str; 6] = [
    "300 Multiple Choices",
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
];

/// Targets of redirects. `HERE` stands for the port of the server and `THERE` for the port of the trap.
const LOCATIONS: [&str; 10] = [
    "http://127.0.0.1:THERE/",
    "http://localhost:THERE/",
    "https://127.0.0.1:THERE/",
    "http://127.0.0.1:HERE@127.0.0.1:THERE/",
    "http://api.test:pass@localhost:THERE/",
    "//127.0.0.1:THERE/",
    "///127.0.0.1:THERE/",
    "\\\\127.0.0.1:THERE/",
    "HTTP://127.1:THERE/",
    "http://127.0.0.1:THERE/#http://127.0.0.1:HERE/",
];

/// Locations that lead back to the server, or nowhere.
const OTHERS: [&str; 6] = [
    "/login",
    "http://127.0.0.1:HERE/login",
    "",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://[",
];

/// Sends a GET and a POST, which get the redirect and nothing else.
async fn check(transport: &Transport, server: &HttpServer, trap: &IdleListener, status: &str) {
    let requests = [get(server.url()), post(server.url(), r#"{"a": 1}"#)];
    for (number, request) in requests.into_iter().enumerate() {
        let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
        let error = transport.send(request, how).await.unwrap_err();
        let row = format!("{status}: {}", server.sent());
        assert_eq!(error.kind(), TransportErrorKind::Rejected, "{row}");
        assert_eq!(
            error.to_string(),
            format!("{} responded with {status}", server.host())
        );
        assert_eq!(server.requests().len(), number + 1, "{row}");
        // The request carries a key, so a followed redirect could leak it.
        assert!(server.request_texts()[number].contains(KEY));
        assert!(trap.is_untouched(), "{row}");
        assert!(!all_text(&error).contains(KEY), "{row}");
    }
}

fn lines(location: &str, here: u16, there: u16) -> String {
    let location = location.replace("THERE", &there.to_string());
    let location = location.replace("HERE", &here.to_string());
    format!("location: {location}\r\nrefresh: 0; url={location}\r\n")
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    let trap = IdleListener::new();
    for status in STATUSES {
        for location in LOCATIONS.iter().chain(&OTHERS) {
            // The own port is known to the server alone, and it has to be in its answer.
            let there = trap.address().port();
            let server = HttpServer::with(move |request| {
                let here = port_of(request);
                response(status, &lines(location, here, there), "{}")
            });
            check(&transport, &server, &trap, status).await;
        }
    }
}

fn port_of(request: &Request) -> u16 {
    let host = request.header("host").unwrap();
    host.strip_prefix("127.0.0.1:").unwrap().parse().unwrap()
}

#[tokio::test]
async fn not_from_https_to_http() {
    let authority = CertificateAuthority::new("ours");
    let options = ReqwestOptions::new().with_ca_bundle(authority.pem());
    let transport = transport_of(service(&options), 4);
    let trap = IdleListener::new();
    for status in STATUSES {
        for location in ["http://localhost:THERE/", "//localhost:THERE/"] {
            let reply = response(status, &lines(location, 1, trap.address().port()), "{}");
            let server = HttpServer::start_tls(authority.server("localhost"), [reply]);
            check(&transport, &server, &trap, status).await;
        }
    }
}

/// With a success status, neither header is a redirect.
#[tokio::test]
async fn a_success_with_a_location_stays_where_it_is() {
    let transport = transport_of(service(&ReqwestOptions::new()), 4);
    let trap = IdleListener::new();
    for status in ["200 OK", "201 Created", "202 Accepted"] {
        let lines = lines("http://127.0.0.1:THERE/", 1, trap.address().port());
        let server = HttpServer::start([response(status, &lines, "{}")]);
        let how = SendOptions::new(Idempotency::Unsafe).with_authorizer(&Canary(KEY));
        let response = transport.send(post(server.url(), ""), how).await.unwrap();
        assert_eq!(response.body(), "{}");
        assert!(trap.is_untouched());
    }
}
