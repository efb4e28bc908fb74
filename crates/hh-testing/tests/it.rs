//! Tests of the helpers that other tests use.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use hh_testing::{HttpServer, IdleListener, Reply, TestEnv, closed_address, run, run_with_input};

/// Sends a request and returns the whole response.
fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn an_idle_listener_notices_a_connection() {
    let listener = IdleListener::new();
    assert!(listener.is_untouched());
    let connection = TcpStream::connect(listener.address()).unwrap();
    assert!(!listener.is_untouched());
    drop(connection);
    assert!(listener.is_untouched());
}

#[test]
fn nothing_listens_at_a_closed_address() {
    assert!(TcpStream::connect(closed_address()).is_err());
}

#[test]
fn a_server_sends_its_replies_in_order_and_repeats_the_last() {
    let server = HttpServer::start(["503 Busy\r\nx: y\r\n\r\n", "200 OK\r\n\r\nbody"]);
    let request =
        "POST /path HTTP/1.1\r\nAuthorization: Bearer key\r\nContent-Length: 5\r\n\r\nhello";
    let responses = [(); 3].map(|()| exchange(server.address(), request));
    assert_eq!(
        responses,
        [
            "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\nx: y\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody",
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbody",
        ]
    );
    assert_eq!(server.sent(), responses.concat());
    let requests = server.take_requests();
    assert_eq!((requests.len(), server.requests().len()), (3, 0));
    assert_eq!(requests[2].number, 2);
    assert_eq!(requests[2].path(), "/path");
    assert_eq!(requests[2].bearer(), Some("key"));
    assert_eq!(requests[2].body, b"hello");
    assert_eq!(requests[2].text(), request);
}

#[test]
fn a_stopped_server_has_served_every_connection_made_before() {
    let mut server = HttpServer::start([Reply::Reset]);
    let streams = [(); 20].map(|()| TcpStream::connect(server.address()).unwrap());
    drop(streams);
    server.stop();
    assert_eq!((server.connections(), server.requests().len()), (20, 0));
    assert!(TcpStream::connect(server.address()).is_err());
}

#[test]
fn a_command_sees_only_the_variables_of_its_environment() {
    let mut env = TestEnv::new();
    env.set("NAME", "first");
    env.set("NAME", "second");
    env.set("OTHER", "value");
    env.unset("OTHER");
    let done = run(&mut env.command("/usr/bin/env"));
    let mut lines: Vec<_> = done.stdout.lines().collect();
    lines.sort_unstable();
    let home = format!("HOME={}", env.root().display());
    let bus = "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent";
    assert_eq!(lines, [bus, &home, "NAME=second"]);
    assert_eq!(env.variable("NAME"), Some("second"));
}

#[test]
fn a_command_gets_its_input_and_reports_its_exit_code() {
    let env = TestEnv::new();
    let mut shell = env.command("/bin/sh");
    shell.args(["-c", "cat; echo end >&2; exit 3"]);
    let done = run_with_input(&mut shell, "text").unwrap();
    assert_eq!(
        (done.code, &*done.stdout, &*done.stderr),
        (3, "text", "end\n")
    );
}
