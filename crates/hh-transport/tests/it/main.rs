//! Tests of the transport over real sockets on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod bodies;
mod bundles;
mod canary;
mod echo;
mod gzip;
mod insecure_http;
mod interruptions;
mod probe;
mod proxy;
mod proxy_refusals;
mod redirects;
mod responses;
mod retry_after;
mod slow_responses;
mod spellings;
mod stages;
mod table;
mod tls;
mod truncation;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hh_transport::{Request, ReqwestOptions, ReqwestService, RetryPolicy, Transport};

fn transport() -> Transport {
    transport_with(ReqwestService::new(&ReqwestOptions::new()).unwrap())
}

/// Returns a retry policy without delays.
fn transport_with(service: ReqwestService) -> Transport {
    transport_of(service, 4)
}

/// Returns a policy with this number of attempts, without delays.
fn transport_of(service: ReqwestService, attempts: u32) -> Transport {
    let retry = RetryPolicy::new()
        .with_max_attempts(attempts)
        .with_backoff(Duration::ZERO, Duration::ZERO);
    Transport::builder(Arc::new(service))
        .with_retry(retry)
        .build()
}

fn service(options: &ReqwestOptions) -> ReqwestService {
    ReqwestService::new(options).unwrap()
}

fn get(url: &str) -> Request {
    http::Request::get(url).body(Bytes::new()).unwrap()
}

fn post(url: &str, body: &'static str) -> Request {
    http::Request::post(url)
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap()
}

#[test]
fn no_file_is_forgotten() {
    let main = include_str!("main.rs");
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || main.contains(&format!("mod {module};\n")),
            "{name}"
        );
    }
}
