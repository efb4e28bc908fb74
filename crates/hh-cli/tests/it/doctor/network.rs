//! Faults between this machine and a response of HoneyHive.

use hh_testing::{FilteredPort, IdleListener, closed_address};

use super::site::{Site, WELL};
use super::{assert_seen, env_with_key, run, seen};
use crate::support::TestEnv;

#[test]
fn all_is_well() {
    let site = Site::well();
    let env = env_with_key();
    let flags = ["--base-url", &site.url()];
    assert_seen!(seen(&env, &flags, &[(&site.host(), "[host]"), (&site.port().to_string(), "[port]")]), @"
    ok | configuration | [time] | no configuration file; requests go to http://[host] (--base-url)
    ok | proxy | [time] | no proxy is set
    ok | dns | [time] | localhost resolves to 127.0.0.1, ::1
    ok | tcp | [time] | 127.0.0.1:[port] is reachable, [::1]:[port]: connection refused
    skipped | tls | plain HTTP to this machine
    ok | health | [time] | GET /api/v1/health returned 200
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    ok | authentication | [time] | the server recognizes the key (identity not reported by this server)
    skipped | permissions | [time] | unknown (not reported by this server)
    skipped | clock | [time] | the server does not report its time
    ! No problems found
    exit 0
    ");
    // The client sends the key with its requests; the request before them has no key.
    let requests = site.requests();
    assert!(
        requests[0].starts_with("GET /api/v1/health "),
        "{requests:?}"
    );
    assert!(!requests[0].contains(KEY_START), "{requests:?}");
    assert!(requests.last().unwrap().contains(KEY_START));
}

const KEY_START: &str = "hh_1234567890";

#[test]
fn a_server_that_reports_the_identity() {
    let mut env = TestEnv::with_server();
    env.be_admin();
    let seen = seen(&env, &[], &[]);
    let seen = seen.replace(&env.url().replace("http://", ""), "[host]");
    let of_key =
        |line: &&str| line.contains("auth") || line.contains("perm") || line.contains("clock");
    let lines: Vec<_> = seen.lines().filter(of_key).collect();
    assert_seen!(lines.join("\n"), @"
    ok | authentication | [time] | the server recognizes the key as user@example.com of My Company
    ok | permissions | [time] | Admin in all projects; does not expire
    ok | clock | [time] | in sync with the server
    ");
}

// Feature S81.
#[test]
fn a_name_that_does_not_resolve() {
    let env = env_with_key();
    let flags = ["--base-url", "https://no-such-host.invalid"];
    assert_seen!(seen(&env, &flags, &[]), @"
    ok | configuration | [time] | no configuration file; requests go to https://no-such-host.invalid (--base-url)
    ok | proxy | [time] | no proxy is set
    failed | dns | [time] | cannot connect to no-such-host.invalid: the name does not resolve
             -> check the host in base_url (--base-url), and whether other names resolve on this machine (VPN, /etc/resolv.conf)
    skipped | tcp | requires dns
    skipped | tls | requires dns
    skipped | health | requires dns
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    skipped | authentication | requires health
    skipped | permissions | requires health
    skipped | clock | requires health
    ! error: dns: cannot connect to no-such-host.invalid: the name does not resolve
    ! | hint: check the host in base_url (--base-url), and whether other names resolve on this machine (VPN, /etc/resolv.conf)
    exit 4
    ");
}

// Feature S81.
/// The system call that queries the name server does not return in time.
#[test]
fn a_name_server_that_does_not_answer() {
    let env = env_with_key();
    let honeyhive = env!("CARGO_BIN_EXE_honeyhive");
    let slow = [
        "-f",
        "-e",
        "trace=connect",
        "-e",
        "inject=connect:delay_enter=8s",
        "-o",
        "calls",
    ];
    let command = [
        honeyhive,
        "doctor",
        "--base-url",
        "https://no-such-host.invalid",
    ];
    let mut strace = env.program("strace", &[&slow[..], &command].concat());
    let output = match strace.output() {
        Ok(output) => output,
        Err(error) => return skipped("strace", &error),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let dns = text
        .lines()
        .find(|line| line.starts_with("failed"))
        .unwrap();
    assert!(
        dns.ends_with(
            "cannot connect to no-such-host.invalid: no name server responded within 3 s"
        ),
        "{text}"
    );
    assert_eq!(output.status.code(), Some(4));
}

#[expect(
    clippy::print_stdout,
    reason = "a skipped test prints that it is skipped"
)]
fn skipped(program: &str, error: &std::io::Error) {
    let is_ci = std::env::var_os("CI").is_some();
    assert!(!is_ci, "{program} cannot be run: {error}");
    println!("skipped: {program} cannot be run ({error})");
}

// Feature S81.
#[test]
fn a_port_that_is_refused() {
    let env = env_with_key();
    let closed = closed_address().to_string();
    let flags = ["--base-url", &format!("http://{closed}")];
    assert_seen!(seen(&env, &flags, &[(&closed, "[host]")]), @"
    ok | configuration | [time] | no configuration file; requests go to http://[host] (--base-url)
    ok | proxy | [time] | no proxy is set
    ok | dns | [time] | 127.0.0.1 is an IP address
    failed | tcp | [time] | [host]: connection refused
             -> start the server (`honeyhive server start`), or correct base_url (--base-url)
    skipped | health | requires tcp
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    skipped | authentication | requires health
    skipped | permissions | requires health
    skipped | clock | requires health
    ! error: tcp: [host]: connection refused
    ! | hint: start the server (`honeyhive server start`), or correct base_url (--base-url)
    exit 4
    ");
}

// Feature S81.
#[test]
fn a_port_that_is_filtered() {
    let env = env_with_key();
    let filtered = FilteredPort::new();
    let host = filtered.address().to_string();
    let flags = ["--base-url", &format!("http://{host}")];
    assert_seen!(seen(&env, &flags, &[(&host, "[host]")]), @"
    ok | configuration | [time] | no configuration file; requests go to http://[host] (--base-url)
    ok | proxy | [time] | no proxy is set
    ok | dns | [time] | 127.0.0.1 is an IP address
    failed | tcp | [time] | [host]: no connection within 3 s
             -> check whether a firewall blocks the connection or the host is down; if this network requires a proxy, set https_proxy; otherwise check base_url (--base-url)
    skipped | health | requires tcp
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    skipped | authentication | requires health
    skipped | permissions | requires health
    skipped | clock | requires health
    ! error: tcp: [host]: no connection within 3 s
    ! | hint: check whether a firewall blocks the connection or the host is down; if this network requires a proxy, set https_proxy; otherwise check base_url (--base-url)
    exit 4
    ");
}

/// The client uses the second address, so there is no fault.
#[test]
fn a_host_with_several_addresses_of_which_the_first_is_unreachable() {
    let filtered = FilteredPort::new();
    let port = filtered.address().port();
    let address = format!("[::1]:{port}");
    if std::net::TcpListener::bind(&address).is_err() {
        return skipped_without_ipv6();
    }
    let site = Site::at(&address);
    let mut env = env_with_key();
    // A proxy variable of other programs does not apply to this machine.
    env.set("ALL_PROXY", "socks5://127.0.0.1:1080");
    let flags = ["--base-url", &format!("http://localhost:{port}")];
    assert_seen!(seen(&env, &flags, &[(&port.to_string(), "[port]")]), @"
    ok | configuration | [time] | no configuration file; requests go to http://localhost:[port] (--base-url)
    ok | proxy | [time] | no proxy: all_proxy does not apply to this machine
    ok | dns | [time] | localhost resolves to 127.0.0.1, ::1
    ok | tcp | [time] | 127.0.0.1:[port]: no connection within 250 ms, [::1]:[port] is reachable
    skipped | tls | plain HTTP to this machine
    ok | health | [time] | GET /api/v1/health returned 200
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    ok | authentication | [time] | the server recognizes the key (identity not reported by this server)
    skipped | permissions | [time] | unknown (not reported by this server)
    skipped | clock | [time] | the server does not report its time
    ! No problems found
    exit 0
    ");
    assert!(!site.requests().is_empty());
}

#[expect(
    clippy::print_stdout,
    reason = "a skipped test prints that it is skipped"
)]
fn skipped_without_ipv6() {
    println!("skipped: this machine has no IPv6 loopback address");
}

// Feature S81.
#[test]
fn a_server_that_never_answers() {
    let silent = IdleListener::new();
    let host = silent.address().to_string();
    let mut env = TestEnv::new();
    // The slowest case: a program that prints the key hangs too.
    env.write("config.yaml", "credential_command: [sleep, '60']\n");
    env.set("PATH", "/usr/bin:/bin");
    let flags = [
        "--config-file",
        "config.yaml",
        "--base-url",
        &format!("http://{host}"),
    ];
    assert_seen!(seen(&env, &flags, &[(&host, "[host]")]), @"
    ok | configuration | [time] | [home]/config.yaml (named file); requests go to http://[host] (--base-url)
    ok | proxy | [time] | no proxy is set
    ok | dns | [time] | 127.0.0.1 is an IP address
    ok | tcp | [time] | [host] is reachable
    skipped | tls | plain HTTP to this machine
    failed | health | [time] | connected to [host], but received no response within 3 s
             -> check base_url (--base-url); the server is overloaded or is not an HTTP server
    failed | key | [time] | credential_command from config.yaml:1:21 (named file): sleep printed no key within 10 s
             -> check the key and base_url; `honeyhive config list` shows where they came from
    skipped | authentication | requires health
    skipped | permissions | requires health
    skipped | clock | requires health
    ! error: health: connected to [host], but received no response within 3 s
    ! | hint: check base_url (--base-url); the server is overloaded or is not an HTTP server
    exit 4
    ");
}

// Feature S81.
#[test]
fn a_proxy_that_wants_a_password() {
    let proxy = Site::new(|_| "407 Proxy Authentication Required\r\n\r\n".to_owned());
    assert_seen!(proxied(&proxy, ""), @"
    ok | configuration | [time] | no configuration file; requests go to https://api.test.invalid (--base-url)
    ok | proxy | [time] | [proxy], set by https_proxy (HTTPS_PROXY (environment))
    ok | dns | [time] | 127.0.0.1 is an IP address
    ok | tcp | [time] | [proxy] is reachable
    failed | tunnel | [time] | cannot connect to api.test.invalid: the proxy [proxy] requires a user name and a password (407)
             -> set proxy_username and proxy_password
    ! error: tunnel: cannot connect to api.test.invalid: the proxy [proxy] requires a user name and a password (407)
    ! | hint: set proxy_username and proxy_password
    exit 4
    ");
    assert_seen!(proxied(&proxy, "user:hidden-word@"), @"
    ok | configuration | [time] | no configuration file; requests go to https://api.test.invalid (--base-url)
    ok | proxy | [time] | [proxy], set by https_proxy (HTTPS_PROXY (environment))
    ok | dns | [time] | 127.0.0.1 is an IP address
    ok | tcp | [time] | [proxy] is reachable
    failed | tunnel | [time] | cannot connect to api.test.invalid: the proxy [proxy] rejected the user name or password (407)
             -> correct proxy_username and proxy_password
    ! error: tunnel: cannot connect to api.test.invalid: the proxy [proxy] rejected the user name or password (407)
    ! | hint: correct proxy_username and proxy_password
    exit 4
    ");
}

// Feature S81.
#[test]
fn a_proxy_that_refuses_the_host() {
    let proxy = Site::new(|_| "403 Forbidden\r\n\r\n".to_owned());
    assert_seen!(proxied(&proxy, "user:hidden-word@"), @"
    ok | configuration | [time] | no configuration file; requests go to https://api.test.invalid (--base-url)
    ok | proxy | [time] | [proxy], set by https_proxy (HTTPS_PROXY (environment))
    ok | dns | [time] | 127.0.0.1 is an IP address
    ok | tcp | [time] | [proxy] is reachable
    failed | tunnel | [time] | cannot connect to api.test.invalid: the proxy [proxy] refused to connect to the server (status 403)
             -> ask the operator of the proxy to allow the host, or add the host to no_proxy if it is reachable directly; the proxy was set by https_proxy (HTTPS_PROXY (environment))
    ! error: tunnel: cannot connect to api.test.invalid: the proxy [proxy] refused to connect to the server (status 403)
    ! | hint: ask the operator of the proxy to allow the host, or add the host to no_proxy if it is reachable directly; the proxy was set by https_proxy (HTTPS_PROXY (environment))
    exit 4
    ");
}

/// Returns the steps of a connection through a proxy.
fn proxied(proxy: &Site, user: &str) -> String {
    let mut env = env_with_key();
    let host = format!("127.0.0.1:{}", proxy.port());
    env.set("HTTPS_PROXY", &format!("http://{user}{host}"));
    let flags = ["--base-url", "https://api.test.invalid"];
    let seen = seen(&env, &flags, &[(&host, "[proxy]")]);
    assert!(!seen.contains("hidden-word"), "{seen}");
    assert!(proxy.requests()[0].starts_with("CONNECT api.test.invalid:443 "));
    let is_of_network = |line: &&str| !line.contains("skipped") && !line.contains(" key ");
    seen.lines()
        .filter(is_of_network)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_proxy_that_is_not_used_and_why() {
    let closed = closed_address();
    let mut env = env_with_key();
    env.set("HH_PROXY_URL", "http://proxy.test.invalid:1");
    let line = |env: &TestEnv, url: &str| {
        let seen = seen(env, &["--base-url", url], &[]);
        let line = seen.lines().find(|line| line.contains("proxy |"));
        line.unwrap().to_owned()
    };
    assert_seen!(line(&env, &format!("http://{closed}")), @"ok | proxy | [time] | no proxy: proxy_url does not apply to this machine");
    env.set("NO_PROXY", "test.invalid");
    assert_seen!(line(&env, "https://api.test.invalid"), @"ok | proxy | [time] | no proxy: no_proxy (NO_PROXY (environment)) contains the host, so proxy_url does not apply");
}

#[test]
fn a_captive_portal() {
    let page = "200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome! Please log in</html>";
    let env = env_with_key();
    for health in [
        page,
        "511 Network Authentication Required\r\n\r\n",
        "302 Found\r\nLocation: https://user:hidden-word@wifi.test/?token=hidden-word\r\n\r\n",
        "302 Found\r\nLocation: https://wifi.test/login?to=here\r\n\r\n",
    ] {
        let site = Site::with_health(health);
        let seen = seen(
            &env,
            &["--base-url", &site.url()],
            &[(&site.host(), "[host]")],
        );
        assert!(!seen.contains("hidden-word"), "{seen}");
        let lines: Vec<_> = seen
            .lines()
            .skip_while(|line| !line.contains("health"))
            .collect();
        insta::allow_duplicates! { if health == page { assert_seen!(lines.join("\n"), @"
        failed | health | [time] | received a web page instead of an API response: the login page of this network, or the website of the server
                 -> open http://example.com in a browser and log in to the network; if there is no login page, correct base_url (--base-url)
        ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
        skipped | authentication | requires health
        skipped | permissions | requires health
        skipped | clock | requires health
        ! error: health: received a web page instead of an API response: the login page of this network, or the website of the server
        ! | hint: open http://example.com in a browser and log in to the network; if there is no login page, correct base_url (--base-url)
        exit 4
        "); } }
        assert!(seen.contains("log in to the network"), "{seen}");
        assert!(seen.ends_with("exit 4"), "{seen}");
        // A server that responds instead of HoneyHive does not receive the key.
        assert!(
            site.requests()
                .iter()
                .all(|request| !request.contains(KEY_START))
        );
    }
}

#[test]
fn a_base_url_with_a_wrong_path() {
    let site = Site::well();
    let env = env_with_key();
    let flags = ["--base-url", &format!("{}/v2", site.url())];
    let seen = seen(&env, &flags, &[(&site.host(), "[host]")]);
    let lines: Vec<_> = seen
        .lines()
        .skip_while(|line| !line.contains("health"))
        .collect();
    assert_seen!(lines.join("\n"), @"
    failed | health | [time] | GET /v2/api/v1/health returned 404, but GET /api/v1/health returned 200: the path in base_url is wrong
             -> correct base_url (--base-url): set it to http://[host]
    ok | key | [time] | hh_12345***, a project key, from HH_API_KEY (environment)
    skipped | authentication | requires health
    skipped | permissions | requires health
    skipped | clock | requires health
    ! error: health: GET /v2/api/v1/health returned 404, but GET /api/v1/health returned 200: the path in base_url is wrong
    ! | hint: correct base_url (--base-url): set it to http://[host]
    exit 4
    ");
}

// Feature S82.
#[test]
fn any_response_counts_as_reachable() {
    let env = env_with_key();
    for (status, shown) in [
        ("200 OK", "GET /api/v1/health returned 200"),
        ("204 No Content", "GET /api/v1/health returned 204"),
        (
            "401 Unauthorized",
            "reachable: GET /api/v1/health returned 401",
        ),
        (
            "404 Not Found",
            "reachable, but GET /api/v1/health returned 404",
        ),
        (
            "429 Too Many Requests",
            "reachable: GET /api/v1/health returned 429",
        ),
        (
            "503 Service Unavailable",
            "reachable, but GET /api/v1/health returned 503",
        ),
    ] {
        let site = Site::with_health(&format!("{status}\r\n\r\n"));
        let done = run(&env, &["--base-url", &site.url()]);
        assert_eq!(done.code, 0, "{done:?}");
        let line = done
            .stdout
            .lines()
            .find(|line| line.contains("health "))
            .unwrap();
        // The line contains the duration.
        assert!(line.contains(shown) && line.contains("ms "), "{line}");
    }
    let json = {
        let site = Site::well();
        env.json(&["doctor", "--base-url", &site.url()])
    };
    let steps = json["steps"].as_array().unwrap();
    let health = steps.iter().find(|step| step["name"] == "health").unwrap();
    assert_eq!(
        (&health["state"], health["millis"].is_number()),
        (&"ok".into(), true)
    );
    assert_eq!((&json["ok"], &json["exit_code"]), (&true.into(), &0.into()));
}

#[test]
fn a_clock_that_is_wrong() {
    let env = env_with_key();
    for (minutes, way) in [(10, "behind"), (-10, "ahead of")] {
        let site = Site::with_health(&dated(minutes * 60));
        let seen = seen(&env, &["--base-url", &site.url()], &[]);
        let lines: Vec<_> = seen
            .lines()
            .skip_while(|line| !line.contains("clock"))
            .collect();
        insta::allow_duplicates! { assert_seen!(lines.join("\n").replace(way, "[way]"), @"
        failed | clock | [time] | the clock of this machine is 10 min [way] the server: local time [when], server time [when]
                 -> correct the clock of this machine (`timedatectl set-ntp true`), unless the clock of the server is wrong; a wrong clock affects certificates, the expiry of keys and the times of spans
        ! error: clock: the clock of this machine is 10 min [way] the server: local time [when], server time [when]
        ! | hint: correct the clock of this machine (`timedatectl set-ntp true`), unless the clock of the server is wrong; a wrong clock affects certificates, the expiry of keys and the times of spans
        exit 1
        "); }
    }
    let site = Site::with_health(&dated(4 * 60));
    assert_eq!(run(&env, &["--base-url", &site.url()]).code, 0);
}

/// Returns a health response of a server whose clock is this many seconds ahead.
fn dated(ahead: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let then = i64::try_from(now.unwrap().as_secs()).unwrap() + ahead;
    let date = jiff::Timestamp::from_second(then).unwrap();
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT");
    WELL.replacen("\r\n", &format!("\r\nDate: {date}\r\n"), 1)
}

#[test]
fn plain_http_to_another_machine() {
    let env = env_with_key();
    let seen = seen(&env, &["--base-url", "http://api.test.invalid"], &[]);
    assert_seen!(seen.lines().skip(1).take(2).collect::<Vec<_>>().join("\n"), @"
    failed | proxy | [time] | refused plain HTTP to api.test.invalid: only loopback addresses are allowed without TLS
             -> change base_url (--base-url): use https; if every machine of the network may read the API key, add the host to insecure_http_hosts (HH_INSECURE_HTTP_HOSTS)
    ");
    assert!(seen.ends_with("exit 4"), "{seen}");
}
