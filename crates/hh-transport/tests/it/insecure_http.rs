//! Plain HTTP to hosts that the caller names.

use std::sync::Arc;

use hh_testing::{HttpServer, IdleListener, response};
use hh_transport::{
    Idempotency, NoProxy, Probe, ProxyOptions, ReqwestOptions, ScriptedService, SendOptions,
    Transport, TransportErrorKind,
};
use http::StatusCode;

use crate::canary::{Canary, KEY};
use crate::{get, service};

const HOSTS: [&str; 4] = ["server.corp", "10.0.0.5", "[fd00::1]", "0.0.0.0"];

fn hosts() -> Vec<String> {
    HOSTS.map(str::to_owned).to_vec()
}

/// The address 0.0.0.0 belongs to this machine but does not count as loopback.
#[cfg(unix)]
#[tokio::test]
async fn a_named_host_is_reached_and_gets_the_key() {
    let server = HttpServer::start([response("200 OK", "", "hello")]);
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    // The proxy must not see the key, so it is not used.
    let trap = IdleListener::new();
    let proxy = ProxyOptions::parse(&trap.address().to_string()).unwrap();
    let options = ReqwestOptions::new().with_proxy(proxy.with_no_proxy(NoProxy::default()));
    let transport = Transport::builder(Arc::new(service(&options)))
        .with_insecure_http_hosts(hosts())
        .build();
    let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
    let sent = transport.send(get(&url), how).await;
    assert_eq!(sent.unwrap().body(), "hello");
    assert!(server.request_texts()[0].contains(KEY));
    assert!(trap.is_untouched());

    let uri = url.parse().unwrap();
    assert!(Probe::new(&options, &uri).is_err());
    let probe = Probe::with_insecure_http_hosts(&options, &uri, &hosts()).unwrap();
    assert_eq!(probe.get("/").await.unwrap().status, 200);
    assert!(!server.request_texts()[1].contains(KEY));
}

#[tokio::test]
async fn only_the_exact_names_and_addresses_are_allowed() {
    let service = ScriptedService::new();
    let transport = Transport::builder(Arc::new(service.clone()))
        .with_insecure_http_hosts(hosts())
        .build();
    let send = |host: &str| {
        let service = service.clone().with_answer(StatusCode::OK, "");
        let transport = transport.clone();
        let request = get(&format!("http://{host}/path"));
        async move {
            let before = service.requests().len();
            let how = SendOptions::new(Idempotency::Safe).with_authorizer(&Canary(KEY));
            let sent = transport.send(request, how).await;
            (sent, service.requests().len() - before)
        }
    };
    for host in [
        "server.corp",
        "SERVER.corp",
        "server.corp:8080",
        "10.0.0.5",
        "10.0.0.5:8642",
        "[fd00::1]",
        "[FD00::1]:8080",
        "localhost",
        "127.0.0.1",
    ] {
        let (result, count) = send(host).await;
        assert!(result.is_ok(), "{host}: {result:?}");
        assert_eq!(count, 1, "{host}");
    }
    for host in [
        "api.server.corp",
        "server.corp.evil.test",
        "xserver.corp",
        "server.corp.",
        "corp",
        "10.0.0.50",
        "10.0.0.6",
        "[::ffff:10.0.0.5]",
        "[fd00:0::1]",
        "[fd00::2]",
    ] {
        let (result, count) = send(host).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::Insecure, "{host}");
        assert_eq!(count, 0, "{host}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_setting() {
    let transport = crate::transport();
    let sent = transport.send(
        get("http://server.corp/"),
        SendOptions::new(Idempotency::Safe),
    );
    insta::assert_snapshot!(sent.await.unwrap_err().to_line(), @"refused plain HTTP to server.corp: only loopback addresses are allowed without TLS; use https; if every machine of the network may read the API key, add the host to insecure_http_hosts (HH_INSECURE_HTTP_HOSTS)");
}
