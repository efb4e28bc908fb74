//! README.md and the first guide work exactly as printed: a reader can paste each line of them into one shell.
//!
//! A stub replaces `cargo`, because a test cannot build the workspace that it runs in. Lines with `cargo` succeed and
//! print nothing. All other programs are the real ones.

use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;

use hh_testing::{HttpServer, TestEnv, response, run};

use super::shell::Shell;
use super::support::profile_dir;

/// The address of the server in the guide, which is the default.
const ADDRESS: &str = "127.0.0.1:8642";

#[test]
fn readme_and_the_first_guide_can_be_pasted_line_by_line() {
    if let Err(error) = TcpListener::bind(ADDRESS) {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!is_ci, "{ADDRESS} cannot be used: {error}");
        println!("skipped: {ADDRESS} cannot be used ({error})");
        return;
    }
    // Requests to all servers outside this machine would use this proxy.
    let outside = HttpServer::start([response("502 Bad Gateway", "", "")]);
    let env = checkout(&outside);
    let mut leak = env.command(profile_dir().join("honeyhive"));
    leak.args(["project", "list"])
        .env("HH_API_KEY", "hh_1234567890abcdef1234567890abcdef")
        .env("HH_MAX_RETRIES", "0");
    assert_eq!(run(&mut leak).code, 4);
    assert_eq!(outside.connections(), 1);

    let mut command = env.command("bash");
    command.current_dir(env.path("honeyhive"));
    let mut shell = Shell::start(&mut command, env.root());
    let readme = shell.paste(include_str!("../../README.md"));
    assert!(readme > 2, "README.md has too few commands");
    let guide = shell.paste(include_str!("../../docs/guides/get-started.md"));
    assert!(guide > 12, "the guide has too few commands");

    // The last commands of the guide remove everything that the others have created.
    let is_stopped = TcpListener::bind(ADDRESS).is_ok();
    assert!(is_stopped, "the server is still running");
    for name in ["admin.key", "docs.key", ".local/share/honeyhive/server"] {
        assert!(!env.path(name).exists(), "{name} still exists");
    }
    assert_eq!(outside.connections(), 1, "{:?}", outside.request_texts());
}

/// Creates an empty home, and in it a directory that looks like a checkout of this repository after a build.
fn checkout(proxy: &HttpServer) -> TestEnv {
    let mut env = TestEnv::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::create_dir_all(env.path("honeyhive/target")).unwrap();
    for name in ["docs", "crates"] {
        symlink(repository.join(name), env.path("honeyhive").join(name)).unwrap();
    }
    symlink(profile_dir(), env.path("honeyhive/target/debug")).unwrap();
    env.write("stubs/cargo", "#!/bin/sh\n");
    env.set_mode("stubs/cargo", 0o755);
    let path = format!("{}:/usr/bin:/bin", env.path("stubs").display());
    env.set("PATH", &path);
    env.set("HTTPS_PROXY", proxy.url());
    env.set("TZ", "UTC");
    env
}
