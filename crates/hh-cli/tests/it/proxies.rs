//! Proxies of other programs, plain HTTP to named hosts, and keys of self-hosted servers, as a user sees them.

use hh_testing::{HttpServer, IdleListener};

use crate::support::{Loopback, TestEnv};

const KEY: &str = "hh_1234567890abcdef1234567890abcdef";
/// A key with the checksum of a self-hosted server, in two parts, so that a scan for keys does not find it.
const LOCAL_KEY: &str = concat!("hh", "_Local0Server0Key0Local0Server0Key00CKnCr");

fn env_with_key() -> TestEnv {
    let mut env = TestEnv::new();
    env.set("HH_API_KEY", KEY);
    env
}

#[test]
fn proxies_of_other_programs_do_not_stop_commands() {
    let mut env = env_with_key();
    for (variable, value) in [
        ("HTTP_PROXY", "socks5://127.0.0.1:1080"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080"),
        ("NO_PROXY", "[::1],localhost"),
        ("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        ("https_proxy", "http://"),
        ("http_proxy", "ftp://user:hidden-word@proxy.example"),
        ("no_proxy", "foo.*;[::1]:8080 10.0.0.0/33"),
        ("HTTPS_PROXY", "PROXY proxy.example:3128; DIRECT"),
    ] {
        env.set(variable, value);
        let server = Loopback::answering(["200 OK\r\n\r\n{\"projects\": []}"]);
        let done = env.run(&["project", "list", "--base-url", &server.url()]);
        assert_eq!(
            (done.code, done.stderr.as_str()),
            (0, ""),
            "{variable}={value}"
        );
        for command in [["config", "list"], ["config", "validate"]] {
            let done = env.run(&command);
            assert_eq!(done.code, 0, "{variable}: {done:?}");
            assert!(!done.stdout.contains("hidden-word"), "{done:?}");
        }
        env.unset(variable);
    }
}

#[test]
fn an_unusable_proxy_that_would_be_used_is_named() {
    let mut env = env_with_key();
    env.set("HH_BASE_URL", "https://api.corp.invalid");
    env.set("ALL_PROXY", "socks5://user:hidden-word@127.0.0.1:1080");
    insta::assert_snapshot!(env.seen(&["project", "list"]), @"
    ! error: cannot use the proxy socks5://127.0.0.1:1080 from all_proxy (ALL_PROXY (environment)): SOCKS proxies are not supported
    ! | hint: set HH_PROXY_URL to the URL of an HTTP proxy, or add api.corp.invalid to NO_PROXY to connect without a proxy
    exit 4
    ");
    let done = env.run(&["doctor"]);
    let step = done.stdout.lines().find(|line| line.contains("proxy  "));
    assert!(
        step.unwrap()
            .contains("cannot use the proxy socks5://127.0.0.1:1080"),
        "{done:?}"
    );
    env.set("NO_PROXY", "*.corp.invalid");
    let done = env.run(&["project", "list"]);
    assert!(
        done.stderr.contains("the name does not resolve"),
        "{done:?}"
    );
}

#[test]
fn hosts_of_no_proxy_in_all_spellings_are_reached_directly() {
    let mut env = env_with_key();
    let proxy = IdleListener::new();
    env.set("HTTPS_PROXY", &proxy.url());
    env.set("HH_BASE_URL", "https://api.corp.invalid");
    env.set("HH_TIMEOUT", "2");
    for no_proxy in [
        "*.corp.invalid",
        "corp.invalid:443",
        "foo corp.invalid",
        "corp.invalid.",
        "FOO;.Corp.Invalid",
        "foo\tapi.corp.invalid",
        "*:443",
        "[::1],10.0.0.0/8,corp.invalid",
    ] {
        env.set("NO_PROXY", no_proxy);
        let done = env.run(&["project", "list"]);
        assert!(
            done.stderr.contains("the name does not resolve"),
            "{no_proxy}: {done:?}"
        );
        assert!(!done.stderr.contains("warning"), "{no_proxy}: {done:?}");
        assert!(proxy.is_untouched(), "{no_proxy}");
    }
    env.set("NO_PROXY", "api.*.invalid,corp.invalid:8443");
    let done = env.run(&["project", "list"]);
    assert!(!proxy.is_untouched());
    insta::assert_snapshot!(done.stderr.lines().next().unwrap(), @"warning: no_proxy (NO_PROXY (environment)) contains entries that are not a host, an address or a network, and are ignored: api.*.invalid");
}

/// The address 0.0.0.0 belongs to this machine but does not count as loopback.
#[test]
fn plain_http_to_a_named_host_prints_a_warning_at_every_start() {
    let mut env = env_with_key();
    let server = HttpServer::with(|request| match request.path() {
        "/projects" | "/v1/projects" => ("200 OK", br#"{"projects": []}"#.to_vec()),
        "/v1/events/export" => (
            "200 OK",
            br#"{"events": [], "totalEvents": 0, "count": 0}"#.to_vec(),
        ),
        _ => ("404 Not Found", Vec::new()),
    });
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    env.set("HH_BASE_URL", &url);
    let seen = |env: &TestEnv, arguments: &[&str]| env.seen(arguments).replace(&url, "[url]");
    insta::assert_snapshot!(seen(&env, &["project", "list"]), @"
    ! error: refused plain HTTP to 0.0.0.0: only loopback addresses are allowed without TLS
    ! | hint: use https; if every machine of the network may read the API key, add the host to insecure_http_hosts (HH_INSECURE_HTTP_HOSTS)
    exit 4
    ");
    assert!(server.take_requests().is_empty());
    env.set("HH_INSECURE_HTTP_HOSTS", "0.0.0.0");
    insta::assert_snapshot!(seen(&env, &["project", "list"]), @"
    NAME | ID | DESCRIPTION
    ! warning: requests to [server] are not encrypted (insecure_http_hosts from HH_INSECURE_HTTP_HOSTS (environment)): anyone on the network can read the API key and all data
    exit 0
    ");
    insta::assert_snapshot!(seen(&env, &["project", "list", "--quiet"]), @"
    NAME | ID | DESCRIPTION
    ! warning: the connection is not encrypted (insecure_http_hosts from HH_INSECURE_HTTP_HOSTS (environment))
    exit 0
    ");
    insta::assert_snapshot!(seen(&env, &["auth", "whoami"]), @"
    Authenticated as: unknown (not reported by this server)
    Organization: unknown (not reported by this server)
    Permissions: unknown (not reported by this server)
    Connection: not encrypted (insecure_http_hosts from HH_INSECURE_HTTP_HOSTS (environment))
    ! warning: requests to [server] are not encrypted (insecure_http_hosts from HH_INSECURE_HTTP_HOSTS (environment)): anyone on the network can read the API key and all data
    exit 0
    ");
    let whoami = env.json(&["auth", "whoami"]);
    assert_eq!(whoami["insecure_http"], true, "{whoami}");
    env.unset("HH_INSECURE_HTTP_HOSTS");
    env.write("honeyhive.yaml", "insecure_http_hosts: [0.0.0.0]\n");
    server.take_requests();
    let done = env.run(&["project", "list"]);
    assert!(
        done.stderr.contains("cannot set insecure_http_hosts"),
        "{done:?}"
    );
    assert!(server.take_requests().is_empty());
}

#[test]
fn a_key_of_a_self_hosted_server_is_not_sent_to_honeyhive() {
    let mut env = TestEnv::new();
    let trap = IdleListener::new();
    env.set("HTTPS_PROXY", &trap.url());
    env.set("HH_API_KEY", LOCAL_KEY);
    insta::assert_snapshot!(env.seen(&["project", "list"]), @"
    ! error: the key hh_Local*** from HH_API_KEY (environment) was created by a self-hosted server, but requests go to https://api.honeyhive.ai (default); nothing was sent
    ! | hint: set HH_BASE_URL to the address of the server that created the key
    exit 5
    ");
    for arguments in [
        &["auth", "whoami"][..],
        &["auth", "login", "--api-key", LOCAL_KEY],
        &[
            "session",
            "list",
            "--base-url",
            "https://api.dp1.us.honeyhive.ai",
        ],
    ] {
        let done = env.run(arguments);
        let all = format!("{}{}", done.stdout, done.stderr);
        assert!(all.contains("was created by a self-hosted server"), "{all}");
        assert!(all.contains("set HH_BASE_URL"), "{all}");
        assert!(!all.contains(&LOCAL_KEY[12..]), "{all}");
        assert_ne!(done.code, 0, "{all}");
    }
    assert!(trap.is_untouched());
    // Only the steps without a key connect to the server.
    let done = env.run(&["doctor"]);
    assert!(
        done.stdout.contains("was created by a self-hosted server"),
        "{done:?}"
    );
    let server = Loopback::answering(["200 OK\r\n\r\n{\"projects\": []}"]);
    let done = env.run(&["project", "list", "--base-url", &server.url()]);
    assert_eq!(done.code, 0, "{done:?}");
}
